"""What humans decide after grading: points given by hand, and the penalty for handing in late."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from ..handed_in.submission import Submission
from ..judging.result import UNDECIDED, Grade, Result
from ..sheet.rubric import CRITERIA, Criterion
from . import csv_file

BY_HAND = "A human gave"  # how a note about points by hand begins
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
    file = csv_file.read(path)
    columns = [column.strip().lower() for column in file.rows[0]] if file.rows else []
    if not {"submission", "criterion", "points", "reason"} <= set(columns):
        raise ValueError(f"{path.name} needs the columns submission, criterion, points, reason")
    maxima = {criterion.id: criterion.points for criterion in CRITERIA}
    found: dict[tuple, Override] = {}
    for line, row in zip(file.lines[1:], file.rows[1:], strict=True):
        where = f"{path.name}, line {line}"
        if not any(cell.strip() for cell in row):
            continue
        if any(row[len(columns) :]):
            raise ValueError(f"{where}: there are more cells than columns; a comma in a cell needs quotes")
        cells = dict(zip(columns, (" ".join(cell.split()) for cell in row), strict=False))
        criterion, text = cells.get("criterion", ""), cells.get("points", "")
        if not cells["submission"]:
            raise ValueError(f"{where}: it names no submission")
        if criterion not in maxima:
            raise ValueError(f"{where}: there is no criterion {criterion!r}; there are {', '.join(maxima)}")
        points = float(text.replace(",", ".")) if re.fullmatch(r"\d{1,6}([.,]\d*)?", text) else -1
        if not 0 <= points <= maxima[criterion]:
            raise ValueError(f"{where}: the points of {criterion} lie between 0 and {maxima[criterion]:g}")
        points = int(points) if points == int(points) else points
        override = Override(cells["submission"], criterion, points, cells.get("reason", ""))
        if (key := (plain(override.submission), criterion)) in found:
            raise ValueError(f"{where}: {override.submission} has points for {criterion} already")
        found[key] = override
    return list(found.values())


def plain(name):
    """A name as any system writes it, without the mark that keeps a cell from being a formula."""
    return unicodedata.normalize("NFC", " ".join(name.split())).removeprefix("'")


def is_for(override: Override, submission: Submission) -> bool:
    """Whether an override names the submission, by its name or id."""
    return plain(override.submission) in {plain(submission.name), submission.id} - {""}


def parse_deadline(text: str) -> float:
    """The seconds since 1970 of "2026-11-05" (its end) or "2026-11-05 12:00".

    Raises:
        ValueError: it is neither.
    """
    text = text.strip().replace("T", " ")
    for form, more in (("%Y-%m-%d", timedelta(days=1)), ("%Y-%m-%d %H:%M", timedelta(minutes=1))):
        try:
            return (datetime.strptime(text, form) + more).timestamp()
        except (ValueError, OverflowError, OSError):
            continue
    raise ValueError("a deadline is written as 2026-11-05 or '2026-11-05 12:00'")


def with_lateness(submission: Submission, deadline: float | None) -> Submission:
    """The submission, late if the course's system calls it so or it is newer than the deadline."""
    late = submission.late or (deadline is not None and submission.time >= deadline)
    return replace(submission, late=late)


def adjust(grade: Grade, submission: Submission, overrides: list[Override], penalty: float = 0) -> Grade:
    """The grade with what humans decided. A late penalty is a number of points, never more than there are."""
    results, notes = list(grade.results), list(grade.notes)
    decided = {o.criterion: o for o in overrides if is_for(o, submission)}
    for position, result in enumerate(results):
        override = decided.get(result.criterion.id)
        if override is None:
            continue
        full = override.points == result.criterion.points
        reason = override.reason
        if reason and reason[-1] not in ".!?…":
            reason += "."
        results[position] = replace(
            result,
            points=override.points,
            reason=None if full else reason or "A human decided on these points.",
            mistake=None if full else result.mistake,
            needs_look=False,
        )
        given = f"{override.points:g} of {result.criterion.points:g} points"
        note = f'{BY_HAND} {given} for "{result.criterion.sentence}"'
        notes.append(f"{note}: {reason}" if reason else f"{note}.")
    if submission.needs_look and submission.problem and not notes:
        return replace(grade, status=UNDECIDED)
    lost = min(penalty, sum(result.points for result in results))
    if submission.late and lost > 0:
        reason = f"It was handed in late: {lost:g} points less."
        results.append(Result(LATE, reason, points=-lost))
        notes.append(reason)
    return replace(grade, results=results, notes=notes)


def looks(grade: Grade, submission: Submission) -> list[str]:
    """Why a human should look at it: sentences, none if nobody need."""
    is_decided = any(note.startswith(BY_HAND) for note in grade.notes)
    found = []
    if submission.needs_look and not is_decided:
        found.append(submission.problem or submission.note or "Its file is unclear.")
    reasons = [r.reason for r in grade.results if r.needs_look and r.reason]
    return list(dict.fromkeys(found + reasons))
