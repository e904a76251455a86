"""All that a run writes, behind one small face for conftest.py: a grade comes, the files are kept up to date."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from .adjust import Override, adjust, looks, with_lateness
from .grade import Grade
from .gradescope import write_json
from .pages import write_pages, write_summary
from .report import overview, table, to_look_at
from .submission import Submission
from .table import Table
from .worksheet import fill

SUFFIXES = (".csv", ".json")


@dataclass
class Outputs:
    """Where the grades of a run go.

    Attributes:
        submissions: those to grade, by name.
        grades, feedback, worksheet, summary: the files to write, or None.
        overrides, penalty, deadline: what humans decide, see adjust.py.
    """

    submissions: dict[str, Submission]
    grades: Path | None = None
    feedback: Path | None = None
    worksheet: Path | None = None
    summary: Path | None = None
    overrides: list[Override] = field(default_factory=list)
    penalty: float = 0
    deadline: float | None = None

    def __post_init__(self):
        self.submissions = {n: with_lateness(s, self.deadline) for n, s in self.submissions.items()}
        self._found: dict[str, Grade] = {}
        self._saved = 0.0
        self._table = Table(self.grades) if self.grades and self.grades.suffix == ".csv" else None

    def add(self, grade: Grade) -> None:
        """A finished grade. It is in the table within a second, whatever happens to the run."""
        submission = self.submissions[grade.name]
        grade = adjust(grade, submission, self.overrides, self.penalty)
        self._found[grade.name] = grade
        if self._table:
            self._table.update(grade, submission)
            if time.monotonic() - self._saved > 1:
                self._table.save()
                self._saved = time.monotonic()

    def in_order(self) -> list[Grade]:
        return [self._found[name] for name in self.submissions if name in self._found]

    def finish(self) -> None:
        """Write everything; what isn't graded yet is not in it."""
        grades = self.in_order()
        if not grades:
            return
        if self._table:
            self._table.save()
        elif self.grades:
            write_json(self.grades, grades)
        if self.feedback:
            write_pages(self.feedback, grades, self.submissions)
        if self.summary:
            write_summary(self.summary, grades)
        if self.worksheet:
            fill(self.worksheet, grades, self.submissions)

    def lines(self) -> list[str]:
        """For the terminal."""
        grades = self.in_order()
        if not grades:
            return []
        lines = table(grades[0]) if len(grades) == 1 else overview(grades)
        lines += to_look_at({grade.name: looks(grade, self.submissions[grade.name]) for grade in grades})
        if len(grades) < len(self.submissions):
            lines.append(
                f"{len(grades)} of {len(self.submissions)} submissions are graded; these are not all."
            )
        if self._table and self._table.found:
            lines.append(
                f"{self.grades.name} had {self._table.found} rows; {len(self._table.regraded)} were graded anew, the others are kept."
            )
        return lines
