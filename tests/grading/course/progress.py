"""The table of grades on a terminal while it grows, with a bar below it."""

import shutil
import threading
import unicodedata
from typing import TextIO

from tqdm import tqdm

from ..judging.result import Grade, Status
from ..reporting.text import means, number, one_line
from ..sheet.rubric import EXERCISES

LONGEST_NAME = 24
_BAR = "{n_fmt} of {total_fmt} graded |{bar:20}| {remaining} to go"


class Progress:
    """Writes a row for each of several people; a terminal has a bar below that tells how far it is."""

    def __init__(self, names: list[str], stream: TextIO):
        self._is_shown = len(names) > 1
        self._stream, self._width = stream, shutil.get_terminal_size().columns - 1
        self._name = min(LONGEST_NAME, max(map(_columns_of, ("submission", *names))))
        tqdm.set_lock(threading.RLock())  # tqdm's own is made for processes, and may start one
        tqdm.monitor_interval = 0
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
        points = [*(grade.points(exercise) for exercise in EXERCISES), grade.total]
        shown = [number(one) if grade.has_points else "-" for one in points]
        kinds = dict.fromkeys(cause.kind for result in grade.results for cause in result.mistakes)
        is_graded = grade.status is Status.GRADED
        remark = ", ".join(kinds) if is_graded else f"{grade.status.value}: {one_line(grade)}"
        self._write(grade.name, *shown, f"LATE {remark}" if grade.late else remark)
        self._bar.update()

    def add_means(self, grades: list[Grade]) -> None:
        self._write("mean", *(f"{mean:.1f}" for mean in means(grades)))

    def _write(self, name, *cells):
        if not self._is_shown:
            return
        shown = [_fitted(name, self._name), *(f"{text:>5}" for text in cells[: len(EXERCISES) + 1])]
        line = "  ".join([*shown, *cells[len(EXERCISES) + 1 :]]).rstrip()
        if _columns_of(line) > self._width:
            line = _fitted(line, self._width)
        tqdm.write(line, file=self._stream)
        self._stream.flush()


def _columns_of(text):
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def _fitted(text, width):
    """The text in so many columns: filled up with blanks, or cut off."""
    if _columns_of(text) > width:
        while _columns_of(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - _columns_of(text))
