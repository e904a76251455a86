"""The trial at the start: what fails there is no submission's fault."""

import pytest

from tests.examples import RIGHT
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.running import trial
from tests.grading.running.process import SandboxError

from .support import LIMITS, grades_right, output_of

FAILING = "\ndef fail():\n    import nothing_like_this\n"
WHY = "(ModuleNotFoundError: No module named 'nothing_like_this')"


def fails(monkeypatch, does, package):
    """Let the trial fail in this check, among the usual ones."""
    monkeypatch.setattr(trial, "SOURCE", trial.SOURCE + FAILING)
    others = [check for check in trial.CHECKS if check[0] != does]
    monkeypatch.setattr(trial, "CHECKS", [*others, (does, "fail", package)])


def test_where_a_right_submission_fails_nobody_is_graded(new_sandbox, monkeypatch):
    fails(monkeypatch, "plots", "matplotlib")
    with new_sandbox(LIMITS, ["matplotlib.pyplot"]) as sandbox, pytest.raises(SandboxError) as caught:
        grade(Submission("right", source=RIGHT), sandbox)
    assert str(caught.value).startswith(
        f"A right submission that plots fails here {WHY}. So nobody is graded."
    )


def test_a_check_that_ends_its_process_has_failed(new_sandbox, monkeypatch):
    monkeypatch.setattr(trial, "SOURCE", "import os\ndef fail():\n    os._exit(0)\n")
    monkeypatch.setattr(trial, "CHECKS", [("ends", "fail", "torch")])
    with new_sandbox() as sandbox, pytest.raises(SandboxError, match=r"that ends fails here \(it dies\)"):
        sandbox.start()


def test_where_torch_cant_be_imported_that_is_what_is_said(new_sandbox, monkeypatch):
    monkeypatch.setattr(trial, "SOURCE", "raise ImportError('none')")
    with new_sandbox() as sandbox, pytest.raises(SandboxError, match=r"imports torch fails here .*none"):
        sandbox.start()


def test_what_is_not_installed_or_not_used_is_not_tried(new_sandbox, monkeypatch):
    fails(monkeypatch, "flies", "nothing_like_this")
    with new_sandbox(LIMITS, ["nothing_like_this"]) as sandbox:
        assert output_of(sandbox, "import nothing_like_this") == ""
        assert sandbox.level is not None
    fails(monkeypatch, "plots", "matplotlib")
    with new_sandbox() as sandbox:
        assert grades_right(sandbox)


def test_every_check_is_a_function_of_the_file():
    assert all(f"def {function}():" in trial.SOURCE for _, function, _ in trial.CHECKS)
