"""What humans decide after grading: points given by hand."""

import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

from ..judging.result import Grade, Status
from ..sheet.rubric import CRITERIA
from .csv_file import load_csv, without_guard


@dataclass(frozen=True)
class Override:
    """Points that a human gives for one criterion; `submission` is a name or an id."""

    submission: str
    criterion: str
    points: float
    reason: str


def load_overrides(path: Path) -> list[Override]:
    """A CSV file with the columns submission, criterion, points and reason.

    Raises:
        ValueError: a sentence that names the line.
        OSError: it can't be read.
    """
    file = load_csv(path)
    columns = [column.strip().lower() for column in file.rows[0]] if file.rows else []
    if not {"submission", "criterion", "points", "reason"} <= set(columns):
        raise ValueError(f"{path.name} needs the columns submission, criterion, points, reason")
    found: dict[tuple, Override] = {}
    for line, row in zip(file.lines[1:], file.rows[1:], strict=True):
        if not any(cell.strip() for cell in row):
            continue
        try:
            if any(row[len(columns) :]):
                raise ValueError("there are more cells than columns; a comma in a cell needs quotes")
            cells = dict.fromkeys(columns, "") | dict(zip(columns, row, strict=False))
            override = _override({column: " ".join(cell.split()) for column, cell in cells.items()})
            key = plain_name(override.submission), override.criterion
            if key in found:
                raise ValueError(f"{override.submission} has points for {override.criterion} already")
        except ValueError as error:
            raise ValueError(f"{path.name}, line {line}: {error}") from None
        found[key] = override
    return list(found.values())


def _override(cells):
    maxima = {criterion.id: criterion.points for criterion in CRITERIA}
    criterion, text = cells["criterion"], cells["points"]
    if not cells["submission"]:
        raise ValueError("it names no submission")
    if criterion not in maxima:
        raise ValueError(f"there is no criterion {criterion!r}; there are {', '.join(maxima)}")
    points = float(text.replace(",", ".")) if re.fullmatch(r"\d{1,6}([.,]\d*)?", text) else -1
    if not 0 <= points <= maxima[criterion]:
        raise ValueError(f"the points of {criterion} lie between 0 and {maxima[criterion]:g}")
    points = int(points) if points == int(points) else points
    return Override(cells["submission"], criterion, points, cells["reason"])


def plain_name(name: str) -> str:
    """A name as any system writes it, without what keeps a cell from being a formula."""
    return unicodedata.normalize("NFC", " ".join(without_guard(name).split()))


def is_for(override: Override, grade: Grade) -> bool:
    """Whether an override names the person, by name or id."""
    return plain_name(override.submission) in {plain_name(grade.name), grade.id} - {""}


def adjust(grade: Grade, overrides: list[Override]) -> Grade:
    """The grade with what humans decided."""
    decisions = {o.criterion: o for o in overrides if is_for(o, grade)}
    results, notes = list(grade.results), list(grade.notes)
    for position, result in enumerate(results):
        override = decisions.get(result.criterion.id)
        if override is None:
            continue
        reason = override.reason
        if reason and reason[-1] not in ".!?…":
            reason += "."
        results[position] = replace(
            result, points=override.points, decided=reason or "A human decided on these points."
        )
        given = f"{override.points:g} of {result.criterion.points:g} points"
        note = f'A human gave {given} for "{result.criterion.sentence}"'
        notes.append(f"{note}: {reason}" if reason else f"{note}.")
    status = grade.status
    if status is Status.TO_LOOK_AT and not any(result.needs_human for result in results):
        status = Status.GRADED
    return replace(grade, results=results, notes=tuple(notes), status=status)
