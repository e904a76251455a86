"""The grader on the command line: its reports, its options, and what lies among the submissions."""

import csv
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest

from tests.grading.sheet.rubric import CRITERIA, EXERCISES, TOTAL

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "submissions"
POINTS = {criterion.id: criterion.points for criterion in CRITERIA}
RIGHT = (EXAMPLES / "right" / "plain.py").read_text()


def run_pytest(*arguments):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/test_solution.py",
        "-p",
        "no:cacheprovider",
        "--time-limit",
        "2",
    ]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", cwd=ROOT
    )


@pytest.fixture
def some_class(tmp_path):
    """A folder of submissions, two of them hostile."""
    folder = tmp_path / "class"
    folder.mkdir()
    for name in (
        "right/einsum",
        "wrong/no_relu",
        "hostile/kill_parent",
        "hostile/writes_everywhere",
        "right/plain",
    ):
        (folder / f"{Path(name).name}.py").write_bytes((EXAMPLES / f"{name}.py").read_bytes())
    return folder


TOTALS = {"einsum": TOTAL, "kill_parent": 0, "plain": TOTAL, "writes_everywhere": TOTAL}
TOTALS["no_relu"] = TOTAL - POINTS["1.hidden"] - POINTS["2.hidden"]


def test_all_reports_agree(tmp_path, some_class):
    files = [tmp_path / "grades.csv", tmp_path / "pages", tmp_path / "junit.xml"]
    run = run_pytest(
        "--solution", some_class, "--grades", files[0], "--feedback", files[1], "--junitxml", files[2]
    )
    assert run.returncode == 1, run.stdout + run.stderr
    rows = list(csv.DictReader(files[0].open(encoding="utf-8")))
    assert {row["submission"]: float(row["total"]) for row in rows} == TOTALS
    assert [row["submission"] for row in rows] == sorted(TOTALS)
    assert rows[2]["exercise_1"] == f"{EXERCISES[1].points - POINTS['1.hidden']:g}"
    assert "no activation" in rows[2]["feedback"]
    totals = dict.fromkeys(TOTALS, 0)
    for case in ElementTree.parse(files[2]).iter("testcase"):
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        totals[properties["submission"]] += float(properties["points"])
    assert totals == TOTALS
    for name, total in TOTALS.items():
        page = (tmp_path / "pages" / f"{name}.html").read_text(encoding="utf-8")
        assert f"{total} of {TOTAL} points" in page
        line = next(line for line in run.stdout.splitlines() if line.startswith(name))
        assert str(total) in line.split()
    assert "(The same mistake as in exercise 1.)" in (tmp_path / "pages" / "no_relu.html").read_text(
        encoding="utf-8"
    )
    assert "mean" in run.stdout
    assert "activation: none" in run.stdout


def test_one_submission(tmp_path):
    run = run_pytest(
        "--solution", EXAMPLES / "wrong" / "mean_over_pixels.py", "--grades", tmp_path / "results.json"
    )
    assert run.returncode == 1
    assert "Your loss is 784 times too small: it averages over the pixels as well." in run.stdout
    total = TOTAL - POINTS["1.error"]
    assert f"Total: {total:g}/{TOTAL:g}" in run.stdout
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results["score"] == sum(test["score"] for test in results["tests"]) == total
    assert sum(test["max_score"] for test in results["tests"]) == TOTAL
    assert {test["status"] for test in results["tests"]} == {"passed", "failed"}


@pytest.mark.parametrize("k", [1, 2])
def test_an_empty_part_of_a_class_is_no_failure(tmp_path, k):
    path = tmp_path / "part.csv"
    solution = EXAMPLES / "right" / "plain.py"
    done = run_pytest("--solution", solution, "--shard", f"{k}/2", "--seed", 1, "--grades", path)
    assert done.returncode == 0, done.stdout
    assert len(path.read_text().splitlines()) == 3 - k


