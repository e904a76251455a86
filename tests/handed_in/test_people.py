"""Who handed in what: one row a person, whatever course system it comes from, and nothing left out."""

import pytest

from tests.grading.handed_in import item
from tests.grading.handed_in.reading import read_download
from tests.grading.handed_in.systems import SYSTEMS, read_entry
from tests.handed_in.downloads import RIGHT, STUB, USES, M, downloads, notebook, rows, tree

LAYOUTS = downloads()


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
    assert {name for name, one in found.items() if one.needs_human} == look
    for one in found.values():
        assert one.problem or one.cells is not None or one.source in (RIGHT, USES, "x = 1", "x = 2")


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
    monkeypatch.setattr(item, "MAX_FILES", 5)
    people = {
        f"{name}_{number}{M}_/solution.py": RIGHT for number, name in enumerate(["Ash", "Birch", "Cedar"] * 3)
    }
    assert len(rows(tree(tmp_path / "class", {"x.zip": people}))) == 9
    assert len(rows(tree(tmp_path / "below", {f"x/{path}": RIGHT for path in people}))) == 9
    many = {f"x/anna/{n}.txt": "" for n in range(9)} | {
        "x/ben/solution.py": RIGHT,
        "x/carla/solution.py": RIGHT,
    }
    folder = tree(tmp_path / "plain", many)
    many |= {f"x/anna/{n}.txt": "" for n in range(200)}
    for path in (folder, tree(tmp_path, {"x.zip": many}) / "x.zip"):
        found = rows(path)
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
    assert found["Dora Dill"].problem == "No file was handed in, only a text or a link online."
    found = rows(tree(tmp_path / "ilias", LAYOUTS["ilias"][0]))
    assert found["Ash Anna"].source == RIGHT


def test_numbers_of_the_class_are_nobodys(tmp_path):
    names = ["sheet_8_1_anna", "sheet_8_2_ben"]
    assert list(rows(tree(tmp_path / "files", {f"{name}.py": RIGHT for name in names}))) == names
    names = ["anna_ash_hw_8", "ben_birch_hw_8"]
    assert list(rows(tree(tmp_path / "folders", {f"{name}/solution.py": RIGHT for name in names}))) == names
    names = [f"{name}_900_solution.py" for name in ("ash_101", "birch_102", "ours_101")]
    found = rows(tree(tmp_path / "canvas", dict.fromkeys(names, RIGHT)))
    assert [name for name, one in found.items() if one.needs_human] == ["ash", "ours"]  # two of one id


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("submitted/anna/sheet8", "anna"),
        ("E/Abgaben/Ash_A_a_1", "Ash A"),
        (f"Anna Ash_11{M}_", "Anna Ash"),
        ("Team 1", "Team 1"),
        ("submission_1", "submission_1"),
        ("Ash, Anna(aash)", "Ash, Anna"),
    ],
)
def test_a_download_of_one_person(tmp_path, path, name):
    assert list(rows(tree(tmp_path / "download", {f"{path}/solution.py": RIGHT}))) == [name]


IN_DOWNLOADS = {
    f"Anna Ash_11{M}_/solution.py": ("Anna Ash", "11", "solution.py"),
    f"Anna Ash_11{M}_/old.py": ("Anna Ash", "11", "old.py"),
    f"Anna Ash_11{M}_": ("Anna Ash", "11", "solution.py"),
    f"Ben Birch_12{M}_": ("Ben Birch", "12", "solution.py"),  # whatever a folder in it is called
    "canvas/ash_101_900_solution.py": ("ash", "101", "solution.py"),
    "canvas/cy_103_903_hw.zip": ("cy", "103", "hw.zip/solution.py"),
    "E/Abgaben/von_der_Tann_U_ut_2": ("von der Tann U", "2", "solution.py"),
    "E/Abgaben/Ash_A_a_1/20261101120000_solution.py": ("Ash A", "1", "solution.py"),
    "plain/sheet_1": ("sheet_1", "", "solution.py"),  # nobody of ILIAS's
}


