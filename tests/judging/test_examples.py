"""The examples get their golden verdicts, and each criterion is lost by one of them."""

import sys

import pytest

from tests.examples import EXPECTED, submissions, verdict
from tests.grading.handed_in.submission import imported_by
from tests.grading.judging.grade import grade
from tests.grading.running.forks import new_origin
from tests.grading.running.process import Limits
from tests.grading.running.sandbox import Sandbox
from tests.grading.sheet.rubric import CRITERIA


@pytest.fixture(scope="module")
def origin():
    """One import of torch for all examples."""
    with new_origin() as origin:
        yield origin if sys.platform.startswith("linux") else None


@pytest.fixture(scope="module")
def sandbox(origin):
    preload = imported_by([one for name, one in submissions().items() if name.startswith("right/")])
    with Sandbox(Limits(seconds=60), preload, origin=origin) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def short_sandbox(origin):
    """For those that never end: no other's verdict is to depend on the machine's speed."""
    with Sandbox(Limits(seconds=1), origin=origin) as sandbox:
        yield sandbox


def test_all_examples_have_a_verdict():
    assert set(submissions()) == set(EXPECTED)
    assert sum(name.startswith("right/") for name in EXPECTED) >= 25


# Functions that are only wrong are judged in this process, by test_same_verdict.py.
OF_THE_SANDBOX = [
    "functions_in_main_block.py", "helper_not_handed_in.py", "look_alike_names.py", "missing_and_misnamed.py",
    "name_typo.py", "notebook_overwritten.ipynb", "stateful.py", "syntax_error.py", "unknown_mistakes.py",
]  # fmt: skip
NAMES = [name for name in EXPECTED if name[:6] != "wrong/" or name[6:] in OF_THE_SANDBOX]


@pytest.mark.parametrize("name", NAMES)
def test_example_gets_its_golden_verdict(name, sandbox, short_sandbox):
    never_ends = "time" in EXPECTED[name].values()
    found = verdict(grade(submissions()[name], short_sandbox if never_ends else sandbox))
    if name.startswith("hostile/"):  # how it dies may differ from run to run; it never earns more
        assert set(EXPECTED[name]) <= set(found) and (EXPECTED[name] or not found)
    else:
        assert found == EXPECTED[name]


def test_right_examples_get_all_points():
    assert {name: lost for name, lost in EXPECTED.items() if name.startswith("right/") and lost} == {}
    assert [name for name, lost in EXPECTED.items() if name.startswith("wrong/") and not lost] == []


def test_each_criterion_is_lost_by_some_example_alone():
    lost_for_its_value = {
        criterion
        for name, lost in EXPECTED.items()
        if name.startswith("wrong/") and len(lost) < len(CRITERIA)
        for criterion in lost
    }
    assert lost_for_its_value == {criterion.id for criterion in CRITERIA}
