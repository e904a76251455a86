"""The hand-out: it gives nothing away, and a student gets from it to all points."""

import ast
import io
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import nbconvert
import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.util import run_sync

from tests.grading.handing_out import students
from tests.grading.judging import sentences

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("solution")
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
    students.write(out, students.files())
    if (ROOT / "data" / "MNIST").exists():
        shutil.copytree(ROOT / "data" / "MNIST", out / "data" / "MNIST")
    return out


@pytest.fixture
def stubs(folder):
    """The hand-out as a student gets it, whatever a test did to it before."""
    (folder / "solution.py").write_text(students.files()["solution.py"], encoding="utf-8")
    return folder


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
    for path, content in students.files(github=True).items():
        content = re.sub(r'"<details><summary>Hint.*?</details>', "", content, flags=re.DOTALL)  # on purpose
        assert not bodies & {line.strip() for line in content.splitlines()}, path
        assert not any(len(line) > 25 and line in content for line in bodies), path
    text = "".join(students.files().values())
    assert "error = error / ink" not in text and "BEGIN SOLUTION" not in text  # the answer to exercise 4
    assert "mse_loss(" not in text and "addmm(" not in text


def test_it_carries_what_the_check_needs_and_no_more():
    files = students.files()
    assert not [
        path for path in files if "/course/" in path or "/handed_in/people" in path or "workflow" in path
    ]
    assert {"tests/grading/notebook/check.py", "tests/grading/running/inside/call.py"} <= set(files)
    assert "GitHub" not in files["README.md"] and "GitHub" in students.files(github=True)["README.md"]
    assert ".github/workflows/classroom.yml" in students.files(github=True)


def test_students_install_nothing_that_only_tests_need():
    packages = re.findall(r"^[\w-]+", students.files()["requirements.txt"], re.MULTILINE)
    assert {"torch", "jupyterlab", "mlxtend"} <= set(packages)
    assert not {"pytest", "nbval", "hypothesis", "threadpoolctl"} & set(packages)


def test_the_stubs_promise_no_errors():
    source = students.files()["solution.py"]
    assert "Raises" not in source and "ValueError" not in source and "errors are" not in source
    assert "Returns:" in source


def test_stubs_keep_the_docstrings(stubs):
    source = (stubs / "solution.py").read_text(encoding="utf-8")
    functions = [s for s in ast.parse(source).body if isinstance(s, ast.FunctionDef)]
    reference = {s.name: s for s in ast.parse(REFERENCE).body if isinstance(s, ast.FunctionDef)}
    assert len(functions) == 3
    for exercise, function in enumerate(functions, 1):
        docstring = ast.get_docstring(reference[function.name]).split("\n\nRaises:")[0]
        assert ast.get_docstring(function) == docstring.replace(" and errors", "")
        assert ast.unparse(function.args) == ast.unparse(reference[function.name].args)
        assert ast.unparse(function.body[1]).startswith(f"raise NotImplementedError('Exercise {exercise}: ")


class Student:
    """A student at work in one kernel: edits solution.py, runs a cell."""

    def __init__(self, folder):
        self.folder = folder
        self.notebook = nbformat.read(folder / "exercise_sheet_8.ipynb", as_version=4)
        resources = {"metadata": {"path": str(folder)}}
        self.client = NotebookClient(
            self.notebook, kernel_name="python3", resources=resources, allow_errors=True, timeout=600
        )
        self.code = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        self.checks = [cell for cell in self.code if cell.source.startswith("check(")]
        self.functions = [cell for cell in self.code if "return solution." in cell.source]

    def save(self, source):
        (self.folder / "solution.py").write_text(source, encoding="utf-8")

    def run(self, cell):
        """What a cell shows; the first thing that a check has said is "checking …"."""
        self.client.execute_cell(cell, self.notebook.cells.index(cell))
        texts = [o["data"]["text/plain"] if "data" in o else o.get("text", str(o)) for o in cell.outputs]
        return "\n".join(filter(None, texts))

    def write(self, source):
        """Run a new cell."""
        self.notebook.cells.append(nbformat.v4.new_code_cell(source))
        return self.run(self.notebook.cells[-1])


def test_from_stubs_to_all_points_in_one_kernel(stubs):
    """What a student does: run, edit solution.py, run the check again."""
    student = Student(stubs)
    with student.client.setup_kernel():
        starts_in_another_folder(student)
        begins(student)
        mends_the_file(student)
        finishes(student)


def starts_in_another_folder(student):
    """It is told what to do in one sentence."""
    student.write("%cd -q data")
    student.run(student.code[0])
    error = student.code[0].outputs[-1]  # beside what packages may warn of
    assert error["ename"] == "ModuleNotFoundError"
    assert "Open this sheet's own folder" in error["evalue"] and len(error["traceback"]) < 5
    student.write("%cd -q ..")


