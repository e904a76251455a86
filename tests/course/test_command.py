"""The command that grades a class, in this process: made-up grades instead of a sandbox."""

import functools
import os
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.grading.course import command, pool
from tests.grading.course.command import main
from tests.grading.course.outputs import Files
from tests.grading.course.progress import Progress
from tests.grading.judging.result import Cause, Grade, Result, Status
from tests.grading.running.process import SandboxError
from tests.grading.sheet.rubric import CRITERIA, TOTAL
from tests.reporting.made_up import ALL, HIDDEN, graded, rows, undecided

ROOT = Path(__file__).parents[2]
LONG = Cause(
    "none", "Your hidden layer has no activation, so that the whole network is linear and can't " * 2
)
LOST = {"ben": graded("ben", {"1.hidden"}), "cy": graded("cy", {"1.hidden", "3.own"})}
LOST["dora"] = graded(
    "dora", ALL, Cause("syntax", "Your file is not valid Python."), status=Status.IMPORT_FAILED
)
LOST["eve"] = undecided("eve")


@pytest.fixture
def class_of(tmp_path, monkeypatch):
    """Makes a folder of submissions, whose grades are those of `LOST`, or full."""

    def fake(submission, _, probes):
        found = LOST.get(submission.name) or Grade("", [Result(criterion) for criterion in CRITERIA])
        return replace(found, name=submission.name, seed=probes.seed)

    monkeypatch.setattr(pool, "grade", fake)
    nothing = functools.partial(pool.EndableSandbox, fork=False)  # which starts nothing by itself
    monkeypatch.setattr(command, "EndableSandbox", nothing)
    monkeypatch.setenv("COLUMNS", "80")

    def make(*names):
        folder = tmp_path / "class"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / f"{name}.py").write_text("def reconstruct(x, V, W, b, a):\n    pass\n")
        return str(folder)

    return make


def run(*arguments):
    return main([str(argument) for argument in arguments])


def wrong_use(capsys, *arguments):
    """The one sentence that is said."""
    with pytest.raises(SystemExit) as end:
        run(*arguments)
    assert end.value.code == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


def test_the_help_fits_on_one_screen_and_has_an_example(capsys):
    with pytest.raises(SystemExit) as end:
        run("--help")
    lines = capsys.readouterr().out.splitlines()
    assert end.value.code == 0 and len(lines) <= 24 and max(map(len, lines)) <= 80
    assert any("submissions/ --grades grades.csv --feedback pages/" in line for line in lines)
    text = "\n".join(lines)
    for option in ("grades", "feedback", "summary", "worksheet", "override", "shard", "jobs", "seed"):
        assert f"--{option} " in text
    assert "--time-limit S " in text and "--memory-limit GIB " in text and "merge grades.csv" in text


def test_a_class_is_a_row_for_each_and_a_summary(class_of, capsys, tmp_path):
    files = [tmp_path / "grades.csv", tmp_path / "pages", tmp_path / "s.html"]
    folder = class_of("anna", *LOST)
    assert run(folder, "--grades", files[0], "--feedback", files[1], "--summary", files[2], "--seed", 7) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if not line.startswith("Written")) < 80
    for name in ("anna", *LOST):
        assert len([line for line in lines if line.startswith(name)]) == 1
    shown = {line.split()[0]: line.split() for line in lines if line}
    assert shown["anna"][1:] == ["15", "10", "10", f"{TOTAL}"]
    assert shown["eve"][1:5] == ["-"] * 4 and "look" in shown["eve"]
    assert shown["dora"][4:7] == ["0", "import", "failed:"]
    mean = sum(grade.total for grade in LOST.values()) + TOTAL
    assert shown["mean"][-1] == f"{mean / 4:.1f}"  # who has no points yet is in no mean
    assert "    2  none: Your hidden layer has no activation." in lines
    assert lines[lines.index("To look at by a human: 1") + 1] == "  eve: Which one?"
    assert [f"Written: {file}" for file in files] == [line for line in lines if line.startswith("Written")]
    assert "--seed 7" in lines[-1]
    assert [row["total"] for row in rows(files[0])] == ["35", "32", "30", "0", ""]
    assert sorted(os.listdir(files[1])) == sorted(f"{name}.html" for name in ("anna", *LOST))


