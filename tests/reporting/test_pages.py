"""Pages for authors, and the summary for the teacher."""

import os
import re
import unicodedata
import zipfile
from dataclasses import replace

import pytest

from tests.grading.judging.result import Cause, Grade, Result
from tests.grading.reporting import pages
from tests.grading.sheet.rubric import CRITERIA, TOTAL

from .made_up import HIDDEN, NO_RELU, OWN, graded, undecided, write

EVIL = "<img src=x onerror=alert(1)> ![a](http://x) <script>alert(1)</script>"


@pytest.mark.parametrize("how", ["name", "reason", "notes", "output", "mistake", "file"])
def test_all_of_a_submission_is_shown_as_text(tmp_path, how):
    cause = Cause(EVIL if how == "mistake" else "y", EVIL if how == "reason" else "x")
    more = {key: text for key, text in {"notes": (EVIL,), "output": EVIL, "file": EVIL}.items() if key == how}
    grade = graded(EVIL if how == "name" else "anna", {"1.hidden"}, cause, **more)
    pages.write_summary(tmp_path / "summary.html", [grade, undecided(grade.name)])
    shown = pages.page(grade) + (tmp_path / "summary.html").read_text(encoding="utf-8")
    assert not re.search(r"<(img|script|a)\b", shown)
    assert "&lt;img" in shown and "default-src 'none'" in shown


def test_code_between_backquotes_is_shown_as_code():
    shown = pages.page(graded("a", {"1.hidden"}, Cause("x", "Use `a < b` here.")))
    assert "Use <code>a &lt; b</code> here." in shown


def test_a_page_says_what_was_graded_and_on_which_inputs():
    shown = pages.page(graded("anna", {"1.hidden"}, file="sheet/solution.py", seed=4711))
    assert "Exercise Sheet 8, sheet/solution.py" in shown and "seed 4711" in shown
    assert f"{TOTAL - HIDDEN} of {TOTAL} points" in shown and "Look again at" in shown
    assert "seed" not in pages.page(graded("anna"))


def test_every_name_gets_a_page(tmp_path):
    names = ["Anna", "anna", "M\u00fcller", unicodedata.normalize("NFD", "M\u00fcller"), "a" * 300, "a" * 301]
    names += ["CON", "..", "a/b", "a_b", "\ud800", "名" * 100]
    write([graded(name) for name in names], feedback=tmp_path / "pages")
    written = os.listdir(tmp_path / "pages")
    same = {unicodedata.normalize("NFKD", name).casefold() for name in written}
    assert len(written) == len(same) == len(names)
    assert all(len(name.encode()) < 200 and name.split(".")[0].lower() != "con" for name in written)


@pytest.mark.parametrize(
    ("name", "more", "entry"),
    [
        (
            "Anna_Maria M\u00fcller",
            {"id": "17"},
            "Anna Maria M\u00fcller_17_assignfeedback_file_feedback.html",
        ),
        ("x", {"entry": "Al_Bo_17_assignsubmission_file"}, "Al Bo_17_assignfeedback_file_feedback.html"),
        ("Ash Anna", {"entry": "Ash_Anna_aash_4711"}, "multi_feedback/Ash_Anna_aash_4711/feedback.html"),
        ("Team Rot", {"entry": "Team Rot_17_assignsubmission_file", "is_group": True}, "Team Rot.html"),
        ("ash", {"entry": "ash_123_4567_solution.py"}, "ash.html"),
        ("anna", {"entry": "../anna_12"}, "anna.html"),
    ],
)
def test_a_course_finds_its_people_in_the_zip(tmp_path, name, more, entry):
    """Moodle by five parts, the second a participant, then a plugin; ILIAS by the number of a folder."""
    found = write([graded(name, **more)], feedback=tmp_path / "feedback.zip")
    with zipfile.ZipFile(tmp_path / "feedback.zip") as archive:
        assert archive.namelist() == [entry]
        assert f"{TOTAL:g} of {TOTAL:g}" in archive.read(entry).decode()
    by_hand = f"  Only Moodle (of groups, with --worksheet) and ILIAS take pages back. By hand: {name}."
    assert (by_hand in found.lines()) == (entry == f"{name}.html")


def test_the_summary_counts(tmp_path):
    grades = [graded("a"), graded("b", {"1.hidden"}), graded("c", {"1.hidden", "3.own"}), undecided("d")]
    pages.write_summary(tmp_path / "s.html", grades)
    text = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "4 submissions" in text and f"2 times, {NO_RELU.kind}: {NO_RELU.sentence}" in text
    assert f"{TOTAL - (2 * HIDDEN + OWN) / 3:.1f} of {TOTAL:g}" in text
    assert "<li>d: Which one?</li>" in text
    assert f"<td>2</td><td>Exercise 1: {CRITERIA[0].sentence}" in text


def test_a_class_without_points_has_a_summary(tmp_path):
    pages.write_summary(tmp_path / "s.html", [undecided("d")])
    text = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "1 submission<" in text and "mean" not in text


def bars(path):
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"<tr><td>([^<]*)</td><td><meter[^>]*></meter></td>\n<td>(\d+)</td>", text)
    return [(title, int(count)) for title, count in found]


def test_every_total_is_in_one_bar(tmp_path):
    totals = [0, 1, TOTAL / 2, TOTAL - 0.5, TOTAL]
    whole = replace(CRITERIA[0], points=TOTAL)
    write(
        [Grade(f"s{i}", [Result(whole, points=t)]) for i, t in enumerate(totals)], summary=tmp_path / "s.html"
    )
    found = bars(tmp_path / "s.html")
    assert sum(count for _, count in found) == len(totals)
    assert found[0][0].startswith("0 to") and found[-1][0].endswith(str(TOTAL))
