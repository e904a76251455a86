"""Grades a class on several threads, each with a process for one submission at a time."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice

from threadpoolctl import threadpool_limits

from ..handed_in.submission import Submission
from ..judging.grade import grade
from ..judging.result import Cause, Grade, Result
from ..running.process import Process, SandboxError
from ..running.sandbox import Sandbox
from ..sheet.probes import Probes
from ..sheet.rubric import CRITERIA


class EndableSandbox(Sandbox):
    """A sandbox that a thread which doesn't use it can end."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self._ended = False
        self._latest: dict[int, Process] = {}  # of each thread

    def start(self, *arguments):
        if self._ended:
            raise SandboxError("The grader was ended.")
        process = self._latest[threading.get_ident()] = super().start(*arguments)
        if self._ended:
            process.kill()
        return process

    def end(self) -> None:
        """End the submissions of now, and start none any more. The rest is the threads' own to end."""
        self._ended = True
        for process in list(self._latest.values()):
            process.kill()


def grade_all(
    submissions: Iterable[Submission], sandbox: EndableSandbox, probes: Probes, jobs: int = 1
) -> Iterator[Grade]:
    """The grades as they come, `jobs` at the same time. Whatever ends this also ends what still runs.

    Raises:
        SandboxError: no submission can be graded on this machine.
    """
    waiting = iter(submissions)
    # More threads of the grader's own would take the submissions' time; some libraries count for each thread.
    with (
        threadpool_limits(1),
        ThreadPoolExecutor(jobs, initializer=threadpool_limits, initargs=(1,)) as pool,
    ):
        running = set()
        try:
            while True:
                more = islice(waiting, 2 * jobs - len(running))  # so many that no thread waits for this one
                running |= {pool.submit(_grade, one, sandbox, probes) for one in more}
                if not running:
                    break
                done, running = wait(running, 1, FIRST_COMPLETED)  # for ever, Windows would hear no Ctrl-C
                for found in sorted(done, key=lambda one: one.exception() is not None):  # what is there first
                    yield found.result()
        finally:
            for found in running:
                found.cancel()
            sandbox.end()


def _grade(submission, sandbox, probes):
    """A submission that the grader itself stumbles over costs its own grade, not the run."""
    try:
        return grade(submission, sandbox, probes)
    except SandboxError:
        raise
    except Exception as error:
        reason = f"The grader failed at this submission ({type(error).__name__})."
        cause = Cause("grader error", reason, needs_human=True)
        return Grade("", [Result(criterion, (cause,)) for criterion in CRITERIA]).of(submission)