def test_one_submission_is_told_criterion_by_criterion_in_80_columns(class_of, capsys, monkeypatch):
    monkeypatch.setitem(LOST, "ben", graded("ben", {"1.hidden"}, LONG, late=True))
    assert run(Path(class_of("ben"), "ben.py")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"Total: {TOTAL - HIDDEN}/{TOTAL} points" in lines
    assert len([line for line in lines if line.startswith(("  ok", "  LOST"))]) == len(CRITERIA)
    assert max(map(len, lines)) < 80 and "LATE, as the course's system says." in lines


def test_of_one_submission_it_is_said_once_why_to_look_at_it(class_of, capsys):
    assert run(Path(class_of("eve"), "eve.py")) == 0
    assert capsys.readouterr().out.count("Which one?") == 1


def test_a_shells_glob_is_many_paths(class_of, capsys, tmp_path):
    folder = Path(class_of("anna", "ben"))
    assert run(*sorted(folder.iterdir()), "--grades", tmp_path / "g.csv") == 0
    assert [row["total"] for row in rows(tmp_path / "g.csv")] == [f"{TOTAL:g}", f"{TOTAL - HIDDEN:g}"]


def test_shards_together_are_the_class_and_each_draws_its_own_inputs(class_of, capsys, tmp_path):
    folder, parts = class_of(*"abcde"), [tmp_path / f"part{k}.csv" for k in (1, 2, 3)]
    (tmp_path / "o.csv").write_text("submission,criterion,points,reason\nb,total,3,\n")
    for k, part in enumerate(parts, 1):
        assert run(folder, "--shard", f"{k}/3", "--grades", part, "--override", tmp_path / "o.csv") == 0
        assert "not used" not in capsys.readouterr().out  # b is in another shard
    assert [[row["submission"] for row in rows(part)] for part in parts] == [["a", "d"], ["b", "e"], ["c"]]
    assert run("merge", tmp_path / "grades.csv", *parts) == 0
    found = rows(tmp_path / "grades.csv")
    assert [row["submission"] for row in found] == list("abcde")
    assert len({row["seed"] for row in found}) > 1
    assert "grades.csv has 5 submissions now." in capsys.readouterr().out


def test_a_shard_without_anybody_is_no_failure(class_of, capsys, tmp_path):
    assert run(class_of("anna"), "--shard", "2/2", "--grades", tmp_path / "part.csv") == 0
    assert "Nobody is in this shard of the class." in capsys.readouterr().out
    assert (tmp_path / "part.csv").read_text(encoding="utf-8-sig").startswith("submission,")
    assert run("merge", tmp_path / "g.csv", tmp_path / "part.csv") == 0


def test_tables_that_cannot_be_put_together(capsys, tmp_path):
    (tmp_path / "exam.csv").write_text("name,mark\n")
    for part, words in (("none.csv", "No such file"), ("exam.csv", "is no table of grades")):
        assert run("merge", tmp_path / "g.csv", tmp_path / part) == 3
        said = capsys.readouterr().err
        assert said.startswith("No table was written: ") and words in said
    assert not (tmp_path / "g.csv").exists()
    assert "required" in wrong_use(capsys, "merge", "g.csv")


@pytest.mark.skipif(os.name == "nt", reason="there is no such limit")
def test_a_full_disk_is_told_before_anybody_is_graded(tmp_path):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # an empty file can be made, but takes nothing
    try:
        with pytest.raises(ValueError, match="can't be written"):
            Files(grades=tmp_path / "grades.csv").check([])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: PATH"),
        (["anna.py", ""], "argument PATH: it is empty"),
        (["nowhere.py"], "nowhere.py does not exist"),
        (["requirements.txt"], "is no .py file, no notebook, no archive and no folder"),
        (["CLASS", "--grades", "grades.xlsx"], "--grades writes .csv files, not grades.xlsx"),
        (["CLASS", "--grades", ""], "--grades: it is empty"),
        (["CLASS", "--grades", "README.md/grades.csv"], "README.md/grades.csv can't be written: File exists"),
        (["CLASS", "--summary", "README.md/s.html"], "README.md/s.html can't be written: File exists"),
        (["CLASS", "--feedback", "README.md"], "README.md can't be written: File exists"),
        (["CLASS", "--summary", "solution.py"], "--summary writes .html files, not solution.py"),
        (["CLASS", "--worksheet", "none.csv"], "none.csv can't be read: No such file"),
        (["CLASS", "--override", "none.csv"], "none.csv can't be read: No such file"),
        (["CLASS", "--override", "README.md"], "needs the columns submission, criterion, points, reason"),
        (["CLASS", "--grades", "CLASS/binary.csv"], "binary.csv is no CSV file"),
        (["CLASS/a.zip", "--feedback", "CLASS/a.zip"], "a.zip is read, and would be overwritten"),
        (["CLASS", "--time-limit", "0"], "--time-limit: it is a number above 0, not '0'"),
        (["CLASS", "--memory-limit", "inf"], "it is a number above 0"),
        (["CLASS", "--jobs", "0"], "--jobs: it is a number above 0"),
        *((["CLASS", "--shard", k], "K/N, with K from 1 to N") for k in ("0/3", "4/3", "x", "1", "1/0")),
        (["CLASS", "--deadline", "2026-11-05"], "unrecognized arguments: --deadline"),
        (["CLASS", "--grade", "g.csv"], "unrecognized arguments: --grade"),
    ],
)
def test_wrong_use_is_one_sentence_and_leaves_nothing(class_of, capsys, monkeypatch, arguments, words):
    monkeypatch.chdir(ROOT)
    folder = Path(class_of("anna"))
    (folder / "binary.csv").write_bytes(b"PK\0\0")
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.write(folder / "anna.py", "solution.py")
    assert words in wrong_use(capsys, *(str(one).replace("CLASS", str(folder)) for one in arguments))
    assert sorted(os.listdir(folder)) == ["a.zip", "anna.py", "binary.csv"]


