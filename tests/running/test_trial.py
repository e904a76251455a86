"""The trial at the start: what fails there is no submission's fault."""

import pytest

from tests.examples import RIGHT
from tests.grading.running import sandbox as sandboxes
from tests.grading.running.process import SandboxError

from .support import LIMITS, grades_right


@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (
            "def work():\n    1 / 0",
            r"fails here at `1 / 0` \(ZeroDivisionError: division by zero\)\. So nobody is graded",
        ),
        ("import os\ndef work():\n    os._exit(0)", "dies"),
        ("raise ImportError('none')", r"fails here at .*\(ImportError: none\)"),
    ],
)
def test_where_a_right_submission_fails_nobody_is_graded(new_sandbox, monkeypatch, bare, trial, why):
    monkeypatch.setattr(sandboxes, "TRIAL", trial)
    with (
        new_sandbox(levels=[bare.level]) as sandbox,
        pytest.raises(SandboxError, match=f"A right submission {why}"),
    ):
        sandbox.start()


def test_what_is_not_installed_or_not_used_is_not_tried(new_sandbox, monkeypatch):
    failing = "        raise OSError('no fonts')\n"
    assert sandboxes.TRIAL.endswith('plt.savefig("x.png")\n')
    monkeypatch.setattr(sandboxes, "TRIAL", sandboxes.TRIAL + failing)
    with new_sandbox(LIMITS, ["nothing_like_this"]) as sandbox:
        assert grades_right(sandbox, f"import nothing_like_this\n{RIGHT}")
    with (
        new_sandbox(LIMITS, ["matplotlib.pyplot"], levels=[sandbox.level]) as sandbox,
        pytest.raises(SandboxError, match="no fonts"),
    ):
        sandbox.start()
