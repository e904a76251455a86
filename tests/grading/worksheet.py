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
    raw = path.read_bytes()
    encoding = next(e for e in ("utf-16", "utf-8-sig", "utf-8", "cp1252", "latin-1") if _fits(raw, e))
    content = raw.decode(encoding)
    first = content.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter))
    if len(rows) < 2:
        raise ValueError(f"{path.name} has no rows to fill in")
    width = len(rows[0])
    decided = [grade for grade in grades if grade.status != UNDECIDED]
    ids = {submissions[grade.name].id: grade for grade in decided if submissions[grade.name].id}
    people = _column_of_ids(rows, ids)
    column, feedback = _canvas(rows) or _moodle(rows, width) or (None, None)
    if people is None or column is None:
        raise ValueError(f"{path.name} has no column of these ids, or none for their grades")
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
    ending = "\r\n" if "\r\n" in content else "\n"
    csv.writer(file, delimiter=delimiter, lineterminator=ending).writerows(rows)
    write_whole(path, file.getvalue().encode(encoding, "replace"))
    return filled


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


def _id(text):
    """The number in "Participant 1234", "Teilnehmer/in1234" or "1234"."""
    found = re.fullmatch(r"\D*(\d+)", text.strip())
    return found[1] if found else None


def _column_of_ids(rows, ids):
    counts = [sum(_id(row[i]) in ids for row in rows[1:] if i < len(row)) for i in range(len(rows[0]))]
    return counts.index(max(counts)) if counts and max(counts) else None


def _moodle(rows, width):
    """The grade stands before the maximum grade, which is the same for all; the comments stand last."""
    for i in reversed(range(3, width)):
        numbers = {row[i].strip() for row in rows[1:] if i < len(row)}
        if len(numbers) == 1 and re.fullmatch(r"[1-9]\d*([.,]\d+)?", *numbers):
            return i - 1, width - 1
    return None


def _canvas(rows):
    """The one assignment, of those with a number in brackets, that has as many points as the sheet."""
    possible = next((row for row in rows[1:3] if row and "Points Possible" in row[0]), None)
    if possible is None:
        return None
    fitting = [
        i
        for i, name in enumerate(rows[0])
        if re.search(r"\(\d+\)\s*$", name) and re.fullmatch(rf"{TOTAL}([.,]0+)?", possible[i].strip())
    ]
    return (fitting[0], None) if len(fitting) == 1 else None