def test_what_cannot_be_written_is_an_exit_status(class_of, capsys, monkeypatch, tmp_path):
    folder, pages = class_of("anna", "ben"), tmp_path / "pages"
    right = pool.grade

    def in_the_way(*arguments):  # once the options are checked
        if pages.is_dir():
            pages.rmdir()
            pages.write_text("in the way")
        return right(*arguments)

    monkeypatch.setattr(pool, "grade", in_the_way)
    assert run(folder, "--feedback", pages, "--grades", tmp_path / "g.csv", "--jobs", 1) == 3
    said = capsys.readouterr().out
    assert f"{pages} was not written: File exists." in said and f"Written: {tmp_path / 'g.csv'}" in said


def test_a_machine_that_cannot_grade_is_an_exit_status_and_what_was_graded_is_kept(
    class_of, capsys, monkeypatch, tmp_path
):
    right = pool.grade

    def broken(submission, *more):
        if submission.name == "c":
            raise SandboxError("There are no processes.")
        return right(submission, *more)

    monkeypatch.setattr(pool, "grade", broken)
    assert run(class_of(*"abc"), "--grades", tmp_path / "g.csv", "--jobs", 1) == 3
    said = capsys.readouterr()
    assert said.err == "There are no processes.\n"
    assert "2 of 3 people are graded; these are not all." in said.out
    assert [row["submission"] for row in rows(tmp_path / "g.csv")] == ["a", "b"]


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_keeps_what_was_graded(class_of, capsys, monkeypatch, tmp_path, name):
    number = getattr(signal, name)
    outside = signal.signal(number, signal.SIG_DFL)  # it may be ignored here
    right, before = pool.grade, signal.getsignal(number)

    def interrupted(submission, *more):
        if submission.name == "c":
            os.kill(os.getpid(), number)
        return right(submission, *more)

    monkeypatch.setattr(pool, "grade", interrupted)
    folder = class_of(*"abcdefgh")
    status = run(folder, "--grades", tmp_path / "g.csv", "--feedback", tmp_path / "pages", "--jobs", 1)
    left = signal.signal(number, outside)
    assert status == 128 + number and left == before
    written = [row["submission"] for row in rows(tmp_path / "g.csv")]
    assert written == list("abcdefgh")[: len(written)] and len(written) < 8
    assert len(os.listdir(tmp_path / "pages")) == len(written)
    assert "Interrupted." in capsys.readouterr().err


class Terminal:
    """A terminal that keeps what is written to it."""

    encoding = "utf-8"

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_a_terminal_has_a_bar_with_the_time_to_go(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    screen = Terminal()
    names = ["anna", "名" * 20, "c" * 60]
    with Progress(names, screen) as progress:
        for name in names:
            progress.add(graded(name, {"1.hidden"}))
        progress.add_means([graded(name) for name in names])
    lines = [line for line in screen.text.replace("\r", "\n").split("\n") if line.strip()]
    assert any("3 of 3 graded" in line and line.rstrip().endswith("to go") for line in lines)
    found = [line for line in lines if line.startswith(("submission", "anna", "名", "ccc", "mean"))]
    assert len(found) == 5 and all("graded" not in line for line in found)
    assert all(len(line) + line.count("名") < 80 for line in found)
    assert {line.index("total") for line in found[:1]} == {
        line.index(f"{TOTAL - HIDDEN}") - 3 for line in found[1:2]
    }


def test_after_a_minute_it_is_said_once_how_long_a_class_may_take(monkeypatch):
    times = iter([0, 30, 61, 90, 120])
    monkeypatch.setattr("tests.grading.course.progress.time.monotonic", lambda: next(times))
    screen, names = Terminal(), [f"s{i}" for i in range(100)]
    with Progress(names, screen) as progress:
        for name in names[:4]:
            progress.add(graded(name))
    assert screen.text.count("50 min to go like this; a smaller --time-limit makes that shorter.") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_is_no_command_in_a_log_of_githubs(class_of, capsys, monkeypatch):
    names = ["::error::x", "##[error]y"]
    for name in names:
        monkeypatch.setitem(LOST, name, replace(undecided(name), late=True))
    assert run(class_of(*names)) == 0
    lines = capsys.readouterr().out.splitlines()
    for shown in (": :error::x ", "## [error]y "):
        assert sum(line.startswith((shown, f"  {shown.strip()}: ")) for line in lines) == 2
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in lines)
    assert sum("-  LATE to look at: Which one?" in line for line in lines) == 2


def test_the_module_is_the_command():
    command = [sys.executable, "-m", "tests.grading", "nowhere"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "python -m tests.grading: nowhere does not exist (--help lists the options)\n"