def test_what_cannot_be_written_is_an_exit_status(tmp_path, monkeypatch):
    pages = tmp_path / "pages"
    code = f"""
from pathlib import Path
def pytest_sessionstart():  # once the options are checked
    Path({str(pages)!r}).rmdir()
    Path({str(pages)!r}).write_text("in the way")
"""
    (tmp_path / "in_the_way.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = run_pytest("-p", "in_the_way", "--solution", EXAMPLES / "right" / "plain.py", "--feedback", pages)
    assert done.returncode == 3, done.stdout
    assert "pages was not written: File exists." in done.stdout


def test_the_reference_earns_everything():
    run = run_pytest()
    assert run.returncode == 0, run.stdout
    assert f"Total: {TOTAL:g}/{TOTAL:g}" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--grades", "grades.xlsx"], "--grades writes .csv or .json files, not grades.xlsx"),
        (["--solution", "nowhere.py"], "nowhere.py does not exist"),
        (["--solution", "requirements.txt"], "is no .py file, no notebook, no archive and no folder"),
        (["--time-limit", "0"], "--time-limit and --memory-limit must be positive"),
        (["--jobs", "0"], "--jobs is a number of submissions, 1 or more"),
        (["--grades", "README.md/grades.csv"], "README.md can't be written: File exists"),
        (["--feedback", "README.md"], "README.md can't be written: File exists"),
    ],
)
def test_bad_options_are_one_sentence(arguments, words):
    run = run_pytest(*arguments)
    assert run.returncode == 4
    assert words in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_gradescopes_json_from_two_processes(tmp_path, some_class):
    # pytest-xdist is optional; with it, nothing changes but the time.
    options = ["-n", "2", "-v"] if importlib.util.find_spec("xdist") else []
    run = run_pytest("--solution", some_class, "--grades", tmp_path / "grades.json", *options)
    assert run.returncode == 1, run.stdout + run.stderr
    if options:
        ran = re.findall(r"^\[(gw\d)\].*::test_criterion\[(.+)-\d\.\w+\]", run.stdout, re.MULTILINE)
        assert len(ran) == len(TOTALS) * len(CRITERIA)
        assert len(set(ran)) == len(TOTALS)  # each submission is run once, by one of the processes
    results = json.loads((tmp_path / "grades.json").read_text(encoding="utf-8"))
    assert {name: entry["score"] for name, entry in results.items()} == TOTALS
    assert list(results) == sorted(TOTALS)
    for entry in results.values():
        assert entry["score"] == sum(test["score"] for test in entry["tests"])
        assert sum(test["max_score"] for test in entry["tests"]) == TOTAL
        assert all((test["status"] == "passed") == (test["score"] > 0) for test in entry["tests"])


# ---------------------------------------------------------------- what lies among the submissions


EVIL = "import os, pathlib\npathlib.Path({mark!r}).write_text('executed')\n"
NAMES = (
    "conftest.py",
    "__init__.py",
    "sitecustomize.py",
    "torch.py",
    "numpy.py",
    "test_evil.py",
    "pluggy.py",
)


