"""A class with real processes: its reports agree, and an end in the middle leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples import EXAMPLES, RIGHT
from tests.grading.sheet.rubric import CRITERIA, EXERCISES, TOTAL
from tests.reporting.made_up import rows

ROOT = Path(__file__).parents[2]
POINTS = {criterion.id: criterion.points for criterion in CRITERIA}
TOTALS = {"einsum": TOTAL, "kill_parent": 0, "plain": TOTAL, "writes_everywhere": TOTAL}
TOTALS["no_relu"] = TOTAL - POINTS["1.hidden"] - POINTS["2.hidden"]
COMMAND = [sys.executable, "-m", "tests.grading"]
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals")


def test_all_reports_agree(tmp_path):
    folder, grades, pages = tmp_path / "class", tmp_path / "grades.csv", tmp_path / "pages"
    folder.mkdir()
    for name in (
        "right/einsum",
        "wrong/no_relu",
        "hostile/kill_parent",
        "hostile/writes_everywhere",
        "right/plain",
    ):
        (folder / f"{Path(name).name}.py").write_bytes((EXAMPLES / f"{name}.py").read_bytes())
    command = [*COMMAND, folder, "--grades", grades, "--feedback", pages, "--time-limit", "2", "--jobs", "2"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stderr == ""
    found = rows(grades)
    assert {row["submission"]: float(row["total"]) for row in found} == TOTALS
    assert [row["submission"] for row in found] == sorted(TOTALS)
    assert found[2]["exercise_1"] == f"{EXERCISES[1].points - POINTS['1.hidden']:g}"
    assert "no activation" in found[2]["feedback"]
    for name, total in TOTALS.items():
        assert f"{total} of {TOTAL} points" in (pages / f"{name}.html").read_text(encoding="utf-8")
        (line,) = [line for line in run.stdout.splitlines() if line.startswith(name)]
        assert str(total) in line.split()
    assert "(The same mistake as in exercise 1.)" in (pages / "no_relu.html").read_text(encoding="utf-8")
    assert "mean" in run.stdout and "activation: none" in run.stdout and "%" not in run.stdout


@pytest.fixture
def begun(tmp_path):
    """Begins to grade a class of which b never ends, and waits until all others are graded."""
    folder, temporary = tmp_path / "class", tmp_path / "tmp"
    for place in (folder, temporary):
        place.mkdir()
    for name in "acd":
        (folder / f"{name}.py").write_text(RIGHT)
    (folder / "b.py").write_text("import time\ntime.sleep(1000)\n")
    command = [*COMMAND, folder, "--grades", tmp_path / "grades.csv", "--feedback", tmp_path / "pages"]
    started = []

    def begin(*options, **signals):
        run = subprocess.Popen(
            [*command, "--jobs", "2", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            preexec_fn=lambda: [signal.signal(getattr(signal, name), to) for name, to in signals.items()],
        )
        started.append(run)
        seen = set()
        for line in run.stdout:
            seen |= {line[:2]} & {"a ", "c ", "d "}
            if len(seen) == 3:
                return run
        raise AssertionError(f"it has ended with {run.wait()}")

    yield begin
    for run in started:
        if run.poll() is None:
            run.kill()


@POSIX
def test_after_an_end_in_the_middle_the_finished_rows_are_there_and_nothing_else(begun, tmp_path):
    run = begun("--time-limit", "300", SIGINT=signal.SIG_DFL)  # it may be ignored here
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    output, _ = run.communicate(timeout=30)
    assert run.returncode == 128 + signal.SIGINT, output
    assert "Interrupted." in output and "3 of 4 people are graded; these are not all." in output
    assert "Traceback" not in output
    assert [row["submission"] for row in rows(tmp_path / "grades.csv")] == ["a", "c", "d"]
    assert sorted(os.listdir(tmp_path / "pages")) == ["a.html", "c.html", "d.html"]
    assert os.listdir(tmp_path / "tmp") == []
    assert sorted(os.listdir(tmp_path)) == ["class", "grades.csv", "pages", "tmp"]
    if Path("/proc/self/environ").exists():  # no process of it is left, in whatever session
        marks = [f"TMPDIR={tmp_path / 'tmp'}".encode(), str(tmp_path / "class").encode()]
        for process in Path("/proc").glob("[0-9]*"):
            try:
                told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            except OSError:
                continue
            assert not any(mark in told for mark in marks), process


@POSIX
def test_nohup_is_respected(begun):
    run = begun("--time-limit", "1", SIGHUP=signal.SIG_IGN)
    run.send_signal(signal.SIGHUP)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 0 and "mean" in output and "to look at" in output
