"""Grades submissions on several threads, some ahead of the one that is asked for."""

import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable

from threadpoolctl import threadpool_limits

from ..handed_in.submission import Submission
from ..judging.grade import grade
from ..judging.result import Grade
from ..running.process import Process, SandboxError
from ..running.sandbox import Sandbox
from ..running.session import Session
from ..sheet.probes import Probes

AHEAD = 100  # grades that may wait to be asked for: memory is bounded, and a slow one holds up few others
MANY = 100  # submissions from which on half a second of preparation pays


def cores() -> int:
    """How many this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


class Ahead:
    """Threads with a sandbox between them.

    What is expected is graded in that order, up to `AHEAD` grades before they are asked for.
    """

    def __init__(self, probes: Probes, jobs: int = 1, count: int = 1, **sandbox):
        """`count` submissions are to come; `sandbox` are the arguments of the Sandbox."""
        self._probes = probes
        self._changed = threading.Condition()
        self._waiting: deque[Submission] = deque()
        self._running: set[str] = set()
        self._done: dict[str, Grade | BaseException] = {}
        self._asked: str | None = None
        self._ended = False
        jobs = max(1, min(jobs, count))
        self._sandbox = _Sandbox(many=count > MANY, **sandbox)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(jobs)]
        # More threads of the grader's own would take the submissions' time.
        self._one_thread = threadpool_limits(1)
        for thread in self._threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def expect(self, submissions: Iterable[Submission]) -> None:
        """These will be asked for, in this order."""
        with self._changed:
            self._waiting.extend(submissions)
            self._changed.notify_all()

    def grade(self, submission: Submission) -> Grade:
        """The grade of a submission, expected or not; it is forgotten then.

        Raises:
            SandboxError: no submission can be graded on this machine.
        """
        name = submission.name
        with self._changed:
            if name not in self._done and name not in self._running:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(submission)
                self._waiting.appendleft(submission)
            self._asked = name
            self._changed.notify_all()
            while name not in self._done:
                if not any(thread.is_alive() for thread in self._threads):
                    raise SandboxError("The grader's threads have come to an end.")
                self._changed.wait(1)  # for ever, Windows would hear no Ctrl-C
            found = self._done.pop(name)
            self._changed.notify_all()
        if isinstance(found, BaseException):
            raise found
        return found

    def finished(self) -> list[Grade]:
        """What was graded and nobody asked for."""
        with self._changed:
            return [found for found in self._done.values() if isinstance(found, Grade)]

    def close(self) -> None:
        """End all at once; nothing is left of submissions that are being graded."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._sandbox.end()
        deadline = time.monotonic() + 30
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
        self._sandbox.close()
        self._one_thread.restore_original_limits()

    def _work(self):
        with threadpool_limits(1):  # some libraries count for each thread of ours
            self._sandbox.prepare()
            while (submission := self._next()) is not None:
                try:
                    found = grade(submission, self._sandbox, self._probes)
                except BaseException as error:
                    found = error
                with self._changed:
                    self._running.discard(submission.name)
                    if not self._ended:  # else its process was ended, and that is not its fault
                        self._done[submission.name] = found
                    self._changed.notify_all()

    def _next(self):
        with self._changed:
            while not self._ended:
                room = len(self._done) + len(self._running) < AHEAD
                if self._waiting and (room or self._waiting[0].name == self._asked):
                    submission = self._waiting.popleft()
                    self._running.add(submission.name)
                    return submission
                self._changed.wait()
        return None


class _Sandbox(Sandbox):
    """A sandbox that a thread which doesn't use it can end."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self._forks = arguments.get("fork", sys.platform.startswith("linux"))
        self._ended = False
        self._latest: dict[int, Process] = {}  # of each thread

    def prepare(self):
        """Import torch now, while the tests are still being collected; what fails here will fail again."""
        if self._forks:
            with contextlib.suppress(Exception), Session(self, Submission("nobody", source="")):
                pass

    def start(self, *arguments):
        if self._ended:
            raise SandboxError("The grader was ended.")
        process = self._latest[threading.get_ident()] = super().start(*arguments)
        if self._ended:
            process.kill()
        return process

    def end(self):
        """End the submissions of now, and start none any more. The rest is the threads' own to end."""
        self._ended = True
        for process in list(self._latest.values()):
            process.kill()
