"""What is loaded of a file: all of it, or what the functions need; and what a human should look at."""

import pytest

from tests.examples import RIGHT
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.judging.result import Status
from tests.grading.running.answers import Answer, Died, Missing, Raised
from tests.grading.running.inside.cells import text_of
from tests.grading.running.session import Session
from tests.grading.running.undecided import is_undecided, may_be_newer
from tests.grading.sheet.rubric import FUNCTIONS, TOTAL

from .support import grades_right

NAMES = list(FUNCTIONS.values())


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("%%time\nx = 1", "\nx = 1"),
        ("\n%%capture out\n%%prun -q\nx = 1", "\n\nx = 1"),
        ("%%bash\nx = 1", ""),
        ("%%anything\nno Python", "\n"),
        ("%%writefile utils.py\nx = 1", ""),
        ("%%writefile 'solution.py'\nx = 1", "\nx = 1"),
        ("if 1:\n    !pip install \\\n      torch\nx = 1", "if 1:\n    pass\nx = 1"),
        ("files = !ls\n%time x = 1\nx?", "files = []\nx = 1\npass"),
        ("%run ../helpers.py", "from helpers import *"),
        ("x = (12\n % 7)", "x = (12\n % 7)"),
        ("  x = 1\n  y = 2", "x = 1\ny = 2"),
        ("print 'Python 2'\nx = 1", "\nx = 1"),
        ("get_ipython().run_cell_magic('time', '', 'x = 1')\ny = 2", "\nx = 1\ny = 2"),
        ("get_ipython().run_cell_magic('bash', '', 'ls')\ny = 2", "\ny = 2"),
        ("get_ipython().run_line_magic('time', 'x = 1')", "x = 1"),
    ],
)
def test_what_is_python_of_a_cell(cell, python):
    assert text_of([cell], NAMES, "cell", {}) == python


def test_files_that_cells_write():
    files = {}
    text_of(["%%file a.py\nx = 1", "%%writefile -a a.py\ny = 2", "%%writefile b.txt\n!"], NAMES, "", files)
    assert files == {"a.py": "x = 1\ny = 2\n"}


# What is around the functions, and where it stands.
@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("", "This is my solution, I hope that it's right.\n- first: ReLU"),
        ("!pip install torch\n%matplotlib inline", "import sys; sys.exit(1)"),
        ("from IPython.nowhere import clear\nclear()", "1 / 0"),
        ("import argparse\nargparse.ArgumentParser().parse_args()", "assert False"),
        ("", "x = input()"),
        ("", "import os\nos._exit(1)"),
        ("import nothing_like_this as n", "n.init()\nwith n.run() as r:\n    r.log(1)"),
        ("class Net(__import__('nothing_like_this').Module): pass", ""),
    ],
)
def test_what_the_functions_do_not_need_costs_nothing(sandbox, above, below):
    found = grade(Submission("x", source=f"{above}\n{RIGHT}\n{below}"), sandbox)
    assert found.total == TOTAL, found.sentences
    assert (
        not below.startswith(("This", "x =", "1 /"))
    ) or "Only what the three functions need was run." in " ".join(found.notes)


def test_nor_does_what_a_function_imports_and_does_not_use(sandbox):
    body = "def reconstruct(x, V, W, b, a):\n"
    assert body in RIGHT
    for line, lost in (
        ("import nothing_like_this as n", False),
        ("from nothing_like_this.at_all import n", False),
        ("import nothing_like_this\n    nothing_like_this.log(x)", True),
        ("from nothing_like_this import n\n    x = 2 * x if n == 'double' else x", True),
        ("from nothing_like_this import n\n    x = x.clamp(min=n)", True),
    ):
        source = RIGHT.replace(body, f"{body}    {line}\n")
        found = grade(Submission("x", source=source), sandbox)
        assert (found.status is Status.TO_LOOK_AT) == (found.total < TOTAL) == lost
        assert not lost or "imports nothing_like_this, which is not there" in " ".join(found.sentences)


