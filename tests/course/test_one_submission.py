"""pytest for one submission: a test for each criterion, and nothing that was handed in is imported."""

import importlib.util
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.examples import EXAMPLES, RIGHT
from tests.grading.sheet.rubric import CRITERIA, TOTAL

ROOT = Path(__file__).parents[2]
POINTS = {criterion.id: criterion.points for criterion in CRITERIA}


def run_pytest(*arguments, cwd=ROOT):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=cwd)


def test_one_submission_in_another_process(tmp_path):
    processes = ["-n", "1"] if importlib.util.find_spec("xdist") else []
    wrong, junit = EXAMPLES / "wrong" / "mean_over_pixels.py", tmp_path / "junit.xml"
    run = run_pytest("tests/test_solution.py", f"--solution={wrong}", f"--junitxml={junit}", *processes)
    assert run.returncode == 1
    assert "Your loss is 784 times too small: it averages over the pixels as well." in run.stdout
    total = TOTAL - POINTS["1.error"]
    assert run.stdout.count(f"Total: {total:g}/{TOTAL:g}") == 1
    assert f"1 failed, {len(CRITERIA) - 1} passed" in run.stdout
    found = []
    for case in ElementTree.parse(junit).iter("testcase"):
        found.append({p.get("name"): p.get("value") for p in case.iter("property")})
        assert (case.find("failure") is not None) == (found[-1]["points"] != found[-1]["max_points"])
    assert sum(float(one["points"]) for one in found) == total
    assert {one["criterion"]: float(one["max_points"]) for one in found} == POINTS
    assert {one["submission"] for one in found} == {"mean_over_pixels"}
    assert {one["exercise"] for one in found} == {"1", "2", "3"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--solution", ""], "--solution is empty"),
        (["--solution=nowhere.py"], "--solution: nowhere.py does not exist"),
        (
            ["--solution=tests/submissions/right"],
            "holds the work of 31 people. A class is graded by: python -m",
        ),
        (
            ["--solution=solution.py", "--solution=tests/submissions/right/plain.py"],
            "A class is graded by: python -m tests.grading",
        ),
        # as a shell writes out --solution tests/submissions/right/*.py
        (
            ["--solution", "tests/submissions/right/cdist.py", "tests/submissions/right/class.py"],
            "right/class.py is no test, and --solution takes one path. A class is graded by: python",
        ),
    ],
)
def test_wrong_use_is_one_sentence(arguments, words, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert pytest.main(["-p", "no:cacheprovider", "tests/test_solution.py", *arguments]) == 4
    said = capsys.readouterr().err
    assert words in said and len(said.strip().splitlines()) == 1


# ---------------------------------------------------------------- what lies beside a submission

EVIL = "import pathlib\npathlib.Path({mark!r}).write_text('executed')\n"
NAMES = ("conftest.py", "__init__.py", "sitecustomize.py", "torch.py", "numpy.py", "test_x.py", "pluggy.py")


@pytest.fixture
def evil(tmp_path):
    """A right submission beside everything that pytest or Python would like to run by itself."""
    folder, mark = tmp_path / "anna", tmp_path / "mark"
    for place in (folder, folder / "tests"):
        place.mkdir()
        for name in (*NAMES, "evil.py"):
            (place / name).write_text(EVIL.format(mark=str(mark)))
    (folder / "solution.py").write_text(RIGHT)
    return folder, mark


def add_settings(folder):
    for name in ("pytest.ini", "tox.ini", "setup.cfg"):
        (folder / name).write_text("[pytest]\naddopts = -p evil\n[tool:pytest]\naddopts = -p evil\n")
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "-p evil"\n')


@pytest.mark.parametrize(
    ("form", "elsewhere"),
    [
        ("TESTS --solution=PATH", False),
        ("TESTS --solution PATH", True),
        ("--solution=PATH TESTS", True),
        ("--solution PATH TESTS", True),
    ],
)
def test_nothing_that_was_handed_in_is_imported_by_pytest(evil, tmp_path, form, elsewhere):
    folder, mark = evil
    if (
        form != "--solution PATH TESTS"
    ):  # pytest takes the settings of the first path, before any code of ours
        add_settings(folder)
    if elsewhere and "[" in str(ROOT):
        pytest.skip("pytest takes brackets in a path for the parameters of a test")
    tests = str(ROOT / "tests/test_solution.py") if elsewhere else "tests/test_solution.py"
    arguments = [one.replace("TESTS", tests).replace("PATH", str(folder)) for one in form.split()]
    only = [] if not elsewhere else ["--collect-only"]  # what it would import is imported then
    run = run_pytest(*arguments, *only, cwd=tmp_path if elsewhere else ROOT)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(CRITERIA)} {'tests collected' if only else 'passed'}" in run.stdout and not mark.exists()
    assert only or ("points of anna" in run.stdout and f"Total: {TOTAL:g}/{TOTAL:g}" in run.stdout)


def test_nothing_that_was_handed_in_is_imported_by_the_command(evil, tmp_path):
    folder, mark = evil
    add_settings(folder)
    run = subprocess.run(
        [sys.executable, "-m", "tests.grading", folder], cwd=ROOT, capture_output=True, text=True
    )
    assert f"Total: {TOTAL:g}/{TOTAL:g}" in run.stdout, run.stdout + run.stderr
    assert not mark.exists()


# ---------------------------------------------------------------- pytest alone, with a student's solution.py


def test_where_solution_py_is_a_students_only_its_points_are_told(tmp_path):
    """It is graded first, never imported, and what tests the model solution is skipped with one sentence."""
    project, mark = tmp_path / "project", tmp_path / "mark"
    examples = shutil.ignore_patterns("submissions", "__pycache__")
    shutil.copytree(ROOT / "tests", project / "tests", ignore=examples)
    shutil.copy(ROOT / "tests" / "submissions" / "expected.json", project)
    (project / "tests" / "submissions").mkdir()
    shutil.move(project / "expected.json", project / "tests" / "submissions")
    shutil.copytree(EXAMPLES / "right", project / "tests" / "submissions" / "right")
    shutil.copytree(ROOT / "data", project / "data", ignore=shutil.ignore_patterns("MNIST"))
    if (ROOT / "data" / "MNIST").exists():
        (project / "data" / "MNIST").symlink_to(ROOT / "data" / "MNIST")
    for name in ("pyproject.toml", "exercise_sheet_8.ipynb"):
        shutil.copy(ROOT / name, project)
    student = (EXAMPLES / "wrong" / "no_relu.py").read_text(encoding="utf-8")
    (project / "solution.py").write_text(
        f"{student}\ntry:\n    open({str(mark)!r}, 'w')\nexcept OSError:\n    pass\n"
    )
    notebook = "tests/notebook/test_notebook.py::test_every_code_cell_was_run_in_order"
    tests = [notebook, "tests/test_functions.py", "tests/reporting/test_pages.py", "tests/test_solution.py"]
    run = run_pytest(*tests, cwd=project)
    assert run.returncode == 1, run.stdout + run.stderr
    lost = TOTAL - POINTS["1.hidden"] - POINTS["2.hidden"]
    assert f"Total: {lost:g}/{TOTAL:g} points" in run.stdout
    assert " 2 failed" in run.stdout and "error" not in run.stdout.splitlines()[-1]
    first = next(line for line in run.stdout.splitlines() if ".py " in line)
    assert first.startswith("tests/test_solution.py F")
    reasons = [line for line in run.stdout.splitlines() if line.startswith("SKIPPED")]
    assert sum("solution.py is not the model solution" in line for line in reasons) == 1
    assert not mark.exists()
