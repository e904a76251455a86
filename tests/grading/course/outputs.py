"""All that a run writes: grades come, files follow."""

import contextlib
import tempfile
import textwrap
import time
from dataclasses import dataclass, replace
from pathlib import Path

from ..judging.result import Grade
from ..reporting.by_hand import Override, Person, adjust, assign, load_overrides
from ..reporting.pages import write_pages, write_summary
from ..reporting.table import Table
from ..reporting.text import how_often, shortened, table, to_look_at
from ..reporting.worksheet import Worksheet


@dataclass
class Files:
    """The files that a run is to write or read, or None; checked now rather than when all is graded.

    Attributes:
        grades: a table, .csv.
        feedback: a folder of pages, or a .zip of them.
        summary: an .html page about the class.
        worksheet: the table that Moodle or Canvas gave, to be filled in.
        override: a .csv file of points given by hand.
    """

    grades: Path | None = None
    feedback: Path | None = None
    summary: Path | None = None
    worksheet: Path | None = None
    override: Path | None = None

    @property
    def written(self) -> list[Path]:
        return [path for path in (self.grades, self.feedback, self.summary, self.worksheet) if path]

    def check(self, submissions: list[Path]) -> None:
        """See whether all can be read and written; `submissions` are read as well.

        Raises:
            ValueError: a file can't be used, in a sentence.
        """
        if self.grades and self.grades.suffix != ".csv":
            raise ValueError(f"--grades writes .csv files, not {self.grades.name}")
        if self.summary and self.summary.suffix not in (".html", ".htm"):
            raise ValueError(f"--summary writes .html files, not {self.summary.name}")
        read = {path.resolve() for path in (*submissions, self.override) if path}
        for path in self.written:
            if path.resolve() in read:
                raise ValueError(f"{path} is read, and would be overwritten: write to another place")
        try:
            self.overrides()
            if self.worksheet:
                Worksheet(self.worksheet)
            if self.grades:
                Table(self.grades)
        except OSError as error:
            raise ValueError(f"{error.filename} can't be read: {error.strerror}") from None
        for path in self.written:
            folder = path if path == self.feedback and path.suffix != ".zip" else path.parent
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if path != folder and path.exists():
                    path.open("r+b").close()
                with tempfile.TemporaryFile(dir=folder) as file:  # as write_whole makes one
                    file.write(b" " * 10_000)  # a full disk makes files, but takes nothing
            except OSError as error:
                raise ValueError(f"{path} can't be written: {error.strerror}") from None

    def overrides(self) -> list[Override]:
        return load_overrides(self.override) if self.override else []


class Outputs:
    """Where the grades of a run go.

    Attributes:
        failed: whether something could not be written, once all is finished.
    """

    def __init__(self, submissions: list[Person], files: Files, everybody: list[Person] | None = None):
        """`submissions` are to be graded, of `everybody` in the download if they are a shard."""
        self.submissions, self.files = submissions, files
        self._found: dict[tuple[str, str], Grade] = {}
        self._everybody = self.submissions if everybody is None else everybody
        self._overrides, self._unclear = assign(self.files.overrides(), self._everybody)
        self._is_for_groups = bool(files.worksheet and Worksheet(files.worksheet).is_for_groups)
        self._saved, self._said, self.failed = 0.0, [], False
        people = [(person.id, person.name) for person in self.submissions]
        self._table = Table(self.files.grades, people) if self.files.grades else None

    def add(self, grade: Grade) -> Grade:
        """A finished grade; returned with what humans decided. It is in the table within a second."""
        if self._is_for_groups:  # the download may not tell
            grade = replace(grade, is_group=True)
        grade = adjust(grade, self._overrides.get(grade.name, []))
        self._found[grade.name, grade.id] = grade
        if self._table and time.monotonic() - self._saved > 1:
            with contextlib.suppress(OSError, ValueError):  # the last save will say it
                self._table.save(self.grades)
            self._saved = time.monotonic()
        return grade

    @property
    def grades(self) -> list[Grade]:
        """Those that are finished, in the order of the class."""
        keys = [(one.name, one.id) for one in self.submissions]
        return [self._found[key] for key in keys if key in self._found]

    def finish(self) -> None:
        """Write everything; what isn't graded yet is not in it."""
        files, grades = self.files, self.grades
        if self._table and (grades or not self.submissions):  # the table of an empty shard has a head
            self._write(files.grades, lambda: self._table.save(grades))
        if not grades:
            return
        if files.feedback:
            self._write(files.feedback, lambda: write_pages(files.feedback, grades, self._members()))
        if files.summary:
            self._write(files.summary, lambda: write_summary(files.summary, grades))
        if files.worksheet:
            self._write(files.worksheet, lambda: Worksheet(files.worksheet).fill(grades, self._everybody))

    def _members(self):
        with contextlib.suppress(OSError, ValueError):  # filling it will say it
            return Worksheet(self.files.worksheet).members(self._everybody) if self._is_for_groups else {}

    def _write(self, path, write):
        """One file that can't be written costs no other."""
        try:
            more = write() or []
            self._said += [f"Written: {path}", *(f"  {line}" for line in more)]
        except (OSError, ValueError) as error:
            self.failed = True
            self._said.append(f"{path} was not written: {getattr(error, 'strerror', None) or error}.")

    def lines(self) -> list[str]:
        """What is said at the end, below the rows of a class."""
        grades, count = self.grades, len(self.submissions)
        if not self.submissions:
            return ["Nobody is in this shard of the class.", *self._said]
        if not grades:
            return ["Nobody is graded."]
        lines = ["", *how_often(grades)] if count > 1 else _wrapped(table(grades[0]))
        lines += ["LATE, as the course's system says."] if count == 1 and grades[0].late else []
        look = [f"  {shortened(line, 220)}" for line in to_look_at(grades) if count > 1]
        lines += ["", f"To look at by a human: {len(look)}", *_wrapped(look, indent=4)] if look else [""]
        lines += dict.fromkeys(sentence for grade in grades for sentence in grade.unprotected)
        if len(grades) < count:
            lines.append(f"{len(grades)} of {count} people are graded; these are not all.")
        lines += self._unclear
        return lines + self._said


def _wrapped(lines, indent=13):
    """The lines on a terminal of 80 columns, those of what is below something below each other."""
    return [
        part
        for line in lines
        for part in textwrap.wrap(line, 79, subsequent_indent=" " * indent * line.startswith(" ")) or [""]
    ]
