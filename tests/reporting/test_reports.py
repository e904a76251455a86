"""What the grader writes: the table, pages, Gradescope's JSON, the course's own worksheet."""

import argparse
import csv
import io
import json
import os
import re
import subprocess
import sys
import time
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.grading.course import outputs, unfinished
from tests.grading.handed_in.submission import Submission
from tests.grading.judging import grade as grading
from tests.grading.judging.result import Grade, Result
from tests.grading.reporting import by_hand as by_hand_module
from tests.grading.reporting import pages, worksheet, writing
from tests.grading.reporting import table as table_module
from tests.grading.reporting import text as text_module
from tests.grading.reporting.by_hand import (
    Override,
    adjust,
    looks,
    parse_deadline,
    read_overrides,
    with_lateness,
)
from tests.grading.reporting.gradescope import write_json
from tests.grading.reporting.table import cell, merge
from tests.grading.reporting.text import mistakes_of, one_line, overview, to_look_at
from tests.grading.reporting.text import table as terminal
from tests.grading.sheet import rubric
from tests.grading.sheet.rubric import CRITERIA, TOTAL

ROOT = Path(__file__).parents[2]
HIDDEN, OWN = (next(c.points for c in CRITERIA if c.id == id) for id in ("1.hidden", "3.own"))
EVIL = "<img src=x onerror=alert(1)> ![a](http://x) <script>alert(1)</script>"


def graded(name, lost=(), reason="Your hidden layer has no activation.", mistake="none", look=False, **more):
    results = [Result(c, reason, mistake, needs_look=look) if c.id in lost else Result(c) for c in CRITERIA]
    return Grade(name, results, **more)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run_outputs(results, submissions=None, **options):
    submissions = submissions or {grade.name: Submission(grade.name, source="") for grade in results}
    found = outputs.Outputs(submissions, **options)
    for grade in results:
        found.add(grade)
    found.finish()
    return found


# ---------------------------------------------------------------- the table


def test_a_second_run_updates_its_rows_and_keeps_all_others(tmp_path):
    path = tmp_path / "grades.csv"
    run_outputs([graded(name) for name in ("anna", "ben", "carla")], grades=path)
    before = rows(path)
    path.write_text(
        path.read_text().replace("submission,", "submission,", 1).replace(",seed", ",seed,mine", 1)
    )
    again = run_outputs([graded("ben", {"1.hidden"}), graded("dora")], grades=path)
    after = rows(path)
    assert [row["submission"] for row in after] == ["anna", "ben", "carla", "dora"]
    assert [row["total"] for row in after] == [
        f"{points:g}" for points in (TOTAL, TOTAL - HIDDEN, TOTAL, TOTAL)
    ]
    assert {key: after[0][key] for key in before[0]} == before[0]
    assert "mine" in after[0]
    assert any("3 rows; 1 were graded anew" in line for line in again.lines())


def test_people_are_told_by_their_id(tmp_path):
    path = tmp_path / "grades.csv"
    for name in ("Anna Ash", "Anna Ash-Birch"):
        run_outputs([graded(name)], {name: Submission(name, id="17", late=True, file="a.py")}, grades=path)
    (row,) = rows(path)
    assert (row["submission"], row["id"], row["late"], row["file"]) == (
        "Anna Ash-Birch",
        "17",
        "late",
        "a.py",
    )


def test_two_people_of_a_run_share_no_row_though_their_systems_gave_them_one_id(tmp_path):
    path = tmp_path / "grades.csv"
    both = {name: Submission(name, id="17") for name in ("Anna Ash", "Ben Birch")}
    for lost in ((), {"1.hidden"}):
        run_outputs([graded("Anna Ash"), graded("Ben Birch", lost)], both, grades=path)
        assert [row["submission"] for row in rows(path)] == ["Anna Ash", "Ben Birch"]
    assert rows(path)[1]["total"] == f"{TOTAL - HIDDEN:g}"


def test_each_file_that_cannot_be_read_is_counted_by_itself():
    unreadable = [
        grading.grade(Submission(name, problem=problem), None)
        for name, problem in (("a", "It is empty."), ("b", "It is a PDF."), ("c", "It is a PDF."))
    ]
    assert [count for _, _, count in mistakes_of(unreadable)] == [2, 1]
    assert {sentence for _, sentence, _ in mistakes_of(unreadable)} == {"It is a PDF.", "It is empty."}


