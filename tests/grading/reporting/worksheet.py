"""Fills in the table that the course's system gave: Moodle's grading worksheet, or Canvas's gradebook."""

import html
import re
from pathlib import Path

from ..judging.result import Grade
from ..sheet.rubric import TOTAL
from .csv_file import cell, ids_of, load_csv
from .text import number, one_line
from .writing import write_whole


def fill(path: Path, grades: list[Grade]) -> int:
    """Write grades into the rows of their people. Everything else stays as it is, the encoding too.

    Returns how many rows were filled in.

    Raises:
        ValueError: no column can be told to be the one for the grades; nothing is written then.
        OSError: it can't be read or written.
    """
    file = load_csv(path)
    rows = file.rows
    column, feedback = _columns(path, rows)
    comma = file.has_decimal_commas
    by_id = {grade.id: grade for grade in grades}
    people, known = _column_of_ids(rows, by_id)
    if people is None:
        raise ValueError(f"{path.name} has no column of these ids")
    filled = 0
    for row in rows[1:]:
        grade = by_id.get(known.get(_id(row[people]))) if len(row) > max(people, column) else None
        if grade is None or not grade.has_points:
            continue
        points = number(grade.total)
        row[column] = points.replace(".", ",") if comma else points
        if feedback is not None and len(row) > feedback:
            row[feedback] = cell(html.escape(one_line(grade), quote=False))  # Moodle shows it as HTML
        filled += 1
    write_whole(path, file.to_bytes())
    return filled


def absent(path: Path, grades: list[Grade]) -> list[str]:
    """The names of those who have no row.

    Raises:
        ValueError: it is no table.
        OSError: it can't be read.
    """
    rows = load_csv(path).rows
    known = ids_of((_id(cell) for row in rows[1:] for cell in row), (grade.id for grade in grades))
    return [grade.name for grade in grades if grade.id not in known.values()]


def check(path: Path) -> None:
    """See now whether the grades will fit into the table.

    Raises:
        ValueError: a sentence that says why not.
        OSError: it can't be read.
    """
    _columns(path, load_csv(path).rows)


def _number(text):
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def _id(text):
    """The number in "Participant 1234", "Teilnehmer/in1234" or "1234"; else ""."""
    found = re.fullmatch(r"\D*(\d+)", text.strip())
    return found[1] if found else ""


def _column_of_ids(rows, ids):
    """The column with most of these ids, and whose they are, {as written: id}; (None, {}) if none has any."""
    columns = [[_id(row[i]) for row in rows[1:] if i < len(row)] for i in range(len(rows[0]))]
    known = [ids_of(written, ids) for written in columns]
    best = max(range(len(known)), key=lambda i: len(known[i]))
    return (best, known[best]) if known[best] else (None, {})


def _columns(path, rows):
    """The columns of the grades and of the comments; the latter is None where there is none."""
    if len(rows) < 2:
        raise ValueError(f"{path.name} has no rows to fill in")
    # Canvas: each assignment has its number in brackets, and a row without an id has its points.
    assignments = [i for i, name in enumerate(rows[0]) if re.search(r"\(\d+\)\s*$", name)]
    for row in rows[1:4] if assignments else ():
        numbers = {i: _number(row[i]) for i in assignments if i < len(row)}
        if len(row) > 1 and not row[1].strip() and any(n is not None for n in numbers.values()):
            return _assignment(path, [i for i, n in numbers.items() if n == TOTAL]), None
    maxima = _maxima(rows)
    if not maxima:
        raise ValueError(f"{path.name} has no column for the grades")
    fitting = [i for i, text in maxima.items() if _number(text) == TOTAL]
    if not fitting:
        text, total = maxima[max(maxima)], number(TOTAL)
        raise ValueError(
            f"{path.name} has grades up to {text}, and this sheet {total} points: set the "
            f"assignment's maximum grade to {total}, and download the worksheet again"
        )
    return max(fitting) - 1, _comments(rows, max(fitting))


def _assignment(path, fitting):
    if len(fitting) != 1:
        advice = ": delete the columns of the others from the file" if fitting else ""
        raise ValueError(
            f"{path.name} has {len(fitting)} assignments of {number(TOTAL)} points; it must have one{advice}"
        )
    return fitting[0]


def _maxima(rows):
    """Moodle: the maximum, which is the same number for all, stands behind the grade. {column: number}"""
    found = {}
    for i in range(3, len(rows[0])):
        numbers = {row[i].strip() for row in rows[1:] if i < len(row) and any(row)}
        if len(numbers) == 1 and re.fullmatch(r"[1-9]\d*([.,]\d+)?", text := numbers.pop()):
            found[i] = text
    return found


def _comments(rows, maximum):
    """The first column that is called so; in a language that isn't known here, the last one.

    There is none where the teacher has switched comments off: then times of changes stand last.
    """
    later = range(maximum + 1, len(rows[0]))
    called = [i for i in later if re.search(r"feedback|kommentar|comm?ent|comentari", rows[0][i], re.I)]
    if called:
        return called[0]
    if not later:
        return None
    cells = [row[later[-1]].strip() for row in rows[1:] if later[-1] < len(row)]
    is_times = any(cells) and all(not c or c == "-" or re.search(r"\b20\d\d\b.*\d:\d\d", c) for c in cells)
    return None if is_times else later[-1]
