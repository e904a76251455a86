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


class Worksheet:
    """The table as it was given.

    Attributes:
        is_for_groups: whether groups hand in.
    """

    def __init__(self, path: Path) -> None:
        """
        Raises:
            ValueError: the grades don't fit into the table, in a sentence.
            OSError: it can't be read.
        """
        self._path, self._file = path, load_csv(path)
        self._points, self._comments = _columns(path.name, self._file.rows)
        self._head, *self._rows = self._file.rows
        self._status = _called(_STATUS, self._head, range(self._points))
        # Only a team assignment has a column of groups behind the status.
        self._group = _called(_GROUP, self._head, range(self._status or 0, self._points))
        self.is_for_groups = self._group is not None

    def fill(self, grades: list[Grade], people: list[Person] | None = None) -> list[str]:
        """Write grades into the rows of their people. Everything else stays as it is, the encoding too.

        `people` are all in the download, if these are not all. Returns what to say about it, in sentences.

        Raises:
            ValueError: it can't be told where a grade belongs, in a sentence; nothing is written then.
            OSError: it can't be written.
        """
        people = grades if people is None else people
        owners = self._owners(people)
        grade_of = {(grade.name, grade.id): grade for grade in grades}
        filled, comma = set(), self._file.has_decimal_commas
        for place, owner in owners.items():
            row, grade = self._rows[place], grade_of.get((owner.name, owner.id))
            if grade is None or not grade.has_points or len(row) <= self._points:
                continue
            points = number(grade.total)
            row[self._points] = points.replace(".", ",") if comma else points
            if self._comments is not None and len(row) > self._comments:  # Moodle shows it as HTML
                row[self._comments] = cell(html.escape(one_line(grade), quote=False))
            filled.add(grade.name)
        write_whole(self._path, self._file.to_bytes())
        said = [f"It has the grades of {len(filled)} of {len(grades)} people."]
        there = {(owner.name, owner.id) for owner in owners.values()}
        if without := [name for name, id in grade_of if (name, id) not in there]:
            said.append(f"Without a row of their own in it: {few(without)}.")
        if len(people) > 1 and (left_out := self._left_out(owners)):
            some = "1 person" if len(left_out) == 1 else f"{len(left_out)} people"
            are = "is" if len(left_out) == 1 else "are"
            said.append(f"{some} of the worksheet handed in and {are} not in the download: {few(left_out)}.")
        return said

    def members(self, groups: list[Person]) -> dict[str, list[tuple[str, str]]]:
        """The people of each group, {its name: [(a name, a number)]}; none where nobody hands in as one.

        Raises:
            ValueError: as for `fill`.
        """
        found: dict[str, list[tuple[str, str]]] = {}
        for place, owner in self._owners(groups).items() if self.is_for_groups else ():
            found.setdefault(owner.name, []).append((self._rows[place][1], _id(self._rows[place][0])))
        return found

    def _owners(self, people):
        """Whose each row is, {its place: a person}: by the group where groups hand in, else by the id.

        A group's number may be somebody else's, and two people may have one id: those own no row.
        """
        if self.is_for_groups:
            keys = [(_letters(person.name), person) for person in people]
            cells = map(_letters, self._column(self._group))
            what = f"group that is called as in the column {self._head[self._group]}"
        elif any(person.is_group for person in people):
            raise ValueError(
                f"groups handed in, and {self._path.name} has no column that tells who is in them"
            )
        else:
            keys = [(person.id, person) for person in people]
            cells = self._ids([person.id for person in people])
            what = "column of these ids"
        counts = Counter(key for key, _ in keys)
        alone = {key: person for key, person in keys if key and counts[key] == 1}
        found = {place: alone[key] for place, key in enumerate(cells) if key in alone}
        if not found:
            raise ValueError(f"{self._path.name} has no {what}")
        return found

    def _ids(self, ids):
        """Whose id stands in each row, in the column that has most of them; "" if nobody's."""
        columns = [list(map(_id, self._column(i))) for i in range(len(self._head))]
        column, known = max(((one, ids_of(one, ids)) for one in columns), key=lambda pair: len(pair[1]))
        return [known.get(text, "") for text in column]

    def _left_out(self, owners):
        """Who handed in and owns no row: whose status begins as that of most who own one."""
        if self._status is None:
            return []
        begins = [text.partition(" ")[0] for text in self._column(self._status)]
        usual = Counter(begins[place] for place in owners if begins[place]).most_common(1)
        name = 0 if self._status == 1 else 1  # the authors are anonymous: they have a number only
        return [
            row[name]
            for place, row in enumerate(self._rows)
            if place not in owners and [begins[place]] == [word for word, _ in usual]
        ]

    def _column(self, i):
        return ["".join(row[i : i + 1]) for row in self._rows]


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


def _columns(name, rows):
    """The columns of the grades and of the comments; the latter is None where there is none."""
    if len(rows) < 2:
        raise ValueError(f"{name} has no rows to fill in")
    total = number(TOTAL)
    # Canvas: each assignment has its number in brackets, and a row without an id has its points.
    assignments = [i for i, title in enumerate(rows[0]) if re.search(r"\(\d+\)\s*$", title)]
    for row in rows[1:4] if assignments else ():
        numbers = {i: _number(row[i]) for i in assignments if i < len(row)}
        if len(row) > 1 and not row[1].strip() and any(n is not None for n in numbers.values()):
            fitting = [i for i, n in numbers.items() if n == TOTAL]
            if len(fitting) == 1:
                return fitting[0], None
            advice = ": delete the columns of the others from the file" if fitting else ""
            found = f"{len(fitting)} assignments of {total} points"
            raise ValueError(f"{name} has {found}; it must have one{advice}")
    # Moodle: the maximum, which is the same number for all, stands behind the grade.
    maxima = {}
    for i in range(3, len(rows[0])):
        texts = {row[i].strip() for row in rows[1:] if i < len(row) and any(row)}
        if len(texts) == 1 and re.fullmatch(r"[1-9]\d*([.,]\d+)?", text := texts.pop()):
            maxima[i] = text
    if not maxima:
        raise ValueError(f"{name} has no column for the grades")
    fitting = [i for i, text in maxima.items() if _number(text) == TOTAL]
    if not fitting:
        raise ValueError(
            f"{name} has grades up to {maxima[max(maxima)]}, and this sheet {total} points: set the "
            f"assignment's maximum grade to {total}, and download the worksheet again"
        )
    return max(fitting) - 1, _comments(rows, max(fitting))


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
