"""What humans decide after grading: points given by hand."""

import re
import unicodedata
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from ..handed_in.submission import Submission
from ..judging.result import Grade, Result, Status
from ..sheet.rubric import CRITERIA, EXERCISES, TOTAL, Criterion
from .csv_file import ids_of, load_csv, without_guard
from .text import few, number


@dataclass(frozen=True)
class Override:
    """Points that a human gives.

    Attributes:
        submission: a name or an id.
        criterion: what for: a criterion's id, or "exercise_1", or "total".
    """

    submission: str
    criterion: str
    points: float
    reason: str


Person = Submission | Grade  # who may be given points


def load_overrides(path: Path) -> list[Override]:
    """A CSV file with the columns submission, criterion, points and reason.

    Raises:
        ValueError: a sentence that names the row, as a spreadsheet counts them.
        OSError: it can't be read.
    """
    file = load_csv(path)
    columns = [column.strip().lower() for column in file.rows[0]] if file.rows else []
    if not {"submission", "criterion", "points", "reason"} <= set(columns):
        raise ValueError(f"{path.name} needs the columns submission, criterion, points, reason")
    found = []
    for place, row in enumerate(file.rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            if any(row[len(columns) :]):
                raise ValueError("there are more cells than columns; a comma in a cell needs quotes")
            cells = dict(zip_longest(columns, row, fillvalue=""))
            found.append(_override({column: " ".join(cell.split()) for column, cell in cells.items()}))
        except ValueError as error:
            raise ValueError(f"{path.name}, row {place}: {error}") from None
    return found


def _override(cells):
    maxima = {what: points for what, (points, _) in _decidable().items()}
    criterion, text = cells["criterion"], cells["points"]
    if not cells["submission"]:
        raise ValueError("it names no submission")
    if criterion not in maxima:
        raise ValueError(f"there is no criterion {criterion!r}; there are {', '.join(maxima)}")
    points = float(text.replace(",", ".")) if re.fullmatch(r"\d{1,6}([.,]\d*)?", text) else -1
    if not 0 <= points <= maxima[criterion]:
        raise ValueError(f"the points of {criterion} lie between 0 and {maxima[criterion]:g}")
    return Override(cells["submission"], criterion, points, cells["reason"])


def _decidable():
    """What humans may decide on, {criterion: (its points, what it is called)}."""
    found = {criterion.id: (criterion.points, f'"{criterion.sentence}"') for criterion in CRITERIA}
    found |= {f"exercise_{n}": (exercise.points, f"exercise {n}") for n, exercise in EXERCISES.items()}
    return found | {"total": (TOTAL, "all")}


def plain_name(name: str) -> str:
    """A name as any system writes it, without what keeps a cell from being a formula."""
    return unicodedata.normalize("NFC", " ".join(without_guard(name).split()))


def assign(overrides: list[Override], people: list[Person]) -> tuple[dict[str, list[Override]], list[str]]:
    """Whose each override is, {a person's name: theirs}, and a sentence about each that isn't clear.

    `people` have names that differ: who shares one has an id or a number behind it.
    """
    ids = ids_of((override.submission for override in overrides), (person.id for person in people))
    found: dict[str, list[Override]] = {}
    nobody, said = [], []
    for override in overrides:
        who, id = plain_name(override.submission), ids.get(override.submission)
        fitting = [person for person in people if who in _names(person) or (id and id == person.id)]
        exact = [person for person in fitting if plain_name(person.name) == who] or fitting
        if len(exact) == 1:
            theirs = found.setdefault(exact[0].name, [])
            if override.criterion in {other.criterion for other in theirs}:
                said.append(f"{who} has points for {override.criterion} twice: the last count.")
            theirs.append(override)
        if len(fitting) > 1:
            used = f"used for {exact[0].name}" if len(exact) == 1 else "not used"
            names = few([person.name for person in fitting])
            said.append(f"{who} may be {names}: the points by hand were {used}.")
        nobody += [who] if not fitting else []
    if nobody:
        names = few(list(dict.fromkeys(nobody)))
        said.append(f"Points by hand were not used for {names}: nobody here has this name or id.")
    return found, list(dict.fromkeys(said))


def _names(person):
    """What somebody may be called, with and without what tells people of one name apart."""
    name = plain_name(person.name)
    return {name, name.removesuffix(f" {person.id}"), re.sub(r" \(\d+\)$", "", name)}


def adjust(grade: Grade, overrides: list[Override]) -> Grade:
    """The grade with what humans decided about it: criteria, then exercises, then the total.

    What they say nothing about stays undecided. Who gives the points that a grade has so far agrees with it.
    """
    if not overrides:
        return grade
    decisions = {override.criterion: override for override in overrides}
    results, is_open = [], False
    for exercise in EXERCISES:
        own = [_decided(r, decisions) for r in grade.results if r.criterion.exercise == exercise]
        if override := decisions.get(f"exercise_{exercise}"):
            own = _agreed(own, override) or [whole(exercise, override.points, _reason(override))]
        elif grade.unclear:
            is_open |= any(result.decided is None for result in own)
        results += own
    given = grade.given
    if total := decisions.get("total"):
        agreed = _agreed(results, total)
        given = None if agreed else total.points
        # Of what nobody agrees with, nothing is known then.
        unknown = {r.criterion.exercise for r in results if grade.unclear or r.needs_human}
        results = agreed or [r for r in results if r.criterion.exercise not in unknown]
        is_open = False
    notes = (*grade.notes, *map(_note, overrides))
    if is_open or any(result.needs_human for result in results):
        return replace(grade, results=results, notes=notes)
    status = Status.GRADED if total or grade.status is Status.TO_LOOK_AT else grade.status
    return replace(grade, results=results, given=given, notes=notes, unclear="", status=status)


def whole(exercise: int, points: float, decided: str | None = None) -> Result:
    """An exercise whose points are known, but not for what."""
    criterion = Criterion(f"{exercise}.whole", EXERCISES[exercise].points, "The exercise as a whole")
    return Result(criterion, points=points, decided=decided)


def _decided(result, decisions):
    override = decisions.get(result.criterion.id)
    return replace(result, points=override.points, decided=_reason(override)) if override else result


def _agreed(results, override):
    """The results as they are, but decided, if they have these points; else none."""
    if override.points != sum(result.points for result in results):
        return []
    return [result.settled() for result in results]


def _reason(override):
    reason = override.reason or "A human decided on these points."
    return reason if reason[-1] in ".!?…" else f"{reason}."


def _note(override):
    maximum, what = _decidable()[override.criterion]
    note = f"A human gave {number(override.points)} of {number(maximum)} points for {what}"
    return f"{note}: {_reason(override)}" if override.reason else f"{note}."
