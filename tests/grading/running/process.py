"""One submission's process: what it may use, what it holds, and how nothing is left of it."""

import atexit
import contextlib
import math
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .inside.linux import end_below, end_group
from .inside.settings import Limits as Limits

MAX_FILES = 4096
MAX_MAPPED = 16  # files that are removed and closed, and held by being mapped alone


class SandboxError(Exception):
    """The grader itself can't go on on this machine. Nothing that was handed in raises this."""


@dataclass(eq=False)
class Process:
    """A started process, ready to load a submission.

    Attributes:
        folder: where it may write, in a folder of the grader's. Gone when the process is ended.
        requests, replies, output: file numbers, for who talks and who listens to close.
        family: the process below which all processes of the submission are.
        memory_bytes: what the family may hold together.
        folder_bytes: what the folder may hold, or None where the system bounds it.
        kill: ends the submission's processes, all that can be found.
        is_fork: whether it was forked from `family`, and ends with it.
    """

    folder: str
    requests: int
    replies: int
    output: int
    family: int
    memory_bytes: int
    folder_bytes: int | None
    kill: Callable[[], None]
    is_fork: bool

    def __post_init__(self):
        atexit.register(self.end)  # should an interrupt come while it is being ended

    def excess(self, pids: list[int]) -> str | None:
        """What these, its processes, have too much of, "memory" or "disk": the system limits each alone."""
        if memory_of([self.family, *pids]) > self.memory_bytes:
            return "memory"
        if self.folder_bytes is None:
            return None
        return "disk" if disk_of(self.folder, pids, self.folder_bytes) > self.folder_bytes else None

    @property
    def is_orphan(self) -> bool:
        """Whether what it was forked from has died."""
        return self.is_fork and not os.path.exists(f"/proc/{self.family}")

    def end(self) -> None:
        """Kill it, and remove its folder. May be called twice."""
        self.kill()
        remove(os.path.dirname(self.folder))
        atexit.unregister(self.end)


def end_family(pid: int, family: int, uid: int | None) -> None:
    """End a process and its group, all below `family`, and as root whatever else this user has."""
    end_below(family)
    end_group(pid)
    if uid is not None:
        command = ["/bin/sh", "-c", "kill -KILL -1"]
        with contextlib.suppress(OSError):  # whoever can't become that user has started nothing as that user
            subprocess.run(command, user=uid, group=uid, extra_groups=[], check=False)


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


def times_of(pids: Iterable[int]) -> tuple[float, float]:
    """How many seconds these processes have computed, and have waited for a processor (Linux, else 0)."""
    computed = waited = 0.0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{pid}/stat") as file:
                ticks = file.read().rpartition(")")[2].split()[11:15]
            computed += sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
            with open(f"/proc/{pid}/schedstat") as file:
                waited += int(file.read().split()[1]) / 1e9
    return computed, waited


def disk_of(folder: str, pids: Iterable[int], enough: int) -> float:
    """The bytes in this folder, and in files that these processes hold open though they are removed.

    Counting ends at `enough`; what can't be looked at or has too many files is without end.
    """
    size = count = 0
    if len(set().union(*(_mapped_of(folder, pid) for pid in pids))) > MAX_MAPPED:
        return math.inf
    folders = [folder, *(f"/proc/{pid}/fd" for pid in pids)]
    for one in folders:
        of_process = one.startswith("/proc/")
        try:
            with os.scandir(one) as entries:
                for entry in entries:
                    count += not of_process
                    with contextlib.suppress(FileNotFoundError):
                        status = entry.stat(follow_symlinks=of_process)
                        if not of_process or (stat.S_ISREG(status.st_mode) and status.st_nlink == 0):
                            size += max(status.st_size, 512 * getattr(status, "st_blocks", 0))
                        if not of_process and stat.S_ISDIR(status.st_mode):
                            folders.append(entry.path)
                    if size > enough or count > MAX_FILES:
                        return math.inf
        except (FileNotFoundError, ProcessLookupError):  # gone meanwhile
            continue
        except OSError:
            if of_process and os.geteuid() == 0:
                continue  # root of a container that may not look (Docker): nobody has hidden anything
            return math.inf
    return size


def _mapped_of(folder, pid):
    """The numbers of this folder's removed files that a process has mapped; their sizes can't be seen."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", errors="replace") as file:
        lines = (line.split(maxsplit=5) for line in file if line.endswith(" (deleted)\n"))
        return {line[4] for line in lines if line[5].startswith(folder)}
    return set()


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
