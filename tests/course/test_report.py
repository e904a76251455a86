"""The reports made again from a table that a human has changed, without grading."""

import csv
import zipfile

import pytest

from tests.grading.course.command import main
from tests.grading.judging.result import Cause
from tests.grading.sheet.rubric import TOTAL
from tests.reporting.made_up import HIDDEN, graded, rows, undecided, write
from tests.reporting.test_worksheet import MOODLE

ODD = Cause("unknown", "Odd.", needs_human=True)


@pytest.fixture
def report(tmp_path, capsys):
    """Changes cells of a table, {name: {column: text}}, and makes all reports; what was said, and pages."""

    def run(changes, delimiter=","):
        path = tmp_path / "g.csv"
        found = rows(path)
        for row in found:
            row |= changes.get(row["submission"], {})
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, found[0], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(found)
        (tmp_path / "w.csv").write_text(MOODLE, encoding="utf-8")
        files = {"--feedback": "pages", "--summary": "s.html", "--worksheet": "w.csv"}
        options = [part for option, name in files.items() for part in (option, str(tmp_path / name))]
        assert main(["report", str(path), *options]) == 0
        pages = {page.stem: page.read_text(encoding="utf-8") for page in (tmp_path / "pages").iterdir()}
        return capsys.readouterr().out, pages

    return run


def test_a_table_as_it_was_written_gives_the_same_points_and_mistakes(tmp_path, report):
    people = [graded("Ash", {"1.hidden", "3.own"}, id="17", file="a.py", seed=7), undecided("Ben", id="18")]
    write(people, grades=tmp_path / "g.csv", summary=tmp_path / "before.html")
    said, pages = report({})
    assert (
        f"{TOTAL - HIDDEN - 2} of {TOTAL} points" in pages["Ash"] and "Exercise Sheet 8, a.py" in pages["Ash"]
    )
    assert f"✗ 0/{HIDDEN}: " in pages["Ash"] and "Exercise 1, 3: Your hidden layer has no" in pages["Ash"]
    assert "seed 7" in pages["Ash"] and "not graded yet" in pages["Ben"] and "Which one?" in pages["Ben"]
    before, after = (
        (tmp_path / f"{name}.html").read_text(encoding="utf-8").partition("To discuss")
        for name in ("before", "s")
    )
    assert before[0] == after[0] and "once, none" in after[2]
    assert "1 person lost points" in said and "To look at by a human: 1" in said
    assert (tmp_path / "w.csv").read_text(encoding="utf-8").count(f',{TOTAL - HIDDEN - 2},"35,00"') == 1


def test_what_a_human_changed_counts(tmp_path, report):
    people = [graded("Ash", {"1.hidden"}, id="17"), graded("Ben", {"1.hidden"}, ODD, id="18")]
    people += [graded(name) for name in ("sum", "odd", "gone")]
    write(people, grades=tmp_path / "g.csv")
    said, pages = report(
        {
            "Ash": {"exercise_1": "14", "total": "34", "feedback": "=Half an idea."},
            "Ben": {"total": "30,5", "look": ""},  # the decision; for what, nobody knows
            "sum": {"exercise_2": "9", "total": ""},
            "odd": {"total": "20"},
            "gone": {"total": "", "exercise_3": ""},
        },
        delimiter=";",
    )
    assert "34 of 35 points" in pages["Ash"] and "=Half an idea." in pages["Ash"]
    assert "✗ 14/15: The exercise as a whole" in pages["Ash"] and "no activation" not in pages["Ash"]
    assert "30.5 of 35 points" in pages["Ben"] and "Exercise 1," not in pages["Ben"]
    assert "34 of 35 points" in pages["sum"] and "not graded yet" in pages["gone"]
    assert "The total of odd is not the sum of the exercises. The total counts." in said
    assert "  gone (25 of 35 so far): It has no total." in said.splitlines()
    text = (tmp_path / "w.csv").read_text(encoding="utf-8")
    assert ',34,"35,00"' in text and ',"30,5","35,00"' in text and "'=Half an idea." in text


def test_people_and_groups_are_who_they_were(tmp_path, capsys):
    people = [graded("anna", id="17"), graded("anna", id="18", entry="Ash_Anna_aash_18")]
    team = graded("Team", id="18", is_group=True, entry="Team_18_assignsubmission_file")
    for some, status in ((people, 0), ([team], 3)):  # nobody can tell whose the row of the number 18 is
        write(some, grades=tmp_path / f"{status}.csv")
        (tmp_path / "w.csv").write_text(MOODLE, encoding="utf-8")
        files = ["--feedback", tmp_path / f"{status}.zip", "--worksheet", tmp_path / "w.csv"]
        assert main(["report", *map(str, (tmp_path / f"{status}.csv", *files))]) == status
    names = [sorted(zipfile.ZipFile(tmp_path / f"{status}.zip").namelist()) for status in (0, 3)]
    anna = ["anna_17_assignfeedback_file_feedback.html", "multi_feedback/Ash_Anna_aash_18/feedback.html"]
    assert names == [anna, ["Team.html"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("submission,total\na,many\n", "t.csv: the total of a is many, which is no number"),
        ("name,mark\na,1\n", "t.csv is no table of grades"),
        (None, "No such file"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path, capsys, text, words):
    if text:
        (tmp_path / "t.csv").write_text(text)
    with pytest.raises(SystemExit) as end:
        main(["report", str(tmp_path / "t.csv"), "--feedback", str(tmp_path / "pages")])
    assert end.value.code == 2 and words in capsys.readouterr().err
