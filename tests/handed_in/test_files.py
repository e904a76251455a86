"""Reading what is handed in: one row a person, whatever course system it comes from, and nothing left out."""

import contextlib
import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import textwrap
import time
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.grading.handed_in import files as reading
from tests.grading.handed_in import people
from tests.grading.handed_in.files import list_files
from tests.grading.handed_in.people import find_one, find_submissions
from tests.grading.handed_in.printable import printable
from tests.grading.handed_in.source import functions_in, imported_by
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.running.process import Limits
from tests.grading.running.sandbox import Sandbox
from tests.grading.sheet.rubric import EXERCISES, FUNCTIONS

ROOT = Path(__file__).parents[2]
RIGHT = (ROOT / "tests" / "submissions" / "right" / "plain.py").read_text()
STUB = "\n".join(
    f"def {name}(*args):\n    raise NotImplementedError('Exercise {number}')"
    for number, name in FUNCTIONS.items()
)
HALF = STUB + RIGHT[RIGHT.index("def anomaly_score") :].join("\n\n")
USES = f"import utils\n{RIGHT}"
PDF = b"%PDF"


@pytest.fixture(scope="module")
def short_sandbox():
    with Sandbox(Limits(seconds=2)) as sandbox:
        yield sandbox


def tree(folder, files):
    """Write {path: text, bytes, or {path: ...} for an archive}."""
    for path, content in files.items():
        where = folder / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(packed(path, content))
    return folder


def packed(name, content):
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes):
        return content
    file = io.BytesIO()
    if name.endswith(".zip"):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, inner in content.items():
                archive.writestr(path, packed(path, inner))
    else:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            for path, inner in content.items():
                data = packed(path, inner)
                info = tarfile.TarInfo(path)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells], "nbformat": 4})


def rows(*paths):
    return {one.name: one for one in find_submissions(paths)}


# ---------------------------------------------------------------- layouts

