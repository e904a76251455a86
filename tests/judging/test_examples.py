"""The examples get their golden verdicts, and each criterion is lost by one of them."""

import pytest

from tests.examples import EXAMPLES, EXPECTED, verdict
from tests.grading.handed_in.reading import find_submissions
from tests.grading.handed_in.submission import imported_by
from tests.grading.judging.grade import grade
from tests.grading.running.process import Limits
from tests.grading.running.sandbox import Sandbox
from tests.grading.sheet.rubric import CRITERIA


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Limits(seconds=20), imported_by(find_submissions([EXAMPLES / "right"]))) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def short_sandbox():
    """For those that never end: no other's verdict is to depend on the machine's speed."""
    with Sandbox(Limits(seconds=2)) as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", EXPECTED)
def test_example_gets_its_golden_verdict(name, sandbox, short_sandbox):
    (submission,) = find_submissions([EXAMPLES / name])
    never_ends = "time" in EXPECTED[name].values()
    found = verdict(grade(submission, short_sandbox if never_ends else sandbox))
    if name.startswith("hostile/"):  # how it dies may differ from run to run; it never earns more
        assert set(EXPECTED[name]) <= set(found) and (EXPECTED[name] or not found)
    else:
        assert found == EXPECTED[name]


def test_all_examples_have_a_verdict():
    files = {
        p.relative_to(EXAMPLES).as_posix() for p in EXAMPLES.glob("*/*") if p.suffix in (".py", ".ipynb")
    }
    assert files == set(EXPECTED)
    assert sum(name.startswith("right/") for name in files) >= 25


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
