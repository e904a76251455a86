"""A grade as Gradescope's results.json."""

from ..judging.result import Grade
from ..sheet.rubric import TOTAL
from .text import examined, number, one_line, so_far

MAX_OUTPUT = 10_000  # characters of a text


def results(grade: Grade) -> dict:
    """What Gradescope reads of one submission; without any score if the grade has no points.

    Instructors alone see a test of 0 points: why to look at it, and what could not be kept from it.
    """
    line, tests = one_line(grade), []
    for exercise, found in examined(grade):
        for position, (result, reason) in enumerate(found, 1):
            test = {
                "name": f"Exercise {exercise}: {result.criterion.sentence}",
                "number": f"{exercise}.{position}",
                "score": result.points,
                "max_score": result.criterion.points,
                "status": "failed" if result.lost else "passed",
                "output": (reason or result.note)[:MAX_OUTPUT],
                "output_format": "text",
                "visibility": "visible",
            }
            tests.append(test)
    why = f"To look at{so_far(grade)}: {' '.join(grade.to_look_at)}"
    if told := [why] * bool(grade.to_look_at) + [*grade.unprotected]:
        hidden = {"name": "For the teachers", "score": 0, "max_score": 0, "output": "\n".join(told)}
        tests.append(hidden | {"output_format": "text", "visibility": "hidden"})
    notes = [note for note in (grade.note, *grade.notes) if note and note not in line]
    whole = {
        "score": grade.total,
        "output": " ".join([*notes, line or f"{number(grade.total)} of {number(TOTAL)} points."])[
            :MAX_OUTPUT
        ],
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"seed": grade.seed},
        "tests": tests if grade.has_points else [_without_score(test) for test in tests],
    }
    return whole if grade.has_points else _without_score(whole)


def _without_score(entry):
    return {key: value for key, value in entry.items() if key not in ("score", "status")}