def written(tmp_path):
    return tree(
        tmp_path,
        {
            f"Anna Ash_11{M}_/solution.py": RIGHT,
            f"Anna Ash_11{M}_/old.py": STUB,
            f"Ben Birch_12{M}_/solution.py": RIGHT,
            f"Ben Birch_12{M}_/Anna Ash_11{M}_/old.py": STUB,
            "canvas/ash_101_900_solution.py": USES,
            "canvas/ash_101_901_utils.py": "x = 1",
            "canvas/birch_102_902_solution.py": RIGHT,
            "canvas/cy_103_903_hw.zip": {"solution.py": RIGHT},
            "E/Abgaben/von_der_Tann_U_ut_2/20261101120000_solution.py": RIGHT,
            "E/Abgaben/Ash_A_a_1/20261101120000_solution.py": RIGHT,
            "plain/sheet_1/solution.py": RIGHT,
            "plain/sheet_2/solution.py": RIGHT,
        },
    )


@pytest.mark.parametrize("path", IN_DOWNLOADS)
def test_a_place_in_a_download_finds_the_same_person(tmp_path, path):
    (found,) = rows(written(tmp_path) / path).values()
    assert (found.name, found.id, found.file) == IN_DOWNLOADS[path]
    assert bool(found.helpers) == (found.name == "ash")


@pytest.mark.parametrize(
    "layout", ["canvas", "moodle folders", "plain", "flat with helpers", "tutorials", "documents"]
)
def test_a_shells_glob_is_the_folder(tmp_path, layout):
    files, ids, _ = LAYOUTS[layout]
    tree(tmp_path / "class", files)
    visible = [path for path in (tmp_path / "class").iterdir() if not path.name.startswith(".")]
    assert {name: one.id for name, one in rows(*visible).items()} == ids


def test_a_glob_that_leaves_out_the_names(tmp_path):
    files, ids, _ = LAYOUTS["gradescope"]
    tree(tmp_path, files)
    found = rows(*tmp_path.rglob("submission_[0-9]*"))
    assert {name: one.id for name, one in found.items()}.items() <= ids.items() and len(found) > 1


@pytest.mark.parametrize("folder", ["submitted/moodle", "Submissions/exercise_sheet_8", "Abgaben/blatt_8"])
def test_a_class_below_a_folder_called_like_a_systems_stays_a_class(tmp_path, folder):
    files = {f"{folder}/{name}_{id}{M}_/solution.py": RIGHT for name, id in (("Anna Ash", 11), ("Ben B", 12))}
    tree(tmp_path, files)
    assert {name: one.id for name, one in rows(tmp_path / folder).items()} == {
        "Anna Ash": "11",
        "Ben B": "12",
    }


def test_a_layout_by_name(tmp_path):
    names = {"ash_101_900_solution.py": RIGHT, "x.py": RIGHT, "y.py": RIGHT, "z.py": RIGHT}
    folder = tree(tmp_path / "class", names)
    assert list(rows(folder)) == ["ash_101_900_solution", "x", "y", "z"]
    assert list(rows(folder, layout="canvas")) == ["ash", "x", "y", "z"]
    folder = tree(tmp_path / "moodle", {f"Anna Ash_11{M}_/solution.py": RIGHT})
    assert list(rows(folder)) == ["Anna Ash"] and list(rows(folder, layout="plain")) != ["Anna Ash"]


def test_what_is_never_taken_for_somebodys(tmp_path, request):
    tree(tmp_path / "flat", {"anna.py": "from ben import *", "ben.py": RIGHT})
    assert not rows(tmp_path / "flat/anna.py")["anna"].helpers  # another's work
    sheet = request.config.rootpath / "exercise_sheet_8.ipynb"
    assert not rows(sheet)["exercise_sheet_8"].source  # the project's own solution.py
    ours = request.config.rootpath / "tests/grading/sheet"
    steps = (ours / "steps.py").read_text().replace("np.", "torch.")
    loss = (ours / "mistakes/loss.py").read_text()
    files = {
        "anna/solution.py": f"import steps\n{RIGHT}",
        "anna/steps.py": steps,
        "ben/solution.py": loss + RIGHT,
    }
    found = rows(tree(tmp_path / "class", files | {"cy/solution.py": RIGHT}))
    for name, file in (("anna", "steps.py"), ("ben", "solution.py")):
        assert found[name].problem == f"{file} is made from the grader's own files, which know the answers."
    assert found["cy"].source == RIGHT


