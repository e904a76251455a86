"""Talks to one submission in its process. What comes back is data, never code."""

import contextlib
import os
import queue
import threading
import time
from dataclasses import dataclass

import numpy as np

from .inside import FUNCTIONS, wire
from .processes import Process
from .submission import Submission


@dataclass(frozen=True)
class Reply:
    """What one call came to.

    Attributes:
        report: "error" (a dict), or "died" ("time" or "crash"), or a description of the result.
        numbers: the result and the gradients, float64; see inside/call.py.
    """

    report: dict
    numbers: list

    @property
    def value(self) -> np.ndarray | None:
        return self.numbers[0] if self.numbers else None


class Session:
    """One submission in the sandbox. If its process dies, the next call starts another.

    Attributes:
        loaded: "functions" (the names that it defines), or "error", or "died".
        output: what it printed, cut at the limit.
    """

    def __init__(self, sandbox, submission: Submission, seconds: float | None = None):
        """`sandbox` has `limits`, and `start()`, which gives a `Process`; `seconds` replaces its limit of time.

        Raises:
            SandboxError: there is no process to be had.
        """
        self._sandbox, self._submission = sandbox, submission
        self._seconds = seconds or sandbox.limits.seconds
        self._left = 6 * self._seconds  # for all that a submission does, however slow it is
        self._output, self._dropped, self._messages = bytearray(), 0, 0
        self._process: Process | None = None
        self.loaded = self._load()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def output(self) -> str:
        text = self._output.decode("utf-8", "replace")
        return _printable(text) + (f"\n[{self._dropped:,} more bytes dropped]" if self._dropped else "")

    def call(self, function: str, arrays: list[np.ndarray], gradient: bool = False) -> Reply:
        """Call `function` with fresh tensors of these float32 arrays."""
        if self._left < 0:
            return Reply({"died": "time"}, [])
        if self._process is None:
            loaded = self._load()
            if "functions" not in loaded:
                return Reply(loaded, [])
        report, numbers = self._exchange({"function": function, "gradient": gradient}, arrays)
        return Reply(report, numbers)

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
        process = self._sandbox.start()
        self._process = process
        self._over, self._ended_for = threading.Event(), None
        self._questions, self._answers = queue.SimpleQueue(), queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=job, args=arguments, daemon=True)
            for job, arguments in (
                (self._drain, (process.output,)),
                (self._watch, (process, self._over)),
                (_talk, (process.requests, process.replies, self._questions, self._answers)),
            )
        ]
        try:
            for thread in self._threads:
                thread.start()
            one = self._submission
            message = {"source": one.source, "cells": one.cells, "helpers": one.helpers}
            return self._exchange(message, [])[0]
        except BaseException:  # an interrupt, say: nothing is to be left behind
            self.close()
            raise

    def _watch(self, process, over):
        while not over.wait(0.1):
            if excess := process.excess():
                self._ended_for = excess
                process.kill()
                return

    def _exchange(self, message, arrays):
        """Send one message and wait for the answer: (report, numbers)."""
        self._messages += 1
        start = time.monotonic()
        self._questions.put((message | {"id": self._messages}, arrays))
        try:
            answer, reason = self._answers.get(timeout=self._seconds), "crash"
        except queue.Empty:
            answer, reason = None, "time"
        self._left -= time.monotonic() - start
        if answer:
            return answer
        reason = self._ended_for or reason
        self.close()
        return {"died": reason}, []

    def _drain(self, output):
        limit = self._sandbox.limits.output_bytes
        with contextlib.suppress(OSError):
            while data := os.read(output, 1 << 16):
                room = max(0, limit - len(self._output))
                self._output += data[:room]
                self._dropped += len(data[room:])
        os.close(output)


_FOREIGN = (  # what a stranger's answer can raise
    OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError
)  # fmt: skip


def _talk(requests, replies, questions, answers):
    """Ask, until there are no questions any more or no proper answers; then hang up.

    Who talks hangs up: a number that were closed while something still reads would come to mean the next submission's.
    """
    try:
        with contextlib.suppress(*_FOREIGN):
            while question := questions.get():
                message, arrays = question
                wire.send(requests, message, arrays)
                report = {}
                while report.get("id") != message["id"]:  # anything else was not asked for
                    report, numbers = wire.receive(replies, np.float64, 32 << 20, 1 << 20)
                answers.put(_checked(report, numbers, message, arrays))
    finally:
        answers.put(None)
        os.close(requests)
        os.close(replies)


def _checked(report, numbers, message, arrays):
    """The answer to `message`, if it is what a worker may say: a submission can write to the pipe as well."""
    if not isinstance(report, dict):
        raise TypeError("no report")
    if "error" in report:
        return {"error": _checked_error(report["error"])}, []
    if "function" not in message:  # it was to be loaded
        return {"functions": [name for name in FUNCTIONS if name in list(report["functions"])]}, []
    shape, changed = report.get("shape", []), report.get("changed", [])
    if not all(isinstance(part, list) and len(part) <= 20 for part in (shape, changed)):
        raise TypeError("no shape")
    if not all(type(n) is int and n < 1 << 60 for n in (*shape, *changed)):
        raise TypeError("no shape")
    if numbers and list(numbers[0].shape) != shape:
        raise ValueError("the shape is another")
    if [array.shape for array in numbers[1:]] != [array.shape for array in arrays[1:]]:
        numbers = numbers[:1]  # no gradients, or wrong ones
    answer = {
        "kind": _line(report["kind"]),
        "shape": shape,
        "changed": [i for i in changed if 0 <= i < len(arrays)],
    }
    answer["requires_grad"] = bool(report.get("requires_grad"))
    return answer | ({"dtype": _line(report["dtype"])} if "dtype" in report else {}), numbers


def _checked_error(error):
    parameters = error.get("parameters")
    is_list = isinstance(parameters, list) and all(isinstance(name, str) for name in parameters)
    names = [_line(name) for name in parameters[:20]] if is_list else []
    return {"type": "Exception", "message": "", "parameters": names} | {
        key: _line(error[key]) if kind is str else error[key]
        for key, kind in (("type", str), ("message", str), ("module", str), ("code", str), ("line", int))
        if type(error.get(key)) is kind
    }


def _line(text):
    """`text` as one printable line, so that it can't pass for lines of a report."""
    return " ".join(_printable(str(text)[:1000].strip().partition("\n")[0]).split())[:300]


def _printable(text):
    """Without the control characters that could write over a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
