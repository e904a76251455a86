"""The course's own table: Moodle's worksheet, Canvas's gradebook."""

import csv
import io
import zipfile
from dataclasses import replace

import pytest

from tests.grading.course.outputs import Files
from tests.grading.judging.result import Cause
from tests.grading.reporting.by_hand import Override, adjust
from tests.grading.reporting.worksheet import Worksheet
from tests.grading.sheet.rubric import TOTAL

from .made_up import ALL, HIDDEN, graded, undecided, write

MOODLE = f"""\
ID,Vollst\u00e4ndiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Bewertung kann ge\u00e4ndert werden,\
Feedback als Kommentar
Teilnehmer/in17,"Ash, Anna",a@x,Abgegeben,,"{TOTAL:g},00",Ja,
Teilnehmer/in18,Ben Birch,b@x,Nicht abgegeben,,"{TOTAL:g},00",Ja,
"""
CANVAS = f"""\
Student,ID,SIS User ID,SIS Login ID,Section,Sheet 7 (11),Sheet 8 (12),Final
    Points Possible,,,,,20,{TOTAL:g},
"Ash, Anna",17,u1,ash,A,1,,
"Birch, Ben",18,u2,birch,A,2,,
"""
ANNA = graded("anna", id="17")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_moodles_worksheet(tmp_path, encoding, ending):
    path = tmp_path / "w.csv"
    path.write_bytes(MOODLE.replace("\n", ending).encode(encoding))
    grade = adjust(graded("anna", {"1.hidden"}, id="17"), [Override("anna", "1.hidden", 1.5, "x")])
    for _ in range(2):
        assert Worksheet(path).fill([grade]) == ["It has the grades of 1 of 1 people."]
    text = path.read_bytes().decode(encoding)
    before, after = (list(csv.reader(io.StringIO(t, newline=""))) for t in (MOODLE, text))
    assert after[0] == before[0] and after[2] == before[2] and after[1][:4] == before[1][:4]
    assert after[1][4:6] == [f"{TOTAL - HIDDEN + 1.5:g}".replace(".", ","), f"{TOTAL:g},00"]
    assert "x" in after[1][7]
    assert text.count("\r\n") == (3 if ending == "\r\n" else 0)


def test_moodle_shows_a_comment_as_html(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(MOODLE, encoding="utf-8")
    Worksheet(path).fill([graded("anna", {"1.hidden"}, Cause("x", "`if a<b and b>0` is odd."), id="17")])
    assert "`if a&lt;b and b&gt;0` is odd." in path.read_text(encoding="utf-8")


def test_who_is_not_decided_gets_no_number(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(MOODLE, encoding="utf-8")
    later = Cause("late bias", "Your encoder adds b too late.", needs_human=True)
    for one in (undecided("anna", id="17"), graded("anna", {"1.encoder_bias"}, later, id="17")):
        assert Worksheet(path).fill([one]) == ["It has the grades of 0 of 1 people."]
    assert path.read_text(encoding="utf-8") == MOODLE


def test_canvas_gradebook(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(CANVAS)
    Worksheet(path).fill([ANNA])
    assert path.read_text() == CANVAS.replace("A,1,,", f"A,1,{TOTAL:g},")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (MOODLE.replace(f"{TOTAL:g},00", "100,00"), f"grades up to 100,00, and this sheet {TOTAL} points"),
        (CANVAS.replace(f",{TOTAL:g},", ",100,"), f"0 assignments of {TOTAL} points"),
        (CANVAS.replace(",20,", f",{TOTAL:g}.0,"), f"2 assignments of {TOTAL} points"),
        (MOODLE.replace(f'"{TOTAL:g},00"', ""), "no column for the grades"),
        ("", "no rows"),
    ],
)
def test_a_worksheet_that_does_not_fit_is_refused_before_grading(tmp_path, content, words):
    path = tmp_path / "w.csv"
    path.write_text(content, encoding="utf-8")
    for use in (lambda: Worksheet(path).fill([]), lambda: Files(worksheet=path).check([])):
        with pytest.raises(ValueError, match=words):
            use()
    assert path.read_text(encoding="utf-8") == content
    path.write_text(MOODLE, encoding="utf-8")
    Files(worksheet=path).check([])


MOODLE_PLAIN = f"""\
Identifier,Full name,Status,Grade,Maximum Grade,Grade can be changed,Last modified (grade),Feedback comments
Participant 17,Anna,Submitted,,{TOTAL:g}.00,Yes,-,
"""
NO_COMMENTS = MOODLE_PLAIN.replace(",Feedback comments", "")
TIME = '"5 November 2026, 11:00 AM"'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # a teacher's own columns, a number among them, and a blank line
        (
            MOODLE_PLAIN.replace("comments\n", "comments,mine\n").replace("-,\n", "-,,1\n") + ",,,,,,,,\n",
            ",{total},{total}.00,Yes,-,x,1\n",
        ),
        # a language that isn't known
        (MOODLE_PLAIN.replace("Feedback comments", "피드백 댓글"), ",{total},{total}.00,Yes,-,x\n"),
        # comments are switched off
        (NO_COMMENTS.replace("-,\n", "-\n"), ",{total},{total}.00,Yes,-\n"),
        (NO_COMMENTS.replace("-,\n", f"{TIME}\n"), ",{total},{total}.00,Yes," + TIME + "\n"),
        # German Excel has saved it: no decimals are left that show the comma
        (MOODLE_PLAIN.replace(",", ";").replace(".00", ""), ";31,5;{total};Yes;-;x\n"),
        # a picture in a comment
        (MOODLE_PLAIN.replace("-,\n", "-," + "p" * 200_000 + "\n"), ",{total},{total}.00,Yes,-,x\n"),
        # line breaks of another kind in a cell
        (MOODLE_PLAIN.replace("Submitted", '"a\r\nb"'), ",{total},{total}.00,Yes,-,x\n"),
        # Canvas, in another language, with a row about what is hidden
        (
            CANVAS.replace("    Points Possible", "    Erreichbare Punkte")
            .replace(f",20,{TOTAL},", f",20,{TOTAL:g}.0,")
            .replace("Final\n", "Final\n,,,,,Manual Posting,,\n"),
            "A,1,{total},\n",
        ),
    ],
)
def test_worksheets_as_they_are_in_the_wild(tmp_path, before, after):
    path = tmp_path / "w.csv"
    path.write_bytes(before.encode())
    lost = 3.5 if "31,5" in after else 0.25
    first = replace(ANNA.results[0], points=ANNA.results[0].points - lost, decided="x")
    grade = replace(ANNA, results=[first, *ANNA.results[1:]])
    for _ in range(2):
        assert Worksheet(path).fill([grade]) == ["It has the grades of 1 of 1 people."]
    wanted = after.replace(",{total},{total}", f",{TOTAL - lost:g},{TOTAL}").replace("31,5", "{points}")
    wanted = wanted.replace("A,1,{total}", f"A,1,{TOTAL - lost:g}").replace("{total}", str(TOTAL))
    wanted = wanted.replace("{points}", f"{TOTAL - lost:g}".replace(".", ","))
    wanted = wanted.replace(",x", ",Exercise 1: x").replace(";x", ";Exercise 1: x")
    text = path.read_bytes().decode()
    assert wanted in text
    assert text.count("\r\n") == before.count("\r\n")


