"""The table of grades, a CSV file: a run updates the rows that it grades, and keeps all others."""

import re
from collections.abc import Iterable
from pathlib import Path

from ..judging.result import Cause, Grade, Result, Status
from ..sheet.rubric import CRITERIA, EXERCISES
from .by_hand import plain_name, whole
from .csv_file import CsvFile, cell, ids_of, load_csv, without_guard
from .text import few, number, one_line, points_of, so_far
from .writing import write_whole

_EXERCISES = {exercise: f"exercise_{exercise}" for exercise in EXERCISES}
POINTS = (*_EXERCISES.values(), "total")
COLUMNS = (
    *("submission", *POINTS, "status", "feedback", "id", "late", "file", "note", "look"),
    *("lost", "group", "entry", "seed"),
)


class Table:
    """The rows of a CSV file, in its order; new ones stand below, in the order of the class.

    Each save reads the file anew, so that what another run or a human has written before it stays. There is
    no lock: of two saves in the same moment, one may be lost.
    """

    def __init__(self, path: Path, people: Iterable[tuple[str, str]] = ()) -> None:
        """Without a file, or with an empty one, there are no rows.

        Args:
            people: the ids and names of all who may stand in it, perhaps as a spreadsheet wrote them.

        Raises:
            ValueError: the file is no table of grades; nothing is written then.
            OSError: it can't be read.
        """
        self._path, self._people = path, list(people)
        self._file = load_csv(path) if path.exists() else CsvFile()
        if not any(any(row) for row in self._file.rows):
            self._file = CsvFile([list(COLUMNS)])
        if self._file.encoding in ("cp1252", "latin-1"):  # they can't write every name
            self._file.encoding = "utf-8-sig"
        self.columns = self._file.rows[0]
        if not {"submission", "total"} <= set(self.columns):
            raise ValueError(f"{path.name} is no table of grades; it would be overwritten")
        self._has_commas = self._file.has_decimal_commas
        self._put: set[int] = set()
        written = [(self._cell(row, "id"), self._cell(row, "submission")) for row in self._file.rows]
        ids, names = (ids_of({row[i] for row in written}, {who[i] for who in self._people}) for i in (0, 1))
        # Who stands in each row: an id, and a name.
        self._who = [(ids.get(id, id), plain_name(names.get(name, name))) for id, name in written]
        self._who[0] = (None, None)  # nobody

    def save(self, grades: list[Grade]) -> list[str]:
        """Write the file with these grades, each in its row: that of the same id, or else of the same name.

        Returns what to say about it.

        Raises:
            ValueError: it has become something else, and stays.
            OSError: it can't be written.
        """
        now, new = Table(self._path, self._people), []
        for row in map(row_of, grades):
            place = now.put(row)
            new += [place] if self._place(row) is None else []
        rows = [now._file.rows[place] for place in new]
        for place, row in zip(sorted(new), rows, strict=True):
            now._file.rows[place] = row
        write_whole(self._path, now.to_bytes())
        anew = f"{len(grades) - len(new)} were graded anew, the others are kept"
        return [f"It had {had} rows; {anew}."] if (had := len(self.filled)) else []

    @property
    def filled(self) -> list[dict[str, str]]:
        """The rows that somebody stands in."""
        rows = [dict(zip(self.columns, row, strict=False)) for row in self._file.rows[1:]]
        for row in rows if self._has_commas else ():
            row |= {column: row[column].replace(",", ".") for column in POINTS if column in row}
        return [row for row in rows if row.get("submission") or row.get("id")]

    def _place(self, row):
        """Where the same person stands; under another name, if nobody of this run has the same id."""
        id, name = row.get("id", ""), plain_name(row["submission"])

        same = [place for place, (its_id, _) in enumerate(self._who) if id and id == its_id]
        if not same:
            pairs = enumerate(self._who)
            same = [place for place, (its_id, its) in pairs if name == its and not (id and its_id)]
        named = [place for place in same if self._who[place][1] == name]
        # Two systems may give one id to two people.
        return next(iter(named or [place for place in same if place not in self._put]), None)

    def put(self, row: dict[str, str]) -> int:
        """Write a person's row, and return its place."""
        place = self._place(row)
        if place is None:
            place = len(self._file.rows)
            self._file.rows.append([])
            self._who.append(("", ""))
        cells = self._file.rows[place]
        for column, text in row.items():
            if column not in self.columns:
                # What a human wrote to the right of the head gets a column without a name.
                width = max(map(len, self._file.rows))
                self.columns += [""] * (width - len(self.columns)) + [column]
            position = self.columns.index(column)
            cells += [""] * (position + 1 - len(cells))
            if column == "id" and not text:
                continue
            has_comma = self._has_commas and column in POINTS
            cells[position] = text.replace(".", ",") if has_comma else text
        self._put.add(place)
        self._who[place] = (row.get("id") or self._who[place][0], plain_name(row["submission"]))
        return place

    def sort(self) -> None:
        head, *rows = self._file.rows
        self._file.rows = [head, *sorted(rows, key=lambda row: self._cell(row, "submission"))]

    def to_bytes(self) -> bytes:
        for row in filter(None, self._file.rows):  # not all that read the table bear a short row
            row += [""] * (len(self.columns) - len(row))
        return self._file.to_bytes()

    def _cell(self, row, column):
        position = self.columns.index(column) if column in self.columns else len(row)
        return row[position] if position < len(row) else ""


