"""The table of grades: whose row is whose, and what a spreadsheet or a second run does to it."""

import csv
import io
import os
import unicodedata

import pytest

from tests.grading.course.outputs import Files, Outputs
from tests.grading.handed_in.submission import Submission
from tests.grading.reporting import table as table_module
from tests.grading.reporting import writing
from tests.grading.reporting.csv_file import cell, without_guard
from tests.grading.reporting.table import merge
from tests.grading.sheet.rubric import TOTAL

from .made_up import ALL, HIDDEN, NO_RELU, graded, rows, write

LESS = f"{TOTAL - HIDDEN:g}"


def test_a_second_run_updates_its_rows_and_keeps_all_others(tmp_path):
    path = tmp_path / "grades.csv"
    write([graded(name) for name in ("anna", "ben", "carla")], grades=path)
    before = rows(path)
    text = path.read_text(encoding="utf-8").replace(",seed", ",seed,mine", 1)
    path.write_text(text, encoding="utf-8")
    again = write([graded("ben", {"1.hidden"}), graded("dora")], grades=path)
    after = rows(path)
    assert [row["submission"] for row in after] == ["anna", "ben", "carla", "dora"]
    assert [row["total"] for row in after] == [f"{TOTAL:g}", LESS, f"{TOTAL:g}", f"{TOTAL:g}"]
    assert {key: after[0][key] for key in before[0]} == before[0]
    assert "mine" in after[0]
    assert any("3 rows; 1 were graded anew" in line for line in again.lines())


def test_the_rows_stand_in_the_order_of_the_class_however_the_grades_come(tmp_path):
    path = tmp_path / "grades.csv"
    write([graded("x")], grades=path)
    run = Outputs([Submission(name) for name in "abcd"], Files(grades=path))
    for name in "dbac":
        run.add(graded(name))
    run.finish()
    assert [row["submission"] for row in rows(path)] == ["x", *"abcd"]


def test_people_are_told_by_their_id(tmp_path):
    path = tmp_path / "grades.csv"
    for name in ("Anna Ash", "Anna Ash-Birch"):
        write([graded(name, id="17", late=True, file="a.py", seed=4711)], grades=path)
    (row,) = rows(path)
    assert (row["submission"], row["id"]) == ("Anna Ash-Birch", "17")
    assert (row["late"], row["file"], row["seed"]) == ("late", "a.py", "4711")


def test_an_id_tells_more_than_a_name(tmp_path):
    path = tmp_path / "grades.csv"
    write([graded("Anna Ash 7", id="7"), graded("Anna Ash")], grades=path)
    write([graded("Anna Ash", {"1.hidden"}, id="7")], grades=path)
    assert [(row["id"], row["total"]) for row in rows(path)] == [("7", LESS), ("", f"{TOTAL:g}")]


def test_two_people_of_a_run_share_no_row_though_their_systems_gave_them_one_id(tmp_path):
    path = tmp_path / "grades.csv"
    for lost in ((), {"1.hidden"}):
        write([graded("Anna Ash", id="17"), graded("Ben Birch", lost, id="17")], grades=path)
        assert [row["submission"] for row in rows(path)] == ["Anna Ash", "Ben Birch"]
    assert rows(path)[1]["total"] == LESS


def test_a_person_without_an_id_is_told_by_the_name(tmp_path):
    path = tmp_path / "g.csv"
    write([graded("anna", id="17")], grades=path)
    write([graded("anna", {"1.hidden"})], grades=path)
    (row,) = rows(path)
    assert (row["id"], row["total"]) == ("17", LESS)
    write([graded("anna", id="18")], grades=path)
    assert [row["id"] for row in rows(path)] == ["17", "18"]


def test_an_id_is_known_again_after_a_spreadsheet_has_dropped_its_zeros(tmp_path):
    path = tmp_path / "g.csv"
    write([graded("Anna", id="0048812"), graded("Ben", id="007"), graded("Cy", id="7")], grades=path)
    path.write_text(path.read_text(encoding="utf-8").replace(",0048812,", ",48812,"), encoding="utf-8")
    write([graded("Anna Ash", {"1.hidden"}, id="0048812"), graded("B. Birch", id="007")], grades=path)
    found = {row["id"]: (row["submission"], row["total"]) for row in rows(path)}
    assert found["0048812"] == ("Anna Ash", LESS)
    assert found["007"][0] == "B. Birch" and found["7"][0] == "Cy"  # two people, each with a row
    assert len(rows(path)) == 3


def test_a_name_that_is_a_number_is_known_again_after_a_spreadsheet(tmp_path):
    path = tmp_path / "g.csv"
    for lost in ((), {"1.hidden"}):
        write([graded("0048812", lost), graded("123456789012", lost)], grades=path)
        assert [row["total"] for row in rows(path)] == [LESS if lost else f"{TOTAL:g}"] * 2
        text = path.read_text(encoding="utf-8").replace("0048812,", "48812,")
        path.write_text(text.replace("123456789012,", "1.23457E+11,"), encoding="utf-8")


def test_finished_rows_are_kept_and_said(tmp_path):
    path = tmp_path / "grades.csv"
    run = Outputs([Submission(name) for name in "abc"], Files(grades=path))
    run.add(graded("a"))
    assert [row["submission"] for row in rows(path)] == ["a"]
    assert "1 of 3 people are graded; these are not all." in run.lines()
    assert os.listdir(tmp_path) == ["grades.csv"]


