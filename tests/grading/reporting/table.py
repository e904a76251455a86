"""The table of grades, a CSV file: a run updates the rows that it grades, and keeps all others.

Tables of parts of a class become one by: python -m tests.grading.reporting.table OUT.csv PART.csv ...
"""

import argparse
import errno
import os
from pathlib import Path

from ..handed_in.submission import Submission
from ..judging.result import UNDECIDED, Grade
from ..sheet.rubric import EXERCISES
from . import csv_file
from .by_hand import looks, plain
from .text import number, one_line
from .writing import write_whole

POINTS = (*(f"exercise_{exercise}" for exercise in EXERCISES), "total")
COLUMNS = ("submission", *POINTS, "status", "feedback", "id", "late", "file", "note", "look", "seed")


class Table:
    """The rows of a CSV file, in its order.

    Each save reads the file anew, so that what another run or a human has written before it stays. There is
    no lock: of two saves in the same moment, one may be lost.

    Attributes:
        found: how many rows the file had.
        regraded: how many of those were graded anew.

    Raises:
        ValueError: the file is no table of grades; nothing is written then.
        OSError: it can't be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._before = _Rows(path)
        self._new: list[dict[str, str]] = []
        self.found, self.regraded = len(self._before.filled), 0

    def update(self, grade: Grade, submission: Submission) -> None:
        """Put a grade into its row: that of the same id, or else of the same name."""
        row = row_of(grade, submission)
        self.regraded += self._before.place(row) is not None
        self._new.append(row)

    def save(self) -> None:
        """Write the file.

        Raises:
            ValueError: it has become something else, and stays.
            OSError: it can't be written.
        """
        rows = _Rows(self.path)
        for row in self._new:
            rows.put(row)
        write_whole(self.path, rows.to_bytes())


class _Rows:
    """The cells of a table of grades; a file that isn't there or is empty has no rows."""

    def __init__(self, path: Path) -> None:
        self._file = csv_file.read(path) if path.exists() else csv_file.CsvFile()
        if not any(any(row) for row in self._file.rows):
            self._file = csv_file.CsvFile([list(COLUMNS)])
        if self._file.encoding in ("cp1252", "latin-1"):  # they can't write every name
            self._file.encoding = "utf-8-sig"
        self.columns = self._file.rows[0]
        if not {"submission", "total"} <= set(self.columns):
            raise ValueError(f"{path.name} is no table of grades; it would be overwritten")
        self._has_commas = self._file.has_decimal_commas
        self._ids: dict[str, list[int]] = {}
        self._names: dict[str, int] = {}
        self._put: set[int] = set()
        for place, row in enumerate(self._file.rows[1:], 1):
            self._index(place, self._cell(row, "id"), self._cell(row, "submission"))

    @property
    def filled(self) -> list[dict[str, str]]:
        """The rows that somebody stands in."""
        rows = [dict(zip(self.columns, row, strict=False)) for row in self._file.rows[1:]]
        for row in rows if self._has_commas else ():
            row |= {column: row[column].replace(",", ".") for column in POINTS if column in row}
        return [row for row in rows if row.get("submission") or row.get("id")]

    def place(self, row: dict[str, str]) -> int | None:
        """Where the same person stands; under another name, if nobody of this run has the same id."""
        id, name = row.get("id", ""), plain(row["submission"])
        places = self._ids.get(id, [])
        for place in places:
            if plain(self._cell(self._file.rows[place], "submission")) == name:
                return place
        if places:  # two systems may give one id to two people
            return next((place for place in places if place not in self._put), None)
        place = self._names.get(name)
        return place if place and not (id and self._cell(self._file.rows[place], "id")) else None

    def put(self, row: dict[str, str]) -> None:
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
            self._names.setdefault(plain(name), place)


def row_of(grade: Grade, submission: Submission) -> dict[str, str]:
    """A grade as the cells of its row."""
    notes = [grade.note, *grade.notes]

    def shown(points):  # what isn't decided is no 0
        return "" if grade.status == UNDECIDED else number(points)

    return {
        "submission": cell(grade.name),
        **{f"exercise_{exercise}": shown(grade.points(exercise)) for exercise in EXERCISES},
        "total": shown(grade.total),
        "status": cell(grade.status),
        "feedback": cell(one_line(grade)),
        "id": cell(submission.id),
        "late": "late" if submission.late else "",
        "file": cell(submission.file),
        "note": cell(" ".join(filter(None, notes))),
        "look": cell(" ".join(looks(grade, submission))),
        "seed": "" if submission.problem else str(grade.seed),
    }


def cell(text: str) -> str:
    """A spreadsheet takes a cell that begins like this, blanks before it or not, for a formula."""
    formula = text.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    return f"'{text}" if formula or text.startswith(("\t", "\r", "\n")) else text


def merge(out: Path, parts: list[Path]) -> list[str]:
    """Put the rows of several tables into one, as machines that each graded a part of the class write them.

    Rows that `out` has stay. Where a submission stands in several, the row of the last one counts.
    Returns what to say about it.

    Raises:
        ValueError: a file is no table of grades; nothing is written then.
        OSError: a file can't be read or written.
    """
    rows, said, seeds, again = _Rows(out), [], set(), 0
    kept = len(rows.filled)
    for path in parts:
        if not path.exists():  # a part that is missing is no empty one
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        found = _Rows(path).filled
        if not found:
            said.append(f"{path.name} has no rows.")
        for row in found:
            again += rows.place(row) is not None
            rows.put(row)
            seeds |= {row["seed"]} if row.get("seed") else set()
    rows.sort()
    write_whole(out, rows.to_bytes())
    if kept:
        said.append(f"{out.name} had {kept} rows; those that stand in no other table are kept.")
    elif again:
        said.append(f"{again} stood in several tables; the row of the last one counts.")
    if len(seeds) > 1:
        said.append(f"They were graded with different inputs, of the seeds {', '.join(sorted(seeds))}.")
    return [f"{out.name} has {len(rows.filled)} submissions now.", *said]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.grading.reporting.table", description="Put tables of grades together."
    )
    parser.add_argument("out", type=Path, metavar="OUT.csv")
    parser.add_argument("parts", type=Path, nargs="+", metavar="PART.csv")
    options = parser.parse_args()
    try:
        print("\n".join(merge(options.out, options.parts)))
    except OSError as error:
        parser.exit(1, f"No table was written: {error.filename}: {error.strerror}.\n")
    except ValueError as error:
        parser.exit(1, f"No table was written: {error}.\n")


if __name__ == "__main__":
    main()
