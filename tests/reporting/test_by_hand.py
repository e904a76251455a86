"""Points that humans give, and points that are no whole numbers."""

import unicodedata
from dataclasses import replace

import pytest

from tests.grading.judging.result import Cause, Grade, Result
from tests.grading.reporting import by_hand as by_hand_module
from tests.grading.reporting import pages, worksheet
from tests.grading.reporting import text as text_module
from tests.grading.reporting.by_hand import Override, adjust, load_overrides
from tests.grading.reporting.gradescope import results
from tests.grading.reporting.table import row_of
from tests.grading.reporting.text import means, one_line, table
from tests.grading.sheet import rubric
from tests.grading.sheet.rubric import CRITERIA, TOTAL

from .made_up import ALL, HIDDEN, NO_RELU, graded, rows, write
from .test_worksheet import MOODLE

HEAD = "submission,criterion,points,reason\n"


LATER = Cause("late bias", "Your encoder adds b too late.", needs_human=True)
ODD = Cause("unknown", "Odd.", needs_human=True)


@pytest.mark.parametrize(
    ("given", "total", "exercises"),
    [
        ({"1.hidden": 2}, "", ["", "", ""]),  # the rest is as undecided as before
        ({"1.hidden": 2, "3.own": 0}, "32", ["14", "10", "8"]),
        ({"1.hidden": 2, "exercise_3": 9}, "33", ["14", "10", "9"]),
        ({"exercise_1": 12}, "", ["", "", ""]),
        ({"exercise_1": 12, "exercise_3": 8}, "30", ["12", "10", "8"]),  # as the grader had it
        ({"total": 30}, "30", ["12", "10", "8"]),
        ({"total": 31.5}, "31.5", ["", "10", ""]),  # for what, nobody knows
        ({"1.hidden": 2, "total": 20}, "20", ["14", "10", ""]),
    ],
)
def test_a_human_decides_on_criteria_exercises_or_all_and_the_rest_stays_undecided(given, total, exercises):
    grade = graded("a", {"1.hidden"}, LATER)
    own = [replace(r, causes=(ODD,), points=0) if r.criterion.id == "3.own" else r for r in grade.results]
    found = adjust(replace(grade, results=own), [Override("a", *item, "I asked.") for item in given.items()])
    row = row_of(found)
    assert [row["total"], *(row[f"exercise_{n}"] for n in (1, 2, 3))] == [total, *exercises]
    assert found.has_points == bool(total) == (not found.to_look_at)
    assert len(found.notes) == len(given) and all("I asked." in note for note in found.notes)
    if total:
        assert f"{total} of 35 points" in pages.page(found) and f"Total: {total}/35 points" in table(found)
        assert results(found)["score"] == float(total)
    unclear = replace(graded("a", {"1.hidden"}), unclear="Which one?")
    is_whole = "total" in given or len(given) == 15
    found = adjust(unclear, [Override("a", *item, "") for item in given.items()])
    assert found.has_points == is_whole
    assert not is_whole or row_of(found)["exercise_2"] == ""  # of the file that may be a wrong one


def test_a_total_by_hand_is_in_no_mean_of_an_exercise():
    found = adjust(graded("a", {"1.hidden"}, LATER), [Override("a", "total", 20, "")])
    assert means([found, graded("b"), graded("c", ALL, ODD)]) == [15, 10, 10, 27.5]


