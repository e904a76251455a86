"""The hand-out: it gives nothing away, and a student gets from it to all points."""

import ast
import io
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
    assert make(out).returncode == 0
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
        texts = [
            output["data"]["text/plain"] if "data" in output else output.get("text", str(output))
            for output in notebook.cells[i].outputs
        ]
        return "\n".join(filter(None, texts))  # the first has said "checking …"

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    functions = [cell for cell in code if "return solution." in cell.source]
    (stubs / "solution.py").write_text("def get_objective_term(:\n", encoding="utf-8")
    with client.setup_kernel():
        for cell in (code[0], *functions):  # a file that is broken from the start stops no cell
            client.execute_cell(cell, notebook.cells.index(cell))
            assert not [output for output in cell.outputs if output.output_type == "error"]
        assert "Your file is not valid Python" in run(checks[0])
        (stubs / "solution.py").write_text(students.files()["solution.py"], encoding="utf-8")
        for i, cell in enumerate(notebook.cells):
            if (cell in code and i < checks[0]) or cell in functions:
                client.execute_cell(cell, i)
        for i in checks[:3]:
            shown = run(i)
            assert "\nOpen solution.py, replace the line that starts with `raise`" in shown
            assert "not yet" in shown and "LOST" not in shown
        shown = run(checks[3])
        assert "Total: 0/35 points" in shown and "Hand in" not in shown

        (stubs / "solution.py").write_text(NO_RELU_MEAN, encoding="utf-8")
        shown = run(checks[0])
        assert "9/15" in shown and "no activation" in shown and "784 times too small" in shown
        assert re.search(r"This is solution.py as saved \d+ seconds? ago\.", shown)
        assert "solution.py has no `reconstruct`" in run(checks[1])

        (stubs / "solution.py").write_text("def get_objective_term(:\n", encoding="utf-8")
        for _ in range(2):
            assert run(checks[0]) == (
                "solution.py stops before any function is called. "
                f"Your file is not valid Python {sentences.VERSION}: "
                "invalid syntax (line 1: `def get_objective_term(:`)."
            )
        (stubs / "solution.py").write_text(f"{NO_RELU_MEAN}\nprint(losses[0])\n", encoding="utf-8")
        assert "name 'losses' is not defined (line 4: `print(losses[0])`)" in run(checks[0])
        (stubs / "solution.py").write_text("while True:\n    pass\n", encoding="utf-8")
        threading.Timer(2, lambda: run_sync(client.km.interrupt_kernel)()).start()  # as Jupyter does it
        assert "endless loop outside of the functions?" in run(checks[0])

        setting = "import torch\ntorch.set_default_dtype(torch.float64)\n"
        (stubs / "solution.py").write_text(setting + REFERENCE, encoding="utf-8")
        assert "solution.py changes the default dtype." in run(checks[0])
        cell = nbformat.v4.new_code_cell("print(torch.get_default_dtype())")
        notebook.cells.append(cell)
        client.execute_cell(cell, len(notebook.cells) - 1)
        assert cell.outputs[0]["text"] == "torch.float32\n"

        (stubs / "solution.py").write_text(HELPER, encoding="utf-8")
        assert "(line 5: `return images.flat(1)`)" in run(checks[0])

        # Written in the cell, as on the paper sheet: right, but not in solution.py.
        cell = next(cell for cell in notebook.cells if "return solution.get_objective_term" in cell.source)
        delegating, cell.source = cell.source, NO_RELU_MEAN
        client.execute_cell(cell, notebook.cells.index(cell))
        assert "\n`get_objective_term`: written in this notebook. Hand in the notebook" in run(checks[0])
        cell.source = delegating
        client.execute_cell(cell, notebook.cells.index(cell))

        (stubs / "solution.py").write_text(REFERENCE, encoding="utf-8")
        assert "15/15 points" in run(checks[0])
        shown = run(checks[3])
        assert "Total: 35/35 points" in shown and shown.endswith("Hand in solution.py.")


def test_the_notebook_of_another_folder_says_what_to_do_in_one_sentence(stubs):
    notebook = nbformat.read(stubs / "exercise_sheet_8.ipynb", as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:1]
    resources = {"metadata": {"path": str(stubs / "data")}}
    NotebookClient(notebook, kernel_name="python3", resources=resources, allow_errors=True).execute()
    (error,) = (output for output in notebook.cells[0].outputs if output.output_type == "error")
    assert error["ename"] == "ModuleNotFoundError"
    assert "Open this sheet's own folder" in error["evalue"] and len(error["traceback"]) < 5


def test_filled_in_it_earns_everything_and_its_notebook_runs_on_the_offline_sample(tmp_path):
    students.write(tmp_path / "sheet", students.files() | {"solution.py": REFERENCE})
    notebook = nbformat.read(tmp_path / "sheet/exercise_sheet_8.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    load = next(cell for cell in code if "load_mnist()" in cell.source)
    load.source = f"from torchvision.datasets import MNIST\n\nMNIST.mirrors = []\n{load.source}"
    training = next(cell for cell in code if cell.source.startswith("def train("))
    few = "for _, (x, _) in zip(range(10), loader):"  # the figures are not judged
    training.source = training.source.replace("for x, _ in loader:", few)
    assert few in training.source
    resources = {"metadata": {"path": str(tmp_path / "sheet")}}
    NotebookClient(notebook, kernel_name="python3", resources=resources, timeout=3600).execute()
    assert "Going on with 5,000 digits" in "".join(output["text"] for output in load.outputs)
    (total,) = [cell for cell in code if cell.source.startswith("check(") and "," in cell.source]
    assert "Total: 35/35 points" in total.outputs[-1]["data"]["text/plain"]


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
