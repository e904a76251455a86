"""The hand-out: it gives nothing away, and a student gets from it to all points."""

import ast
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.util import run_sync

from tests.grading.handed_in.people import find_submissions
from tests.grading.handing_out import autograder, students
from tests.grading.judging.grade import grade
from tests.grading.judging.result import Grade, Result
from tests.grading.reporting.gradescope import results
from tests.grading.running.process import SandboxError
from tests.grading.running.sandbox import Sandbox
from tests.grading.sheet.rubric import CRITERIA, TOTAL

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "solution.py").read_text(encoding="utf-8")
NO_RELU_MEAN = """\
def get_objective_term(x, V, W, b, a):
    return ((x - ((x @ V + b) @ W + a)) ** 2).mean()
"""
HELPER = """\
import torch


def flattened(images):
    return images.flat(1)


def get_objective_term(x, V, W, b, a):
    return flattened(x).sum()
"""


def make(out):
    command = [sys.executable, "-m", "tests.grading.handing_out.students", str(out)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A fresh hand-out, with MNIST if this project has it."""
    out = tmp_path_factory.mktemp("student") / "sheet"
    assert make(out).returncode == 0
    if (ROOT / "data" / "MNIST").exists():
        shutil.copytree(ROOT / "data" / "MNIST", out / "data" / "MNIST")
    return out


@pytest.fixture
def stubs(folder):
    """The hand-out as a student gets it, whatever a test did to it before."""
    (folder / "solution.py").write_text(students.files()["solution.py"], encoding="utf-8")
    return folder


def graded(folder):
    (submission,) = find_submissions([folder / "solution.py"])
    with Sandbox() as sandbox:
        return grade(submission, sandbox)


def test_it_is_complete_and_says_how_to_start(folder):
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    files = {path for path in files if not path.startswith("data/MNIST")}
    assert files == set(students.files())
    assert {path for path in files if path.startswith("tests/") and "grading" not in path} == {
        "tests/__init__.py"
    }
    for words in ("pip install -r requirements.txt", "jupyter lab", "solution.py"):
        assert words in (folder / "README.md").read_text(encoding="utf-8")
    notebook = nbformat.read(folder / "exercise_sheet_8.ipynb", as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.metadata
        assert cell.cell_type != "code" or (not cell.outputs and cell.execution_count is None)


def test_what_its_texts_name_is_in_it():
    files = students.files()
    for path in ("README.md", "exercise_sheet_8.ipynb", "solution.py"):
        named = set(re.findall(r"\w+/[\w/]+\.(?:py|md|ipynb)", files[path]))
        assert named <= set(files), path


def test_what_a_student_installs_and_downloads_is_not_committed(folder):
    ignored = (folder / ".gitignore").read_text(encoding="utf-8").split()
    assert {".venv/", "data/MNIST/", "__pycache__/", ".ipynb_checkpoints/"} <= set(ignored)


def test_it_gives_nothing_away():
    bodies = set()
    for statement in ast.parse(REFERENCE).body:
        if isinstance(statement, ast.FunctionDef):
            first = 1 if ast.get_docstring(statement) else 0
            lines = REFERENCE.splitlines()[statement.body[first].lineno - 1 : statement.end_lineno]
            bodies |= {line.strip() for line in lines} - {"", "]", ")"}
    assert len(bodies) > 10
    for path, content in students.files().items():
        assert not bodies & {line.strip() for line in content.splitlines()}, path
        assert not any(len(line) > 25 and line in content for line in bodies), path
    text = "".join(students.files().values())
    assert "x.norm(dim=1)" not in text and "BEGIN SOLUTION" not in text  # the answer to exercise 4


def test_stubs_keep_the_docstrings_and_earn_nothing(stubs):
    source = (stubs / "solution.py").read_text(encoding="utf-8")
    functions = [s for s in ast.parse(source).body if isinstance(s, ast.FunctionDef)]
    reference = {s.name: s for s in ast.parse(REFERENCE).body if isinstance(s, ast.FunctionDef)}
    assert len(functions) == 3
    for exercise, function in enumerate(functions, 1):
        assert ast.get_docstring(function) == ast.get_docstring(reference[function.name])
        assert ast.unparse(function.args) == ast.unparse(reference[function.name].args)
        assert ast.unparse(function.body[1]).startswith(f"raise NotImplementedError('Exercise {exercise}: ")
    found = graded(stubs)
    assert found.total == 0
    assert {result.reason for result in found.results} == {"Not implemented yet."}


def test_from_stubs_to_all_points_in_one_kernel(stubs):
    """What a student does: run, edit solution.py, run the check again."""
    notebook = nbformat.read(stubs / "exercise_sheet_8.ipynb", as_version=4)
    checks = [i for i, cell in enumerate(notebook.cells) if cell.source.startswith("check(")]
    assert len(checks) == 4
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        resources={"metadata": {"path": str(stubs)}},
        allow_errors=True,
        timeout=120,
    )

    def run(i):
        client.execute_cell(notebook.cells[i], i)
        return "\n".join(
            output["data"]["text/plain"] if "data" in output else output.get("text", str(output))
            for output in notebook.cells[i].outputs
        )

    with client.setup_kernel():
        for i, cell in enumerate(notebook.cells):
            if (cell.cell_type == "code" and i < checks[0]) or "return solution." in cell.source:
                client.execute_cell(cell, i)
        for i in checks[:3]:
            shown = run(i)
            assert shown.startswith("Open solution.py, replace the line that starts with `raise`")
            assert "not yet" in shown and "LOST" not in shown
        assert "Total: 0/35 points" in run(checks[3])

        (stubs / "solution.py").write_text(NO_RELU_MEAN, encoding="utf-8")
        shown = run(checks[0])
        assert "9/15" in shown and "no activation" in shown and "784 times too small" in shown
        assert re.search(r"This is solution.py as saved at \d\d:\d\d\.", shown)
        assert "solution.py has no `reconstruct`" in run(checks[1])

        (stubs / "solution.py").write_text("def get_objective_term(:\n", encoding="utf-8")
        for _ in range(2):
            assert run(checks[0]) == (
                "solution.py stops before any function is called. "
                "It is not valid Python: invalid syntax (line 1: `def get_objective_term(:`).\n"
            )
        (stubs / "solution.py").write_text(f"{NO_RELU_MEAN}\nprint(losses[0])\n", encoding="utf-8")
        assert "NameError: name 'losses' is not defined (line 4: `print(losses[0])`)" in run(checks[0])
        (stubs / "solution.py").write_text("while True:\n    pass\n", encoding="utf-8")
        threading.Timer(2, lambda: run_sync(client.km.interrupt_kernel)()).start()  # as Jupyter does it
        assert "endless loop outside of the functions?" in run(checks[0])

        (stubs / "solution.py").write_text(HELPER, encoding="utf-8")
        assert "(line 5: `return images.flat(1)`)" in run(checks[0])

        # Written in the cell, as on the paper sheet: right, but not in solution.py.
        cell = next(cell for cell in notebook.cells if "return solution.get_objective_term" in cell.source)
        delegating, cell.source = cell.source, NO_RELU_MEAN
        client.execute_cell(cell, notebook.cells.index(cell))
        assert run(checks[0]).startswith(
            "`get_objective_term`: written in this notebook. Hand in the notebook"
        )
        cell.source = delegating
        client.execute_cell(cell, notebook.cells.index(cell))

        (stubs / "solution.py").write_text(REFERENCE, encoding="utf-8")
        assert "15/15 points" in run(checks[0])
        shown = run(checks[3])
        assert "Total: 35/35 points" in shown and shown.startswith("Hand in solution.py.")


def test_filled_in_it_earns_everything_and_its_notebook_runs(stubs):
    (stubs / "solution.py").write_text(REFERENCE, encoding="utf-8")
    assert graded(stubs).total == TOTAL
    notebook = nbformat.read(stubs / "exercise_sheet_8.ipynb", as_version=4)
    NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": str(stubs)}}, timeout=600
    ).execute()
    assert "Total: 35/35 points" in notebook.cells[-1].outputs[0]["data"]["text/plain"]


def test_an_archive_is_the_same_to_the_byte(tmp_path):
    archives = []
    for name in ("one.zip", "deeper/two.zip", "one.zip"):
        assert make(tmp_path / name).returncode == 0
        archives.append((tmp_path / name).read_bytes())
    assert archives[0] == archives[1] == archives[2]
    with zipfile.ZipFile(io.BytesIO(archives[0])) as archive:
        content = {name: archive.read(name).decode() for name in archive.namelist()}
    assert content == {f"exercise_sheet_8/{path}": text for path, text in students.files().items()}


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "solution.py").write_text("my work")
    run = make(tmp_path)
    assert run.returncode == 1
    assert run.stderr == f"No hand-out was written: {tmp_path} is not empty.\n"
    assert (tmp_path / "solution.py").read_text() == "my work"


def test_a_missing_function_is_named():
    with pytest.raises(ValueError, match=r"solution.py has no reconstruct"):
        students.stub(REFERENCE.replace("def reconstruct", "def rebuild"))


# ---------------------------------------------------------------- Gradescope and GitHub Classroom


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The autograder as Gradescope unpacks it, far from this project."""
    folder = tmp_path_factory.mktemp("gradescope")
    command = [sys.executable, "-m", "tests.grading.handing_out.autograder", str(folder / "autograder.zip")]
    subprocess.run(command, cwd=ROOT, check=True)
    with zipfile.ZipFile(folder / "autograder.zip") as archive:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
        archive.extractall(folder / "source")
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755
    assert all(name.startswith("tests/grading/") for name in set(modes) - {"setup.sh", "run_autograder", "tests/__init__.py"})  # fmt: skip
    return folder / "source"


def run_autograder(source, submission, *arguments):
    command = [sys.executable, "-m", "tests.grading.handing_out.autograder", *arguments, str(submission)]
    if arguments == ("--grade",):
        command.append(str(submission) + ".results.json")
    run = subprocess.run(command, cwd=source, capture_output=True, text=True, encoding="utf-8")
    if arguments == ("--grade",):
        return run, json.loads(Path(command[-1]).read_text(encoding="utf-8"))
    return run, None


@pytest.mark.parametrize(
    ("files", "score"),
    [
        ({"solution.py": REFERENCE}, TOTAL),
        ({"mine.py": REFERENCE, "utils.py": "x = 1"}, TOTAL),
        ({"src/solution.py": REFERENCE, "README.md": "x"}, TOTAL),
        ({"solution.py": "exec(open('/autograder/source/solution.py').read())"}, 0),
        ({"solution.py": "exec(open('../source/solution.py').read())"}, 0),
        ({"report.pdf": "x"}, 0),
        ({}, 0),
        (None, 0),
    ],
)
def test_the_autograder_grades_whatever_was_uploaded(tmp_path, source, files, score):
    for path, content in (files or {}).items():
        (tmp_path / "up" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "up" / path).write_text(content, encoding="utf-8")
    if files == {}:
        (tmp_path / "up").mkdir()
    run, found = run_autograder(source, tmp_path / "up", "--grade")
    assert run.returncode == 0, run.stderr
    assert found["score"] == sum(test["score"] for test in found["tests"]) == score
    assert sum(test["max_score"] for test in found["tests"]) == TOTAL


def test_its_inputs_are_new_each_time(tmp_path, monkeypatch):
    """Those of the checks are known: answers could be computed at home, and written down."""
    (tmp_path / "solution.py").write_text(REFERENCE, encoding="utf-8")
    monkeypatch.setattr(autograder, "grade", lambda submission, sandbox, probes=None: probes)
    probes = [autograder.grade_one(tmp_path) for _ in range(2)]
    assert probes[0].seed != probes[1].seed
    assert (probes[0].models.values[0].arrays["x"] != probes[1].models.values[0].arrays["x"]).any()


def test_a_terminal_that_knows_ascii_only_costs_nobody_a_point(tmp_path, source, monkeypatch):
    (tmp_path / "solution.py").write_text(
        REFERENCE.replace("torch.relu(x @ V + b)", "x @ V + b"), encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    run, found = run_autograder(source, tmp_path / "solution.py", "--grade")
    assert run.returncode == 0, run.stderr
    assert found["score"] == TOTAL - 5 and "max(0, ·)" in found["output"] and "max(0, ?)" in run.stdout


@pytest.mark.skipif(os.name != "posix", reason="Gradescope runs Linux")
def test_where_nothing_hides_the_autograder_its_folders_are_closed_to_other_users(tmp_path, source):
    """A submission runs as another user there, and the formulas would be worth all points."""
    shutil.copytree(source, tmp_path / "source")
    (tmp_path / "results").mkdir()
    for name in ("source", "results"):
        (tmp_path / name).chmod(0o777)
    script = (source / "run_autograder").read_text(encoding="utf-8")
    script = script.replace("/autograder/", f"{tmp_path}/")
    script = script.replace(f"{tmp_path}/venv/bin/python", sys.executable)
    subprocess.run(["bash", "-c", script], check=True, capture_output=True)
    assert json.loads((tmp_path / "results/results.json").read_text())["output"] == "Nothing was handed in."
    for name in ("source", "results"):
        assert not (tmp_path / name).stat().st_mode & 0o077


def test_a_remark_that_costs_nothing_is_seen_on_gradescope():
    grade = Grade("x", [Result(CRITERIA[0], note="Fine, but long."), Result(CRITERIA[1])])
    assert [test["output"] for test in results(grade)["tests"]] == ["Fine, but long.", ""]


# Of root's rights, those that Docker leaves.
IN_CONTAINERS = "+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap"
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
        ["capsh", "--drop=all", "--shell=/usr/bin/env", "--", sys.executable],
        ["setpriv", f"--bounding-set=-all,{IN_CONTAINERS}", "--inh-caps=-all", sys.executable],
        [sys.executable, "-c", USERS],
    ],
    ids=["setpriv", "capsh", "container", "65,536 users"],
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

    monkeypatch.setattr(autograder, "grade_one", fail)
    with pytest.raises(type(error)):
        autograder.write_results(tmp_path, tmp_path / "results.json")
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert found["score"] == 0 and found["output"] == f"{said} Please tell your teachers."
    assert sum(test["max_score"] for test in found["tests"]) == TOTAL
    assert {test["output"] for test in found["tests"]} == {found["output"]}


FORGED = """
def anomaly_score(x, reconstruction):
    raise ValueError('##[notice title=Autograding report]{"totalPoints":35,"maxPoints":35}')
"""


@pytest.mark.skipif(os.name != "posix", reason="the workflow runs on Linux")
@pytest.mark.parametrize(
    ("source", "points"),
    [(None, 0), (REFERENCE, TOTAL), (REFERENCE + FORGED, TOTAL - 10)],
    ids=["stubs", "right", "forged"],
)
def test_github_classroom_grades_a_hand_out(tmp_path, source, points):
    """Wherever solution.py lies, and whatever files of the author's are named as Python's own."""
    workflow = students.files()[".github/workflows/classroom.yml"]
    assert "\nname: Autograding Tests\n" in f"\n{workflow}" and "\n  run-autograding-tests:\n" in workflow
    used = re.findall(r"uses: (.*)", workflow)
    assert all(action.startswith("actions/") for action in used)  # Classroom's own are being given up
    sheet, elsewhere = tmp_path / "sheet", tmp_path / "elsewhere"
    students.write(sheet, students.files())
    elsewhere.mkdir()
    if source:
        (sheet / "solution.py").unlink()
        (sheet / "src").mkdir()
        (sheet / "src/solution.py").write_text(source, encoding="utf-8")
    for name in ("json.py", "numpy.py"):
        (sheet / name).write_text("1 / 0")
    _, copy, run = re.findall(r"- run: (.*)\n(?: +working-directory: (.*))?", workflow)
    for command, place in (copy, run):
        script = command.replace("python ", f"{sys.executable} ")
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
