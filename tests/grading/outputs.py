"""All that a run writes, behind one small face for conftest.py: a grade comes, the files follow."""

import math
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from .adjust import Override, adjust, looks, parse_deadline, read_overrides, with_lateness
from .grade import Grade
from .grade_table import Table
from .gradescope import write_json
from .live import Live
from .pages import write_pages, write_summary
from .report import overview, table, to_look_at
from .submission import Submission
from .unfinished import Unfinished
from .worksheet import check, fill

SUFFIXES = (".csv", ".json")


def add_options(add) -> None:
    """Declare the options; `add` is an addoption of pytest or an add_argument of argparse."""
    add(
        "--grades",
        type=Path,
        metavar="FILE",
        help="write the points to FILE.json, or into FILE.csv, whose other rows stay",
    )
    add(
        "--feedback",
        type=Path,
        metavar="DIR",
        help="write a page for each author to DIR, or to a .zip for Moodle",
    )
    add("--summary", type=Path, metavar="FILE", help="write a page about the whole class to FILE.html")
    add("--worksheet", type=Path, metavar="FILE", help="fill in the table that Moodle or Canvas gave")
    add(
        "--override",
        type=Path,
        metavar="FILE",
        help="a CSV of points given by hand: submission, criterion, points, reason",
    )
    add("--deadline", metavar="TIME", help="what is newer is late: 2026-11-05, or '2026-11-05 12:00'")
    add("--late-penalty", type=float, default=0.0, metavar="POINTS", help="what a late submission loses")
    add("--shard", metavar="K/N", help="grade only every N-th submission, beginning with the K-th")


def from_options(option, submissions: list[Submission]) -> "Outputs":
    """The outputs that the options ask for, checked now rather than when all is graded.

    Raises:
        ValueError: an option can't be used, in a sentence.
        OSError: a file can't be read or written.
    """
    if option.grades and option.grades.suffix not in SUFFIXES:
        raise ValueError(f"--grades writes .csv or .json files, not {option.grades.name}")
    if not 0 <= option.late_penalty < math.inf:
        raise ValueError("--late-penalty is a number of points that a late submission loses")
    for path in (option.grades, option.summary):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    if option.feedback and option.feedback.suffix == ".zip":
        option.feedback.parent.mkdir(parents=True, exist_ok=True)
    elif option.feedback:
        option.feedback.mkdir(parents=True, exist_ok=True)
    if option.worksheet:
        option.worksheet.open("r+b").close()
        check(option.worksheet)
    return Outputs(
        {submission.name: submission for submission in submissions},
        grades=option.grades,
        feedback=option.feedback,
        worksheet=option.worksheet,
        summary=option.summary,
        overrides=read_overrides(option.override) if option.override else [],
        penalty=option.late_penalty,
        deadline=parse_deadline(option.deadline) if option.deadline else None,
        unfinished=Unfinished(option.grades, option.seed, (option.time_limit, option.memory_limit))
        if option.grades and len(submissions) > 1
        else None,
    )


def shard(submissions: list[Submission], which: str | None) -> list[Submission]:
    """Every N-th submission from the K-th on, for which = "K/N"; together the N shards are all of them.

    Raises:
        ValueError: it is not written so.
    """
    if which is None:
        return submissions
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", which)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"--shard is written as K/N, with K from 1 to N, not {which}")
    return submissions[int(found[1]) - 1 :: int(found[2])]


@dataclass
class Outputs:
    """Where the grades of a run go.

    Attributes:
        submissions: those to grade, by name.
        grades, feedback, worksheet, summary: the files to write, or None.
        overrides, penalty, deadline: what humans decide, see adjust.py.
        unfinished: what an interrupted run has graded, or None.
        live: shows the rows as they come, or None.
    """

    submissions: dict[str, Submission]
    grades: Path | None = None
    feedback: Path | None = None
    worksheet: Path | None = None
    summary: Path | None = None
    overrides: list[Override] = field(default_factory=list)
    penalty: float = 0
    deadline: float | None = None
    unfinished: Unfinished | None = None
    live: Live | None = None

    def __post_init__(self):
        self.submissions = {n: with_lateness(s, self.deadline) for n, s in self.submissions.items()}
        self._found: dict[str, Grade] = {}
        self._saved = 0.0
        self._before: set[str] = set()
        self._said: list[str] = []
        self._table = Table(self.grades) if self.grades and self.grades.suffix == ".csv" else None

    def add(self, grade: Grade) -> None:
        """A finished grade. It is in the table within a second, whatever happens to the run."""
        submission = self.submissions[grade.name]
        # What a human has to look at may have been the machine's fault, and is tried again.
        if self.unfinished and not looks(grade, submission):
            self.unfinished.add(grade, submission)
        grade = adjust(grade, submission, self.overrides, self.penalty)
        self._found[grade.name] = grade
        if self.live:
            self.live.add(grade, grade.name in self._before)
        if self._table:
            self._table.update(grade, submission)
            if time.monotonic() - self._saved > 1:
                self._table.save()
                self._saved = time.monotonic()

    def before(self, name: str) -> Grade | None:
        """The grade that an interrupted run has found, if nothing has changed since."""
        found = self.unfinished.grade_of(self.submissions[name]) if self.unfinished else None
        if found:
            self._before.add(name)
        return found

    def in_order(self) -> list[Grade]:
        return [self._found[name] for name in self.submissions if name in self._found]

    def finish(self) -> None:
        """Write everything; what isn't graded yet is not in it."""
        grades = self.in_order()
        if self.live:
            self.live.finish()
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
            try:
                filled = fill(self.worksheet, grades, self.submissions)
                self._said.append(
                    f"{self.worksheet.name}: the grades of {filled} of {len(grades)} submissions "
                    "are filled in."
                )
            except (OSError, ValueError) as error:  # the table of grades is written already
                self._said.append(f"The worksheet was not filled in: {error}.")
        if self.unfinished:
            self.unfinished.close(finished=len(grades) == len(self.submissions))

    def lines(self) -> list[str]:
        """For the terminal."""
        grades = self.in_order()
        if not grades:
            return []
        many = len(self.submissions) > 1
        lines = overview(grades, rows=not self.live) if many else table(grades[0])
        lines += to_look_at({grade.name: looks(grade, self.submissions[grade.name]) for grade in grades})
        if len(grades) < len(self.submissions):
            on = " The same command goes on from here." if self.unfinished else ""
            lines.append(
                f"{len(grades)} of {len(self.submissions)} submissions are graded; these are not all.{on}"
            )
        if self._before:
            lines.append(
                f"{len(self._before)} of {len(self.submissions)} were graded before the run was interrupted, "
                "and not again."
            )
        elif self._table and self._table.found:
            lines.append(
                f"{self.grades.name} had {self._table.found} rows; {len(self._table.regraded)} were graded "
                "anew, the others are kept."
            )
        return lines + self._said
