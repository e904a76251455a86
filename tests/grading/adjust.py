"""What humans decide after grading: points given by hand, and the penalty for handing in late."""

import csv
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

from .exercises import CRITERIA, Criterion
from .grade import Grade
from .submission import Submission
from .verdict import Result

UNDECIDED = "to look at"  # the status of a submission that isn't graded before a human decided
LATE = Criterion("0.late", 0, "It was handed in by the deadline")


@dataclass(frozen=True)
class Override:
    """Points that a human gives for one criterion; `submission` is a name or an id."""

    submission: str
    criterion: str
    points: float
    reason: str


def read_overrides(path: Path) -> list[Override]:
    """A CSV file with the columns submission, criterion, points and reason.

    Raises:
        ValueError: a sentence that names the line.
    """
    text = path.read_text(encoding="utf-8-sig")
    delimiter = ";" if ";" in text.split("\n")[0] else ","
    rows = csv.DictReader(text.splitlines(), delimiter=delimiter)
    wanted = {"submission", "criterion", "points", "reason"}
    if not wanted <= set(rows.fieldnames or ()):
        raise ValueError(f"{path.name} needs the columns submission, criterion, points, reason")
    maxima = {criterion.id: criterion.points for criterion in CRITERIA}
    found = []
    for row in rows:
        where = f"{path.name}, line {rows.line_num}"
        criterion = (row["criterion"] or "").strip()
        if criterion not in maxima:
            raise ValueError(f"{where}: there is no criterion {criterion!r}; there are {', '.join(maxima)}")
        try:
            points = float((row["points"] or "").replace(",", "."))
        except ValueError:
            points = math.nan
        if not 0 <= points <= maxima[criterion]:
            raise ValueError(f"{where}: the points of {criterion} lie between 0 and {maxima[criterion]:g}")
        points = int(points) if points == int(points) else points
        reason = " ".join((row["reason"] or "").split())
        found.append(Override((row["submission"] or "").strip(), criterion, points, reason))
    return found


def parse_deadline(text: str) -> float:
    """The seconds since 1970 of "2026-11-05" (its end) or "2026-11-05 12:00".

    Raises:
        ValueError: it is neither.
    """
    text = text.strip().replace("T", " ")
    for form, more in (("%Y-%m-%d", 24 * 60 * 60), ("%Y-%m-%d %H:%M", 60)):
        try:
            return time.mktime(time.strptime(text, form)) + more
        except ValueError:
            continue
    raise ValueError("a deadline is written as 2026-11-05 or '2026-11-05 12:00'")


def with_lateness(submission: Submission, deadline: float | None) -> Submission:
    """The submission, late if the course's system calls it so or it is newer than the deadline."""
    late = submission.late or (deadline is not None and submission.time >= deadline)
    return replace(submission, late=late)


def adjust(grade: Grade, submission: Submission, overrides: list[Override], penalty: float = 0) -> Grade:
    """The grade with what humans decided. A late penalty is a number of points, never more than there are."""
    results, notes = list(grade.results), list(grade.notes)
    for override in overrides:
        if override.submission not in (submission.name, submission.id) or not override.submission:
            continue
        for position, result in enumerate(results):
            if result.criterion.id == override.criterion:
                full = override.points == result.criterion.points
                reason = override.reason or "A human decided on these points."
                results[position] = replace(
                    result,
                    points=override.points,
                    reason=None if full else reason,
                    mistake=None if full else result.mistake,
                    needs_look=False,
                )
                given = f"{override.points:g} of {result.criterion.points:g} points"
                notes.append(f'A human gave {given} for "{result.criterion.sentence}": {reason}')
    if submission.needs_look and submission.problem and not notes:
        return replace(grade, status=UNDECIDED)
    if submission.late and penalty:
        lost = min(penalty, sum(result.points for result in results))
        reason = f"It was handed in late: {lost:g} points less."
        results.append(Result(LATE, reason, "late", -lost))
        notes.append(reason)
    return replace(grade, results=results, notes=notes)


def looks(grade: Grade, submission: Submission) -> list[str]:
    """Why a human should look at it: sentences, none if nobody need."""
    found = [submission.problem or submission.note or "Its file is unclear."] if submission.needs_look else []
    reasons = [r.reason for r in grade.results if r.needs_look and r.reason]
    return list(dict.fromkeys(found + reasons))
