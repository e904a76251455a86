"""Results: what is lost, for which causes, and what has no points."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.grading.handed_in.submission import Submission
from tests.grading.judging import grade as grading
from tests.grading.judging import result
from tests.grading.judging.result import NOTHING_WRITTEN, Cause, Grade, Result, Status, Verdict
from tests.grading.reporting import pages
from tests.grading.reporting.by_hand import Override, adjust
from tests.grading.reporting.gradescope import results
from tests.grading.reporting.table import row_of
from tests.grading.reporting.text import how_often, mark, mistakes_of, one_line, table, to_look_at
from tests.grading.sheet.rubric import CRITERIA, EXERCISES, TOTAL

from .made_up import ALL, HIDDEN, NO_RELU, graded, rows, undecided, write

LATER = Cause("late bias", "Your encoder adds b too late.", needs_human=True)


def test_a_criterion_that_a_human_lowers_is_lost_in_every_report():
    (found,) = [adjust(graded("a"), [Override("a", "1.hidden", 1, "It is luck.")])]
    result = found.results[0]
    assert result.lost and mark(result) == "part" and found.total == TOTAL - HIDDEN + 1
    assert any(f"part  1/{HIDDEN}" in line for line in table(found))
    assert "It is luck." in one_line(found)
    assert f"✗ 1/{HIDDEN}: " in pages.page(found) and "It is luck." in pages.page(found)
    test = results(found)["tests"][0]
    assert (test["status"], test["score"], test["output"]) == ("failed", 1, "It is luck.")


def test_a_criterion_that_a_human_gives_is_lost_in_no_report():
    found = adjust(graded("a", {"1.hidden"}), [Override("a", "1.hidden", HIDDEN, "I asked.")])
    assert not any(result.lost for result in found.results) and found.total == TOTAL
    assert one_line(found) == "" and mistakes_of([found]) == []
    assert "✗" not in pages.page(found) and results(found)["tests"][0]["status"] == "passed"


def test_two_mistakes_on_one_criterion_are_counted_and_shown_by_themselves():
    both, one = graded("a", {"1.hidden"}, NO_RELU, LATER), graded("b", {"1.hidden"})
    assert {kind: count for kind, _, count in mistakes_of([both, one])} == {"none": 2, "late bias": 1}
    for shown in (one_line(both), "\n".join(table(both)), pages.page(both), json.dumps(results(both))):
        assert NO_RELU.sentence in shown and LATER.sentence in shown
    assert both.results[0].mistake == "none and late bias"


def test_a_mistake_that_costs_several_criteria_is_counted_once_and_said_once_an_exercise():
    found = graded("a", {"1.hidden", "1.error", "2.hidden"})
    assert [count for _, _, count in mistakes_of([found])] == [1]
    assert one_line(found) == f"Exercise 1, 2: {NO_RELU.sentence}"
    lines = table(found)
    assert len([line for line in lines if NO_RELU.sentence in line]) == 2
    assert sum("(The same mistake as in exercise 1.)" in line for line in lines) == 1


def test_of_different_reasons_for_one_kind_one_is_an_example():
    people = [graded("a", {"1.hidden"}, Cause("ValueError", f"Line {line}.")) for line in (1, 1, 2)]
    assert mistakes_of(people) == [("ValueError", "for example: Line 1.", 3)]


def test_a_verdict_keeps_each_cause_of_a_part():
    verdict = Verdict(EXERCISES[1])
    verdict.lose("hidden", Cause("one", "One."))
    verdict.lose("hidden", Cause("one", "One, in other words.", needs_human=True))
    verdict.lose("hidden", Cause("two", "Two."))
    verdict.note("hidden", "A remark.")
    verdict.note("error", "A remark.")
    found = {result.criterion.part: result for result in verdict.results()}
    assert found["hidden"].causes == (Cause("one", "One.", needs_human=True), Cause("two", "Two."))
    assert found["hidden"].reason == "One. Two." and found["hidden"].note == ""
    assert found["error"].note == "A remark." and not found["error"].lost and verdict.lost == {"hidden"}


def test_what_was_not_reached_is_lost_and_counted_as_nobodys_mistake():
    verdict = Verdict(EXERCISES[1])
    verdict.stop(Cause("RuntimeError", "Your function stops."))
    assert [mark(result) for result in verdict.results()] == ["not reached"] * 5 + ["LOST"]
    found = replace(graded("a"), results=[*verdict.results(), *graded("a").results[6:]])
    assert mistakes_of([found]) == [("RuntimeError", "Your function stops.", 1)]
    assert found.points(1) == 0 and one_line(found) == "Exercise 1: Your function stops."
    verdict = Verdict(EXERCISES[1])
    verdict.stop(Cause(NOTHING_WRITTEN, "Not implemented yet."))
    assert {mark(result) for result in verdict.results()} == {"not yet"}


def test_each_file_that_cannot_be_read_is_counted_by_itself():
    unreadable = [
        grading.grade(Submission(name, problem=problem), None)
        for name, problem in (("a", "It is empty."), ("b", "It is a PDF."), ("c", "It is a PDF."))
    ]
    assert [one.status for one in unreadable] == [Status.UNREADABLE] * 3
    assert [count for _, _, count in mistakes_of(unreadable)] == [2, 1]
    assert {sentence for _, sentence, _ in mistakes_of(unreadable)} == {"It is a PDF.", "It is empty."}


# ---------------------------------------------------------------- to look at


def test_where_a_human_has_to_look_at_all_of_it_no_report_has_a_number(tmp_path):
    slow = graded(
        "b", ALL, Cause("time", "It did not answer.", needs_human=True), status=Status.IMPORT_FAILED
    )
    assert slow.status is Status.TO_LOOK_AT and not slow.has_points
    found = write([graded("a"), slow], grades=tmp_path / "g.csv", summary=tmp_path / "s.html")
    assert [(row["total"], row["status"], row["look"]) for row in rows(tmp_path / "g.csv")] == [
        (f"{TOTAL:g}", "graded", ""),
        ("", "to look at", "It did not answer."),
    ]
    assert f"The mean is {TOTAL:.1f}" in (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "  b: It did not answer." in found.lines()
    assert "not graded yet" in pages.page(slow) and f"0 of {TOTAL}" not in pages.page(slow)
    assert not any("score" in entry for entry in [results(slow), *results(slow)["tests"]])
    assert not any("0/" in line for line in table(slow))


def test_one_criterion_to_look_at_leaves_all_without_points_and_says_how_many_there_are_so_far(tmp_path):
    found = graded("b", {"1.hidden"}, LATER)
    assert found.status is Status.TO_LOOK_AT and row_of(found)["total"] == row_of(found)["exercise_2"] == ""
    assert to_look_at([graded("a"), found]) == [
        f"b ({TOTAL - HIDDEN} of 35 without 1.hidden): {LATER.sentence}"
    ]
    assert row_of(found)["look"] == f"{LATER.sentence} ({TOTAL - HIDDEN} of 35 without 1.hidden)"
    pages.write_summary(tmp_path / "s.html", [graded("a"), found])
    shown = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert f"b ({TOTAL - HIDDEN} of 35 without 1.hidden): {LATER.sentence}" in shown
    assert how_often([found]) == []  # who has no points is not counted


def test_an_unclear_file_is_to_look_at_until_a_human_has_decided():
    unclear = grading.grade(Submission("d", problem="Which one?", needs_human=True), None)
    assert unclear.status is Status.TO_LOOK_AT and unclear.to_look_at == ["Which one?"]
    half = adjust(unclear, [Override("d", "1.hidden", HIDDEN, "")])
    assert half.status is Status.TO_LOOK_AT and half.to_look_at == ["Which one?"]
    whole = adjust(unclear, [Override("d", c.id, c.points, "I asked.") for c in CRITERIA])
    assert (whole.status, whole.total, whole.to_look_at) == (Status.GRADED, TOTAL, [])
    graded_but_unclear = graded("d").of(Submission("d", note="There are two files.", needs_human=True))
    assert graded_but_unclear.status is Status.TO_LOOK_AT
    assert to_look_at([graded_but_unclear]) == ["d (35 of 35 so far): There are two files."]
    assert "<p>There are two files.</p>" in pages.page(graded_but_unclear)
    assert table(graded_but_unclear)[0] == "There are two files."


def test_a_grade_without_all_criteria_is_an_exercise_that_is_checked():
    cause = Cause("unknown", "Odd.", needs_human=True)
    assert Grade("", [Result(c, (cause,)) for c in EXERCISES[1].criteria]).status is Status.GRADED


# ---------------------------------------------------------------- Gradescope


def test_gradescopes_json():
    found = results(graded("a", {"1.hidden"}, seed=4711))
    assert found["score"] == sum(test["score"] for test in found["tests"]) == TOTAL - HIDDEN
    assert {test["output_format"] for test in found["tests"]} == {"text"}
    assert {test["status"] for test in found["tests"]} == {"passed", "failed"}
    assert found["extra_data"] == {"seed": 4711}
    assert results(graded("a"))["score"] == TOTAL and "score" not in results(undecided("b"))
    assert results(graded("a"))["output"] == "35 of 35 points."


def test_instructors_alone_see_on_gradescope_who_is_to_look_at_and_what_is_not_protected():
    seen = results(graded("a", {"1.hidden"}, LATER, unprotected=("No namespaces.",)))["tests"]
    (hidden,) = [test for test in seen if test["visibility"] == "hidden"]
    assert hidden["output"] == f"To look at (32 of 35 without 1.hidden): {LATER.sentence}\nNo namespaces."
    assert sum(test["max_score"] for test in seen) == TOTAL and not any("score" in test for test in seen)
    assert len(results(graded("a"))["tests"]) == len(CRITERIA)


def test_no_line_is_a_command_in_a_log_of_githubs():
    for sentence in ("::error::x", "It stops: ##[error]x"):
        for found in (
            graded("a", ALL, Cause("x", sentence), status=Status.IMPORT_FAILED),
            graded("a", notes=(sentence,)),
        ):
            assert not [line for line in table(found) if line.lstrip().startswith("::") or "##[" in line]


def test_what_stops_a_whole_file_is_said_once_in_each_report():
    cause = Cause("NameError", "The name losses is not defined.")
    found = graded("a", ALL, cause, status=Status.IMPORT_FAILED)
    for shown in ("\n".join(table(found)), pages.page(found), json.dumps(results(found)), one_line(found)):
        assert shown.count(cause.sentence) == 1


@pytest.mark.parametrize("status", Status)
def test_each_status_is_told_in_words(status):
    found = Grade("a", [Result(c) for c in CRITERIA], status)
    guide = (Path(result.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"| {status.value} | {'none' if not found.has_points else ''}" in guide
    assert found.has_points == (status in (Status.GRADED, Status.UNREADABLE, Status.IMPORT_FAILED))
    assert any(status.value in line for line in table(found)) or found.has_points
