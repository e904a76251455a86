"""Every command that the README, the hand-out's README or a docstring names can be run."""

import re
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
    "-m jupyter nbconvert --execute --to html": "-m jupyter nbconvert --to html --output-dir {tmp}"
    " exercise_sheet_8.ipynb",  # executed by test_notebook.py
    "-m jupyter lab": "-m jupyter lab --version",
    "-m tests.grading.handing_out.students": "-m tests.grading.handing_out.students {tmp}/sheet_8.zip",
    "-m pytest tests/test_solution.py": "-m pytest tests/test_solution.py -p no:cacheprovider"
    " --solution=tests/submissions/right/plain.py",
    "-m tests.grading merge": "-m tests.grading merge {tmp}/grades.csv {tmp}/part.csv",
    "-m tests.grading report": "-m tests.grading report {tmp}/part.csv --feedback {tmp}/pages/",
    "-m tests.grading ": "-m tests.grading tests/submissions/right/plain.py --grades {tmp}/grades.csv"
    " --feedback {tmp}/pages/",
    "-m tests.grading.handing_out.autograder": "-m tests.grading.handing_out.autograder {tmp}/autograder.zip",
    "tests/benchmark_training.py": "tests/benchmark_training.py 1 50",
    "tests/benchmark_detectors.py": "tests/benchmark_detectors.py 1 1 50",
    "tests/benchmark_grading.py": "tests/benchmark_grading.py 1",
}
# CI runs these before it runs this; the last is the beginning of a usage.
ELSEWHERE = ("-m venv", "-m pip", "-m pytest -n 2", "-m pytest\n", "-m pytest --nbval", '-m tests.grading"')
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


def run(command, folder):
    (folder / "part.csv").write_text("submission,total\nanna,35\n")
    arguments = SMALL[command].format(tmp=folder).split()
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


OF_OURS = [command for command in SMALL if "benchmark_" in command or "students" in command]


@pytest.mark.parametrize("command", [command for command in SMALL if command not in OF_OURS])
def test_it_runs(command, tmp_path):
    run(command, tmp_path)


@pytest.mark.parametrize("command", OF_OURS)
@pytest.mark.usefixtures("solution")
def test_what_needs_the_model_solution_runs(command, tmp_path):
    if command in NEED_MNIST and data.load_mnist()[0].is_sample:
        pytest.skip("needs the full MNIST")
    run(command, tmp_path)
