"""The table of grades on a terminal while it grows, with a bar below it."""

import shutil
import threading
import time
from typing import TextIO

from tqdm import tqdm
from tqdm.utils import disp_len, disp_trim

from ..judging.result import Grade, Status
from ..reporting.text import for_a_log, means, number, one_line, points_of
from ..sheet.rubric import EXERCISES

LONGEST_NAME = 24
LONG = 60  # seconds after which it is said how long it takes
_BAR = "{n_fmt} of {total_fmt} graded |{bar:20}| {remaining} to go"


class Progress:
    """Writes a row for each of several people; a terminal has a bar below that tells how far it is."""

    def __init__(self, names: list[str], stream: TextIO) -> None:
        self._begun, self._is_long = time.monotonic(), False
        self._is_shown = len(names) > 1
        self._stream, self._width = stream, shutil.get_terminal_size().columns - 1
        self._name = min(LONGEST_NAME, max(map(disp_len, ("submission", *names))))
        tqdm.set_lock(threading.RLock())  # tqdm's own is made for processes, and may start one
        tqdm.monitor_interval = 0
        self._left = len(names)
        self._bar = tqdm(
            total=len(names),
            file=stream,
            disable=not (self._is_shown and stream.isatty()),
            ncols=self._width,  # some terminals say that they have neither columns nor lines
            nrows=24,
            leave=False,
            bar_format=_BAR,
        )

    def __enter__(self):
        self._write("submission", *(f"ex. {exercise}" for exercise in EXERCISES), "total")
        return self

    def __exit__(self, *_):
        self._bar.close()

    def add(self, grade: Grade) -> None:
        shown = ["-" if points is None else number(points) for points in points_of(grade)]
        kinds = dict.fromkeys(cause.kind for result in grade.results for cause in result.mistakes)
        why = one_line(grade) if grade.has_points else " ".join(grade.to_look_at)
        remark = ", ".join(kinds) if grade.status is Status.GRADED else f"{grade.status.value}: {why}"
        self._write(grade.name, *shown, f"LATE {remark}" if grade.late else remark)
        self._bar.update()
        self._left -= 1
        seconds = time.monotonic() - self._begun
        if not self._is_long and self._left and seconds > LONG:
            self._is_long = True
            left = _duration(seconds / (self._bar.total - self._left) * self._left)
            self._print(f"{left} to go like this; a smaller --time-limit makes that shorter.")

    def add_means(self, grades: list[Grade]) -> None:
        self._write("mean", *(f"{mean:.1f}" for mean in means(grades)))

    def _write(self, name, *cells):
        if not self._is_shown:
            return
        shown = [_fitted(name, self._name), *(f"{text:>5}" for text in cells[: len(EXERCISES) + 1])]
        line = "  ".join([*shown, *cells[len(EXERCISES) + 1 :]]).rstrip()
        self._print(line)

    def _print(self, line):
        line = for_a_log(line)
        tqdm.write(_fitted(line, self._width).rstrip(), file=self._stream)
        self._stream.flush()


def _duration(seconds):
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{seconds / 3600:.1f} h"


def _fitted(text, width):
    """The text in so many columns of a terminal: filled up with blanks, or cut off."""
    if disp_len(text) > width:
        text = f"{disp_trim(text, width - 1)}…"
    return text + " " * (width - disp_len(text))