M = "_assignsubmission_file"
LAYOUTS = {
    "moodle folders": (
        {
            f"Anna Ash_1234567{M}_/solution.py": RIGHT,
            f"Ben Birch_1234568{M}/hw8.zip": {"hw8/solution.py": RIGHT, "__MACOSX/._solution.py": b"x"},
            f"Carla Cedar_1234569{M}_/solution_final_v2.py": USES,
            f"Carla Cedar_1234569{M}_/utils.py": "x = 1",
            "Carla Cedar_1234569_assignsubmission_onlinetext_/onlinetext.html": "<p>Hello</p>",
            "Dora Dill_1234570_assignsubmission_onlinetext_/onlinetext.html": "<p>Hello</p>",
        },
        {"Anna Ash": "1234567", "Ben Birch": "1234568", "Carla Cedar": "1234569", "Dora Dill": "1234570"},
        {"Dora Dill"},
    ),
    "moodle flat": (
        {f"Anna_Maria Ash_17{M}_solution (1).py": RIGHT, f"Ben Birch_18{M}_x.ipynb": '{"cells": []}'},
        {"Anna Maria Ash": "17", "Ben Birch": "18"},
        set(),
    ),
    "canvas": (
        {
            "ashanna_LATE_123_900_solution.py": STUB,
            "ashanna_LATE_123_950_solution-1.py": RIGHT,
            "ashanna_LATE_123_951_utils.py": "x = 1",
            "ashanna_LATE_123_952_utils-1.py": "x = 2",
            "cedarcarla_125_903_solution.py": USES,
            "cedarcarla_125_904_utils-1.py": "x = 1",
            "birchben_124_901_solution.py.txt": RIGHT,
        },
        {"ashanna": "123", "birchben": "124", "cedarcarla": "125"},
        set(),
    ),
    "ilias": (
        {
            "\u00dcbungsblatt 8/Abgaben/Ash_Anna_aash_4711/20261101120000_solution.py": STUB.replace(
                "raise", "x = 1; raise"
            ),
            "\u00dcbungsblatt 8/Abgaben/Ash_Anna_aash_4711/20261102120000_solution.py": RIGHT,
            "\u00dcbungsblatt 8/Abgaben/Birch_Ben_bb_4712/20261101120000_abgabe.ipynb": '{"cells": []}',
            "\u00dcbungsblatt 8/Abgaben/Team 17/20261101120000_solution.py": RIGHT,
        },
        {"Ash Anna": "4711", "Birch Ben": "4712", "Team 17": "17"},
        set(),
    ),
    "gradescope": (
        {
            "submission_12345/solution.py": RIGHT,
            "submission_12346/solution.py": RIGHT,
            "submission_metadata.yml": "submission_12345:\n  :submitters:\n  - :name: Anna Ash\n    :sid: '1'\n  - :name: Ben Birch\n",
        },
        {"Anna Ash, Ben Birch": "12345", "submission 12346": "12346"},
        set(),
    ),
    "classroom": (
        {
            "sheet-anna/solution.py": RIGHT,
            "sheet-anna/tests/grading/solution.py": RIGHT,
            "sheet-anna/exercise_sheet_8.ipynb": '{"cells": []}',
            "sheet-ben/mine/solution.py": RIGHT,
            "sheet-ben/mine/tests/grading/grade.py": "x = 1",
            "sheet-carla/tests/grading/grade.py": "x = 1",
            "sheet-carla/tests/submissions/right/a.py": RIGHT + "#",
            "sheet-carla/tests/test_solution.py": RIGHT + "#",
            "sheet-carla/data/solution.py": RIGHT,
            "sheet-carla/solution.py": STUB,
        },
        {"sheet-anna": "", "sheet-ben": "", "sheet-carla": ""},
        set(),
    ),
    "nbgrader": (
        {
            "submitted/anna/sheet8/solution.py": RIGHT,
            "submitted/anna/sheet7/other.py": "x = 1",
            "submitted/ben/sheet8/sheet.ipynb": '{"cells": []}',
        },
        {"anna": "", "ben": ""},
        set(),
    ),
    "moodle, without names": (
        {f"Participant_{number}{M}_/solution.py": RIGHT for number in (123, 124)},
        {"Participant 123": "123", "Participant 124": "124"},
        set(),
    ),
    "moodle, what lies in the way": (
        {
            f"Anna Ash_11{M}_/.DS_Store": b"x",
            f"Ben Birch_12{M}_/x.zip": {"__MACOSX/._solution.py": b"x", "hw/.idea/x.py": "x"},
            "Carla Cedar_13_assignsubmission_comments_/x.html": "x",
            "Dora Dill_14_assignsubmission_onlinetext_/solution.py": RIGHT,
            f"Emil Elm_15{M}_/uni_ws_26_8/solution.py": RIGHT,
            f"Emil Elm_15{M}_/Ben Birch_12{M}_/solution.py": RIGHT,
            f"Fay Fir_16{M}_.solution.py": RIGHT,
        },
        {
            "Anna Ash": "11",
            "Ben Birch": "12",
            "Carla Cedar": "13",
            "Dora Dill": "14",
            "Emil Elm": "15",
            "Fay Fir": "16",
        },
        {"Anna Ash", "Ben Birch", "Carla Cedar", "Fay Fir"},
    ),
    "canvas, online": (
        {
            "ashanna_123_text.html": "x",
            "birchben_LATE_124_link.html": "x",
            "cedarcarla_125_901_hw.zip": {"uni_ws_26_8/solution.py": RIGHT},
        },
        {"ashanna": "123", "birchben": "124", "cedarcarla": "125"},
        {"ashanna", "birchben"},
    ),
    "canvas, anonymous": (
        {
            "anon_x1Y2z_901_solution.py": RIGHT,
            "anon_LATE_q9w8e_902_solution.py": RIGHT,
            "anon_LATE_q9w8e_903_utils.py": "x = 1",
        },
        {"anon x1Y2z": "x1Y2z", "anon q9w8e": "q9w8e"},
        set(),
    ),
    "ilias, teams": (
        {
            "Team 18/Ash_Anna_a_ash_4711/20261101120000_solution.py": STUB,
            "Team 18/Birch_Ben_bb_4712/20261102120000_solution.py": RIGHT,
            "Cedar_Carla_c_c_12/20261102120000_x.zip": {"uni_ws_26_8/solution.py": RIGHT},
        },
        {"Team 18 (Ash Anna a, Birch Ben)": "18", "Cedar Carla c": "12"},
        set(),
    ),
    "ilias, with what teachers put beside": (
        {
            **{
                f"E/Abgaben/{name}/20261101120000_solution.py": RIGHT
                for name in ("Ash_A_a_1", "Birch_B_b_2", "Cedar_C_c_3")
            },
            "E/Abgaben/readme.txt": "x",
            "E/status.xlsx": b"x",
            "E/Solution of ours/solution.py": RIGHT,
        },
        {"Ash A": "1", "Birch B": "2", "Cedar C": "3", "Solution of ours": ""},
        set(),
    ),
    "canvas, a file of ours and a folder unpacked": (
        {
            **{f"{name}_900_solution.py": RIGHT for name in ("ash_101", "birch_102")},
            "cedar_103_901_hw/solution.py": RIGHT,
            "solution.py": RIGHT,
        },
        {"ash": "101", "birch": "102", "cedar": "103", "solution": ""},
        set(),
    ),
    "gradescope, all of its metadata": (
        {
            "submission_1/solution.py": RIGHT,
            "submission_1/submission_metadata.yml": "submission_2:\n  :submitters:\n  - :name: Mallory\n",
            "submission_2/src/solution.py": RIGHT,
            "submission_metadata.yml": "submission_1:\n  :submitters:\n  - :name: 'O''Brien, Pat'\n  :results:\n    tests:\n"
            '    - name: test\nsubmission_2:\n  :submitters:\n  - :sid: 1\n    :name: "J\\xF6rg \\"J\\" M"\n'
            "submission_3:\n  :submitters:\n  - :name: Dora\n",
        },
        {"O'Brien, Pat": "1", 'J\u00f6rg "J" M': "2", "Dora": "3"},
        set(),
    ),
    "nbgrader, the course": (
        {
            **{
                f"{folder}/anna/sheet8/solution.py": RIGHT
                for folder in ("submitted", "autograded", "feedback")
            },
            "submitted/ben_b/sheet7/solution.py": "x = 2",
            "source/sheet8/solution.py": RIGHT,
            "nbgrader_config.py": "x = 1",
        },
        {"anna": "", "ben_b": ""},
        {"ben_b"},
    ),
    "tutorials": (
        {
            **{f"{name}/solution.py": RIGHT for name in ("A/anna", "A/ben", "B/carla", "C/emil")},
            "B/dora/src/x.ipynb": notebook(RIGHT),
        },
        {"anna": "", "ben": "", "carla": "", "dora": "", "emil": ""},
        set(),
    ),
    "two sheets": (
        {
            f"{name}/sheet{n}/solution.py": RIGHT if n == 8 else "x = 2"
            for n in (7, 8)
            for name in ("anna", "ben")
        },
        {"anna": "", "ben": ""},
        set(),
    ),
    "in folders": (
        {f"a/b/{name}/solution.py": RIGHT for name in ("anna", "ben")},
        {"anna": "", "ben": ""},
        set(),
    ),
    "names like a system's": (
        {
            "anna/solution_2026_11_05_final.py": RIGHT,
            "ben_1_2_x/solution.py": RIGHT,
            "uni_ws_2026_123/solution.py": RIGHT,
            "Team 3/x/solution.py": RIGHT,
            "submission_8/x/solution.py": RIGHT,
            "emil/submitted/v1/solution.py": RIGHT,
            "fay/submitted/v1/solution.py": RIGHT,
            "gus/submission_metadata.yml": "submission_8:\n  :submitters:\n  - :name: Mallory\n",
        },
        dict.fromkeys(
            ["anna", "ben_1_2_x", "uni_ws_2026_123", "Team 3", "submission_8", "emil", "fay", "gus"], ""
        ),
        {"gus"},
    ),
    "plain": (
        {
            "anna/solution.py": RIGHT,
            "ben.py": RIGHT,
            "solution.py": RIGHT,
            "carla.tar.gz": {"x/solution.py": RIGHT},
            "dora/report.pdf": PDF,
            "emil.rar": b"Rar!",
            ".DS_Store": b"x",
            "report.pdf": PDF,
        },
        {"anna": "", "ben": "", "carla": "", "dora": "", "emil": "", "solution": ""},
        {"dora", "emil"},
    ),
    "flat with helpers": (
        {"anna.py": USES, "ben.py": RIGHT, "utils.py": "x = 1", "carla.py": "x = 2"},
        {"anna": "", "ben": "", "carla": ""},
        {"carla"},
    ),
}


