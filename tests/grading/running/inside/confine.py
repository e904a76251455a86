"""Shuts submissions in: limits, a user without rights, and what their level has beside them."""

import contextlib
import ctypes
import os
import signal

from . import landlock, rules, seccomp
from .linux import check, end_below, libc
from .namespaces import Namespaces
from .settings import Settings

try:
    import fcntl
    import resource
except ImportError:  # Windows
    fcntl = resource = None

# Processes and threads of one submission. Torch computes with one thread here.
MAX_TASKS = 40


class Confinement:
    """Shuts in the forks of this process, one at a time. What is the same for all of them is done once."""

    def __init__(self, settings: Settings):
        """
        Raises:
            OSError, KeyError: this machine can't give what the level has.
        """
        level = self._level = settings.level
        self._limits = settings.limits
        self._namespaces = Namespaces(settings) if level.namespaces else None
        self._filter = seccomp.steps_for_all(is_alone=level.namespaces) if level.filter else b""
        self._shown = []
        if level.landlock:
            hidden, names = rules.hidden(settings), filter(os.path.exists, rules.shown(settings))
            self._shown = [one for path in names for one in rules.outside(os.path.realpath(path), hidden)]
        if libc is not None and not self._namespaces:
            libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: no daemon leaves this family

    def fork(self) -> int:
        """As os.fork; `enter` is to be called by the new process."""
        return self._namespaces.fork() if self._namespaces else os.fork()

    def close(self) -> None:
        """End all that was forked."""
        if not self._namespaces:  # else the kernel does it
            end_below(os.getpid())

    def enter(self, folder: str, uid: int | None, line: tuple[int, ...]) -> list[int]:
        """Limit this process and what it can see, then give up root's rights.

        Args:
            folder: where it may write, by the name under which it sees it.
            uid: the user and group that it becomes, None for the grader's own.
            line: the files by which it talks to the grader. All others but the first three are closed.

        Returns the new numbers of `line`.

        Raises:
            OSError: this machine can't give what the level has.
        """
        if resource is None:
            return list(line)
        # A submission that closes all the low numbers keeps its line to the grader, and gets no other.
        high = min(700, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 10)
        line = [fcntl.fcntl(fd, fcntl.F_DUPFD, high) for fd in line]
        level = self._level
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # should the machine's memory end, this is what goes first
        os.umask(0o022)  # a strict one would make folders that the submission's user can't enter
        self._limit(uid)
        if self._namespaces:
            self._namespaces.enter_files(uid)
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            if level.reads_all:
                libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
            os.setresuid(uid, uid, uid)
        if level.namespaces or level.reads_all:  # so that what is hidden can't be uncovered
            _keep_capabilities(1 << 2 if level.reads_all else 0)  # CAP_DAC_READ_SEARCH
        if libc is not None:
            libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS: a set-user-id program is one like any other
        if level.landlock:
            landlock.restrict(self._shown, (*rules.DEVICES, folder))
        if level.filter:
            seccomp.refuse(self._filter, is_alone=level.namespaces)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # too large a file is an OSError
        os.closerange(3, high)
        return line

    def _limit(self, uid):
        """Before the change of user: the limit of tasks counts the new user's then, not root's."""
        limits = {
            resource.RLIMIT_CORE: 1,  # with 0, the kernel would still start the program that collects crashes
            resource.RLIMIT_NOFILE: 1024,  # buffers in the kernel are nobody's memory
            resource.RLIMIT_FSIZE: self._limits.file_bytes,
        }
        if libc is not None:
            with open("/proc/self/statm") as file:
                mapped = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            is_counted_alone = self._namespaces or uid is not None
            limits[resource.RLIMIT_AS] = mapped + self._limits.memory_bytes
            limits[resource.RLIMIT_NPROC] = MAX_TASKS + (0 if is_counted_alone else _tasks_of_user())
        for kind, value in limits.items():
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))


def _tasks_of_user():
    """What the limit counts as well, where there is no namespace and no user of the submission's own."""
    found = 0
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == os.getuid():
                found += len(os.listdir(f"/proc/{entry}/task"))
    return found


def _keep_capabilities(mask):
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    check(libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, 0, 0, 0, 0)))  # effective, permitted, …
