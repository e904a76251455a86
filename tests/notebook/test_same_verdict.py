"""Check and grader say the same of each example: scripts by `import solution`, notebooks in IPython."""

import sys

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.examples import EXAMPLES, EXPECTED
from tests.grading.handed_in.reading import find_submissions
from tests.grading.handed_in.submission import imported_by
from tests.grading.judging.function import check_function
from tests.grading.judging.grade import grade
from tests.grading.judging.result import Status
from tests.grading.notebook import solution_file
from tests.grading.running.process import Limits
from tests.grading.running.sandbox import Sandbox
from tests.grading.sheet.rubric import FUNCTIONS

NAMES = [name for name in EXPECTED if not name.startswith("hostile/")]


@pytest.fixture(scope="module")
def submissions():
    folders = ("right", "wrong")
    return {
        f"{folder}/{one.file}": one for folder in folders for one in find_submissions([EXAMPLES / folder])
    }


@pytest.fixture(scope="module")
def sandbox(submissions):
    with Sandbox(Limits(seconds=20), imported_by([*submissions.values()])) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def new_shell():
    """Shells that keep no history and start no other programs."""
    quiet = Config({"HistoryManager": {"enabled": False}})

    def new():
        shell = InteractiveShell(config=quiet, user_ns={})
        shell.system = shell.system_piped = shell.enable_gui = lambda *_: None
        return shell

    return new


def by_the_check(submission, folder, new_shell, monkeypatch):
    """What the check says of each function that is there, loaded as a student's notebook does."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(solution_file, "PATH", folder / "solution.py")
    monkeypatch.delitem(sys.modules, "solution", raising=False)
    if submission.cells is None:
        solution_file.PATH.write_text(submission.source, encoding="utf-8")
        import solution

        names = vars(solution)
    else:
        shell = new_shell()
        for cell in submission.cells:
            shell.run_cell(cell)
        names = shell.user_ns
    torch.set_grad_enabled(True)
    return {n: check_function(names[f], n) for n, f in FUNCTIONS.items() if callable(names.get(f))}


@pytest.mark.parametrize("name", NAMES)
def test_the_check_says_what_the_grader_says(
    name, submissions, sandbox, new_shell, tmp_path, monkeypatch, capsys
):
    submission = submissions[name]
    if "random" in EXPECTED[name].values():
        pytest.skip("its numbers are others each time")
    graded = grade(submission, sandbox)
    checked = by_the_check(submission, tmp_path, new_shell, monkeypatch)
    if graded.status is Status.IMPORT_FAILED:
        assert solution_file.load_problem()
        return
    for number, results in checked.items():
        assert results == [r for r in graded.results if r.criterion.exercise == number]
    missing = {r.criterion.exercise for r in graded.results if r.mistake == "missing"}
    assert {*checked} == {*FUNCTIONS} - missing
    # (The sheet's own modules are there for the check alone.)
    assert graded.note or submission.cells or not solution_file.left_out_note()
