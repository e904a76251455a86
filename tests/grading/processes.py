"""One submission's process: what it may use, what it holds, and how nothing is left of it."""

import atexit
import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .inside.confine import below

MAX_FILES = 4096


@dataclass(frozen=True)
class Limits:
    """What a submission may use. Time is per call, and once for the import."""

    seconds: float = 10.0
    memory_bytes: int = 4 << 30
    file_bytes: int = 16 << 20
    folder_bytes: int = 64 << 20
    output_bytes: int = 64 << 10


class SandboxError(Exception):
    """The grader itself can't go on on this machine. Nothing that was handed in raises this."""


@dataclass(eq=False)
class Process:
    """A started process, ready to load a submission.

    Attributes:
        folder: where it may write. Gone when the process is ended.
        requests, replies, output: file numbers, for who talks and who listens to close.
        family: the process below which all processes of the submission are.
        memory_bytes: what the family may hold together.
        folder_bytes: what the folder may hold, or None where the system bounds it.
        kill: ends the submission's processes, all that can be found.
    """

    folder: str
    requests: int
    replies: int
    output: int
    family: int
    memory_bytes: int
    folder_bytes: int | None
    kill: Callable[[], None]

    def __post_init__(self):
        atexit.register(self.end)  # should an interrupt come while it is being ended

    def excess(self) -> str | None:
        """What it has taken too much of, "memory" or "disk": the system's limits are for each process alone."""
        if memory_of([self.family, *below(self.family)]) > self.memory_bytes:
            return "memory"
        return (
            "disk" if self.folder_bytes is not None and _holds_more(self.folder, self.folder_bytes) else None
        )

    def end(self) -> None:
        """Kill it, and remove its folder. May be called twice."""
        self.kill()
        remove(self.folder)
        atexit.unregister(self.end)


def memory_of(pids: Iterable[int]) -> int:
    """The memory that these processes hold, in bytes; what several share counts once (Linux, else 0)."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += 1024 * int(next(line for line in file if line.startswith("Pss:")).split()[1])
        except (OSError, ValueError, StopIteration):  # a process can forbid to look: count all that it maps
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/statm") as file:
                total += os.sysconf("SC_PAGE_SIZE") * int(file.read().split()[1])
    return total


def _holds_more(folder, limit):
    size = count = 0
    folders = [folder]
    for one in folders:
        with contextlib.suppress(OSError), os.scandir(one) as entries:
            for entry in entries:
                count += 1
                with contextlib.suppress(OSError):
                    size += entry.stat(follow_symlinks=False).st_size
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                if size > limit or count > MAX_FILES:
                    return True
    return False


def remove(folder: str) -> None:
    """Remove a folder, however deep, full or locked it is."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        if os.name == "posix":  # these two know no depth and no longest path
            for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
                subprocess.run([*command, "--", folder], stderr=subprocess.DEVNULL, check=False)
        else:
            shutil.rmtree(folder, ignore_errors=True)
