"""Fills in the table that the course's system gave: Moodle's grading worksheet, or Canvas's gradebook."""

import csv
import io
import re
from pathlib import Path

from .adjust import UNDECIDED
from .exercises import TOTAL
from .files import write_whole
from .grade import Grade
from .grade_table import cell
from .report import number, one_line
from .submission import Submission


def fill(path: Path, grades: list[Grade], submissions: dict[str, Submission]) -> int:
    """Write grades into the rows of their people. Everything else stays as it is, the encoding too.

    Returns how many rows were filled in.

    Raises:
        ValueError: no column can be told to be the one for the grades; nothing is written then.
    """
    rows, encoding, delimiter, ending = _read(path)
    column, feedback = _columns(path, rows)
    decided = [grade for grade in grades if grade.status != UNDECIDED]
    ids = {submissions[grade.name].id: grade for grade in decided if submissions[grade.name].id}
    people = _column_of_ids(rows, ids)
    if people is None:
        raise ValueError(f"{path.name} has no column of these ids")
    comma = any(re.fullmatch(r"\d+,\d+", row[i].strip()) for row in rows[1:] for i in range(len(row)))
    filled = 0
    for row in rows[1:]:
        grade = ids.get(_id(row[people])) if len(row) > max(people, column) else None
        if grade is None:
            continue
        points = number(grade.total)
        row[column] = points.replace(".", ",") if comma else points
        if feedback is not None and len(row) > feedback:
            row[feedback] = cell(one_line(grade))
        filled += 1
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=ending).writerows(rows)
    write_whole(path, file.getvalue().encode(encoding, "replace"))
    return filled


def check(path: Path) -> None:
    """See now whether the grades will fit into the table.

    Raises:
        ValueError: a sentence that says why not.
        OSError: it can't be read.
    """
    _columns(path, _read(path)[0])


def _read(path):
    """The rows, and what is needed to write them again."""
    raw = path.read_bytes()
    encoding = next(e for e in ("utf-16", "utf-8-sig", "utf-8", "cp1252", "latin-1") if _fits(raw, e))
    content = raw.decode(encoding)
    first = content.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter))
    return rows, encoding, delimiter, "\r\n" if "\r\n" in content else "\n"


def _fits(raw, encoding):
    if encoding == "utf-16" and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    if encoding == "utf-8-sig" and not raw.startswith(b"\xef\xbb\xbf"):
        return False
    try:
        raw.decode(encoding)
    except UnicodeError:
        return False
    return True


def _number(text):
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def _id(text):
    """The number in "Participant 1234", "Teilnehmer/in1234" or "1234"."""
    found = re.fullmatch(r"\D*(\d+)", text.strip())
    return found[1] if found else None


def _column_of_ids(rows, ids):
    counts = [sum(_id(row[i]) in ids for row in rows[1:] if i < len(row)) for i in range(len(rows[0]))]
    return counts.index(max(counts)) if counts and max(counts) else None


def _columns(path, rows):
    """The columns of the grades and of the comments; the latter is None where there is none."""
    if len(rows) < 2:
        raise ValueError(f"{path.name} has no rows to fill in")
    total = number(TOTAL)
    possible = next((row for row in rows[1:3] if row and "Points Possible" in row[0]), None)
    if (
        possible is not None
    ):  # Canvas: the one assignment, of those with a number in brackets, that has as many points
        assignments = [i for i, name in enumerate(rows[0]) if re.search(r"\(\d+\)\s*$", name)]
        fitting = [i for i in assignments if i < len(possible) and _number(possible[i]) == TOTAL]
        if len(fitting) != 1:
            raise ValueError(
                f"{path.name} has {len(fitting)} assignments of {total} points; it must have one"
            )
        return fitting[0], None
    width = len(rows[0])
    for i in reversed(
        range(3, width)
    ):  # Moodle: the grade stands before the maximum, which is the same for all
        numbers = {row[i].strip() for row in rows[1:] if i < len(row)}
        if len(numbers) == 1 and re.fullmatch(r"[1-9]\d*([.,]\d+)?", text := numbers.pop()):
            if _number(text) != TOTAL:
                raise ValueError(
                    f"{path.name} has grades up to {text}, and this sheet {total} points: set the "
                    f"assignment's maximum grade to {total}, and download the worksheet again"
                )
            return i - 1, width - 1  # the comments stand last
    raise ValueError(f"{path.name} has no column for the grades")
