"""Fills in the table that the course's system gave: Moodle's grading worksheet, or Canvas's gradebook."""

import html
import re
from collections import Counter
from pathlib import Path

from ..judging.result import Grade
from ..sheet.rubric import TOTAL
from .by_hand import Person
from .csv_file import cell, ids_of, load_csv
from .text import few, number, one_line
from .writing import write_whole

# What Moodle calls columns, in some languages.
_STATUS = r"stat(us|ut|o)|estado|stav|stan|állapot|статус|tila"
_GROUP = r"gr\w{1,3}p\w{,2}|skupina|csoport|группа|ryhmä"
_COMMENT = r".*(feedback|[ck]om+ent|opmerking|palaut|megjegyz|visszajelz|отзыв|ком+ент|yorum|反馈|フィード).*"


def fill(path: Path, grades: list[Grade], people: list[Person] | None = None) -> list[str]:
    """Write grades into the rows of their people. Everything else stays as it is, the encoding too.

    `people` are all in the download, if these are not all. Returns what to say about it, in sentences.

    Raises:
        ValueError: it can't be told where a grade belongs, in a sentence; nothing is written then.
        OSError: it can't be read or written.
    """
    people = grades if people is None else people
    file = load_csv(path)
    column, feedback = _columns(path, file.rows)
    head, *rows = file.rows
    owners = _owners(path, head, rows, column, people)
    grade_of = {(grade.name, grade.id): grade for grade in grades}
    there, filled = {(owner.name, owner.id) for owner in owners.values()}, set()
    comma = file.has_decimal_commas
    for place, owner in owners.items():
        row, grade = rows[place], grade_of.get((owner.name, owner.id))
        if grade is None or not grade.has_points or len(row) <= column:
            continue
        points = number(grade.total)
        row[column] = points.replace(".", ",") if comma else points
        if feedback is not None and len(row) > feedback:
            row[feedback] = cell(html.escape(one_line(grade), quote=False))  # Moodle shows it as HTML
        filled.add(grade.name)
    write_whole(path, file.to_bytes())
    said = [f"It has the grades of {len(filled)} of {len(grades)} people."]
    if without := [name for name, id in grade_of if (name, id) not in there]:
        said.append(f"Without a row of their own in it: {few(without)}.")
    if len(people) > 1 and (left_out := _left_out(head, rows, column, owners)):
        some = "1 person" if len(left_out) == 1 else f"{len(left_out)} people"
        are = "is" if len(left_out) == 1 else "are"
        said.append(f"{some} of the worksheet handed in and {are} not in the download: {few(left_out)}.")
    return said


def is_for_groups(path: Path) -> bool:
    """Whether groups hand in. It is seen as well whether the grades will fit into the table.

    Raises:
        ValueError: a sentence that says why they don't.
        OSError: it can't be read.
    """
    rows = load_csv(path).rows
    column, _ = _columns(path, rows)
    return _group(rows[0], column) is not None


def members(path: Path, groups: list[Person]) -> dict[str, list[tuple[str, str]]]:
    """The people of each group, {its name: [(a name, a number)]}.

    Raises:
        ValueError, OSError: as for `fill`.
    """
    head, *rows = load_csv(path).rows
    found: dict[str, list[tuple[str, str]]] = {}
    for place, owner in _owners(path, head, rows, _columns(path, [head, *rows])[0], groups).items():
        found.setdefault(owner.name, []).append((rows[place][1], _id(rows[place][0])))
    return found


def _owners(path, head, rows, column, people):
    """Whose each row is, {its place: a person}: by the group where groups hand in, else by the id.

    A group's number may be somebody else's, and two people may have one id: those own no row.
    """
    group = _group(head, column)
    if group is not None:
        keys = [(_letters(person.name), person) for person in people]
        cells = [_letters("".join(row[group : group + 1])) for row in rows]
        what = f"group that is called as in the column {head[group]}"
    elif any(person.is_group for person in people):
        raise ValueError(f"groups handed in, and {path.name} has no column that tells who is in them")
    else:
        keys = [(person.id, person) for person in people]
        cells = _ids(head, rows, [person.id for person in people])
        what = "column of these ids"
    counts = Counter(key for key, _ in keys)
    alone = {key: person for key, person in keys if key and counts[key] == 1}
    found = {place: alone[key] for place, key in enumerate(cells) if key in alone}
    if not found:
        raise ValueError(f"{path.name} has no {what}")
    return found


def _left_out(head, rows, column, owners):
    """Who handed in and owns no row: whose status begins as that of most who own one."""
    status = _called(_STATUS, head, range(column))
    if status is None:
        return []
    begins = ["".join(row[status : status + 1]).partition(" ")[0] for row in rows]
    usual = Counter(begins[place] for place in owners if begins[place]).most_common(1)
    name = 0 if status == 1 else 1  # the authors are anonymous: they have a number only
    is_left_out = [usual and word == usual[0][0] and i not in owners for i, word in enumerate(begins)]
    return [row[name] for row, left_out in zip(rows, is_left_out, strict=True) if left_out]


def _group(head, column):
    """Moodle's column of groups, which only a team assignment has behind the status; or None."""
    status = _called(_STATUS, head, range(column))
    return _called(_GROUP, head, range(status or 0, column))


def _called(pattern, head, columns):
    """The first of the columns that is called so, in whatever language; or None."""
    return next((i for i in columns if re.fullmatch(pattern, head[i].strip(), re.I)), None)


def _letters(name):
    """A group's name as it is, and as it is in the name of a folder."""
    return re.sub(r"[\W_]", "", name).casefold()


def _number(text):
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def _id(text):
    """The number in "Participant 1234", "Teilnehmer/in1234" or "1234"; else ""."""
    found = re.fullmatch(r"\D*(\d+)", text.strip())
    return found[1] if found else ""


def _ids(head, rows, ids):
    """Whose id stands in each row, in the column that has most of them; "" if nobody's."""
    columns = [[_id("".join(row[i : i + 1])) for row in rows] for i in range(len(head))]
    known = [ids_of(written, ids) for written in columns]
    best = max(range(len(known)), key=lambda i: len(known[i]))
    return [known[best].get(text, "") for text in columns[best]]


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
    if len(fitting) == 1:
        return fitting[0]
    advice = ": delete the columns of the others from the file" if fitting else ""
    found = f"{len(fitting)} assignments of {number(TOTAL)} points"
    raise ValueError(f"{path.name} has {found}; it must have one{advice}")


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
    called = _called(_COMMENT, rows[0], later)
    if called is not None or not later:
        return called
    cells = [row[later[-1]].strip() for row in rows[1:] if later[-1] < len(row)]
    is_times = any(cells) and all(not c or c == "-" or re.search(r"\b20\d\d\b.*\d:\d\d", c) for c in cells)
    return None if is_times else later[-1]
