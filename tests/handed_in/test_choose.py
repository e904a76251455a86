"""Which of one person's files counts, and what comes along with it."""

import os
from pathlib import Path

import pytest

from tests.grading.handed_in.reading import find_one
from tests.grading.handed_in.source import see
from tests.grading.sheet.rubric import FUNCTIONS
from tests.handed_in.downloads import HALF, PDF, RIGHT, STUB, USES, notebook, packed, rows, tree

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("files", "file", "words"),
    [
        ({"solution.py": STUB, "sheet.ipynb": notebook(RIGHT)}, "sheet.ipynb", "and not solution.py"),
        ({"solution.py": RIGHT, "sheet.ipynb": notebook(STUB)}, "solution.py", ""),
        ({"solution.py": RIGHT, "sheet.ipynb": notebook(RIGHT)}, "solution.py", "and not sheet.ipynb"),
        ({"solution.py": STUB, "solution (1).py": RIGHT}, "solution (1).py", "and not solution.py"),
        ({"solution.py": RIGHT, "my.py": "def reconstruct(x): return x"}, "solution.py", "and not my.py"),
        ({"solution.py": "from impl import *", "impl.py": RIGHT}, "solution.py", "and not impl.py"),
        ({"solution.py": RIGHT, "notes.txt": "x"}, "solution.py", "Passed over: notes.txt."),
        (
            {
                "solution.py": "from a import *\nfrom p.b import *",
                "a.py": RIGHT[: RIGHT.index("def anom")],
                "p/b.py": HALF,
            },
            "solution.py",
            "",
        ),
        ({"solution.py": RIGHT, "solution_old.py": RIGHT + "#"}, "solution.py", "the sheet asks for it"),
        ({"solution.py": RIGHT, "solution-final.py": RIGHT + "#"}, "solution.py", "the sheet asks for it"),
        ({"solution.py": RIGHT, "solution-2.py": RIGHT + "#"}, "solution-2.py", "the later one"),
        ({"solution.py": RIGHT, "x/solution.py": RIGHT + "#"}, "solution.py", "the later one"),
        ({"my.py": RIGHT, "test_my.py": f"from my import {', '.join(FUNCTIONS.values())}"}, "my.py", ""),
    ],
)
def test_the_work_is_taken_where_it_is(tmp_path, files, file, words):
    tree(tmp_path / "class" / "anna", files)
    tree(tmp_path / "class" / "ben", {"solution.py": RIGHT})
    found = rows(tmp_path / "class")["anna"]
    assert (found.problem, found.file, found.needs_human) == (None, file, False)
    assert words in (found.note or "")


def test_the_later_of_two_versions(tmp_path):
    folder = tree(tmp_path / "anna", {"solution.py": RIGHT + "#1", "solution (1).py": RIGHT + "#2"})
    assert find_one(folder).source == RIGHT + "#2"
    os.utime(folder / "solution (1).py", (1e9, 1e9))
    assert find_one(folder).source == RIGHT + "#1"
    assert find_one(folder).note == "solution.py is graded (it is the later one), and not solution (1).py."


def test_what_is_unclear_is_looked_at(tmp_path):
    tree(tmp_path / "class", {"anna/a.py": RIGHT, "anna/b.py": RIGHT + "#", "ben/solution.py": RIGHT})
    found = rows(tmp_path / "class")["anna"]
    assert found.needs_human and found.problem.endswith("It is unclear which of a.py, b.py to grade.")
    both = {
        "solution.py": RIGHT[: RIGHT.index("def reconstruct")],
        "x.ipynb": notebook(RIGHT[RIGHT.index("def recon") :]),
    }
    found = find_one(tree(tmp_path / "both", both))
    assert found.needs_human and found.cells and "get_objective_term" in found.source


