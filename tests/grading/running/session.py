"""Talks to one submission in its process. What comes back is data, never code."""

import contextlib
import difflib
import os
import queue
import re
import threading
import time
from collections.abc import Sequence

from ..handed_in.printable import one_line, plain_text
from ..handed_in.submission import Submission, imported_by
from ..sheet.rubric import FUNCTIONS
from . import answers
from .answers import Answer, Died, Missing, Raised
from .inside import wire
from .inside.linux import below
from .process import Process, times_of
from .question import Question

MAX_NAMES = 200  # of functions, among which one is looked for that was meant
IN_ALL = 6  # times the limit of one call: what a submission has for all that it does
SOON = 2.0  # seconds for all usual questions together, which take a right submission a hundredth of that


class Session(contextlib.AbstractContextManager):
    """One submission in the sandbox. If its process dies, the next call starts another.

    Attributes:
        loaded: the names of the functions that it defines, or Raised or Died.
        left_out: why it stops as it is, where no more than the functions need was loaded; else None.
        output: what it printed, cut at the limit.
    """

    def __init__(
        self,
        sandbox,
        submission: Submission,
        seconds: float | None = None,
        functions: Sequence[str] = tuple(FUNCTIONS.values()),
    ):
        """
        Args:
            sandbox: has `limits`, and `start(packages)` for a `Process`.
            submission: what is loaded.
            seconds: replaces the sandbox's limit of time.
            functions: the names of those that may be asked; by default the sheet's.

        Raises:
            SandboxError: there is no process to be had.
        """
        self._sandbox, self._submission, self._functions = sandbox, submission, list(functions)
        self._seconds = seconds or sandbox.limits.seconds
        self._left = IN_ALL * self._seconds
        self._output, self._dropped, self._messages = bytearray(), 0, 0
        self._process: Process | None = None
        self._dead: dict[str, Died] = {}
        self.left_out: Raised | Died | None = None
        # The cells of a notebook are there to train and to plot as well.
        self._is_cut = submission.cells is not None
        self.loaded = self._load()
        if not self._is_cut and not isinstance(self.loaded, tuple) and self.loaded != Died("time"):
            self._load_what_is_needed()

    def __exit__(self, *_):
        self.close()

    @property
    def output(self) -> str:
        text = self._output.decode("utf-8", "replace")
        return plain_text(text) + (f"\n[{self._dropped:,} more bytes dropped]" if self._dropped else "")

    def call(self, question: Question) -> Answer:
        """The answer to one question. A function that once ended the process is not asked again.

        Raises:
            SandboxError: there is no process to be had.
        """
        function = question.function
        if function in self._dead:
            return self._dead[function]
        answer = Died("time", self._seconds)
        if question.stand_in is not None and self._left < IN_ALL / 2 * self._seconds:
            return answer  # what goes on after a stop takes no more: other functions are to have time, too
        if self._left >= 0:
            answer = self._load() if self._process is None else ()
        if isinstance(answer, tuple):
            answer = self._ask([question], self._seconds)
            answer = answer[0] if isinstance(answer, list) else answer
        if isinstance(answer, Died):
            self._dead[function] = answer
        return answer

    def missing(self, function: str) -> Missing:
        """The answer for a function that is not there."""
        names = [name for name in self._defined if name not in self._functions]
        others = {re.sub(r"\W|_", "", name).lower(): name for name in names}
        # (The sheet's own `compute_anomaly_scores` is not taken for `anomaly_score`.)
        alike = difflib.get_close_matches(function.replace("_", ""), others, n=1, cutoff=0.76)
        one = self._submission
        texts = (one.source or "", *(one.cells or ()), *one.helpers.values())
        is_hidden = any(re.search(rf"\bdef\s+{function}\b", text) for text in texts)
        return Missing(function, one_line(others[alike[0]]) if alike else "", is_hidden)

    def call_all(self, questions: list[Question]) -> list[Answer] | None:
        """The answers to several questions, asked in one message.

        None if one is missing, or they take longer than SOON. Then nothing is said against any function: the
        process is ended, and the next `call` loads the submission anew.
        """
        found = self._ask(questions, min(self._seconds, SOON)) if self._process else None
        if isinstance(found, list):
            return found
        self._output.clear()
        self._dropped = 0
        return None

    def _ask(self, questions, seconds):
        stand_ins = [question.stand_in for question in questions if question.stand_in is not None]
        sent = [*(array for question in questions for array in question.arrays), *stand_ins]
        arrays = {id(array): array for array in sent}
        places = {key: place for place, key in enumerate(arrays)}
        names = ("function", "differentiate", "echo", "trace")
        calls = [
            {name: getattr(question, name) for name in names}
            | {"arrays": [places[id(array)] for array in question.arrays]}
            | {"stand_in": places.get(id(question.stand_in))}
            for question in questions
        ]

        def parse(report, numbers):
            found = answers.split(report["calls"], numbers, len(questions))
            return [
                answers.parse_answer(*one, question) for one, question in zip(found, questions, strict=True)
            ]

        return self._exchange({"calls": calls}, list(arrays.values()), parse, seconds)

    def close(self):
        if self._process is None:
            return
        self._over.set()
        self._questions.put(None)
        self._process.end()
        for thread in self._threads:  # what it printed last is still to be read, on a busy machine too
            thread.join(5)
        self._process = None

    def _load(self):
        process = self._sandbox.start(imported_by([self._submission]))
        self._process = process
        self._over, self._ended_for, self._times = threading.Event(), None, (0.0, 0.0)
        self._questions, self._answers = queue.SimpleQueue(), queue.SimpleQueue()
        jobs = (
            (self._drain, process.output),
            (self._watch, process, self._over),
            (_talk, process.requests, process.replies, self._questions, self._answers),
        )
        self._threads = [threading.Thread(target=job, args=of, daemon=True) for job, *of in jobs]
        try:
            for thread in self._threads:
                thread.start()
            one = self._submission
            message = {"source": one.source, "cells": one.cells, "helpers": one.helpers}
            message |= {"functions": self._functions, "is_cut": self._is_cut}
            return self._exchange(message, [], self._parse_functions, self._seconds)
        except BaseException:  # an interrupt, say: nothing is to be left behind
            self.close()
            raise

    def _load_what_is_needed(self):
        """Load it once more, in a new process, without what stops it; unless that gives no function."""
        self.close()
        before = self.loaded, self._output, self._dropped
        self._output, self._dropped, self._is_cut = bytearray(), 0, True
        self.loaded, self.left_out = self._load(), self.loaded
        if not isinstance(self.loaded, tuple) or not self.loaded:
            self.left_out = None
            self.loaded, self._output, self._dropped = before

    def _watch(self, process, over):
        while not over.wait(0.1):
            pids = below(process.family)
            self._times = times_of(pids)
            # A process that is just ending can't be looked into, as if it hid something: look twice.
            if (excess := process.excess(pids)) and process.excess(below(process.family)):
                self._ended_for = excess
                process.kill()
                return

    def _parse_functions(self, report, _):
        """What loading came to: the functions that are there, or why there are none."""
        if "error" in report:
            return answers.parse_error(report["error"])
        self._defined = [str(name)[:80] for name in list(report["defined"])[:MAX_NAMES]]
        return tuple(name for name in self._functions if name in list(report["functions"]))

    def _exchange(self, message, arrays, parse, seconds):
        """Send one message, and `parse` the answer to it."""
        self._messages += 1
        process, start, before = self._process, time.monotonic(), self._times
        self._questions.put((message | {"id": self._messages}, arrays, parse))
        answer, reason, left = None, "time", seconds
        while reason == "time" and left > 0:
            # What it has waited for a processor, it is given once more.
            with contextlib.suppress(queue.Empty):
                answer, reason = self._answers.get(timeout=left), "crash"
            passed = time.monotonic() - start
            computed, waited = (now - then for now, then in zip(self._times, before, strict=True))
            used = max(computed, passed - waited)
            left = min(seconds - used, IN_ALL * seconds - passed)
        self._left -= used
        if answer is not None:
            return answer
        reason = self._ended_for or reason
        self.close()
        return Died("machine" if reason == "crash" and process.is_orphan else reason, seconds)

    def _drain(self, output):
        limit = self._sandbox.limits.output_bytes
        with contextlib.suppress(OSError):
            while data := os.read(output, 1 << 16):
                room = max(0, limit - len(self._output))
                self._output += data[:room]
                self._dropped += len(data[room:])
        os.close(output)


_FOREIGN = (  # what a stranger's answer can raise
    OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError
)  # fmt: skip


def _talk(requests, replies, questions, found):
    """Ask, until there are no questions any more or no proper answers; then hang up.

    Who talks hangs up: a number that were closed while something still reads would come to mean the
    next submission's.
    """
    try:
        with contextlib.suppress(*_FOREIGN):
            while question := questions.get():
                message, arrays, parse = question
                wire.send(requests, message, arrays)
                report = {}
                while report.get("id") != message["id"]:  # anything else was not asked for
                    report, numbers = wire.receive(replies, 32 << 20, 1 << 20)
                found.put(parse(report, numbers))
    finally:
        found.put(None)
        os.close(requests)
        os.close(replies)
