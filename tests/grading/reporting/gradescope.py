"""Grades as Gradescope's results.json."""

import json
from pathlib import Path

from ..judging.result import Grade
from ..sheet.rubric import EXERCISES
from .text import one_line, reason_of
from .writing import write_whole

MAX_OUTPUT = 10_000  # characters of a text


def write_json(path: Path, grades: list[Grade]) -> None:
    """One submission as Gradescope reads it; of several, one such entry for each name."""
    found = {grade.name: results(grade) for grade in grades}
    content = next(iter(found.values())) if len(found) == 1 else found
    write_whole(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace"))


def results(grade: Grade) -> dict:
    """What Gradescope reads of one submission; without any score if the grade has no points."""
    line, tests = one_line(grade), []
    for exercise in EXERCISES:
        of_exercise = [result for result in grade.results if result.criterion.exercise == exercise]
        for position, result in enumerate(of_exercise, 1):
            test = {
                "name": f"Exercise {exercise}: {result.criterion.sentence}",
                "number": f"{exercise}.{position}",
                "score": result.points,
                "max_score": result.criterion.points,
                "status": "failed" if result.lost else "passed",
                "output": (reason_of(grade, result, set()) or result.note)[:MAX_OUTPUT],
                "output_format": "text",
                "visibility": "visible",
            }
            tests.append(test if grade.has_points else _without_score(test))
    whole = {
        "score": grade.total,
        "output": " ".join(
            filter(None, (grade.note, *(note for note in grade.notes if note not in line), line))
        )[:MAX_OUTPUT],
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"seed": grade.seed},
        "tests": tests,
    }
    return whole if grade.has_points else _without_score(whole)


def _without_score(entry):
    return {key: value for key, value in entry.items() if key not in ("score", "status")}