def test_points_by_hand_that_may_be_for_several_are_for_nobody_and_that_is_said(tmp_path):
    lines = [
        "Anna Ash,total,1,",
        "0048812,total,2,",
        "48813,total,3,",
        "b,total,4,",
        "nobody,total,5,",
        "7,total,6,",
    ]
    (tmp_path / "o.csv").write_text(HEAD + "\n".join(lines))
    people = {"Anna Ash 17": "17", "Anna Ash 18": "18", "c": "48812", "d": "0048813", "b": "", "b (2)": ""}
    people |= {"e": "7", "f": "7"}
    found = write([graded(name, id=id) for name, id in people.items()], override=tmp_path / "o.csv")
    given = {one.name: one.total for one in found.grades if one.total < TOTAL}
    assert given == {"c": 2, "d": 3, "b": 4}
    said = "\n".join(found.lines())
    assert "Anna Ash may be Anna Ash 17, Anna Ash 18: the points by hand were not used." in said
    assert "7 may be e, f: the points by hand were not used." in said
    assert "b may be b, b (2): the points by hand were used for b." in said
    assert "Points by hand were not used for nobody: nobody here has this name or id." in said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a,9.x,1,r", "no criterion"),
        (f"a,1.hidden,{HIDDEN + 1:g},r", f"between 0 and {HIDDEN:g}"),
        ("a,total,36,", "between 0 and 35"),
        ("a,exercise_4,1,", "no criterion"),
        ("a,1.hidden,nan,r", "between"),
        ("a,1.hidden,-1,r", "between"),
        ("a,1.hidden,,", "between"),
        ("a", "no criterion"),
        (",1.hidden,1,r", "no submission"),
        ("a,1.hidden,1,5,r", "more cells than columns"),
        ("a,1.hidden,1_0,r", "between"),
        ('b,1.hidden,1,"two\nlines"\nb,total,36,', "between 0 and 35"),
    ],
)
def test_bad_overrides_name_their_row(tmp_path, line, words):
    (tmp_path / "o.csv").write_text(f"{HEAD}{line}\n")
    with pytest.raises(ValueError, match=rf"o.csv, row [23]: .*{words}"):
        load_overrides(tmp_path / "o.csv")


def test_points_by_hand_from_a_spreadsheet(tmp_path):
    text = 'Submission ;criterion;points;reason\r\n\'=M\u00fcller;1.hidden;1,5;"two\r\nlines"\r\n;;;\r\n'
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        (tmp_path / "o.csv").write_bytes(text.encode(encoding))
        grade = graded(unicodedata.normalize("NFD", "=M\u00fcller"), {"1.hidden"})
        (found,) = write([grade], override=tmp_path / "o.csv").grades
        assert found.total == TOTAL - HIDDEN + 1.5 and one_line(found) == "Exercise 1: two lines."


def test_fractions_of_points(tmp_path, monkeypatch):
    points = {"1.hidden": 2.5, "1.error": 0.25, "2.shape": 10}
    criteria = tuple(replace(c, points=points.get(c.id, 1)) for c in CRITERIA)
    total = sum(criterion.points for criterion in criteria)
    for module in (rubric, text_module, pages, by_hand_module, worksheet):
        for name, value in (("CRITERIA", criteria), ("TOTAL", total)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    lost = [Result(c, (NO_RELU,) if c.id == "1.error" else ()) for c in criteria]
    grade, path = Grade("anna", lost, id="17"), tmp_path / "w.csv"
    path.write_text(MOODLE.replace(f"{TOTAL},00", f"{total}00".replace(".", ",")), encoding="utf-8")
    files = {"grades": "g.csv", "feedback": "pages", "summary": "s.html", "worksheet": "w.csv"}
    found = write([grade], **{key: tmp_path / name for key, name in files.items()})
    lost, kept = f"{total - 0.25:g}", f"{total:g}"
    assert rows(tmp_path / "g.csv")[0]["total"] == lost
    page = (tmp_path / "pages" / "anna.html").read_text(encoding="utf-8")
    assert f"{lost} of {kept} points" in page and "2.5/2.5: " in page
    assert f"Total: {lost}/{kept} points" in found.lines()
    assert any("0/0.25" in line for line in found.lines())
    summary = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert f"mean is {total - 0.25:.1f} of {kept}" in summary and summary.count('value="1"') == 1
    assert lost.replace(".", ",") in path.read_text(encoding="utf-8")
    (tmp_path / "o.csv").write_text(f"{HEAD}anna,1.hidden,2.25,ok\n")
    assert adjust(grade, load_overrides(tmp_path / "o.csv")).total == grade.total - 0.25
    assert results(grade)["score"] == total - 0.25


def test_two_decisions_about_one_thing_are_said(tmp_path):
    (tmp_path / "o.csv").write_text(f"{HEAD}Anna,total,27,\n0048812,total,30,\n")
    written = write([graded("Anna", {"1.hidden"}, id="0048812")], override=tmp_path / "o.csv")
    assert "0048812 has points for total twice: the last count." in written.lines()
    assert written.grades[0].total == 30