@pytest.fixture
def evil_class(tmp_path):
    """A folder of submissions with everything in it that pytest or Python would like to run by itself."""
    folder, mark = tmp_path / "class", tmp_path / "mark"
    for place in (folder, folder / "anna", folder / "tests", folder / "test_ben"):
        place.mkdir()
        for name in NAMES:
            (place / name).write_text(EVIL.format(mark=str(mark)))
        (place / "evil.py").write_text(EVIL.format(mark=str(mark)))
        for name in ("pytest.ini", "tox.ini", "setup.cfg"):
            (place / name).write_text("[pytest]\naddopts = -p evil\n[tool:pytest]\naddopts = -p evil\n")
        (place / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "-p evil"\n')
    (folder / "anna" / "solution.py").write_text(RIGHT)
    return folder, mark


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_nothing_that_was_handed_in_is_imported_by_pytest(evil_class, tmp_path, joined, elsewhere):
    folder, mark = evil_class
    command = [sys.executable, "-m", "pytest", str(ROOT / "tests/test_solution.py"), "-p", "no:cacheprovider"]
    command += [f"--solution={folder}"] if joined else ["--solution", str(folder)]
    run = subprocess.run(command, cwd=tmp_path if elsewhere else ROOT, capture_output=True, text=True)
    assert "anna" in run.stdout and f"{TOTAL:g}" in run.stdout, run.stdout + run.stderr
    assert not mark.exists()


def test_the_other_order_is_refused_in_a_sentence(evil_class):
    folder = evil_class[0] / "anna"
    for path in folder.iterdir():
        if path.name not in ("conftest.py", "solution.py"):
            path.unlink()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    command += ["-c", str(ROOT / "pyproject.toml"), "--solution", str(folder), "tests/test_solution.py"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 4
    assert "was loaded by pytest: write tests/test_solution.py before --solution" in run.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_nohup_is_respected(tmp_path):
    (tmp_path / "a.py").write_text("import time\ntime.sleep(2)\n")
    (tmp_path / "b.py").write_text(RIGHT)
    command = [sys.executable, "-m", "pytest", "tests/test_solution.py", "-p", "no:cacheprovider"]
    run = subprocess.Popen(
        [*command, "--solution", str(tmp_path), "--jobs", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    for line in run.stdout:
        if line.startswith("submission "):
            break
    run.send_signal(signal.SIGHUP)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 1 and "mean" in output


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_after_an_end_in_the_middle_it_goes_on(tmp_path, name):
    folder, grades = tmp_path / "class", tmp_path / "grades.csv"
    folder.mkdir()
    (folder / "a.py").write_text(RIGHT)
    (folder / "b.py").write_text("import time\ntime.sleep(1000)\n")
    (folder / "c.py").write_text(RIGHT)
    (folder / "d.py").write_text(RIGHT)
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "pytest", "tests/test_solution.py", "-p", "no:cacheprovider"]
    command += ["--solution", str(folder), "--grades", str(grades), "--feedback", str(tmp_path / "pages.zip")]
    run = subprocess.Popen(
        [*command, "--time-limit", "300", "--jobs", "2"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
        start_new_session=True,
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),  # it may be ignored here
    )
    for line in run.stdout:
        if line.startswith("a "):
            break
    time.sleep(8)  # b hangs, and c and d are graded beside it
    os.killpg(run.pid, getattr(signal, name))  # as a terminal does
    output, _ = run.communicate(timeout=60)
    assert [row["submission"] for row in csv.DictReader(grades.open(encoding="utf-8"))] == ["a", "c", "d"]
    assert "3 of 4 submissions are graded" in output and "The same command goes on" in output
    assert list((tmp_path / "tmp").glob("submission-*")) == []
    (folder / "b.py").write_text(RIGHT)
    (folder / "d.py").write_text(RIGHT + "print('changed')\n")
    run = subprocess.run([*command, "--time-limit", "300"], cwd=ROOT, capture_output=True, text=True)
    assert "2 of 4 were graded before" in run.stdout
    rows = list(csv.DictReader(grades.open(encoding="utf-8")))
    assert {row["submission"]: row["total"] for row in rows} == dict.fromkeys("acdb", str(TOTAL))
    with zipfile.ZipFile(tmp_path / "pages.zip") as pages:
        assert len(pages.namelist()) == 4
    assert not (tmp_path / "grades.csv.unfinished").exists()


@pytest.mark.parametrize("options", [["--jobs", "2"], ["-n", "2"]], ids=" ".join)
def test_a_class_is_a_line_for_each(some_class, options):
    if options[0] == "-n" and not importlib.util.find_spec("xdist"):
        pytest.skip("pytest-xdist is optional")
    run = run_pytest("--solution", some_class, *options)
    lines = run.stdout.splitlines()
    for name in TOTALS:
        assert len([line for line in lines if line.startswith(name)]) == 1
    assert "FAILED" not in run.stdout and "%" not in run.stdout
    assert next(i for i, line in enumerate(lines) if line.startswith("plain")) < lines.index(
        next(line for line in lines if " grades " in line)
    )
    assert next(line for line in lines if line.startswith("no_relu")).count("no activation") == 1
    assert len(lines) < 40