@pytest.mark.parametrize("how", ["folder", "below", "zip", "tar.gz", "zip in a folder"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_row_a_person(tmp_path, layout, how):
    files, ids, look = LAYOUTS[layout]
    top = tmp_path / "download"
    if how == "folder":
        tree(top, files)
    elif how == "below":
        tree(top / "Sheet 8", files)
    elif how == "zip in a folder":
        tree(top, {"Sheet 8.zip": files})
    else:
        top = tree(tmp_path, {f"download.{how}": files}) / f"download.{how}"
    if how in ("below", "zip in a folder") and layout in ("plain", "tutorials"):
        pytest.skip("a folder in a folder is a person, where no system's names say otherwise")
    found = rows(top)
    assert {name: one.id for name, one in found.items()} == ids
    assert {name for name, one in found.items() if one.needs_look} == look
    for one in found.values():
        assert one.problem or one.cells is not None or one.source in (RIGHT, USES, "x = 2")


def test_who_is_in_two_downloads_is_one_person(tmp_path):
    files = {
        f"1/Anna Ash_11{M}_/a.py": STUB,
        f"2/Anna Ash_11{M}_/solution.py": RIGHT,
        f"2/Anna Ash_12{M}_/solution.py": RIGHT,
    }
    tree(tmp_path, files)
    found = rows(tmp_path / "1", tmp_path / "2")
    assert {name: (one.id, one.source) for name, one in found.items()} == {
        "Anna Ash 11": ("11", RIGHT),
        "Anna Ash 12": ("12", RIGHT),
    }


def test_a_class_in_a_folder_or_an_archive_may_hold_more(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_FILES", 5)
    files = {
        f"{name}_{number}{M}_/solution.py": RIGHT for number, name in enumerate(["Ash", "Birch", "Cedar"] * 3)
    }
    assert len(rows(tree(tmp_path / "class", {"x.zip": files}))) == 9
    assert len(rows(tree(tmp_path / "below", {f"x/{path}": RIGHT for path in files}))) == 9
    many = {f"x/anna/{n}.txt": "" for n in range(9)} | {
        "x/ben/solution.py": RIGHT,
        "x/carla/solution.py": RIGHT,
    }
    found = rows(tree(tmp_path / "plain", many))
    assert list(found) == ["anna", "ben", "carla"] and "more than 5 files" in found["anna"].problem


def test_what_the_systems_say_is_kept(tmp_path):
    found = rows(tree(tmp_path / "canvas", LAYOUTS["canvas"][0]))
    assert found["ashanna"].late and not found["birchben"].late
    assert found["ashanna"].file == "solution-1.py"
    assert found["cedarcarla"].helpers == {"utils.py": "x = 1"}
    found = rows(tree(tmp_path / "moodle", LAYOUTS["moodle folders"][0]))
    assert found["Carla Cedar"].helpers == {"utils.py": "x = 1"}
    assert found["Carla Cedar"].file == "solution_final_v2.py"
    assert found["Ben Birch"].file == "hw8.zip/hw8/solution.py"
    assert found["Dora Dill"].problem == "No file was handed in, only a text online."
    found = rows(tree(tmp_path / "ilias", LAYOUTS["ilias"][0]))
    assert found["Ash Anna"].source == RIGHT


def test_numbers_of_the_class_are_nobodys(tmp_path):
    names = ["sheet_8_1_anna", "sheet_8_2_ben"]
    assert list(rows(tree(tmp_path / "files", {f"{name}.py": RIGHT for name in names}))) == names
    names = ["anna_ash_hw_8", "ben_birch_hw_8"]
    assert list(rows(tree(tmp_path / "folders", {f"{name}/solution.py": RIGHT for name in names}))) == names
    names = [f"{name}_900_solution.py" for name in ("ash_101", "birch_102", "ours_101")]
    found = rows(tree(tmp_path / "canvas", dict.fromkeys(names, RIGHT)))
    assert [name for name, one in found.items() if one.needs_look] == ["ash", "ours"]  # two of one id


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("submitted/anna/sheet8", "anna"),
        ("E/Abgaben/Ash_A_a_1", "Ash A"),
        (f"Anna Ash_11{M}_", "Anna Ash"),
        ("Team 1", "Team 1"),
        ("submission_1", "submission_1"),
    ],
)
def test_a_download_of_one_person(tmp_path, path, name):
    assert list(rows(tree(tmp_path / "download", {f"{path}/solution.py": RIGHT}))) == [name]


def test_the_folder_of_one_person_in_a_download(tmp_path):
    tree(tmp_path, {f"Anna Ash_11{M}_/solution.py": RIGHT, f"Ben Birch_12{M}_/solution.py": RIGHT})
    (found,) = find_submissions([tmp_path / f"Anna Ash_11{M}_"])
    assert (found.name, found.id) == ("Anna Ash", "11")


@pytest.mark.parametrize("name", ["Blatt_8_ws_2026", "sheet_8_2026_x", "submission_8", "Team 8", "submitted"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_folder_of_the_class_is_nobodys(tmp_path, name, wrapped):
    top = tmp_path / "download" / name
    tree(top, {"anna/solution.py": RIGHT, "ben/hw.zip": {"x/solution.py": RIGHT}})
    assert list(rows(top.parent if wrapped else top)) == ["anna", "ben"]


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
    assert (found.problem, found.file, found.needs_look) == (None, file, False)
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
    assert found.needs_look and found.problem.endswith("It is unclear which of a.py, b.py to grade.")
    both = {
        "solution.py": RIGHT[: RIGHT.index("def reconstruct")],
        "x.ipynb": notebook(RIGHT[RIGHT.index("def recon") :]),
    }
    found = find_one(tree(tmp_path / "both", both))
    assert found.needs_look and found.cells and "get_objective_term" in found.source


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
    found, *_ = find_submissions([tree(tmp_path / "class", {**people, **others})])
    assert found.needs_look and words in f"{found.problem} {found.note}"


def test_one_persons_upload_whatever_it_is(tmp_path):
    assert find_one(tmp_path / "nothing").problem == "Nothing was handed in."
    assert find_one(tmp_path).problem == "There is no solution.py in this folder."
    for number, files in enumerate(
        ({"src/solution.py": RIGHT}, {"a.py": USES, "utils.py": "x = 1"}, {"x.zip": {"y/solution.py": RIGHT}})
    ):
        assert "def reconstruct" in find_one(tree(tmp_path / str(number), files)).source


def test_a_module_of_the_library_is_no_helper(tmp_path):
    folder = tree(tmp_path / "a", {"solution.py": f"import json, torch, mine.x\n{RIGHT}", "json.py": "", "torch.py": "x", "mine/x.py": "y = 1", "mine/__init__.py": "#"})  # fmt: skip
    assert find_one(folder).helpers == {"mine/x.py": "y = 1", "mine/__init__.py": "#"}


def test_nothing_of_ours_comes_along():
    for path in ("exercise_sheet_8.ipynb", "solution.py"):
        (found,) = find_submissions([ROOT / path])
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
    assert set(find_one(folder).helpers) == {*package, "utils.py"}


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
    assert tuple(map(len, functions_in(source))) == (defined, written)


# ---------------------------------------------------------------- archives and odd things


def damaged():
    content = bytearray(packed("x.zip", {"solution.py": RIGHT}))
    content[60:90] = b"\xff" * 30
    return bytes(content)


BOMB = {"solution.py": b"#" * (17 << 20)}
NESTED = {"a.zip": {"b.zip": {"c.zip": {"d.zip": {"solution.py": RIGHT}}}}}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.zip", b"PK", "can't be read: it is damaged"),
        ("x.tar.gz", b"\x1f\x8b", "can't be read: it is damaged"),
        ("x.tar.gz", gzip.compress(bytes(1 << 20)), "no solution.py"),
        ("x.zip", damaged(), "damaged"),
        ("x.zip", BOMB, "larger than 16 MiB"),
        ("x.zip", NESTED, "too many archives"),
        ("x.zip", {f"{i}.py": "" for i in range(10_001)}, "it holds too many files"),
        ("x.zip", {"solution.py": RIGHT} | {f"venv/site-packages/{i}.py": "" for i in range(10_001)}, None),
        ("x.zip", {"d/" * 1100 + "solution.py": RIGHT}, "too deep"),
        ("x.zip", {"../../solution.py": RIGHT}, None),
        ("x.zip", {}, "no solution.py"),
        ("x.zip", packed("x.tar.gz", {"solution.py": RIGHT}), None),
        ("x.tar.gz", packed("x.zip", {"solution.py": RIGHT}), None),
        ("x.7z", b"7z", "an archive of a kind that is not read"),
    ],
)
def test_an_archive_is_a_row(tmp_path, name, content, words):
    folder = tree(tmp_path / "class", {f"anna/{name}": content, "ben/solution.py": RIGHT})
    found = rows(folder)
    assert list(found) == ["anna", "ben"] and found["ben"].source == RIGHT
    assert words in found["anna"].problem if words else found["anna"].source == RIGHT
    assert sorted(p.name for p in tmp_path.rglob("*")) == sorted(
        ["class", "anna", "ben", name, "solution.py"]
    )


@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "cp850"])
def test_the_names_in_an_archive(tmp_path, encoding):
    name = f"J\u00f6rg M\u00fcller_11{M}_/solution.py".encode(encoding)
    content = packed("x.zip", {"x" * len(name): RIGHT}).replace(b"x" * len(name), name)
    folder = tree(tmp_path, {"x.zip": content})
    assert list(rows(folder / "x.zip")) == ["J\u00f6rg M\u00fcller"]


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
def test_a_bomb_is_a_row(tmp_path, monkeypatch, name):
    monkeypatch.setattr(reading, "MAX_UNPACKED", 1 << 20)
    bomb = {f"{i}.{end}": b"#" * (1 << 19) for i in range(9) for end in ("py", "bin")}
    found = rows(tree(tmp_path / "class", {f"anna/{name}": bomb, f"ben/{name}": {"solution.py": RIGHT}}))
    assert found["ben"].source == RIGHT
    assert found["anna"].needs_look
    assert "holds more than 1 MiB" in f"{found['anna'].problem} {found['anna'].note}"


