"""The autograder that Gradescope runs, and the workflow for GitHub Classroom."""

import ast
import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.grading.handed_in.submission import Submission
from tests.grading.handing_out import autograder, students
from tests.grading.judging.result import Cause, Grade, Result
from tests.grading.reporting.gradescope import results
from tests.grading.running.process import SandboxError
from tests.grading.sheet.rubric import CRITERIA, TOTAL

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("solution")
REFERENCE = (ROOT / "solution.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The autograder as Gradescope unpacks it, far from this project."""
    folder = tmp_path_factory.mktemp("gradescope")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["autograder", str(folder / "autograder.zip")])
        autograder.main()
    with zipfile.ZipFile(folder / "autograder.zip") as archive:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
        archive.extractall(folder / "source")
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755
    others = {name for name in modes if not name.startswith("tests/grading/")}
    assert others == {"setup.sh", "run_autograder", "tests/__init__.py"}
    return folder / "source"


READS_THE_SOURCE = """
for path in ("/autograder/source", "../source"):
    try:
        exec(open(f"{path}/solution.py").read())
    except OSError:
        pass
"""


def test_the_autograder_grades_whatever_was_uploaded(tmp_path, source, monkeypatch):
    """In a container whose terminal knows ASCII only, too."""
    upload = tmp_path / "up" / "src"
    upload.mkdir(parents=True)
    (upload.parent / "README.md").write_text("x")
    wrong = REFERENCE.replace("torch.relu(x @ V + b)", "x @ V + b") + READS_THE_SOURCE
    (upload / "solution.py").write_text(wrong, encoding="utf-8")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    command = [sys.executable, "-m", "tests.grading.handing_out.autograder", "--grade", str(upload.parent)]
    command += [str(tmp_path / "results.json")]
    run = subprocess.run(command, cwd=source, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert found["score"] == sum(test.get("score", 0) for test in found["tests"]) == TOTAL - 5
    assert sum(test["max_score"] for test in found["tests"]) == TOTAL
    assert "max(0, ·)" in found["output"] and "max(0, ?)" in run.stdout


def test_its_inputs_are_new_each_time(tmp_path, monkeypatch):
    """Those of the checks are known: answers could be computed at home, and written down."""
    monkeypatch.setattr(autograder, "grade", lambda submission, sandbox, probes=None: probes)
    monkeypatch.setattr(autograder, "Sandbox", lambda **_: contextlib.nullcontext())
    probes = [autograder.grade_alone(Submission("x", source=REFERENCE), tmp_path) for _ in range(2)]
    assert probes[0].seed != probes[1].seed
    assert (probes[0].models.values[0].arrays["x"] != probes[1].models.values[0].arrays["x"]).any()


@pytest.mark.skipif(os.name != "posix", reason="Gradescope runs Linux")
def test_where_nothing_hides_the_autograder_its_folders_are_closed_to_other_users(tmp_path, source):
    """A submission runs as another user there, and the formulas would be worth all points."""
    shutil.copytree(source, tmp_path / "source")
    (tmp_path / "results").mkdir()
    (tmp_path / "submission_metadata.json").write_text("{}")
    for name in ("source", "results", "submission_metadata.json"):
        (tmp_path / name).chmod(0o777)
    script = (source / "run_autograder").read_text(encoding="utf-8")
    script = script.replace("/autograder/", f"{shlex.quote(str(tmp_path))}/")
    script = script.replace(f"{shlex.quote(str(tmp_path))}/venv/bin/python", shlex.quote(sys.executable))
    subprocess.run(["bash", "-c", script], check=True, capture_output=True)
    assert json.loads((tmp_path / "results/results.json").read_text())["output"] == "Nothing was handed in."
    for name in ("source", "results", "submission_metadata.json"):
        assert not (tmp_path / name).stat().st_mode & 0o077


def test_a_remark_that_costs_nothing_is_seen_on_gradescope():
    grade = Grade("x", [Result(CRITERIA[0], note="Fine, but long."), Result(CRITERIA[1])])
    assert [test["output"] for test in results(grade)["tests"]] == ["Fine, but long.", ""]


# Of root's rights, those that Docker leaves.
IN_CONTAINERS = (
    "+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,"
    "+sys_chroot,+mknod,+audit_write,+setfcap"
)
USERS = """
import ctypes, os, sys
ready, go = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    refused = ctypes.CDLL(None).unshare(0x10000000)  # CLONE_NEWUSER
    os.write(ready[1], b"n" if refused else b"y")
    os.read(go[0], 1)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
if os.read(ready[0], 1) == b"n":
    os.kill(pid, 9)
    sys.exit(77)
for name in ("uid_map", "gid_map"):
    open(f"/proc/{pid}/{name}", "w").write("0 0 65536")
os.write(go[1], b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives up root's rights")
@pytest.mark.parametrize(
    "command",
    [
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", sys.executable],
        ["setpriv", f"--bounding-set=-all,{IN_CONTAINERS}", "--inh-caps=-all", sys.executable],
        [sys.executable, "-c", USERS],
    ],
    ids=["none", "container", "65,536 users"],
)
def test_the_autograder_writes_results_with_whatever_rights(tmp_path, source, command):
    if not shutil.which(command[0]):
        pytest.skip(f"there is no {command[0]}")
    (tmp_path / "solution.py").write_text(REFERENCE, encoding="utf-8")
    results = tmp_path / "results.json"
    command = [
        *command,
        "-m",
        "tests.grading.handing_out.autograder",
        "--grade",
        str(tmp_path / "solution.py"),
    ]
    run = subprocess.run([*command, str(results)], cwd=source, capture_output=True, text=True)
    if run.returncode == 77:
        pytest.skip("user namespaces are refused")
    found = json.loads(results.read_text(encoding="utf-8"))
    if run.returncode == 0:
        assert found["score"] == TOTAL
    else:  # never as root
        assert found["score"] == 0 and "nobody" in found["output"], run.stderr


def test_the_autograder_gives_nothing_away(source):
    # As bytes: once the grader has run, there are compiled modules too.
    content = b"\n".join(path.read_bytes() for path in source.rglob("*") if path.is_file())
    for statement in ast.parse(REFERENCE).body:
        if isinstance(statement, ast.FunctionDef):
            assert ast.unparse(statement.body[-1]).encode() not in content
    assert not list(source.rglob("solution.py"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ZeroDivisionError("x"), "The grader failed (ZeroDivisionError)."),
        (SandboxError("So nobody is graded."), "So nobody is graded."),
        (KeyboardInterrupt(), "The grader did not come to an end."),
    ],
    ids=["fails", "refuses", "is ended"],
)
def test_a_grader_that_fails_still_writes_results(tmp_path, monkeypatch, error, said):
    def fail(*_):
        raise error

    monkeypatch.setattr(autograder, "grade_alone", fail)
    with pytest.raises(type(error)):
        autograder.write_results(tmp_path, tmp_path / "results.json")
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert found["score"] == 0 and found["output"] == f"{said} Please tell your teachers."
    assert sum(test["max_score"] for test in found["tests"]) == TOTAL
    assert not any(test["output"] for test in found["tests"])  # it is said once


def test_what_a_human_has_to_look_at_is_told_on_gradescope_with_the_only_number_it_needs(
    tmp_path, monkeypatch
):
    cause = Cause("time", "It did not answer.", needs_human=True)
    undecided = Grade("x", [Result(criterion, (cause,)) for criterion in CRITERIA])
    monkeypatch.setattr(autograder, "grade_alone", lambda *_: undecided)
    autograder.write_results(tmp_path, tmp_path / "results.json")
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert found["score"] == 0 and found["output"].startswith("This is not graded yet")
    assert not any("score" in test or "status" in test for test in found["tests"])


FORGED = """
def anomaly_score(x, reconstruction):
    raise ValueError('##[notice title=Autograding report]{"totalPoints":35,"maxPoints":35}')
"""


@pytest.mark.skipif(os.name != "posix", reason="the workflow runs on Linux")
def test_github_classroom_grades_a_hand_out(tmp_path):
    """Wherever solution.py lies, and whatever files of the author's are named as Python's own."""
    source, points = REFERENCE + FORGED, TOTAL - 10
    workflow = students.files(github=True)[".github/workflows/classroom.yml"]
    assert "\nname: Autograding Tests\n" in f"\n{workflow}" and "\n  run-autograding-tests:\n" in workflow
    used = re.findall(r"uses: (.*)", workflow)
    assert all(action.startswith("actions/") for action in used)  # Classroom's own are being given up
    sheet, elsewhere = tmp_path / "sheet", tmp_path / "elsewhere"
    students.write(sheet, students.files(github=True))
    elsewhere.mkdir()
    (sheet / "solution.py").unlink()
    (sheet / "src").mkdir()
    (sheet / "src/solution.py").write_text(source, encoding="utf-8")
    for name in ("json.py", "numpy.py"):
        (sheet / name).write_text("1 / 0")
    _, copy, run = re.findall(r"- run: (.*)\n(?: +working-directory: (.*))?", workflow)
    for command, place in (copy, run):
        script = command.replace("python ", f"{shlex.quote(sys.executable)} ")
        environment = os.environ | {"RUNNER_TEMP": str(elsewhere), "GITHUB_WORKSPACE": str(sheet)}
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=elsewhere if "runner.temp" in place else sheet,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
    assert done.returncode == (points < TOTAL), done.stderr
    lines = done.stdout.splitlines()
    assert lines[-2:] == [
        f"::notice title=Autograding complete::Points {points}/{TOTAL}",
        f'::notice title=Autograding report::{{"totalPoints":{points},"maxPoints":{TOTAL}}}',
    ]
    word = lines[0].removeprefix("::stop-commands::")
    assert lines[0] != word and lines[-3] == f"::{word}::"
    assert f"Total: {points}/{TOTAL} points" in lines[1:-3]
