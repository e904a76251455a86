"""What Python's `os` lacks: the C library's calls, families of processes, and pages of 2 MiB (Linux)."""

import contextlib
import ctypes
import os
import re
import signal
import sys

_HUGE_PAGE = 2 << 20
_COLLAPSE = 25  # MADV_COLLAPSE

# The C library with Linux's calls, or None elsewhere.
libc = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def check(result: int) -> int:
    """The result of a call, where it is no failure.

    Raises:
        OSError: it is one.
    """
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


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


def use_huge_pages() -> None:
    """Gather what this process holds into huge pages: a fork copies an entry for each, its end frees it.

    It makes forks of a large process cheap, from Linux 6.1 on, and never raises.
    """
    try:
        advise = libc.madvise
        with open("/proc/self/maps") as file:
            lines = file.readlines()
    except (OSError, AttributeError, TypeError):
        return
    advise.argtypes = [ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
    for line in lines:
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(\[heap\])?$", line)
        if found:
            start, end = (int(address, 16) for address in found.groups()[:2])
            first, last = -(-start // _HUGE_PAGE) * _HUGE_PAGE, end // _HUGE_PAGE * _HUGE_PAGE
            for page in range(first, last, _HUGE_PAGE):  # a longer call ends at the first that can't be
                advise(page, _HUGE_PAGE, _COLLAPSE)
