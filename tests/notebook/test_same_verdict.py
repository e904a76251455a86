"""What the check asks gives the grader's verdicts: on scripts by `import solution`, notebooks in IPython."""

import sys

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.examples import EXPECTED, submissions
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.function import check_function
from tests.grading.notebook import solution_file
from tests.grading.sheet.rubric import CRITERIA, FUNCTIONS

NAMES = [name for name in EXPECTED if not name.startswith("hostile/")]


@pytest.fixture(scope="module")
def new_shell():
    """Shells that keep no history and start no other programs."""
    quiet = Config({"HistoryManager": {"enabled": False}})

    def new():
        shell = InteractiveShell(config=quiet, user_ns={})
        shell.system = shell.system_piped = shell.enable_gui = lambda *_: None
        return shell

    return new


def names_of(submission, folder, new_shell, monkeypatch):
    """What a student's notebook has of it."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(solution_file, "PATH", folder / "solution.py")
    monkeypatch.setitem(sys.modules, "solution", None)  # so that no other test is given this one
    del sys.modules["solution"]
    if submission.cells is None:
        solution_file.PATH.write_text(submission.source, encoding="utf-8")
        import solution

        return vars(solution)
    shell = new_shell()
    for cell in submission.cells:
        shell.run_cell(cell)
    return shell.user_ns


def test_a_module_beside_solution_py_is_cut_down_like_it(tmp_path, monkeypatch, new_shell):
    helper = "import torch\n\ndef encode(x, V, b):\n    return torch.relu(x @ V + b)\n\nopen('no data')\n"
    (tmp_path / "my_layers.py").write_text(helper)
    source = "from my_layers import encode\n\ndef reconstruct(x, V, W, b, a):\n"
    source += "    return (encode(x, V, b) @ W + a).reshape(-1, 28, 28)\n"
    monkeypatch.syspath_prepend(tmp_path)
    names = names_of(Submission("x", source=source), tmp_path, new_shell, monkeypatch)
    sys.modules.pop("my_layers", None)
    assert solution_file.load_problem() is None
    assert not any(result.lost for result in check_function(names["reconstruct"], 2))


@pytest.mark.filterwarnings("ignore:To exit")  # as IPython says where a cell exits
@pytest.mark.parametrize("name", NAMES)
def test_the_check_says_what_the_grader_says(name, new_shell, tmp_path, monkeypatch, capsys):
    names = names_of(submissions()[name], tmp_path, new_shell, monkeypatch)
    if solution_file.load_problem():
        assert EXPECTED[name] == dict.fromkeys([criterion.id for criterion in CRITERIA], "syntax")
        return
    found = {}
    with torch.enable_grad():
        for number, function in FUNCTIONS.items():
            if callable(names.get(function)):
                results = check_function(names[function], number)
                found |= {result.criterion.id: result.mistake for result in results if result.lost}
            else:
                found |= {c.id: "missing" for c in CRITERIA if c.exercise == number}
    assert found == EXPECTED[name]
