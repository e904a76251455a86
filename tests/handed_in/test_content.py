"""Files of every kind, as they are graded."""

import json
import textwrap
from pathlib import Path

import pytest

from tests.grading.judging.grade import grade
from tests.grading.running.process import Limits
from tests.grading.running.sandbox import Sandbox
from tests.grading.sheet.rubric import EXERCISES, FUNCTIONS
from tests.handed_in.downloads import RIGHT, notebook, rows

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def short_sandbox():
    with Sandbox(Limits(seconds=5)) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("content", "total", "words"),
    [
        (b"\xef\xbb\xbf" + RIGHT.encode(), 35, ""),
        (RIGHT.replace("\n", "\r\n").encode(), 35, ""),
        (f"# L\u00f6sung\n{RIGHT}".encode("latin-1"), 35, "read as latin-1"),
        (f"# -*- coding: latin-1 -*-\n# L\u00f6sung\n{RIGHT}".encode("latin-1"), 35, ""),
        (RIGHT.encode("utf-16"), 35, "read as utf-16"),
        (f"# coding: utf-16\n{RIGHT}".encode(), 35, ""),
        (f"# coding: utf-16\n{RIGHT}\n".encode(), 35, ""),
        (RIGHT.encode("utf-16-le"), 35, "read as utf-16-le"),
        (RIGHT.encode() + b"\0", 0, "null bytes"),
        (b"", 0, "is empty"),
        (b" \n", 0, "is empty"),
        (b"#" * (17 << 20), 0, "larger than 16 MiB"),
        (b"\xff" * 100, 0, "not defined"),
        (b"(" * 100_000, 0, "not valid Python"),
        (b"x = " + b"-" * 200_000 + b"1", 0, ""),
        (b"x = " + b"+".join([b"1"] * 200_000), 0, ""),
    ],
)
def test_file_content(tmp_path, short_sandbox, content, total, words):
    (tmp_path / "solution.py").write_bytes(content)
    (submission,) = rows(tmp_path).values()
    found = grade(submission, short_sandbox)
    assert found.total == total
    assert words in " ".join([*found.notes, *found.sentences])


DELEGATING = "import solution\n" + "\n".join(
    f"def {name}(*args):\n    return solution.{name}(*args)" for name in FUNCTIONS.values()
)


ADDING_FIVE = RIGHT.replace("relu(", "relu(FIVE - 5 + ")


@pytest.mark.parametrize(
    ("cells", "beside", "points", "words"),
    [
        ([RIGHT, "import nothing_like_this\nraise SystemExit"], None, [1, 1, 1], ""),
        ([RIGHT.replace("relu", "sigmoid"), RIGHT], None, [1, 1, 1], ""),
        (
            [RIGHT, "def anomaly_score(x, reconstruction):\n    pass"],
            None,
            [1, 1, 0],
            "Not implemented yet",
        ),
        (["%matplotlib inline\n!ls\nfiles = !ls\nplt.plot?", RIGHT], None, [1, 1, 1], ""),
        (
            ["SCALE = 1\nif SCALE:\n    import torch", RIGHT.replace("import torch", "")],
            None,
            [1, 1, 1],
            "",
        ),
        # What the functions call their own variables has nothing to do with the rest of the notebook.
        (["x, W = nothing_like_this()", RIGHT, "b = get_objective_term(x, W)"], None, [1, 1, 1], ""),
        (
            ["from torch import *", RIGHT.replace("import torch", "").replace("torch.", "")],
            None,
            [1, 1, 1],
            "",
        ),
        (
            ["with open(__file__):\n    ZERO = 0.0", RIGHT.replace("relu(", "relu(ZERO + ")],
            None,
            [1, 1, 1],
            "",
        ),
        ([DELEGATING], RIGHT, [1, 1, 1], ""),
        ([DELEGATING], None, [0, 0, 0], "there is no solution.py beside it"),
        (
            [DELEGATING, "import torch", RIGHT[RIGHT.index("def anomaly") :]],
            None,
            [0, 0, 1],
            "no solution.py",
        ),
        (["def reconstruct(:\n"], None, [0, 0, 0], "not valid Python"),
        # A line that begins with % may as well continue an expression.
        (["%time x = 1\nFIVE = (12\n        % 7)", ADDING_FIVE], None, [1, 1, 1], ""),
        (["def setup():\n    global FIVE\n    FIVE = 5", "setup()", ADDING_FIVE], None, [1, 1, 1], ""),
        (["d = {}\nd.update(FIVE=5)", ADDING_FIVE.replace("FIVE", "d['FIVE']")], None, [1, 1, 1], ""),
        (
            ["class C:\n    pass", "setattr(C, 'FIVE', 5)", ADDING_FIVE.replace("FIVE", "C.FIVE")],
            None,
            [1, 1, 1],
            "",
        ),
        (["print(FIVE := 5)", ADDING_FIVE], None, [1, 1, 1], ""),
        # What a function uses may be defined below it.
        (
            [ADDING_FIVE.replace("FIVE", "five()"), "def five():\n    return SIX - 1", "SIX = 6"],
            None,
            [1, 1, 1],
            "",
        ),
        (["if __name__ == '__main__':\n    FIVE = 5", ADDING_FIVE], None, [1, 1, 1], ""),
        (["match 1:\n    case 1:\n" + textwrap.indent(RIGHT, " " * 8)], None, [1, 1, 1], ""),
    ],
)
def test_notebook_submission(tmp_path, short_sandbox, cells, beside, points, words):
    (tmp_path / "mine.ipynb").write_text(notebook(*cells))
    if beside:
        (tmp_path / "solution.py").write_text(beside)
    (submission,) = rows(tmp_path / "mine.ipynb").values()
    found = grade(submission, short_sandbox)
    whole = [exercise.points for exercise in EXERCISES.values()]
    assert [found.points(number) for number in EXERCISES] == [
        all_ * earned for all_, earned in zip(whole, points, strict=True)
    ]
    assert words in " ".join(found.sentences)


def test_the_sheets_own_notebook_earns_nothing_without_solution(tmp_path, short_sandbox):
    (tmp_path / "sheet.ipynb").write_bytes((ROOT / "exercise_sheet_8.ipynb").read_bytes())
    (submission,) = rows(tmp_path).values()
    found = grade(submission, short_sandbox)
    assert found.total == 0
    assert "no solution.py beside it" in " ".join(found.sentences)


def test_the_sheets_own_notebook_with_work_in_its_cells_earns_everything(tmp_path, short_sandbox):
    sheet = json.loads((ROOT / "exercise_sheet_8.ipynb").read_text(encoding="utf-8"))
    for cell in sheet["cells"]:
        if "    return solution." in "".join(cell["source"]):
            name = "".join(cell["source"]).partition("(")[0].removeprefix("def ")
            start = RIGHT.index(f"def {name}")
            cell["source"] = RIGHT[start:].split("\n\n\n")[0]
    (tmp_path / "sheet.ipynb").write_text(json.dumps(sheet), encoding="utf-8")
    (submission,) = rows(tmp_path).values()
    assert grade(submission, short_sandbox).total == sum(exercise.points for exercise in EXERCISES.values())
