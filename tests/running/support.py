"""What the tests of the sandbox share: example programs, and questions to the system."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.examples import RIGHT
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.running.inside.linux import below
from tests.grading.running.process import Limits
from tests.grading.running.session import Session
from tests.grading.sheet.rubric import TOTAL

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
IS_LINUX = sys.platform.startswith("linux")
LINUX = pytest.mark.skipif(not IS_LINUX, reason="Linux")
ROOT_ONLY = pytest.mark.skipif(not IS_LINUX or os.geteuid() != 0, reason="root on Linux")
LIMITS = Limits(seconds=5, memory_bytes=512 << 20)


def program(name: str, **constants) -> str:
    """An example program, with these constants above it."""
    lines = [f"{key} = {value!r}\n" for key, value in constants.items()]
    return "".join(lines) + (PROGRAMS / f"{name}.py").read_text(encoding="utf-8")


def output_of(sandbox, source: str) -> str:
    """What a submission prints while it is loaded."""
    with Session(sandbox, submission_of(source)) as session:
        session.close()
    return session.output


def submission_of(source: str) -> Submission:
    """A script that imports what its lines say."""
    imports = re.findall(r"(?m)^(?:import|from) (\w+)", source)
    return Submission("test", source=source, imports=frozenset(imports))


def loaded_from(sandbox, source: str):
    """What loading a submission comes to."""
    with Session(sandbox, Submission("test", source=source)) as session:
        return session.loaded


def grades_right(sandbox, source: str = RIGHT) -> bool:
    """Whether a right submission gets all points."""
    return grade(Submission("right", source=source), sandbox).total == TOTAL


def eventually(condition, seconds: float = 20):
    """What `condition` says as soon as that is true, or at the end."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def server_of(sandbox) -> int:
    """The process that this thread's submissions are forked from."""
    process = sandbox.start()
    process.end()
    for number in (process.requests, process.replies, process.output):
        os.close(number)
    return process.family


def idle_server_of(sandbox) -> int:
    """The same, once all that was forked from it for earlier submissions has ended."""
    server = server_of(sandbox)
    of_its_own = 1 if sandbox.level.namespaces else 0  # the first process of its namespace
    assert eventually(lambda: len(below(server)) == of_its_own)
    return server


def end(pid: int) -> None:
    """End a process, and wait until all below it have ended, too."""
    family = [pid, *below(pid)]
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not any(map(is_running, family)))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def family_of(sandbox) -> set[int]:
    """All processes below the one that imported torch."""
    return {*below(parent_of(server_of(sandbox)))}