def test_who_has_no_row_and_who_is_not_in_the_download_is_said(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(MOODLE + MOODLE[MOODLE.index("Teil") :].replace("r/in1", "r/in3"), encoding="utf-8")
    said = Worksheet(path).fill([ANNA, graded("zoe", id="99"), graded("yan")])
    assert said == [
        "It has the grades of 1 of 3 people.",
        "Without a row of their own in it: zoe, yan.",
        "1 person of the worksheet handed in and is not in the download: Ash, Anna.",
    ]
    found = write([ANNA], worksheet=path)  # one person is graded again: nothing is said of the others
    assert "  It has the grades of 1 of 1 people." in found.lines() and "handed in" not in str(found.lines())


def test_an_id_that_lost_its_zeros_in_a_spreadsheet_is_found(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(MOODLE, encoding="utf-8")
    for people, count in (({"anna": "0017", "ben": "018"}, 2), ({"anna": "017", "z": "0017", "b": "18"}, 1)):
        said = Worksheet(path).fill([graded(name, id=id) for name, id in people.items()])
        assert said[0] == f"It has the grades of {count} of {len(people)} people."


def test_an_id_is_not_taken_for_another_one_that_has_zeros(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(MOODLE.replace("in18", "in017"), encoding="utf-8")
    Worksheet(path).fill([graded("ben", id="017")])
    assert path.read_text(encoding="utf-8").count(f',{TOTAL:g},"') == 1


def test_two_people_with_one_id_own_no_row(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(MOODLE, encoding="utf-8")
    said = Worksheet(path).fill([graded("ann", id="17"), graded("amy", id="17"), graded("ben", id="18")])
    assert said[1] == "Without a row of their own in it: ann, amy."
    assert path.read_text(encoding="utf-8").count(f',{TOTAL:g},"') == 1


TEAMS = MOODLE.replace("Status,", "Status,Gruppe,").replace("geben,", "geben,Team Blau,", 1)
TEAMS = TEAMS.replace("Nicht abgegeben,", "Nicht abgegeben,Team R/t,")


def test_the_grade_of_a_group_goes_to_its_people_and_never_to_whom_has_its_number(tmp_path):
    path = tmp_path / "w.csv"
    groups = [graded("Team Blau", id="18", is_group=True), graded("Team R t", ALL, id="17", is_group=True)]
    path.write_text(TEAMS.replace("Team", "Club"), encoding="utf-8")  # another class
    said = write(groups, worksheet=path, feedback=tmp_path / "p.zip").lines()
    assert f"{path} was not written: w.csv has no group that is called as in the column Gruppe." in said
    assert zipfile.ZipFile(tmp_path / "p.zip").namelist() == ["Team Blau.html", "Team R t.html"]
    path.write_text(MOODLE, encoding="utf-8")
    with pytest.raises(ValueError, match=r"groups handed in, and w\.csv has no column"):
        Worksheet(path).fill(groups)
    assert path.read_text(encoding="utf-8") == MOODLE
    for some in (groups, [replace(group, is_group=False) for group in groups]):  # the column tells it, too
        path.write_text(TEAMS, encoding="utf-8")
        assert Worksheet(path).fill(some)[0] == "It has the grades of 2 of 2 people."
        found = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        assert [row[5] for row in found[1:]] == [f"{TOTAL:g}", "0"]
    # Nor does a page go there, if only the worksheet tells that they are groups: it goes to the people.
    write([replace(groups[0], is_group=False)], worksheet=path, feedback=tmp_path / "p.zip")
    assert zipfile.ZipFile(tmp_path / "p.zip").namelist() == [
        "Ash  Anna_17_assignfeedback_file_feedback.html"
    ]


def test_a_worksheet_of_another_class_stays_as_it_is(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(MOODLE, encoding="utf-8")
    found = write([graded("zoe", id="99")], worksheet=path)
    assert path.read_text(encoding="utf-8") == MOODLE and found.failed
    assert any("w.csv was not written: w.csv has no column of these ids." in line for line in found.lines())
