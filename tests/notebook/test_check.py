"""check(): what students see in the notebook."""

import importlib
import linecache
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from tests.grading.notebook import check
from tests.grading.sheet.rubric import CRITERIA, EXERCISES, FUNCTIONS, TOTAL

POINTS = {number: exercise.points for number, exercise in EXERCISES.items()}
LOST = sum(c.points for c in CRITERIA if c.id in ("1.hidden", "1.error"))

NO_RELU_MEAN = '''\
def get_objective_term(x, V, W, b, a):
    return ((x - ((x @ V + b) @ W + a)) ** 2).mean()
'''  # fmt: skip


def define(source, path="<cell>"):
    """What a cell of a notebook with this source defines."""
    source = f"import torch\n{source}"
    linecache.cache[path] = len(source), None, source.splitlines(keepends=True), path
    namespace = {}
    exec(compile(source, path, "exec"), namespace)
    return namespace


def test_what_a_wrong_function_shows(capsys):
    # The README has a picture of this.
    check(define(NO_RELU_MEAN)["get_objective_term"])
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == f"Exercise 1: get_objective_term, {POINTS[1] - LOST}/{POINTS[1]} points"
    marks = ["not yet", "ok", "ok", "not yet", "ok", "ok"]
    lines = [line for line in shown[1:] if not line.startswith(" " * 13)]
    for line, mark, criterion in zip(lines, marks, EXERCISES[1].criteria, strict=True):
        earned = f"{(mark == 'ok') * criterion.points:g}/{criterion.points:g}"
        assert line == f"  {mark:4}  {earned}  {criterion.sentence}"
    assert [line.strip() for line in shown if line.startswith(" " * 13)] == [
        "Your hidden layer has no activation, so the whole network is linear. "
        "The sheet applies max(0, ·) to the hidden layer.",
        "Your loss is 784 times too small: it averages over the pixels as well. The sheet sums the squared "
        "differences over the pixels of an image and averages over the N images only.",
    ]


def test_total(capsys, solution):
    check(solution.get_objective_term, solution.reconstruct, define(STUB)["anomaly_score"])
    assert capsys.readouterr().out.splitlines() == [
        f"Exercise 1: get_objective_term, {POINTS[1]}/{POINTS[1]} points",
        f"Exercise 2: reconstruct, {POINTS[2]}/{POINTS[2]} points",
        f"Exercise 3: anomaly_score, 0/{POINTS[3]} points",
        f"Total: {TOTAL - POINTS[3]}/{TOTAL} points",
    ]


STUB = 'def anomaly_score(x, reconstruction):\n    raise NotImplementedError("Exercise 3")\n'


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (STUB, "Not implemented yet."),
        ("def anomaly_score(x, reconstruction):\n    return 1 / 0\n", "ZeroDivisionError: division by zero"),
        ("def anomaly_score(x):\n    return x\n", "does not take the arguments"),
        (
            "def anomaly_score(x, reconstruction):\n    ((x - reconstruction) ** 2).sum(1)\n",
            "You compute the scores, and do not return them.",
        ),
        ("def anomaly_score(x, reconstruction):\n    raise SystemExit\n", "stops with SystemExit"),
        ("def anomaly_score(x, reconstruction):\n    return (z - x).sum(1)\n", "name 'z' is not defined"),
        ("class anomaly_score:\n    pass\n", "takes no arguments"),
        (
            "def get_objective_term(x, V, W, b, a):\n    return x.sum()\n"
            "def anomaly_score(x, r):\n    return get_objective_term(x, r)\n",
            "calls a function with other arguments than it takes: get_objective_term() missing 3",
        ),
        ("def reconstruct(x, V, W, b, a):\n    return V.T @ x\n", "images are the rows of x"),
        (
            "def reconstruct(x, V, W, b, a):\n    return torch.max(0, x @ V + b) @ W\n",
            "`torch.max` can't compare a tensor with a number",
        ),
        (
            "import numpy as np\n"
            "def get_objective_term(x, V, W, b, a):\n    return np.square(np.maximum(0, x @ V + b))\n",
            "It is right up to the hidden layer z. Then: Your loss has shape [7, 5].",
        ),
        (
            "def reconstruct(x, V, W, b, a):\n    return (torch.relu(x @ V + a) @ W + b).view(-1, 28, 28)\n",
            "b belongs to the encoder and a to the decoder",
        ),
        (
            "import types\nsolution = types.ModuleType('solution')\n"
            "def reconstruct(x, V, W, b, a):\n    return solution.reconstruct(x, V, W, b, a)\n",
            "solution.py has no `reconstruct`",
        ),
        (
            "def reconstruct(x, V, W, b, a):\n"
            "    return torch.nn.Linear(x.shape[1], 784)(x).view(-1, 28, 28)\n",
            "V, W, b and a have no effect on your images",
        ),
        (
            "def anomaly_score(x, r):\n    return ((x - r) ** 2).mean(1)\n",
            "won't be those that the text quotes",
        ),
    ],
)
def test_nothing_is_raised(source, words, capsys):
    names = define(source)
    check(next(function for name, function in reversed(names.items()) if name in FUNCTIONS.values()))
    assert words in capsys.readouterr().out


def test_an_exception_shows_the_students_own_line(tmp_path, capsys):
    path = tmp_path / "solution.py"
    source = """\
def helper(x):
    return x.view(3, 5, 7)

def anomaly_score(x, reconstruction):
    return helper(x)
"""
    path.write_text(source)
    namespace = {}
    exec(compile(source, path, "exec"), namespace)
    check(namespace["anomaly_score"])
    assert "(line 2: `return x.view(3, 5, 7)`)" in capsys.readouterr().out


