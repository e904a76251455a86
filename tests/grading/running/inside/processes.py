"""The family of a process: who is below it, and how all of them are ended."""

import contextlib
import os
import signal

from .linux import libc


def below(pid: int) -> list[int]:
    """The living processes below this one, as far as the system tells (Linux)."""
    children = {}
    for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{entry}/stat") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
                if state not in "ZX":
                    children.setdefault(int(parent), []).append(int(entry))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found[1:]


def end_group(pid: int) -> None:
    """End a process and its process group."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def end_below(pid: int) -> None:
    """End all processes below this one."""
    for _ in range(100):  # what is forked meanwhile is found the next time
        others = below(pid)
        for number in (signal.SIGSTOP, signal.SIGKILL):  # none is to fork while others are ended
            for other in others:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(other, number)
        if not others:
            break


def adopt_orphans() -> None:
    """From here on, no daemon leaves the family of this process (Linux)."""
    if libc() is not None:
        libc().prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
