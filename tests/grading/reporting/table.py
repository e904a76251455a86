"""The table of grades, a CSV file: a run updates the rows that it grades, and keeps all others."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from ..judging.result import Grade
from ..sheet.rubric import EXERCISES
from .by_hand import plain_name
from .csv_file import CsvFile, cell, ids_of, load_csv
from .text import number, one_line
from .writing import write_whole

POINTS = (*(f"exercise_{exercise}" for exercise in EXERCISES), "total")
COLUMNS = ("submission", *POINTS, "status", "feedback", "id", "late", "file", "note", "look", "seed")


class Table:
    """The rows of a CSV file, in its order; new ones stand below, in the order of the class.

    Each save reads the file anew, so that what another run or a human has written before it stays. There is
    no lock: of two saves in the same moment, one may be lost.

    Attributes:
        found: how many rows the file had.
        regraded: how many of those were graded anew.
    """

    def __init__(self, path: Path, ids: Iterable[str] = ()) -> None:
        """`ids` are those of all who are graded now.

        Raises:
            ValueError: the file is no table of grades; nothing is written then.
            OSError: it can't be read.
        """
        self.path, self._ids = path, set(ids)
        self._before = _Rows(path, self._ids)
        self.found, self.regraded = len(self._before.filled), 0

    def save(self, grades: list[Grade]) -> None:
        """Write the file with these grades, each in its row: that of the same id, or else of the same name.

        Raises:
            ValueError: it has become something else, and stays.
            OSError: it can't be written.
        """
        new = [row_of(grade) for grade in grades]
        self.regraded = sum(self._before.place(row) is not None for row in new)
        rows = _Rows(self.path, self._ids)
        places = [rows.put(row) for row in new]
        rows.arrange([place for place, row in zip(places, new, strict=True) if not self._before.place(row)])
        write_whole(self.path, rows.to_bytes())


class _Rows:
    """The cells of a table of grades; a file that isn't there or is empty has no rows."""

    def __init__(self, path: Path, ids: Iterable[str] = ()) -> None:
        self._file = load_csv(path) if path.exists() else CsvFile()
        if not any(any(row) for row in self._file.rows):
            self._file = CsvFile([list(COLUMNS)])
        if self._file.encoding in ("cp1252", "latin-1"):  # they can't write every name
            self._file.encoding = "utf-8-sig"
        self.columns = self._file.rows[0]
        if not {"submission", "total"} <= set(self.columns):
            raise ValueError(f"{path.name} is no table of grades; it would be overwritten")
        self._has_commas = self._file.has_decimal_commas
        self._ids: dict[str, list[int]] = {}
        self._names: dict[str, int] = {}
        self._put: set[int] = set()
        written = [self._cell(row, "id") for row in self._file.rows[1:]]
        known = ids_of(written, ids)
        for place, id in enumerate(written, 1):
            self._index(place, known.get(id, id), self._cell(self._file.rows[place], "submission"))

    @property
    def filled(self) -> list[dict[str, str]]:
        """The rows that somebody stands in."""
        rows = [dict(zip(self.columns, row, strict=False)) for row in self._file.rows[1:]]
        for row in rows if self._has_commas else ():
            row |= {column: row[column].replace(",", ".") for column in POINTS if column in row}
        return [row for row in rows if row.get("submission") or row.get("id")]

    def place(self, row: dict[str, str]) -> int | None:
        """Where the same person stands; under another name, if nobody of this run has the same id."""
        id, name = row.get("id", ""), plain_name(row["submission"])
        places = self._ids.get(id, [])
        for place in places:
            if plain_name(self._cell(self._file.rows[place], "submission")) == name:
                return place
        if places:  # two systems may give one id to two people
            return next((place for place in places if place not in self._put), None)
        place = self._names.get(name)
        return place if place and not (id and self._cell(self._file.rows[place], "id")) else None

    def put(self, row: dict[str, str]) -> int:
        """Write a person's row, and return its place."""
        place = self.place(row)
        if place is None:
            place = len(self._file.rows)
            self._file.rows.append([])
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
        self._index(place, row.get("id", ""), row["submission"])
        return place

    def arrange(self, places: list[int]) -> None:
        """Bring the rows at these places into this order; they take no others' places."""
        rows = [self._file.rows[place] for place in places]
        for place, row in zip(sorted(places), rows, strict=True):
            self._file.rows[place] = row

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

    def _index(self, place, id, name):
        if id and place not in self._ids.setdefault(id, []):
            self._ids[id].append(place)
        if name:
            self._names.setdefault(plain_name(name), place)


def row_of(grade: Grade) -> dict[str, str]:
    """A grade as the cells of its row."""

    def shown(points):
        return number(points) if grade.has_points else ""

    return {
        "submission": cell(grade.name),
        **{f"exercise_{exercise}": shown(grade.points(exercise)) for exercise in EXERCISES},
        "total": shown(grade.total),
        "status": grade.status.value,
        "feedback": cell(one_line(grade)),
        "id": cell(grade.id),
        "late": "late" if grade.late else "",
        "file": cell(grade.file),
        "note": cell(" ".join(filter(None, (grade.note, *grade.notes)))),
        "look": cell(" ".join(grade.to_look_at)),
        "seed": "" if grade.seed is None else str(grade.seed),
    }


def merge(out: Path, parts: list[Path]) -> list[str]:
    """Put the rows of several tables into one, as machines that each graded a part of the class write them.

    Rows that `out` has stay. Where a submission stands in several, the row of the last one counts.
    Returns what to say about it.

    Raises:
        ValueError: a file is no table of grades; nothing is written then.
        OSError: a file can't be read or written.
    """
    for path in parts:
        if not path.exists():  # a part that is missing is no empty one
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    found = {path: _Rows(path).filled for path in parts}
    rows = _Rows(out, {row.get("id", "") for some in found.values() for row in some})
    kept, again, said = len(rows.filled), 0, []
    for path, some in found.items():
        if not some:
            said.append(f"{path.name} has no rows.")
        for row in some:
            again += rows.place(row) is not None
            rows.put(row)
    rows.sort()
    write_whole(out, rows.to_bytes())
    if kept:
        said.append(f"{out.name} had {kept} rows; those that stand in no other table are kept.")
    elif again:
        said.append(f"{again} stood in several tables; the row of the last one counts.")
    return [f"{out.name} has {len(rows.filled)} submissions now.", *said]
