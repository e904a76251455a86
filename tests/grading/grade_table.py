"""The table of grades, a CSV file: a run updates the rows that it grades, and keeps all others.

Tables of parts of a class become one by: python -m tests.grading.grade_table OUT.csv PART.csv ...
"""

import argparse
import csv
import io
from pathlib import Path

from .adjust import UNDECIDED, looks
from .exercises import EXERCISES
from .files import write_whole
from .grade import Grade
from .report import number, one_line
from .submission import Submission

COLUMNS = (
    "submission", *(f"exercise_{exercise}" for exercise in EXERCISES), "total", "status", "feedback",
    "id", "late", "file", "note", "look", "seed",
)  # fmt: skip


class Table:
    """The rows of a CSV file, in its order.

    Attributes:
        found: how many rows the file had.
        regraded: the submissions of those that were graded anew.

    Raises:
        ValueError: the file is no table of grades; nothing is written then.
        OSError: it can't be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._columns, self._rows = read(path) if path.exists() else (list(COLUMNS), [])
        self._columns += [column for column in COLUMNS if column not in self._columns]
        self._places = {_key(row): place for place, row in enumerate(self._rows)}
        self.found = len(self._rows)
        self.regraded: list[str] = []

    def update(self, grade: Grade, submission: Submission) -> None:
        """Put a grade into its row: that of the same id, or else of the same name."""
        row = row_of(grade, submission)
        place = self._places.get(_key(row))
        if place is None:
            self._places[_key(row)] = len(self._rows)
            self._rows.append(row)
            return
        if place < self.found and grade.name not in self.regraded:
            self.regraded.append(grade.name)
        self._rows[place] = self._rows[place] | row  # a column that a teacher added stays

    def save(self) -> None:
        write_whole(self.path, text_of(self._columns, self._rows).encode())


def read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and rows of a table of grades; an empty file has no rows.

    Raises:
        ValueError: it is something else.
    """
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if not text.strip():
        return list(COLUMNS), []
    delimiter = ";" if ";" in text.split("\n", 1)[0] else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    if not {"submission", "total"} <= set(rows.fieldnames or ()):
        raise ValueError(f"{path.name} is no table of grades; it would be overwritten")
    return list(rows.fieldnames), [{k: v or "" for k, v in row.items() if k is not None} for row in rows]


def text_of(columns: list[str], rows: list[dict]) -> str:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


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


def merge(paths: list[Path]) -> str:
    """One table of several, as machines that each graded a part of the class write them.

    Where a submission stands in several, the row of the last one counts.
    """
    columns, rows = list(COLUMNS), {}
    for path in paths:
        more, found = read(path)
        columns += [column for column in more if column not in columns]
        rows |= {_key(row): row for row in found}
    return text_of(columns, sorted(rows.values(), key=lambda row: row["submission"]))


def _key(row):
    return ("id", row["id"]) if row.get("id") else ("name", row["submission"])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.grading.grade_table", description="Put tables of grades together."
    )
    parser.add_argument("out", type=Path, metavar="OUT.csv")
    parser.add_argument("parts", type=Path, nargs="+", metavar="PART.csv")
    options = parser.parse_args()
    try:
        write_whole(options.out, merge(options.parts).encode())
    except (OSError, ValueError) as error:
        parser.exit(1, f"No table was written: {error}.\n")


if __name__ == "__main__":
    main()
