"""All that a run writes, behind one small face for conftest.py: a grade comes, the files follow."""

import contextlib
import math
import re
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from ..handed_in.submission import Submission
from ..judging.result import Grade
from ..reporting.by_hand import (
    Override,
    adjust,
    is_for,
    looks,
    parse_deadline,
    read_overrides,
    with_lateness,
)
from ..reporting.gradescope import write_json
from ..reporting.pages import write_pages, write_summary
from ..reporting.table import Table
from ..reporting.text import overview, table, to_look_at
from ..reporting.worksheet import absent, check, fill
from .progress import Live
from .unfinished import Unfinished

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
    add(
        "--late-penalty",
        type=points,
        default=0.0,
        metavar="POINTS",
        help="what a late submission loses",
    )
    add("--shard", metavar="K/N", help="grade only every N-th submission, beginning with the K-th")


def points(text: str) -> float:
    """A number, with a decimal comma or point."""
    return float(text.replace(",", "."))


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
    if option.summary and option.summary.suffix not in (".html", ".htm"):
        raise ValueError(f"--summary writes .html files, not {option.summary.name}")
    written = [p for p in (option.grades, option.feedback, option.summary, option.worksheet) if p]
    read = [*(getattr(option, "solution", None) or ()), *filter(None, [option.override])]
    for path in written:
        if path.resolve() in {Path(other).resolve() for other in read}:
            raise ValueError(f"{path} is read, and would be overwritten: write to another place")
    overrides = _overrides(option.override) if option.override else []
    deadline = parse_deadline(option.deadline) if option.deadline is not None else None
    if option.worksheet:
        option.worksheet.open("r+b").close()
        check(option.worksheet)
    if option.grades and option.grades.suffix == ".csv":
        Table(option.grades)
    for path in written:
        if path == option.feedback and path.suffix != ".zip":
            path.mkdir(parents=True, exist_ok=True)
            _try_to_write(path, path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            _try_to_write(path, path.parent)
    return Outputs(
        {submission.name: submission for submission in submissions},
        grades=option.grades,
        feedback=option.feedback,
        worksheet=option.worksheet,
        summary=option.summary,
        overrides=overrides,
        penalty=option.late_penalty,
        deadline=deadline,
        unfinished=Unfinished(option.grades, option.seed, (option.time_limit, option.memory_limit))
        if option.grades and len(submissions) > 1
        else None,
    )


def _overrides(path):
    try:
        return read_overrides(path)
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None


def _try_to_write(path, folder):
    try:
        if path != folder and path.exists():
            path.open("ab").close()
        with tempfile.TemporaryFile(dir=folder) as file:  # as files.write_whole does
            file.write(b" " * 10_000)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _few(names):
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


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
        overrides, penalty, deadline: what humans decide, see by_hand.py.
        unfinished: what an interrupted run has graded, or None.
        live: shows the rows as they come, or None.
        failed: whether something could not be written, once all is finished.
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
        self.failed = False
        self._table = Table(self.grades) if self.grades and self.grades.suffix == ".csv" else None

    def add(self, grade: Grade) -> None:
        """A finished grade. It is in the table within a second, whatever happens to the run."""
        submission = self.submissions[grade.name]
        # What a human has to look at may have been the machine's fault, and is tried again.
        if self.unfinished and not looks(grade, submission):
            with contextlib.suppress(OSError):  # then there's nothing to go on from, but a table to come
                self.unfinished.add(grade, submission)
        grade = adjust(grade, submission, self.overrides, self.penalty)
        self._found[grade.name] = grade
        if self.live:
            self.live.add(grade, grade.name in self._before)
        if self._table:
            self._table.update(grade, submission)
            if time.monotonic() - self._saved > 1:
                with contextlib.suppress(OSError, ValueError):  # the last save will say it
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
        if self._table and (grades or not self.submissions):  # the table of an empty part has a head
            self._write(self.grades, self._table.save)
        if not grades:
            return
        if self.grades and not self._table:
            self._write(self.grades, lambda: write_json(self.grades, grades))
        if self.feedback:
            self._write(self.feedback, lambda: write_pages(self.feedback, grades, self.submissions))
        if self.summary:
            self._write(self.summary, lambda: write_summary(self.summary, grades))
        if self.worksheet:
            self._write(self.worksheet, lambda: self._fill(grades))
        if self.unfinished:
            with contextlib.suppress(OSError):
                self.unfinished.close(len(grades) == len(self.submissions) and not self.failed)

    def _write(self, path, write):
        """One file that can't be written costs no other."""
        try:
            write()
        except (OSError, ValueError) as error:
            self.failed = True
            reason = getattr(error, "strerror", None) or error
            what = (
                "The worksheet was not filled in"
                if path == self.worksheet
                else f"{path.name} was not written"
            )
            self._said.append(f"{what}: {reason}.")

    def _fill(self, grades):
        filled = fill(self.worksheet, grades, self.submissions)
        self._said.append(
            f"{self.worksheet.name}: the grades of {filled} of {len(grades)} submissions are filled in."
        )
        missing = absent(self.worksheet, grades, self.submissions)
        if missing:
            self._said.append(f"Without a row in it: {_few(missing)}.")

    def lines(self) -> list[str]:
        """For the terminal."""
        grades = self.in_order()
        if not self.submissions:
            return ["Nobody is in this part of the class.", *self._said]
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
                f"{self.grades.name} had {self._table.found} rows; {self._table.regraded} were graded "
                "anew, the others are kept."
            )
        return lines + self._about_humans() + self._said

    def _about_humans(self):
        people, lines = self.submissions.values(), []
        unused = [o.submission for o in self.overrides if not any(is_for(o, one) for one in people)]
        if unused:
            names = _few(list(dict.fromkeys(unused)))
            lines.append(f"Points by hand were not used for {names}: nobody here has this name or id.")
        timeless = [one.name for one in people if not one.time and not one.problem and not one.late]
        if self.deadline is not None and timeless:
            lines.append(f"Without a time, and so not late: {_few(timeless)}.")
        return lines
