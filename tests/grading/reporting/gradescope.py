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
            score = {"score": result.points, "status": "failed" if result.lost else "passed"}
            test = {
                "name": f"Exercise {exercise}: {result.criterion.sentence}",
                "number": f"{exercise}.{position}",
                "max_score": result.criterion.points,
                **(score if grade.has_points else {}),
            }
            tests.append(test | _shown(reason or result.note))
    why = f"To look at{so_far(grade)}: {' '.join(grade.to_look_at)}"
    if told := [why] * bool(grade.to_look_at) + [*grade.unprotected]:
        score = {"score": 0} if grade.has_points else {}
        hidden = {"name": "For the teachers", "max_score": 0, **score}
        tests.append(hidden | _shown("\n".join(told)) | {"visibility": "hidden"})
    notes = [note for note in grade.notes if note not in line]
    whole = _shown(" ".join([*notes, line or f"{number(grade.total)} of {number(TOTAL)} points."]))
    whole |= {"stdout_visibility": "hidden", "extra_data": {"seed": grade.seed}, "tests": tests}
    return whole | ({"score": grade.total} if grade.has_points else {})


def _shown(text):
    return {"output": text[:MAX_OUTPUT], "output_format": "text", "visibility": "visible"}