def test_nor_does_a_module_that_another_function_imports(sandbox):
    unused, other = "    import nothing_like_this\n", "def anomaly_score(x, reconstruction):\n"
    tried = "    import importlib.util\n    assert not importlib.util.find_spec('nothing_like_this')\n"
    body = "def reconstruct(x, V, W, b, a):\n"
    source = RIGHT.replace(body, body + unused).replace(other, other + tried)
    assert source.count("nothing_like_this") == 2 and grades_right(sandbox, source)


HELPER = """
import nothing_like_this
from google.colab import drive
drive.mount("/content/drive")
SCALE = 3 - 1
for batch in nothing_like_this.load():
    raise ValueError("no data")
def encode(x, V, b):
    return (SCALE / 2) * (x @ V + b).relu()
print encode
batches = [batch for batch in (1, 2)]
try:
    import another_one_like_this
except ImportError as an_error:
    pass
if __name__ == "__main__":
    all_losses = []
raise SystemExit
"""


@pytest.mark.parametrize(
    "helpers",
    [
        {"helpers.py": HELPER},
        {"helpers/__init__.py": "from .layers import *\n1 / 0", "helpers/layers.py": HELPER},
    ],
    ids=["a file", "a package"],
)
@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("from helpers import encode", "encode"),
        ("import helpers as h", "h.encode"),
        ("from helpers import *", "encode"),
    ],
)
def test_of_what_lies_beside_it_no_more_is_needed_than_what_is_taken(sandbox, helpers, line, call):
    source = f"{line}\n{RIGHT}".replace("torch.relu(x @ V + b)", f"{call}(x, V, b)")
    for one in (
        Submission("x", source=source, helpers=helpers),
        Submission("x", cells=[source], helpers=helpers),
    ):
        found = grade(one, sandbox)
        assert found.total == TOTAL, found.sentences


def test_what_fails_is_told_where_it_is_needed_alone(sandbox):
    lines = "import torch\nSCALE = torch.load('scale.pt')\n" + RIGHT.replace(
        ".sum(dim=1)\n", ".sum(dim=1) * SCALE\n"
    )
    found = grade(Submission("x", source=lines), sandbox)
    assert found.points(1) + found.points(2) == TOTAL - 10 and found.points(3) < 10
    assert "(line 2: `SCALE = torch.load('scale.pt')`)" in " ".join(found.sentences)


def test_a_name_that_is_almost_right_is_found(sandbox):
    source = RIGHT.replace("anomaly_score", "AnomalyScores").replace("def reconstruct", "def show")
    with Session(sandbox, Submission("x", source=f"{source}\n1 / 0")) as session:
        assert session.loaded == ("get_objective_term",)
        assert session.missing("anomaly_score") == Missing("anomaly_score", "AnomalyScores")
        assert session.missing("reconstruct") == Missing("reconstruct")


@pytest.mark.parametrize(
    ("answer", "undecided"),
    [
        (Died("time"), True),
        (Died("crash"), False),
        (Missing("reconstruct"), False),
        (Missing("reconstruct", "Reconstruct"), True),
        (Raised("ModuleNotFoundError", module="einops"), True),
        (Raised("ModuleNotFoundError", module="solution"), False),
        (Raised("AssertionError", "Torch not compiled with CUDA enabled"), True),
        (Raised("ValueError", "a mistake"), False),
    ],
)
def test_what_a_human_should_look_at(answer: Answer, undecided):
    assert is_undecided(answer) == undecided


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("except* ValueError:", (3, 11)),
        ("print(f'{d['a']}')", (3, 12)),
        ("def f[T](x: T):", (3, 12)),
        ("type Batch = Tensor", (3, 12)),
        ("except ValueError, TypeError:", (3, 14)),
        ("text = t'{x}'", (3, 14)),
        ("def f(:", (99, 0)),
        ("return (x - y", (99, 0)),
    ],
)
def test_what_only_a_newer_python_takes(line, version):
    error = Raised("SyntaxError", "invalid syntax", 1, line)
    found = [may_be_newer(error, (3, minor)) for minor in (10, 11, 12, 13, 14)]
    assert found == [(3, minor) < version < (99, 0) for minor in (10, 11, 12, 13, 14)]