def row_of(grade: Grade) -> dict[str, str]:
    """A grade as the cells of its row."""
    kinds: dict[str, list[str]] = {}
    for result in filter(lambda result: result.lost, grade.results):
        for cause in result.causes:
            kinds.setdefault(cause.kind, []).append(result.criterion.id)
    points = ["" if points is None else number(points) for points in points_of(grade)]
    return {
        "submission": cell(grade.name),
        **dict(zip(POINTS, points, strict=True)),
        "status": grade.status.value,
        "feedback": cell(one_line(grade)),
        "id": cell(grade.id),
        "late": "late" if grade.late else "",
        "file": cell(grade.file),
        "note": cell(" ".join(grade.notes)),
        "look": cell(" ".join(grade.to_look_at) + so_far(grade) if grade.to_look_at else ""),
        "lost": cell("; ".join(f"{', '.join(ids)}: {kind}" for kind, ids in kinds.items())),
        "group": "group" if grade.is_group else "",
        "entry": cell(grade.entry),
        "seed": "" if grade.seed is None else str(grade.seed),
    }


def grades_of(path: Path) -> tuple[list[Grade], list[str]]:
    """The grades that a table tells, as humans have changed it, and what to say about them.

    A total that stands there counts, whatever the status was; where there is none, that of the exercises.

    Raises:
        ValueError: it is no table of grades, or has points that are no number.
        OSError: it can't be read.
    """
    found = [_grade_of(row, path.name) for row in Table(path.resolve(strict=True)).filled]
    whole_ones = [g for g in found if {r.criterion.exercise for r in g.results} == {*EXERCISES}]
    odd = [grade.name for grade in whole_ones if grade.given is not None]
    said = f"The total of {few(odd)} is not the sum of the exercises. The total counts."
    return found, [said] if odd else []


def _grade_of(row, name):
    cells = {column: without_guard(row.get(column, "").strip()) for column in COLUMNS}
    points = {column: _points(cells, column, name) for column in POINTS}
    results = [r for e, column in _EXERCISES.items() for r in _results(e, points[column], cells["lost"])]
    total, complete = points["total"], None not in [points[column] for column in _EXERCISES.values()]
    status = next((one for one in Status if one.value == cells["status"]), Status.GRADED)
    if total is None and not complete:
        status = Status.TO_LOOK_AT
    elif not Grade("", [], status).has_points:
        status = Status.GRADED  # a human has decided
    return Grade(
        cells["submission"],
        results,
        status,
        notes=(cells["note"],) if cells["note"] else (),
        seed=int(cells["seed"]) if cells["seed"].isdecimal() else None,
        id=cells["id"],
        late=bool(cells["late"]),
        file=cells["file"],
        unclear=(cells["look"] or "It has no total.") if status is Status.TO_LOOK_AT else "",
        is_group=bool(cells["group"]),
        entry=cells["entry"],
        given=None if total is None or total == sum(result.points for result in results) else total,
        feedback=cells["feedback"],
    )


def _points(cells, column, name):
    text = cells[column].replace(",", ".")
    if not text:
        return None
    if not re.fullmatch(r"\d{1,6}(\.\d*)?", text):
        raise ValueError(f"{name}: the {column} of {cells['submission']} is {text}, which is no number")
    return float(text)


def _results(exercise, points, lost):
    """The criteria of an exercise, if what is `lost` explains its points; else the exercise as a whole."""
    if points is None:
        return []
    causes: dict[str, list[Cause]] = {}
    for item in lost.split("; "):
        ids, _, kind = item.partition(": ")
        for id in ids.split(", "):
            causes.setdefault(id, []).append(Cause(kind, ""))
    found = [Result(c, tuple(causes.get(c.id, ()))) for c in CRITERIA if c.exercise == exercise]
    return found if sum(result.points for result in found) == points else [whole(exercise, points)]


def merge(out: Path, parts: list[Path]) -> list[str]:
    """Put the rows of several tables into one, as machines that each graded a part of the class write them.

    Rows that `out` has stay. Where a submission stands in several, the row of the last one counts.
    Returns what to say about it.

    Raises:
        ValueError: a file is no table of grades; nothing is written then.
        OSError: a file can't be read or written.
    """
    found = {path: Table(path.resolve(strict=True)).filled for path in parts}
    new = [row for some in found.values() for row in some]
    rows = Table(out, [(row.get("id", ""), row["submission"]) for row in new])
    had, said = len(rows.filled), []
    for path, some in found.items():
        if not some:
            said.append(f"{path.name} has no rows.")
        for row in some:
            rows.put(row)
    rows.sort()
    write_whole(out, rows.to_bytes())
    has = len(rows.filled)
    if had:
        said.append(f"{out.name} had {had} rows; those that stand in no other table are kept.")
    elif again := len(new) - has:
        said.append(f"{again} stood in several tables; the row of the last one counts.")
    return [f"{out.name} has {has} submissions now.", *said]