@pytest.mark.parametrize("function", ["get_objective_term", "reconstruct"])
def test_wrong_shapes_show_the_exception_though_h_784_would_hide_it(function, capsys):
    check(define(f"def {function}(x, V, W, b, a):\n    return torch.relu(x @ W)\n")[function])
    shown = capsys.readouterr().out
    assert "You multiply x [N, 784] by W [h, 784], which does not fit" in shown
    assert "It was called with N = 7, h = 5." in shown


reconstruct = lambda *arguments: importlib.import_module("solution").reconstruct(*arguments)  # noqa: E731


def test_what_a_human_looks_at_shows_what_is_known(capsys, solution):
    def get_objective_term(x, V, W, b, a):
        return solution.get_objective_term(x, V, W, b, a + torch.randn(1))

    check(get_objective_term, solution.reconstruct, solution.anomaly_score)
    shown = capsys.readouterr().out
    assert "Your teachers will look at this themselves" in shown and "/35 points" in shown
    assert "Not graded" not in shown


def test_what_the_grader_takes_is_checked(capsys, solution):
    check(reconstruct, reconstruct)
    with torch.inference_mode():
        check(solution.get_objective_term)
    shown = capsys.readouterr().out
    assert (
        shown.startswith(f"Exercise 2: reconstruct, {POINTS[2]}/{POINTS[2]} points")
        and f"{POINTS[1]}/{POINTS[1]} points" in shown
    )


def test_hostile_names_are_no_trouble(capsys):
    class Odd(type):
        __name__ = property(lambda self: 1 / 0)

    class OddError(Exception, metaclass=Odd):
        pass

    def anomaly_score(x, reconstruction):
        raise OddError

    check(anomaly_score)
    assert f"0/{POINTS[3]} points" in capsys.readouterr().out
    check(type("Thing", (), {"__name__": [], "__call__": len, "__repr__": lambda _: 1 / 0})())
    assert capsys.readouterr().out.startswith("check takes")


@pytest.mark.parametrize("thing", [None, 3, len, torch.relu, "anomaly_score"])
def test_other_things_are_refused_in_a_sentence(thing, capsys):
    check(thing)
    assert capsys.readouterr().out.startswith("check takes the functions of this sheet: check(get_obj")


def test_what_the_first_call_prints_stands_below_the_table(capsys):
    def anomaly_score(x, reconstruction):
        print("shape", x.shape)
        return ((x - reconstruction) ** 2).sum(1)

    check(anomaly_score)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Exercise 3: anomaly_score, {POINTS[3]}/{POINTS[3]} points"
    assert lines[-2:] == [
        "Your code prints, the first time that it is called:",
        "shape torch.Size([24, 784])",
    ]


def test_lines_below_the_one_that_hands_the_work_on_are_named(capsys, solution):
    source = (
        "def reconstruct(x, V, W, b, a):\n    return solution.reconstruct(x, V, W, b, a)\n    z = x @ V\n"
    )
    names = {"solution": solution}
    linecache.cache["<cell>"] = len(source), None, source.splitlines(keepends=True), "<cell>"
    exec(compile(source, "<cell>", "exec"), names)
    check(names["reconstruct"])
    assert "your lines in the cell stand below `return solution.reconstruct(...)`" in capsys.readouterr().out


def test_an_interrupt_stops_it(capsys):
    calls = []

    def anomaly_score(x, reconstruction):
        calls.append(1)
        raise KeyboardInterrupt

    check(anomaly_score)
    assert capsys.readouterr().out == (
        "Interrupted: anomaly_score had not answered yet. Is there an endless loop?\n"
    )
    assert len(calls) == 1


def test_random_numbers_and_settings_stay(capsys, solution):
    def reconstruct(x, V, W, b, a):
        return torch.rand(len(x), 28, 28)

    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    with torch.no_grad():
        check(reconstruct, solution.get_objective_term)
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.rand(3), expected)
    assert f"get_objective_term, {POINTS[1]}/{POINTS[1]}" in capsys.readouterr().out


class Cells(HTMLParser):
    """The texts of an HTML table's cells, row by row; fails at a tag that is not closed."""

    def __init__(self):
        super().__init__()
        self.rows, self.open = [], []

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if text.strip():
            self.rows[-1][-1] += text


def test_html_says_the_same(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)

    def anomaly_score(x, reconstruction):
        return {}["<b>"]

    check(anomaly_score)
    text, parser = repr(shown[0]), Cells()
    page = shown[0]._repr_html_()
    parser.feed(page[page.index("<table>") :])
    assert not parser.open
    head, *rows = parser.rows
    assert head == [f"Exercise 3: anomaly_score, 0/{POINTS[3]} points"]
    assert len(rows) == sum(criterion.exercise == 3 for criterion in CRITERIA)
    assert [mark for mark, _, _ in rows] == ["✗ not yet"] + ["○ not reached"] * 3  # its form comes first
    reason = text.splitlines()[2].strip()
    assert 'return {}["<b>"]' in reason
    assert reason.replace("`", "") in rows[0][2]


def test_settings_of_numpy_are_no_trouble(capsys, solution):
    with np.errstate(all="raise"):
        check(define(NO_RELU_MEAN)["get_objective_term"], solution.anomaly_score)
    shown = capsys.readouterr().out
    assert (
        f"get_objective_term, {POINTS[1] - LOST}/{POINTS[1]}" in shown
        and f"anomaly_score, {POINTS[3]}/{POINTS[3]}" in shown
    )