def test_a_helper_that_several_could_use_is_nobodys_work(tmp_path):
    dora = "from ben import *\nglobals()['get_objective' + '_term'] = lambda *a: 0"
    files = {"ben.py": RIGHT, "carl.py": f"import PIL\n{RIGHT}", "solution.py": dora, "PIL.py": "x = 1"}
    found = rows(tree(tmp_path / "class", files))
    assert found["ben"].source == RIGHT and not found["ben"].helpers
    assert found["solution"].needs_human


def test_a_single_file_is_read_as_its_folder_is(tmp_path):
    folder = tree(tmp_path, {"anna.ipynb": notebook("from ben import *"), "ben.py": RIGHT, "cy.py": RIGHT})
    assert not rows(folder / "anna.ipynb")["anna"].helpers
    with pytest.raises(FileNotFoundError):
        rows(*tree(tmp_path / "tables", {"a.csv": "x", "b.csv": "x"}).iterdir())


def test_a_notebook_that_calls_the_solution_beside_it_is_graded_with_it(tmp_path):
    calls = [f"import solution\n{name} = solution.{name}" for name in ("get_objective_term", "anomaly_score")]
    own = RIGHT[RIGHT.index("def reconstruct") : RIGHT.index("def anomaly_score")]
    rest = RIGHT.replace(own, "")
    files = {"sheet.ipynb": notebook("import torch\nimport solution", own, *calls), "solution.py": rest}
    found = rows(tree(tmp_path / "anna", files))["anna"]
    assert found.cells and found.source == rest and not found.needs_human


def test_environments_and_data_sets_are_passed_over(tmp_path):
    files = {
        "solution.py": RIGHT,
        "data/MNIST/raw/t10k-labels-idx1-ubyte.gz": b"\x1f\x8b",
        "venv/bin/x.py": "x",
    }
    files |= {f".venv/lib/{i}.py": "x" for i in range(30)}
    found = rows(tree(tmp_path / "class", {"anna/x.tar.gz": files, "ben/x.zip": files, "cy.zip": files}))
    assert [(one.source, one.note, one.needs_human) for one in found.values()] == [(RIGHT, None, False)] * 3


def test_nothing_vanishes_without_a_word(tmp_path):
    files = {f"Ash_Anna_aash_{i}/solution.py": RIGHT for i in (1, 2)}
    files = {f"Sheet 8/Abgaben/{path}": text for path, text in files.items()}
    tree(tmp_path / "ilias", files | {"Sheet 8/by mail/dora.pdf": "x", "list.xlsx": "x"})
    assert read_download([tmp_path / "ilias"])[1] == ["by mail", "list.xlsx"]
    tree(tmp_path / "several", {f"{n}/Ash_{n}{M}_/solution.py": RIGHT for n in (1, 2)} | {"dora.pdf": "x"})
    assert read_download([tmp_path / "several"])[1] == ["dora.pdf"]


def test_a_receipt_is_no_file(tmp_path):
    entries = {f"8_{name}_attempt_2026-11-05-12-00-00.txt": "x" for name in ("ash", "birch")}
    found = rows(tree(tmp_path / "blackboard", entries | {"8_ash_attempt_2026-11-05-12-00-00_x.pdf": "x"}))
    assert found["ash"].problem == "No code was handed in, only x.pdf."
    assert found["birch"].problem == "No file was handed in, only a text or a link online."


def test_a_group_is_nobody(tmp_path):
    found = rows(tree(tmp_path / "moodle", LAYOUTS["moodle, teams"][0]))
    assert all(one.is_group for one in found.values())
    found = rows(tree(tmp_path / "ilias", LAYOUTS["ilias, teams"][0]))
    assert [one.entry for one in found.values() if one.is_group] == ["Team 18"]
    found = rows(tree(tmp_path / "persons", LAYOUTS["moodle folders"][0]))
    assert not any(one.is_group for one in found.values())


@pytest.mark.parametrize("name", ["Blatt_8_ws_2026", "sheet_8_2026_x", "submission_8", "Team 8", "submitted"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_folder_of_the_class_is_nobodys(tmp_path, name, wrapped):
    top = tmp_path / "download" / name
    tree(top, {"anna/solution.py": RIGHT, "ben/hw.zip": {"x/solution.py": RIGHT}})
    assert list(rows(top.parent if wrapped else top)) == ["anna", "ben"]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_the_example_of_a_system_is_an_entry_of_its(system):
    found = read_entry(system, system.example)
    assert found and found.name and (found.file or system.example.endswith("/"))
