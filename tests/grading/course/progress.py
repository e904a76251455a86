"""The table of grades on the terminal while it grows."""

import time
from collections.abc import Callable

from ..judging.result import Grade
from ..reporting.text import head, row

PLAIN_WIDTH = 160  # of a line where nobody knows how wide the reader's is


class Live:
    """Writes a row for each submission; on a terminal, the line below tells how far it is."""

    def __init__(self, write: Callable[[str], object], names: list[str], width: int | None = None):
        """`width` is the terminal's, or None if it is none."""
        self._write, self._names, self._width = write, names, width
        self._is_begun, self._status = False, ""
        self._first: float | None = None  # when the first new grade came: what starts up is no pace
        self.done = self.lost = self.before = 0

    def start(self) -> None:
        self._is_begun = True
        self._write(f"\n{head(self._names)}\n")
        self._show_status()

    def add(self, grade: Grade, before: bool = False) -> None:
        """`before`: it was graded by an earlier run."""
        if not self._is_begun:
            self.start()
        self.done, self.before = self.done + 1, self.before + before
        self.lost += any(result.lost for result in grade.results)
        line = row(grade, self._names, comment=True)
        limit = (self._width or PLAIN_WIDTH) - 1
        line = line if len(line) <= limit else line[: limit - 1] + "…"
        self._write(f"{line:{len(self._status)}}\n")
        self._show_status()

    def finish(self) -> None:
        if self._status:
            self._write(" " * len(self._status) + "\r")
            self._status = ""

    def status(self) -> str:
        count, fresh = len(self._names), self.done - self.before
        parts = [f"{self.done} of {count} graded", f"{self.lost} lost points"]
        if fresh == 1:
            self._first = time.monotonic()
        elif fresh and self.done < count:
            seconds = (time.monotonic() - self._first) / (fresh - 1) * (count - self.done)
            parts.append(f"{duration(seconds)} to go")
        return ", ".join(parts)

    def _show_status(self):
        if self._width:
            self._status = self.status()[: self._width - 1]
            self._write(self._status + "\r")  # the next row begins here


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
