"""Talks to one submission in its process. What comes back is data, never code."""

import contextlib
import os
import queue
import tempfile
import threading
import time
from dataclasses import dataclass

import numpy as np

from .inside import FUNCTIONS, wire
from .sandbox import Process, Sandbox, SandboxError, remove
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

    def __init__(
        self,
        sandbox: Sandbox,
        submission: Submission,
        seconds: float | None = None,
        started: "tuple[str, Process] | None" = None,
    ):
        """`seconds` replaces the sandbox's limit of time; `started` is a folder and a process to use first."""
        self._sandbox, self._submission = sandbox, submission
        self._seconds = seconds or sandbox.limits.seconds
        self._left = 6 * self._seconds  # for all that a submission does, however slow it is
        self._output, self._dropped, self._messages = bytearray(), 0, 0
        self._process = self._reader = self._folder = None
        self._started, self._ended_for = started, None
        self._over = threading.Event()
        try:
            self.loaded = self._load()
        except BaseException:  # an interrupt, say: nothing is to be left behind
            self.close()
            raise

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
        self._process.kill()
        self._questions.put(None)
        self._talker.join(5)
        if not self._talker.is_alive():  # else its numbers must not come to mean the next submission's
            for fd in (self._process.requests, self._process.replies):
                os.close(fd)
        self._reader.join(1)
        self._watcher.join(1)
        self._process = None
        remove(self._folder)

    def _load(self):
        self._folder, self._process = self._started or (None, None)
        self._started = None
        if self._process is None:
            self._folder = os.path.realpath(tempfile.mkdtemp(prefix="submission-"))
            try:
                self._process = self._sandbox.start(self._folder)
            except SandboxError:
                remove(self._folder)
                raise
        self._over.clear()
        self._reader = threading.Thread(target=self._drain, args=(self._process.output,), daemon=True)
        self._watcher = threading.Thread(target=self._watch, args=(self._process,), daemon=True)
        self._questions, self._answers = queue.SimpleQueue(), queue.SimpleQueue()
        self._talker = threading.Thread(
            target=_talk, args=(self._process, self._questions, self._answers), daemon=True
        )
        self._reader.start()
        self._watcher.start()
        self._talker.start()
        one = self._submission
        message = {"source": one.source, "cells": one.cells, "helpers": one.helpers}
        return self._exchange(message, [])[0]

    def _watch(self, process):
        """What the system limits for each process only is watched here for all of them."""
        while not self._over.wait(0.1):
            if self._sandbox.uses_too_much():
                self._ended_for = "memory"
            elif "files" not in self._sandbox.protections and self._is_too_full():
                self._ended_for = "disk"
            else:
                continue
            process.kill()
            return

    def _is_too_full(self):
        size = count = 0
        folders = [self._folder]
        for folder in folders:
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    count += 1
                    with contextlib.suppress(OSError):
                        size += entry.stat(follow_symlinks=False).st_size
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                    if size > self._sandbox.limits.folder_bytes or count > 4096:
                        return True
        return False

    def _exchange(self, message, arrays):
        """Send one message and wait for the answer: (report, numbers)."""
        self._messages += 1
        message = message | {"id": self._messages}
        start = time.monotonic()
        self._questions.put((message, arrays))
        # A process that is not a fork imports torch first.
        seconds = self._seconds + (30 if not self._sandbox.fork and "cells" in message else 0)
        try:
            answer, reason = self._answers.get(timeout=seconds), "crash"
        except queue.Empty:
            answer, reason = None, "time"
        self._left -= time.monotonic() - start
        if answer is not None:
            return answer
        reason = self._ended_for or reason
        self._ended_for = None
        self.close()
        return {"died": reason}, []

    def _drain(self, fd):
        limit = self._sandbox.limits.output_bytes
        with contextlib.suppress(OSError):
            while data := os.read(fd, 1 << 16):
                room = max(0, limit - len(self._output))
                self._output += data[:room]
                self._dropped += len(data[room:])
        os.close(fd)


def _talk(process, questions, answers):
    """Puts an answer for each question, or None and no more where there is no proper one."""
    try:
        while (question := questions.get()) is not None:
            message, arrays = question
            wire.send(process.requests, message, arrays)
            report = {}
            while report.get("id") != message["id"]:  # anything else was not asked for
                report, numbers = wire.receive(process.replies, np.float64, 32 << 20, 1 << 20)
            answers.put(_checked(report, numbers, message, arrays))
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        OverflowError,
    ):
        pass  # the process ended, or it says what no worker says
    finally:
        answers.put(None)


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
