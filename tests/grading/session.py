"""Talks to one submission in its process. What comes back is data, never code."""

import contextlib
import os
import tempfile
import threading
import time

import numpy as np

from . import answers
from .answers import Answer, Died, Missing
from .inside import FUNCTIONS, wire
from .sandbox import Process, Sandbox, SandboxError, remove
from .submission import Submission


class Session:
    """One submission in the sandbox. If its process dies, the next call starts another.

    Attributes:
        loaded: the names of the sheet's functions that it defines, or Raised or Died.
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
        self._dead: dict[str, Died] = {}
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
        return answers.printable(text) + (
            f"\n[{self._dropped:,} more bytes dropped]" if self._dropped else ""
        )

    def call(
        self,
        function: str,
        arrays: list[np.ndarray],
        differentiate: bool = False,
        part: int | None = None,
        quiet: bool = False,
    ) -> Answer:
        """Call `function` with fresh tensors of these float32 arrays; the modes are those of inside/call.py.

        A function that once ended the process is not asked again.
        """
        if function in self._dead:
            return self._dead[function]
        if isinstance(self.loaded, tuple) and function not in self.loaded:
            return Missing(function)
        answer = Died("time")
        if self._left >= 0:
            answer = self._load() if self._process is None else ()
        if isinstance(answer, tuple):
            question = {"function": function, "modes": [differentiate, part, quiet]}
            answer = self._exchange(question, arrays, lambda *reply: answers.read(*reply, arrays))
        if isinstance(answer, Died):
            self._dead[function] = answer
        return answer

    def close(self):
        if self._process is None:
            return
        self._over.set()
        self._process.kill()
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
        self._reader.start()
        self._watcher.start()
        one = self._submission
        message = {"source": one.source, "cells": one.cells, "helpers": one.helpers}
        return self._exchange(message, [], _functions)

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

    def _exchange(self, message, arrays, read):
        """Send one message, and `read` the answer to it."""
        found = []
        self._messages += 1
        message = message | {"id": self._messages}

        def talk(requests=self._process.requests, replies=self._process.replies):
            with contextlib.suppress(
                OSError,
                EOFError,
                ValueError,
                KeyError,
                TypeError,
                AttributeError,
                RecursionError,
                OverflowError,
            ):
                wire.send(requests, message, arrays)
                report = {}
                while report.get("id") != message["id"]:  # anything else was not asked for
                    report, numbers = wire.receive(replies, np.float64, 32 << 20, 1 << 20)
                found.append(read(report, numbers))

        self._talker = talker = threading.Thread(target=talk, daemon=True)
        talker.start()
        start = time.monotonic()
        # A process that is not a fork imports torch first.
        talker.join(self._seconds + (30 if not self._sandbox.fork and "cells" in message else 0))
        self._left -= time.monotonic() - start
        if found:
            return found[0]
        reason = self._ended_for or ("time" if talker.is_alive() else "crash")
        self._ended_for = None
        self._process.kill()
        talker.join(5)
        self.close()
        return Died(reason)

    def _drain(self, fd):
        limit = self._sandbox.limits.output_bytes
        with contextlib.suppress(OSError):
            while data := os.read(fd, 1 << 16):
                room = max(0, limit - len(self._output))
                self._output += data[:room]
                self._dropped += len(data[room:])
        os.close(fd)


def _functions(report, _):
    """What loading came to: the functions that are there, or why there are none."""
    if "error" in report:
        return answers.read_error(report["error"])
    return tuple(name for name in FUNCTIONS if name in list(report["functions"]))