def test_one_persons_files_cost_no_other_row(tmp_path, monkeypatch):
    tree(tmp_path / "class", {"anna/solution.py": RIGHT, "ben/solution.py": RIGHT})
    real = people.choose
    monkeypatch.setattr(people, "choose", lambda name, *more: 1 / 0 if name == "anna" else real(name, *more))
    found = rows(tmp_path / "class")
    assert found["anna"].needs_look and "ZeroDivisionError" in found["anna"].problem
    assert found["ben"].source == RIGHT


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts open files")
def test_archives_are_closed(tmp_path):
    folder = tree(tmp_path / "class", {f"{i}/x.zip": {"solution.py": RIGHT} for i in range(30)})
    before = len(os.listdir("/proc/self/fd"))
    found = list_files(folder)
    assert len([item.read() for item in found]) == 30
    items = list(list_files(folder))
    assert len(os.listdir("/proc/self/fd")) <= before + 1 and len(items) == 30


def test_an_empty_solution_is_somebodys_too(tmp_path):
    folder = tree(tmp_path / "class", {"solution.py": RIGHT, "a/solution.py": "", "b/utils.py": "x = 1"})
    assert {"a", "b"} <= {one.name for one in find_submissions([folder])}


SOURCES = [RIGHT, STUB, "", "(", "x = 1", notebook(RIGHT), "\0", "\ufeff" + RIGHT]
NAMES = ["a", "b", "solution.py", "x.ipynb", "y.zip", "z.tar.gz", "utils.py", "tests", "Ann_12_assignsubmission_file_", "ann_LATE_1_2_s.py"]  # fmt: skip


