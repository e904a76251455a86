"""Every command that the README, the hand-out's README or a docstring names can be run."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import data

ROOT = Path(__file__).parent.parent
TEXTS = (
    "README.md",
    "tests/grading/handing_out/students.md",
    "tests/grading/README.md",
    "tests/*.py",
    "tests/grading/**/*.py",
)

# What a command begins with, and how it is run here: on little input.
SMALL = {
    "-m jupyter lab": "-m jupyter lab --version",
    "-m tests.grading.handing_out.students": "-m tests.grading.handing_out.students {tmp}/sheet_8.zip",
    "-m tests.grading merge": "-m tests.grading merge {tmp}/grades.csv {tmp}/part.csv",
    "-m tests.grading report": "-m tests.grading report {tmp}/part.csv --feedback {tmp}/pages/",
    "-m tests.grading ": "-m tests.grading tests/submissions/right/plain.py --grades {tmp}/grades.csv"
    " --feedback {tmp}/pages/",
    "-m tests.grading.handing_out.autograder": "-m tests.grading.handing_out.autograder {tmp}/autograder.zip",
    "tests/benchmark_training.py": "tests/benchmark_training.py 1 1000",
    "tests/benchmark_detectors.py": "tests/benchmark_detectors.py 1 1 200",
    "tests/benchmark_grading.py": "tests/benchmark_grading.py 1",
}
# Other tests run these, or CI before it runs this; the last is the beginning of a usage.
ELSEWHERE = (
    "-m jupyter nbconvert", "-m pytest tests/test_solution.py", "-m venv", "-m pip", "-m pytest -n 2",
    "-m pytest\n", "-m pytest --nbval", '-m tests.grading"',
)  # fmt: skip
NEED_MNIST = ("tests/benchmark_training.py", "tests/benchmark_detectors.py")


def named_commands():
    texts = [path.read_text(encoding="utf-8") for pattern in TEXTS for path in ROOT.glob(pattern)]
    pattern = r"python3? ((?:-m [a-z]|tests/\w)[^&`\n]*[`\n]?)"
    return {c for text in texts if text != Path(__file__).read_text() for c in re.findall(pattern, text)}


def test_each_is_run_somewhere():
    commands = named_commands()
    assert len(commands) > 8
    assert [c for c in commands if not c.startswith((*SMALL, *ELSEWHERE))] == []
    assert [s for s in SMALL if not any(c.startswith(s) for c in commands)] == []


def run(command, folder, monkeypatch):
    """In this process, where torch is imported already, if it is a program of this project."""
    (folder / "part.csv").write_text("submission,total\nanna,35\n")
    arguments = SMALL[command].format(tmp=folder).split()
    is_module = arguments[0] == "-m"
    if is_module and not arguments[1].startswith("tests."):
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", arguments[is_module:])
    run_it = runpy.run_module if is_module else runpy.run_path
    try:
        run_it(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        assert not end.code


OF_OURS = [command for command in SMALL if "benchmark_" in command or "students" in command]


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")  # it is run as if nothing were imported
@pytest.mark.parametrize("command", [command for command in SMALL if command not in OF_OURS])
def test_it_runs(command, tmp_path, monkeypatch):
    run(command, tmp_path, monkeypatch)


@pytest.mark.parametrize("command", OF_OURS)
@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
@pytest.mark.usefixtures("solution")
def test_what_needs_the_model_solution_runs(command, tmp_path, monkeypatch):
    if command in NEED_MNIST and data.load_mnist()[0].is_sample:
        pytest.skip("needs the full MNIST")
    run(command, tmp_path, monkeypatch)