FIRST = RIGHT[: RIGHT.index("def reconstruct")]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"x/solution.py": RIGHT, "y/solution.py": RIGHT + "#"}, "It is unclear which of x/solution.py, y/"),
        (
            {"ex1.py": FIRST, "ex2.py": RIGHT[RIGHT.index("def reconstruct") :]},
            "It is unclear which of ex1.py, ex2.py",
        ),
        (
            {
                "ab_101_900_solution.py": RIGHT,
                "ab_101_901_solution-1.py": FIRST,
                "c_102_902_solution.py": RIGHT,
            },
            "Other files have anomaly_score",
        ),
        (
            {
                "Abgaben/A_A_a_1_1/20261101120000_solution.py": RIGHT,
                "Abgaben/A_A_a_1_1/20261102120000_x.py": RIGHT + "#",
            },
            "There is a later upload",
        ),
        ({"solution.py": STUB, "x.zip": b"PK"}, "it is damaged"),
        ({"solution.py": "class A: pass"}, "solution.py has none of the three functions"),
        ({"solution.py": PDF}, "solution.py is no program"),
        ({"solution.py": packed("x.zip", {"solution.py": RIGHT})}, "solution.py is no program"),
    ],
)
def test_what_a_human_should_look_at(tmp_path, files, words):
    plain = not any("_1_" in path or "_101_" in path for path in files)
    people = {f"anna/{path}" if plain else path: content for path, content in files.items()}
    others = {"ef_103_903_solution.py": RIGHT} if "_101_" in str(files) or plain else {}
    found, *_ = rows(tree(tmp_path / "class", {**people, **others})).values()
    assert found.needs_human and words in f"{found.problem} {found.note}"


def test_one_persons_upload_whatever_it_is(tmp_path):
    assert find_one(tmp_path / "nothing").problem == "Nothing was handed in."
    assert find_one(tmp_path).problem == "No file was handed in."
    for number, files in enumerate(
        ({"src/solution.py": RIGHT}, {"a.py": USES, "utils.py": "x = 1"}, {"x.zip": {"y/solution.py": RIGHT}})
    ):
        assert "def reconstruct" in find_one(tree(tmp_path / str(number), files)).source


def test_a_module_of_the_library_is_no_helper(tmp_path):
    folder = tree(tmp_path / "a", {"solution.py": f"import json, torch, mine.x\n{RIGHT}", "json.py": "", "torch.py": "x", "mine/x.py": "y = 1", "mine/__init__.py": "#"})  # fmt: skip
    assert find_one(folder).helpers == {"mine/x.py": "y = 1", "mine/__init__.py": "#"}


def test_nothing_of_ours_comes_along():
    for path in ("exercise_sheet_8.ipynb", "solution.py"):
        (found,) = rows(ROOT / path).values()
        assert (found.file, found.helpers) == (path, {})


def test_a_package_comes_along_whole(tmp_path):
    package = {f"mine/{path}": "y = 1" for path in ("__init__.py", "a/b.py", "a/c.py", "d.py")}
    files = {
        "src/solution.py": f"import mine.a.b, utils\n{RIGHT}",
        "utils.py": "import more",
        "more.py": "",
        "not it.py": "x",
    }
    folder = tree(tmp_path / "a", {**files, **package, "mine/a/no name.py": "x", "unused.py": "x"})
    assert set(find_one(folder).helpers) == {*package, "utils.py", "more.py"}


@pytest.mark.parametrize(
    ("source", "defined", "written"),
    [
        (RIGHT, 3, 3),
        (STUB, 3, 0),
        ("import solution\ndef reconstruct(*a): return solution.reconstruct(*a)", 1, 0),
        ("if True:\n    reconstruct = lambda x: x", 1, 1),
        ("reconstruct, (anomaly_score, x) = f()", 2, 2),
        ("from mine import reconstruct, anomaly_score", 2, 2),
        ("from solution import reconstruct", 1, 0),
        ("def reconstruct(x):\n    'doc'\n    pass", 1, 0),
        ("def reconstruct(x):\n  return (", 1, 1),
        ("class A:\n    def reconstruct(self): return 1", 0, 0),
        ("%matplotlib\ndef reconstruct(x): return x", 1, 1),
        ("(" * 10_000, 0, 0),
        ("match 1:\n    case 1:\n        def reconstruct(x): return x", 1, 1),
    ],
)
def test_a_look_without_running(source, defined, written):
    found = see(source)
    assert (len(found.defined), len(found.written)) == (defined, written)