def test_finished_rows_are_kept_and_said(tmp_path):
    path = tmp_path / "grades.csv"
    submissions = {name: Submission(name, source="") for name in "abc"}
    found = outputs.Outputs(submissions, grades=path)
    found.add(graded("a"))
    assert [row["submission"] for row in rows(path)] == ["a"]
    assert "1 of 3 submissions are graded; these are not all." in found.lines()
    assert os.listdir(tmp_path) == ["grades.csv"]


def test_another_file_is_not_overwritten(tmp_path):
    path = tmp_path / "exam.csv"
    path.write_text("name,mark\nanna,1\n")
    with pytest.raises(ValueError, match=r"exam.csv is no table of grades"):
        outputs.Outputs({}, grades=path)
    assert path.read_text() == "name,mark\nanna,1\n"


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "grades.csv"
    writing.write_whole(path, b"old")
    monkeypatch.setattr(writing.os, "replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writing.write_whole(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["grades.csv"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", " \t@x", "\t1", "\u00a0=1", "＝1"]
)
def test_no_cell_is_a_formula(text):
    assert cell(text) == f"'{text}"
    assert cell("a=1") == "a=1"


def test_tables_of_parts_are_put_together(tmp_path):
    everyone = [Submission(name, source="") for name in "abcdefg"]
    for k in (1, 2, 3):
        part = outputs.shard(everyone, f"{k}/3")
        assert [one.name for one in part] == list("abcdefg")[k - 1 :: 3]
        run_outputs([graded(one.name) for one in part], grades=tmp_path / f"{k}.csv")
    command = [
        sys.executable,
        "-m",
        "tests.grading.reporting.table",
        tmp_path / "all.csv",
        *sorted(tmp_path.glob("*.csv")),
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    assert [row["submission"] for row in rows(tmp_path / "all.csv")] == list("abcdefg")


GERMAN = """\
submission;exercise_1;exercise_2;exercise_3;total;status;mine;id
Zo\u00eb;;;;1,5;graded;"two
lines";7;to the right
M\u00fcller;;;;2;graded;;
;;;;;;;
'=cmd;;;;3;graded;;
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_table_that_a_spreadsheet_saved_keeps_its_form_and_its_cells(tmp_path, encoding, delimiter):
    path = tmp_path / "g.csv"
    path.write_bytes(GERMAN.replace(";", delimiter).replace("\n", "\r\n").encode(encoding))
    names = [unicodedata.normalize("NFD", "M\u00fcller"), "=cmd", "\u0141ukasz"]
    grades = [graded(name, {"1.hidden"}) for name in names]
    by_hand = [Override("=cmd", "1.hidden", 1.5, "")]
    found = run_outputs(grades, grades=path, overrides=by_hand)
    written = "utf-8-sig" if encoding == "cp1252" else encoding  # which can't write every name
    table = list(csv.reader(io.StringIO(path.read_bytes().decode(written), newline=""), delimiter=delimiter))
    assert table[1][:9] == ["Zo\u00eb", "", "", "", "1,5", "graded", "two\r\nlines", "7", "to the right"]
    assert [row[0] for row in table[2:]] == [names[0], "", "'=cmd", "\u0141ukasz"]
    assert table[4][4] == f"{TOTAL - HIDDEN + 1.5:g}".replace(".", ",")
    assert not any(None in row for row in table) and "seed" in table[0]
    assert any("3 rows; 2 were" in line for line in found.lines())


def test_what_others_write_during_a_run_stays(tmp_path):
    path = tmp_path / "g.csv"
    both = [outputs.Outputs({name: Submission(name, source="")}, grades=path) for name in "ab"]
    for run, name in zip(both, "ab", strict=True):
        run.add(graded(name))
    path.write_text(path.read_text() + "by hand,,,,7\n")
    for run in both:
        run.finish()
    assert [(row["submission"], row["total"]) for row in rows(path)] == [("a", str(TOTAL)), ("b", str(TOTAL)), ("by hand", "7")]  # fmt: skip


def test_a_person_without_an_id_is_told_by_the_name(tmp_path):
    path = tmp_path / "g.csv"
    run_outputs([graded("anna")], {"anna": Submission("anna", id="17")}, grades=path)
    run_outputs([graded("anna", {"1.hidden"})], grades=path)
    (row,) = rows(path)
    assert (row["id"], row["total"]) == ("17", f"{TOTAL - HIDDEN:g}")
    run_outputs([graded("anna")], {"anna": Submission("anna", id="18")}, grades=path)
    assert [row["id"] for row in rows(path)] == ["17", "18"]


def test_a_disk_that_dies_costs_no_traceback_and_no_other_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(table_module, "write_whole", full)
    people = {name: Submission(name, source="") for name in "ab"}
    going_on = unfinished.Unfinished(tmp_path / "g.csv")
    found = run_outputs([graded("a"), graded("b")], people, grades=tmp_path / "g.csv", summary=tmp_path / "s.html", unfinished=going_on)  # fmt: skip
    assert found.failed and "g.csv was not written: No space left on device." in found.lines()
    assert (tmp_path / "s.html").exists() and (tmp_path / "g.csv.unfinished").exists()
    monkeypatch.setattr(unfinished.Unfinished, "add", full)
    run_outputs([graded("a"), graded("b")], people, grades=tmp_path / "g.csv", unfinished=going_on)


def test_tables_are_put_together_without_a_loss(tmp_path):
    parts = [tmp_path / f"{name}.csv" for name in "abc"]
    run_outputs([graded("anna", seed=1), graded("ben", seed=1)], grades=parts[0])
    parts[1].write_text("submission;total;seed;mine\nben;1,5;2;x\n;;;\n")
    parts[2].touch()
    # Without the name of the new table, as is soon forgotten: the first part is not lost.
    said = merge(parts[0], parts[1:])
    assert [(row["submission"], row["total"], row["mine"]) for row in rows(parts[0])] == [("anna", str(TOTAL), ""), ("ben", "1.5", "x")]  # fmt: skip
    assert said[:2] == ["a.csv has 2 submissions now.", "c.csv has no rows."]
    said = merge(tmp_path / "new.csv", parts)
    assert any(line.startswith("1 stood in several") for line in said)
    assert any(line.endswith("of the seeds 1, 2.") for line in said)
    with pytest.raises(OSError, match=r"none\.csv"):
        merge(tmp_path / "new.csv", [tmp_path / "none.csv"])
    run_outputs([], grades=tmp_path / "empty.csv")
    assert (tmp_path / "empty.csv").read_text().startswith("submission,")


@pytest.mark.parametrize("which", ["0/3", "4/3", "x", "1", "1/0", "-1/3"])
def test_bad_shards(which):
    with pytest.raises(ValueError, match="K/N"):
        outputs.shard([], which)


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize("how", ["name", "reason", "note", "output", "mistake"])
def test_all_of_a_submission_is_shown_as_text(tmp_path, how):
    grade = graded(
        EVIL if how == "name" else "anna",
        {"1.hidden"},
        EVIL if how == "reason" else "x",
        EVIL if how == "mistake" else "y",
        note=EVIL if how == "note" else "",
        output=EVIL if how == "output" else "",
    )
    pages.write_summary(tmp_path / "summary.html", [grade])
    shown = pages.page(grade) + (tmp_path / "summary.html").read_text(encoding="utf-8")
    assert not re.search(r"<(img|script|a)\\b", shown) and "<img" not in shown and "<script" not in shown
    assert "&lt;img" in shown and "default-src 'none'" in shown


def test_every_name_gets_a_page(tmp_path):
    names = ["Anna", "anna", "M\u00fcller", unicodedata.normalize("NFD", "M\u00fcller"), "a" * 300, "a" * 301, "CON", "..", "a/b", "a_b", "\ud800", "名" * 100]  # fmt: skip
    run_outputs([graded(name) for name in names], feedback=tmp_path / "pages")
    written = os.listdir(tmp_path / "pages")
    same = {unicodedata.normalize("NFKD", name).casefold() for name in written}
    assert len(written) == len(same) == len(names)
    assert all(len(name.encode()) < 200 and name.split(".")[0].lower() != "con" for name in written)


def test_moodle_takes_the_zip(tmp_path):
    name = "Anna_Maria M\u00fcller"
    run_outputs([graded(name)], {name: Submission(name, id="1200189")}, feedback=tmp_path / "feedback.zip")
    with zipfile.ZipFile(tmp_path / "feedback.zip") as archive:
        (entry,) = archive.namelist()
        assert f"{TOTAL:g} of {TOTAL:g}" in archive.read(entry).decode()
    # Its importer's rule, of old and new versions: five parts, the second a participant, then a plugin.
    parts = entry.split("_", 4)
    assert parts[1:] == ["1200189", "assignfeedback", "file", "feedback.html"] and "/" not in entry


def test_the_summary_counts(tmp_path):
    grades = [graded("a"), graded("b", {"1.hidden"}), graded("c", {"1.hidden", "3.own"})]
    pages.write_summary(tmp_path / "s.html", grades)
    text = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "3 submissions" in text and "2 times, none: Your hidden layer" in text
    assert f"{TOTAL - (2 * HIDDEN + OWN) / 3:.1f} of {TOTAL:g}" in text


# ---------------------------------------------------------------- JSON, terminal


def test_gradescopes_json(tmp_path):
    grade = graded("a", {"1.hidden"})
    write_json(tmp_path / "r.json", [grade])
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert found["score"] == sum(test["score"] for test in found["tests"]) == TOTAL - HIDDEN
    assert {test["output_format"] for test in found["tests"]} == {"text"}


def test_what_to_look_at(tmp_path):
    unknown = graded("b", {"1.hidden"}, "The numbers are off.", "unknown", look=True)
    flagged = Grade("c", [Result(c, "odd", "x", needs_look=True) for c in CRITERIA])
    unclear = Submission("d", problem="Which one?", needs_look=True)
    assert looks(graded("a", {"1.hidden"}), Submission("a")) == []
    assert looks(unknown, Submission("b")) == ["The numbers are off."]
    assert looks(flagged, Submission("c")) == ["odd"]
    assert looks(graded("d"), unclear) == ["Which one?"]
    assert to_look_at({"a": [], "d": ["Which one?"]}) == ["To look at by a human: 1", "  d: Which one?"]
    run_outputs([unknown], grades=tmp_path / "g.csv")
    assert rows(tmp_path / "g.csv")[0]["look"] == "The numbers are off."


def test_what_is_not_decided_is_no_zero(tmp_path):
    nothing = graded("b", {c.id for c in CRITERIA}, "Which one?", "unreadable", status="unreadable")
    people = {
        "a": Submission("a", source=""),
        "b": Submission("b", id="17", problem="Which one?", needs_look=True),
    }
    (tmp_path / "w.csv").write_text(MOODLE, encoding="utf-8")
    found = run_outputs([graded("a"), nothing], people, grades=tmp_path / "g.csv", worksheet=tmp_path / "w.csv", summary=tmp_path / "s.html")  # fmt: skip
    assert [(row["total"], row["status"]) for row in rows(tmp_path / "g.csv")] == [
        (f"{TOTAL:g}", "graded"),
        ("", "to look at"),
    ]
    assert (tmp_path / "w.csv").read_text(encoding="utf-8") == MOODLE
    assert f"The mean is {TOTAL:.1f}" in (tmp_path / "s.html").read_text(encoding="utf-8")
    assert next(line for line in found.lines() if line.startswith("mean")).split()[-1] == f"{TOTAL:.1f}"
    assert "not graded yet" in pages.page(found.in_order()[1])
    by_hand = [Override("b", c.id, c.points, "I asked.") for c in CRITERIA]
    assert adjust(nothing, people["b"], by_hand).total == TOTAL


# ---------------------------------------------------------------- what humans decide


def test_points_by_hand(tmp_path):
    (tmp_path / "o.csv").write_text(
        "submission;criterion;points;reason\n17;1.hidden;1,5;Half an idea\nben;1.hidden;" + f"{HIDDEN:g};\n"
    )
    overrides = read_overrides(tmp_path / "o.csv")
    anna = adjust(graded("anna", {"1.hidden"}), Submission("anna", id="17"), overrides)
    total = TOTAL - HIDDEN + 1.5
    assert anna.total == total and anna.points(1) == rubric.EXERCISES[1].points - HIDDEN + 1.5
    assert "Half an idea" in pages.page(anna) and f"{total:g} of {TOTAL:g}" in pages.page(anna)
    assert any(f"{total:g}/{TOTAL:g}" in line for line in terminal(anna))
    assert any(f"{total:g}" in line for line in overview([anna, anna]))
    assert adjust(graded("ben", {"1.hidden"}), Submission("ben"), overrides).total == TOTAL
    assert adjust(graded("carla", {"1.hidden"}), Submission("carla"), overrides).total == TOTAL - HIDDEN


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a,9.x,1,r", "no criterion"),
        (f"a,1.hidden,{HIDDEN + 1:g},r", f"between 0 and {HIDDEN:g}"),
        ("a,1.hidden,nan,r", "between"),
        ("a,1.hidden,-1,r", "between"),
        ("a,1.hidden,,", "between"),
        ("a", "no criterion"),
        (",1.hidden,1,r", "no submission"),
        ("a,1.hidden,1,5,r", "more cells than columns"),
        ("a,1.hidden,1_0,r", "between"),
        ('b,1.hidden,1,"two\nlines"\nb,1.hidden,2,', "b has points"),
    ],
)
def test_bad_overrides_name_their_line(tmp_path, line, words):
    (tmp_path / "o.csv").write_text(f"submission,criterion,points,reason\n{line}\n")
    with pytest.raises(ValueError, match=rf"o.csv, line [24].*{words}"):
        read_overrides(tmp_path / "o.csv")


def test_points_by_hand_from_a_spreadsheet(tmp_path):
    text = 'Submission ;criterion;points;reason\r\n\'=M\u00fcller;1.hidden;1,5;"two\r\nlines"\r\n;;;\r\n'
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        (tmp_path / "o.csv").write_bytes(text.encode(encoding))
        (override,) = read_overrides(tmp_path / "o.csv")
        name = unicodedata.normalize("NFD", "=M\u00fcller")
        found = adjust(graded(name, {"1.hidden"}), Submission(name), [override])
        assert found.total == TOTAL - HIDDEN + 1.5 and one_line(found) == "Exercise 1: two lines."


def test_points_by_hand_for_nobody_are_said():
    found = run_outputs([graded("a")], overrides=[Override("anna", "1.hidden", 1, "")])
    assert "Points by hand were not used for anna: nobody here has this name or id." in found.lines()


def test_what_a_human_has_decided_is_not_to_look_at_any_more():
    unclear = Submission("d", problem="Which one?", needs_look=True)
    nothing = graded("d", {c.id for c in CRITERIA}, "Which one?", "unreadable", status="unreadable")
    by_hand = [Override("d", c.id, c.points, "") for c in CRITERIA]
    assert looks(adjust(nothing, unclear, by_hand), unclear) == []


def test_a_late_penalty_is_no_mistake_and_in_every_mean(tmp_path):
    zero = graded("b", {c.id for c in CRITERIA})
    people = {name: Submission(name, source="", late=True) for name in "ab"}
    found = run_outputs([graded("a"), zero], people, penalty=2, grades=tmp_path / "g.csv", summary=tmp_path / "s.html")  # fmt: skip
    assert next(line for line in found.lines() if line.startswith("mean")).endswith(f"{(TOTAL - 2) / 2:.1f}")
    assert not any(line.strip().startswith("1  late") for line in found.lines())
    assert "late" not in (tmp_path / "s.html").read_text(encoding="utf-8")
    feedback = [row["feedback"] for row in rows(tmp_path / "g.csv")]
    assert feedback[0] == "It was handed in late: 2 points less." and "0 points less" not in feedback[1]


def test_a_submission_without_a_time_is_said():
    people = {"a": Submission("a", source=""), "b": Submission("b", source="", time=5.0)}
    found = run_outputs([graded("a"), graded("b")], people, deadline=parse_deadline("2026-11-05"))
    assert "Without a time, and so not late: a." in found.lines()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="POSIX")
def test_a_deadline_is_the_end_of_a_day_of_any_length(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert parse_deadline("2026-10-25") == parse_deadline("2026-10-25 23:59")
    finally:
        monkeypatch.undo()
        time.tzset()
    for text in ("9999-12-31", "0001-01-01x"):
        with pytest.raises(ValueError, match="2026-11-05"):
            parse_deadline(text)


def test_late(tmp_path):
    deadline = parse_deadline("2026-11-05 12:00")
    early, late = Submission("a", time=deadline - 1), Submission("b", time=deadline + 1)
    assert not with_lateness(early, deadline).late and with_lateness(late, deadline).late
    assert parse_deadline("2026-11-05") - deadline == 12 * 60 * 60 - 60
    assert with_lateness(Submission("c", late=True), None).late
    found = run_outputs([graded("a"), graded("b")], {"a": early, "b": late}, deadline=deadline, penalty=2.5, grades=tmp_path / "g.csv", feedback=tmp_path / "p")  # fmt: skip
    assert [row["total"] for row in rows(tmp_path / "g.csv")] == [f"{TOTAL:g}", f"{TOTAL - 2.5:g}"]
    assert "2.5 points less" in (tmp_path / "p" / "b.html").read_text(encoding="utf-8")
    assert [grade.total for grade in found.in_order()] == [TOTAL, TOTAL - 2.5]
    lost = graded("x", {c.id for c in CRITERIA})
    assert adjust(lost, Submission("x", late=True), [Override("y", "1.hidden", 1, "")], 5).total == 0
    with pytest.raises(ValueError, match="2026-11-05"):
        parse_deadline("tomorrow")


def test_fractions_of_points(tmp_path, monkeypatch):
    points = {"1.hidden": 2.5, "1.error": 0.25, "2.shape": 10}
    criteria = tuple(replace(c, points=points.get(c.id, 1)) for c in CRITERIA)
    total = sum(criterion.points for criterion in criteria)
    for module in (rubric, text_module, pages, by_hand_module, worksheet, unfinished):
        for name, value in (("CRITERIA", criteria), ("TOTAL", total)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    results = [Result(c, *(["A reason.", "none"] if c.id == "1.error" else [])) for c in criteria]
    grade, path = Grade("anna", results), tmp_path / "w.csv"
    path.write_text(MOODLE.replace(f"{TOTAL},00", f"{total}00".replace(".", ",")), encoding="utf-8")
    found = run_outputs(
        [grade],
        {"anna": Submission("anna", id="17")},
        grades=tmp_path / "g.csv",
        feedback=tmp_path / "pages",
        summary=tmp_path / "s.html",
        worksheet=path,
    )
    lost, kept = f"{total - 0.25:g}", f"{total:g}"
    assert rows(tmp_path / "g.csv")[0]["total"] == lost
    assert f"{lost} of {kept} points" in (tmp_path / "pages" / "anna.html").read_text(encoding="utf-8")
    assert "2.5/2.5: " in (tmp_path / "pages" / "anna.html").read_text(encoding="utf-8")
    assert f"Total: {lost}/{kept} points" in found.lines()
    assert any("0/0.25" in line for line in found.lines())
    assert f"mean is {total - 0.25:.1f} of {kept}" in (tmp_path / "s.html").read_text(encoding="utf-8")
    assert lost.replace(".", ",") in path.read_text(encoding="utf-8")
    assert sum(count for _, count in bars(tmp_path / "s.html")) == 1
    (tmp_path / "o.csv").write_text("submission,criterion,points,reason\nanna,1.hidden,2.25,ok\n")
    (override,) = read_overrides(tmp_path / "o.csv")
    assert adjust(grade, Submission("anna"), [override]).total == grade.total - 0.25
    write_json(tmp_path / "g.json", [grade])
    assert json.loads((tmp_path / "g.json").read_text(encoding="utf-8"))["score"] == total - 0.25


def bars(path):
    found = re.findall(
        r"<tr><td>([^<]*)</td><td><meter[^>]*></meter></td><td>(\d+)</td>", path.read_text(encoding="utf-8")
    )
    return [(title, int(count)) for title, count in found]


def test_every_total_is_in_one_bar(tmp_path):
    totals = [0, 1, TOTAL / 2, TOTAL - 0.5, TOTAL]
    grades = [
        Grade(f"s{i}", [Result(replace(CRITERIA[0], points=TOTAL), points=t)]) for i, t in enumerate(totals)
    ]
    run_outputs(grades, summary=tmp_path / "s.html")
    found = bars(tmp_path / "s.html")
    assert sum(count for _, count in found) == len(totals)
    assert found[0][0].startswith("0 to") and found[-1][0].endswith(str(TOTAL))


def test_the_seed_is_written_where_somebody_may_look_for_it(tmp_path):
    found = [graded("anna", seed=4711), graded("ben", status="unreadable")]
    people = {"anna": Submission("anna", source=""), "ben": Submission("ben", problem="It is empty.")}
    run_outputs(found, people, grades=tmp_path / "g.csv", feedback=tmp_path / "pages")
    assert [row["seed"] for row in rows(tmp_path / "g.csv")] == ["4711", ""]
    assert "seed 4711" in (tmp_path / "pages" / "anna.html").read_text(encoding="utf-8")
    write_json(tmp_path / "g.json", found[:1])
    assert json.loads((tmp_path / "g.json").read_text(encoding="utf-8"))["extra_data"] == {"seed": 4711}


# ---------------------------------------------------------------- the course's own table

MOODLE = f"""\
ID,Vollst\u00e4ndiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Bewertung kann ge\u00e4ndert werden,Feedback als Kommentar
Teilnehmer/in17,"Ash, Anna",a@x,Abgegeben,,"{TOTAL:g},00",Ja,
Teilnehmer/in18,Ben Birch,b@x,Nicht abgegeben,,"{TOTAL:g},00",Ja,
"""
CANVAS = f"""\
Student,ID,SIS User ID,SIS Login ID,Section,Sheet 7 (11),Sheet 8 (12),Final
    Points Possible,,,,,20,{TOTAL:g},
"Ash, Anna",17,u1,ash,A,1,,
"Birch, Ben",18,u2,birch,A,2,,
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_moodles_worksheet(tmp_path, encoding, ending):
    path = tmp_path / "w.csv"
    path.write_bytes(MOODLE.replace("\n", ending).encode(encoding))
    grade = adjust(graded("anna", {"1.hidden"}), Submission("anna"), [Override("anna", "1.hidden", 1.5, "x")])
    for _ in range(2):
        assert worksheet.fill(path, [grade], {"anna": Submission("anna", id="17")}) == 1
    text = path.read_bytes().decode(encoding)
    before, after = (list(csv.reader(io.StringIO(t, newline=""))) for t in (MOODLE, text))
    assert after[0] == before[0] and after[2] == before[2]
    assert (
        after[1][:4] == before[1][:4]
        and after[1][4:6] == [f"{TOTAL - HIDDEN + 1.5:g}".replace(".", ","), f"{TOTAL:g},00"]
        and "x" in after[1][7]
    )
    assert text.count("\r\n") == (3 if ending == "\r\n" else 0)


def test_moodles_worksheet_filled_twice(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(MOODLE, encoding="utf-8")
    people = {name: Submission(name, id=id) for name, id in (("anna", "17"), ("ben", "18"))}
    for _ in range(2):
        worksheet.fill(path, [graded(name) for name in people], people)
    assert path.read_text(encoding="utf-8") == MOODLE.replace(
        f',,"{TOTAL:g},00"', f',{TOTAL:g},"{TOTAL:g},00"'
    )


def test_canvas_gradebook(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(CANVAS)
    worksheet.fill(path, [graded("anna")], {"anna": Submission("anna", id="17")})
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
    for use in (worksheet.check, lambda path: worksheet.fill(path, [], {})):
        with pytest.raises(ValueError, match=words):
            use(path)
    option = SimpleNamespace(grades=None, feedback=None, summary=None, worksheet=path, override=None, deadline=None, late_penalty=0.0)  # fmt: skip
    with pytest.raises(ValueError, match=words):
        outputs.from_options(option, [])
    assert path.read_text(encoding="utf-8") == content
    path.write_text(MOODLE, encoding="utf-8")
    outputs.from_options(option, [])


MOODLE_PLAIN = f"""\
Identifier,Full name,Status,Grade,Maximum Grade,Grade can be changed,Last modified (grade),Feedback comments
Participant 17,Anna,Submitted,,{TOTAL:g}.00,Yes,-,
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # a teacher's own columns, a number among them, and a blank line
        (MOODLE_PLAIN.replace("comments\n", "comments,mine\n").replace("-,\n", "-,,1\n") + ",,,,,,,,\n", ",{total},{total}.00,Yes,-,x,1\n"),
        # comments are switched off
        (MOODLE_PLAIN.replace(",Feedback comments", "").replace("-,\n", "-\n"), ",{total},{total}.00,Yes,-\n"),
        (MOODLE_PLAIN.replace(",Feedback comments", "").replace("-,\n", "\"5 November 2026, 11:00 AM\"\n"), ",{total},{total}.00,Yes,\"5 November 2026, 11:00 AM\"\n"),
        # German Excel has saved it: no decimals are left that show the comma
        (MOODLE_PLAIN.replace(",", ";").replace(".00", ""), ";31,5;{total};Yes;-;x\n"),
        # a picture in a comment
        (MOODLE_PLAIN.replace("-,\n", "-," + "p" * 200_000 + "\n"), ",{total},{total}.00,Yes,-,x\n"),
        # line breaks of another kind in a cell
        (MOODLE_PLAIN.replace("Submitted", '"a\r\nb"'), ",{total},{total}.00,Yes,-,x\n"),
        # Canvas, in another language, with a row about what is hidden
        (CANVAS.replace("    Points Possible", "    Erreichbare Punkte").replace(f",20,{TOTAL},", f",20,{TOTAL:g}.0,").replace("Final\n", "Final\n,,,,,Manual Posting,,\n"), "A,1,{total},\n"),
    ],
)  # fmt: skip
def test_worksheets_as_they_are_in_the_wild(tmp_path, before, after):
    path = tmp_path / "w.csv"
    path.write_bytes(before.encode())
    grade = graded("anna")
    if "31,5" in after:
        grade = replace(grade, results=[replace(r, points=r.points - 3.5 * (i == 0)) for i, r in enumerate(grade.results)])  # fmt: skip
        after = after.replace("31,5", f"{TOTAL - 3.5:g}".replace(".", ","))
    results = [replace(grade.results[0], reason="x"), *grade.results[1:]]
    people = {"anna": Submission("anna", id="17")}
    for _ in range(2):
        assert worksheet.fill(path, [replace(grade, results=results)], people) == 1
    wanted = (
        after.replace("{total}", str(TOTAL)).replace(",x", ",Exercise 1: x").replace(";x", ";Exercise 1: x")
    )
    text = path.read_bytes().decode()
    assert wanted in text
    assert text.count("\r\n") == before.count("\r\n")


def test_who_has_no_row_in_the_worksheet_is_said(tmp_path):
    (tmp_path / "w.csv").write_text(MOODLE)
    people = {"anna": Submission("anna", id="17"), "zoe": Submission("zoe", id="99")}
    found = run_outputs([graded("anna"), graded("zoe")], people, worksheet=tmp_path / "w.csv")
    assert "Without a row in it: zoe." in found.lines()


def test_a_worksheet_of_another_class_stays_as_it_is(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(MOODLE)
    found = run_outputs([graded("zoe")], {"zoe": Submission("zoe", id="99")}, worksheet=path)
    assert path.read_text() == MOODLE
    assert any("The worksheet was not filled in" in line for line in found.lines())


def test_options_are_checked_before_grading(tmp_path):
    option = SimpleNamespace(grades=None, feedback=None, summary=None, worksheet=None, override=None, deadline=None, late_penalty=0.0)  # fmt: skip
    for name, value in (
        ("grades", Path("g.xlsx")),
        ("deadline", "soon"),
        ("deadline", ""),
        ("late_penalty", -1),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            outputs.from_options(SimpleNamespace(**vars(option) | {name: value}), [])
    parser = argparse.ArgumentParser()
    outputs.add_options(parser.add_argument)
    assert parser.parse_args(["--late-penalty", "2,5"]).late_penalty == 2.5
    with pytest.raises(OSError, match=r"\w"):
        outputs.from_options(SimpleNamespace(**vars(option) | {"worksheet": tmp_path / "none.csv"}), [])
    (tmp_path / "binary.csv").write_bytes(b"PK\0\0")
    (tmp_path / "folder.html").mkdir()
    for more, words in (
        ({"override": tmp_path / "none.csv"}, "none.csv can't be read: No such file"),
        ({"override": tmp_path / "binary.csv"}, "binary.csv is no CSV file"),
        ({"grades": tmp_path / "binary.csv"}, "binary.csv is no CSV file"),
        ({"worksheet": tmp_path / "binary.csv"}, "binary.csv is no CSV file"),
        ({"summary": tmp_path / "solution.py"}, "writes .html files"),
        ({"summary": tmp_path / "folder.html"}, "directory|Permission"),
        ({"feedback": tmp_path / "a.zip", "solution": [str(tmp_path / "a.zip")]}, "would be overwritten"),
        ({"grades": tmp_path / "g.json", "deadline": "soon"}, "a deadline is written"),
    ):
        with pytest.raises((ValueError, OSError), match=words):
            outputs.from_options(SimpleNamespace(**vars(option) | more), [])
    assert sorted(os.listdir(tmp_path)) == ["binary.csv", "folder.html"]  # a mistake leaves nothing behind