@settings(
    max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(st.dictionaries(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(tuple), st.sampled_from(SOURCES), min_size=1, max_size=8))  # fmt: skip
def test_no_tree_of_files_raises_and_no_work_is_left_out(tmp_path_factory, files):
    folder = tree(tmp_path_factory.mktemp("class"), {"a/solution.py": RIGHT, "b/utils.py": "x = 1"})
    for path, content in files.items():
        where = folder.joinpath(*path[:-1])
        with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            where.mkdir(parents=True, exist_ok=True)
            (where / path[-1]).write_text(content, encoding="utf-8")
    found = find_submissions([folder])
    assert len({one.name for one in found}) == len(found)
    assert {"a", "b"} <= {one.name for one in found}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files of Linux")
def test_odd_things_are_rows_with_a_reason(tmp_path, request):
    # pytest's own clean-up can't remove what lies that deep
    request.addfinalizer(lambda: subprocess.run(["rm", "-rf", tmp_path / "class"], check=True))
    folder = tree(tmp_path / "class", {"anna/solution.py": RIGHT, "loop/x.txt": "x", "zoe.py": RIGHT})
    os.mkfifo(folder / "fifo.py")
    (folder / "pipes").mkdir()
    os.mkfifo(folder / "pipes" / "solution.py")
    (folder / "loop" / "loop").symlink_to(folder / "loop")
    (folder / "device.py").symlink_to("/dev/zero")
    (folder / "locked").mkdir()
    deep = os.open(tree(folder / "deep", {"x.txt": ""}), os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=deep)
        deep, old = os.open("d", os.O_RDONLY, dir_fd=deep), deep
        os.close(old)
    os.close(deep)
    (folder / "locked").chmod(0)
    found = rows(folder)
    (folder / "locked").chmod(0o700)
    assert list(found) == ["anna", "deep", "device.py", "fifo.py", "locked", "loop", "pipes", "zoe"]
    assert "too deep" in found["deep"].problem
    assert "is a link" in found["device.py"].problem + found["loop"].problem
    assert "no ordinary file" in found["fifo.py"].problem and "no ordinary file" in found["pipes"].problem
    assert found["locked"].problem and found["zoe"].source == found["anna"].source == RIGHT


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names of bytes")
def test_odd_names(tmp_path):
    folder = tmp_path / "class"
    names = [b"m\xfcller", b"a" * 251, b"anna\nben  15  10", b"\x1b[2Jclear", "M\u00fcller".encode(),
             unicodedata.normalize("NFD", "M\u00fcller").encode(), b"M\xc3\xbcLLER", "\u202egnp".encode(), b"\t=1+1"]  # fmt: skip
    for name in names:
        (folder / os.fsdecode(name)).mkdir(parents=True)
        (folder / os.fsdecode(name) / "solution.py").write_text(RIGHT)
    found = rows(folder)
    assert len(found) == len(names) and all(one.source == RIGHT for one in found.values())
    assert all(name.isprintable() and len(name) <= 100 for name in found)
    assert {"M\u00fcller", "M\u00fcller (2)", "M\u00fcLLER", "anna ben 15 10"} <= set(found)
    assert printable("a\u2028b") == "a b"


# ---------------------------------------------------------------- files of every kind


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
    (submission,) = find_submissions([tmp_path])
    found = grade(submission, short_sandbox)
    assert found.total == total
    assert words in found.note + " ".join(found.mistakes)


def test_folders_and_links(tmp_path, short_sandbox):
    for name in ("anna", "ben", "carl", "dora", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "anna" / "solution.py").write_text(RIGHT)
    (tmp_path / "ben" / "solution.py").mkdir()
    (tmp_path / "carl" / "solution.py").symlink_to(ROOT / "solution.py")
    (tmp_path / "dora" / "my.ipynb").write_text("{}")
    (tmp_path / "emil.py").write_text(RIGHT)
    (tmp_path / "link.py").symlink_to(ROOT / "solution.py")
    (tmp_path / "notes.txt").write_text("not a submission")
    grades = {s.name: grade(s, short_sandbox) for s in find_submissions([tmp_path])}
    assert {name: found.total for name, found in grades.items()} == {
        "anna": 35, "ben": 0, "carl": 0, "dora": 0, "emil": 35, "empty": 0, "link.py": 0,
    }  # fmt: skip
    assert "is a folder" in " ".join(grades["ben"].mistakes)
    assert "is a link" in " ".join(grades["carl"].mistakes)
    assert "not a Jupyter notebook" in " ".join(grades["dora"].mistakes)
    assert [s.name for s in find_submissions([tmp_path / "anna", tmp_path / "anna"])] == ["anna", "anna (2)"]


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
    (submission,) = find_submissions([tmp_path / "mine.ipynb"])
    found = grade(submission, short_sandbox)
    whole = [exercise.points for exercise in EXERCISES.values()]
    assert [found.points(number) for number in EXERCISES] == [
        all_ * earned for all_, earned in zip(whole, points, strict=True)
    ]
    assert words in " ".join(found.mistakes)


def test_the_sheets_own_notebook_earns_nothing_without_solution(tmp_path, short_sandbox):
    (tmp_path / "sheet.ipynb").write_bytes((ROOT / "exercise_sheet_8.ipynb").read_bytes())
    (submission,) = find_submissions([tmp_path])
    found = grade(submission, short_sandbox)
    assert found.total == 0
    assert "no solution.py beside it" in " ".join(found.mistakes)


def test_the_sheets_own_notebook_with_work_in_its_cells_earns_everything(tmp_path, short_sandbox):
    sheet = json.loads((ROOT / "exercise_sheet_8.ipynb").read_text(encoding="utf-8"))
    for cell in sheet["cells"]:
        if "    return solution." in "".join(cell["source"]):
            name = "".join(cell["source"]).partition("(")[0].removeprefix("def ")
            start = RIGHT.index(f"def {name}")
            cell["source"] = RIGHT[start:].split("\n\n\n")[0]
    (tmp_path / "sheet.ipynb").write_text(json.dumps(sheet), encoding="utf-8")
    (submission,) = find_submissions([tmp_path])
    assert grade(submission, short_sandbox).total == sum(exercise.points for exercise in EXERCISES.values())


def test_odd_files_do_not_stop_the_grader():
    start = time.monotonic()
    imported_by([Submission("blank", source="\n" * 1_000_000)])
    assert time.monotonic() - start < 5


def test_a_declared_encoding_that_takes_forever(tmp_path):
    (tmp_path / "solution.py").write_bytes(b"# coding: punycode\n" + b"a" * 1_000_000)
    start = time.monotonic()
    find_submissions([tmp_path])
    assert time.monotonic() - start < 5


def test_names_are_unique_and_text(tmp_path):
    for name in ("anna.py", "anna.ipynb", "anna (2).py"):
        (tmp_path / name).write_text(RIGHT)
    names = [one.name for one in find_submissions([tmp_path])]
    assert sorted(names) == ["anna", "anna (2)", "anna (2) (2)"]
    if sys.platform.startswith("linux"):
        (tmp_path / os.fsdecode(b"m\xfcller.py")).write_text(RIGHT)
        assert "m?ller" in [one.name for one in find_submissions([tmp_path])]
