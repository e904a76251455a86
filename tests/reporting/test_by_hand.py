"""Points that humans give, and points that are no whole numbers."""

import json
import unicodedata
from dataclasses import replace

import pytest

from tests.grading.judging.result import Grade, Result
from tests.grading.reporting import by_hand as by_hand_module
from tests.grading.reporting import pages, worksheet
from tests.grading.reporting import text as text_module
from tests.grading.reporting.by_hand import adjust, load_overrides
from tests.grading.reporting.gradescope import write_json
from tests.grading.reporting.text import one_line, table
from tests.grading.sheet import rubric
from tests.grading.sheet.rubric import CRITERIA, TOTAL

from .made_up import HIDDEN, NO_RELU, graded, rows, write
from .test_worksheet import MOODLE

HEAD = "submission,criterion,points,reason\n"


def test_points_by_hand(tmp_path):
    lines = [
        "submission;criterion;points;reason",
        "17;1.hidden;1,5;Half an idea",
        f"ben;1.hidden;{HIDDEN:g};",
    ]
    (tmp_path / "o.csv").write_text("\n".join(lines))
    overrides = load_overrides(tmp_path / "o.csv")
    anna = adjust(graded("anna", {"1.hidden"}, id="17"), overrides)
    total = TOTAL - HIDDEN + 1.5
    assert anna.total == total and anna.points(1) == rubric.EXERCISES[1].points - HIDDEN + 1.5
    assert "Half an idea" in pages.page(anna) and f"{total:g} of {TOTAL:g}" in pages.page(anna)
    assert any(f"{total:g}/{TOTAL:g}" in line for line in table(anna))
    assert adjust(graded("ben", {"1.hidden"}), overrides).total == TOTAL
    assert adjust(graded("carla", {"1.hidden"}), overrides).total == TOTAL - HIDDEN


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
    (tmp_path / "o.csv").write_text(f"{HEAD}{line}\n")
    with pytest.raises(ValueError, match=rf"o.csv, line [24].*{words}"):
        load_overrides(tmp_path / "o.csv")


def test_points_by_hand_from_a_spreadsheet(tmp_path):
    text = 'Submission ;criterion;points;reason\r\n\'=M\u00fcller;1.hidden;1,5;"two\r\nlines"\r\n;;;\r\n'
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        (tmp_path / "o.csv").write_bytes(text.encode(encoding))
        overrides = load_overrides(tmp_path / "o.csv")
        found = adjust(graded(unicodedata.normalize("NFD", "=M\u00fcller"), {"1.hidden"}), overrides)
        assert found.total == TOTAL - HIDDEN + 1.5 and one_line(found) == "Exercise 1: two lines."


def test_points_by_hand_for_nobody_are_said(tmp_path):
    (tmp_path / "o.csv").write_text(f"{HEAD}anna,1.hidden,1,\n")
    found = write([graded("a")], override=tmp_path / "o.csv")
    assert "Points by hand were not used for anna: nobody here has this name or id." in found.lines()


def test_fractions_of_points(tmp_path, monkeypatch):
    points = {"1.hidden": 2.5, "1.error": 0.25, "2.shape": 10}
    criteria = tuple(replace(c, points=points.get(c.id, 1)) for c in CRITERIA)
    total = sum(criterion.points for criterion in criteria)
    for module in (rubric, text_module, pages, by_hand_module, worksheet):
        for name, value in (("CRITERIA", criteria), ("TOTAL", total)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    results = [Result(c, (NO_RELU,) if c.id == "1.error" else ()) for c in criteria]
    grade, path = Grade("anna", results, id="17"), tmp_path / "w.csv"
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
    write_json(tmp_path / "g.json", [grade])
    assert json.loads((tmp_path / "g.json").read_text(encoding="utf-8"))["score"] == total - 0.25