def begins(student):
    student.save("def get_objective_term(:\n")
    for cell in (student.code[0], *student.functions):  # a file that is broken from the start stops no cell
        student.run(cell)
        assert not [output for output in cell.outputs if output.output_type == "error"]
    first, *others, total = student.checks
    assert "Your file is not valid Python" in student.run(first)
    student.save(students.files()["solution.py"])
    for cell in (*student.code[: student.code.index(first)], *student.functions):
        student.run(cell)
    for cell in (first, *others):
        shown = student.run(cell)
        assert "\nOpen solution.py, replace the line that starts with `raise`" in shown
        assert "not yet" in shown and "LOST" not in shown
    shown = student.run(total)
    assert "Total: 0/35 points" in shown and "Hand in" not in shown
    student.save(NO_RELU_MEAN)
    shown = student.run(first)
    assert "9/15" in shown and "no activation" in shown and "784 times too small" in shown
    assert re.search(r"This is solution.py as saved \d+ (second|minute)s? ago\.", shown)
    assert "solution.py has no `reconstruct`" in student.run(others[0])


def mends_the_file(student):
    check = student.checks[0]
    student.save("def get_objective_term(:\n")
    for _ in range(2):
        assert student.run(check) == (
            "solution.py stops before any function is called. "
            f"Your file is not valid Python {sentences.VERSION}: "
            "invalid syntax (line 1: `def get_objective_term(:`)."
        )
    student.save(f"{NO_RELU_MEAN}\nprint(losses[0])\n")
    assert "name 'losses' is not defined (line 4: `print(losses[0])`)" in student.run(check)

    runs = student.folder.parent / "runs"
    student.save(f"open({str(runs)!r}, 'w').close()\nwhile True:\n    pass\n")

    def interrupt():  # as Jupyter does it, once the file runs
        while not runs.exists():
            time.sleep(0.05)
        run_sync(student.client.km.interrupt_kernel)()

    threading.Thread(target=interrupt, daemon=True).start()
    assert "endless loop outside of the functions?" in student.run(check)

    student.save("import torch\ntorch.set_default_dtype(torch.float64)\n" + REFERENCE)
    assert "solution.py changes the default dtype." in student.run(check)
    assert student.write("print(torch.get_default_dtype())") == "torch.float32\n"
    student.save(HELPER)
    assert "(line 5: `return images.flat(1)`)" in student.run(check)


def finishes(student):
    check, *_, total = student.checks
    # Written in the cell, as on the paper sheet: right, but not in solution.py.
    cell = student.functions[0]
    delegating, cell.source = cell.source, NO_RELU_MEAN
    student.run(cell)
    assert "\n`get_objective_term`: written in this notebook. Hand in the notebook" in student.run(check)
    cell.source = delegating
    student.run(cell)
    student.save(REFERENCE)
    assert "15/15 points" in student.run(check)
    shown = student.run(total)
    assert "Total: 35/35 points" in shown and shown.endswith("Hand in solution.py.")


# With twenty steps of training an epoch: the figures are no matter here.
QUICKLY = """
import itertools, runpy
from torch.utils.data import DataLoader, RandomSampler
from torchvision.datasets import MNIST
MNIST.mirrors = []
whole = DataLoader.__iter__
DataLoader.__iter__ = lambda self: itertools.islice(
    whole(self), 20 if isinstance(self.sampler, RandomSampler) else None
)
runpy.run_path("sheet.py", run_name="__main__")
"""


def test_filled_in_it_runs_as_a_script_on_the_offline_sample_and_earns_everything(tmp_path):
    students.write(tmp_path / "sheet", students.files() | {"solution.py": REFERENCE})
    script = nbconvert.PythonExporter().from_filename(str(tmp_path / "sheet/exercise_sheet_8.ipynb"))[0]
    (tmp_path / "sheet/sheet.py").write_text(script, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-c", QUICKLY], cwd=tmp_path / "sheet", capture_output=True, text=True,
        encoding="utf-8", env=os.environ | {"MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "Going on with 5,000 digits" in run.stdout
    assert "Total: 35/35 points" in run.stdout
    assert "%|" not in run.stdout + run.stderr


def test_an_archive_is_the_same_to_the_byte(tmp_path):
    assert make(tmp_path / "one.zip").returncode == 0  # in a process with hashes of its own
    students.write(tmp_path / "deeper/two.zip", students.files())
    archive = (tmp_path / "one.zip").read_bytes()
    assert archive == (tmp_path / "deeper/two.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        content = {name: opened.read(name).decode() for name in opened.namelist()}
    assert content == {f"exercise_sheet_8/{path}": text for path, text in students.files().items()}


def test_nothing_is_overwritten(tmp_path, monkeypatch, capsys):
    (tmp_path / "solution.py").write_text("my work")
    monkeypatch.setattr(sys, "argv", ["students", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        students.main()
    assert end.value.code == 1
    assert capsys.readouterr().err == f"No hand-out was written: {tmp_path} is not empty.\n"
    assert (tmp_path / "solution.py").read_text() == "my work"