def test_what_others_write_during_a_run_stays(tmp_path):
    path = tmp_path / "g.csv"
    both = [Outputs([Submission(name)], Files(grades=path)) for name in "ab"]
    for run, name in zip(both, "ab", strict=True):
        run.add(graded(name))
    path.write_text(path.read_text(encoding="utf-8") + "by hand,,,,7\n", encoding="utf-8")
    for run in both:
        run.finish()
    totals = [("a", str(TOTAL)), ("b", str(TOTAL)), ("by hand", "7")]
    assert [(row["submission"], row["total"]) for row in rows(path)] == totals


def test_another_file_is_not_overwritten(tmp_path):
    path = tmp_path / "exam.csv"
    path.write_text("name,mark\nanna,1\n")
    with pytest.raises(ValueError, match=r"exam.csv is no table of grades"):
        Outputs([], Files(grades=path))
    assert path.read_text() == "name,mark\nanna,1\n"


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "grades.csv"
    writing.write_whole(path, b"old")
    monkeypatch.setattr(writing.os, "replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writing.write_whole(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["grades.csv"]


def test_a_disk_that_dies_costs_no_traceback_and_no_other_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(table_module, "write_whole", full)
    found = write([graded("a"), graded("b")], grades=tmp_path / "g.csv", summary=tmp_path / "s.html")
    assert found.failed and f"{tmp_path / 'g.csv'} was not written: No space left on device." in found.lines()
    assert (tmp_path / "s.html").exists() and f"Written: {tmp_path / 's.html'}" in found.lines()


# ---------------------------------------------------------------- spreadsheets


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\r=1", "  =1", " \t@x", "\t1", "\u00a0=1", "＝1", "a;=1+1;", "a, =1"]
)
def test_no_cell_is_a_formula_wherever_a_spreadsheet_splits(text):
    written = cell(text)
    assert without_guard(written) == text
    for part in [written, *written.split(";"), *written.split(","), *written.split("\t")]:
        assert not part.lstrip().startswith(("=", "+", "-", "@", "＝")), written
    assert cell("a=1 - 2") == "a=1 - 2"


def test_a_name_that_looks_like_a_formula_keeps_its_row(tmp_path):
    path = tmp_path / "g.csv"
    for lost in ((), {"1.hidden"}):
        write([graded("=cmd;=1", lost)], grades=path)
    (row,) = rows(path)
    assert (row["submission"], row["total"]) == ("'=cmd;'=1", LESS)


def test_a_new_table_begins_with_a_byte_order_mark_and_an_old_one_keeps_its_encoding(tmp_path):
    path = tmp_path / "g.csv"
    write([graded("J\u00f6rg-G\u00f6tz")], grades=path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfsubmission,")
    path.write_bytes(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    write([graded("anna")], grades=path)
    assert path.read_bytes().startswith(b"submission,") and len(rows(path)) == 2


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
    path, by_hand = tmp_path / "g.csv", tmp_path / "o.csv"
    path.write_bytes(GERMAN.replace(";", delimiter).replace("\n", "\r\n").encode(encoding))
    by_hand.write_text("submission,criterion,points,reason\n=cmd,1.hidden,1.5,\n")
    names = [unicodedata.normalize("NFD", "M\u00fcller"), "=cmd", "\u0141ukasz"]
    found = write([graded(name, {"1.hidden"}) for name in names], grades=path, override=by_hand)
    written = "utf-8-sig" if encoding == "cp1252" else encoding  # which can't write every name
    table = list(csv.reader(io.StringIO(path.read_bytes().decode(written), newline=""), delimiter=delimiter))
    assert table[1][:9] == ["Zo\u00eb", "", "", "", "1,5", "graded", "two\r\nlines", "7", "to the right"]
    assert [row[0] for row in table[2:]] == [names[0], "", "'=cmd", "\u0141ukasz"]
    assert table[4][4] == f"{TOTAL - HIDDEN + 1.5:g}".replace(".", ",")
    assert not any(None in row for row in table) and "seed" in table[0]
    assert any("3 rows; 2 were" in line for line in found.lines())


def test_a_lone_carriage_return_in_a_cell_tears_no_row(tmp_path):
    path = tmp_path / "g.csv"
    path.write_bytes(b'submission,total,mine\nben,1,"a\rb"\n')
    write([graded("anna", ALL, NO_RELU)], grades=path)
    assert b'ben,1,"a\rb"' in path.read_bytes() and len(rows(path)) == 2


# ---------------------------------------------------------------- the tables of shards


def test_tables_are_put_together_without_a_loss(tmp_path):
    parts = [tmp_path / f"{name}.csv" for name in "abc"]
    write([graded("anna", seed=1), graded("ben", seed=1)], grades=parts[0])
    parts[1].write_text("submission;total;seed;mine\nben;1,5;2;x\n;;;\n")
    parts[2].touch()
    # Without the name of the new table, as is soon forgotten: the first shard is not lost.
    said = merge(parts[0], parts[1:])
    found = [(row["submission"], row["total"], row["mine"]) for row in rows(parts[0])]
    assert found == [("anna", str(TOTAL), ""), ("ben", "1.5", "x")]
    assert said[:2] == ["a.csv has 2 submissions now.", "c.csv has no rows."]
    said = merge(tmp_path / "new.csv", parts)
    assert any(line.startswith("1 stood in several") for line in said)
    with pytest.raises(OSError, match=r"none\.csv"):
        merge(tmp_path / "new.csv", [tmp_path / "none.csv"])
    write([], grades=tmp_path / "empty.csv")
    assert (tmp_path / "empty.csv").read_text(encoding="utf-8-sig").startswith("submission,")
