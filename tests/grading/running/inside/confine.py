"""Shuts a submission in: limits, a user without rights, and what its level has beside them."""

import contextlib
import ctypes
import os
import signal

from . import landlock, namespaces, seccomp
from .linux import check, libc
from .rules import rules_for
from .settings import Settings

# Processes and threads of one submission. Torch computes with one thread here.
MAX_TASKS = 40


def confine(settings: Settings) -> None:
    """Limit this process and what it can see, then give up root's rights.

    Raises:
        OSError, KeyError: this machine can't give what the level has.
    """
    level, uid = settings.level, settings.uid
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # should the machine's memory end, this is what goes first
    os.umask(0o022)  # a strict one would make folders that the submission's user can't enter
    _limit(settings)
    if level.namespaces:
        namespaces.enter_files(settings)
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        if level.reads_all:
            libc().prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
        os.setresuid(uid, uid, uid)
    if level.namespaces or level.reads_all:  # so that what is hidden can't be uncovered
        _keep_capabilities(1 << 2 if level.reads_all else 0)  # CAP_DAC_READ_SEARCH
    if libc() is not None:
        libc().prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS: a set-user-id program is a program like any other
    if level.landlock:
        landlock.restrict(rules_for(settings))
    if level.filter:
        seccomp.refuse(is_alone=level.namespaces)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # too large a file is an OSError


def _limit(settings):
    """Before the change of user: the limit of tasks counts the new user's then, not root's."""
    import resource  # not on Windows

    limits = {
        resource.RLIMIT_CORE: 1,  # with 0, the kernel would still start the program that collects crashes
        resource.RLIMIT_NOFILE: 1024,  # buffers in the kernel are nobody's memory
        resource.RLIMIT_FSIZE: settings.limits.file_bytes,
    }
    if libc() is not None:
        with open("/proc/self/statm") as file:
            mapped = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        is_counted_alone = settings.level.namespaces or settings.uid is not None
        limits[resource.RLIMIT_AS] = mapped + settings.limits.memory_bytes
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
    check(libc().capset(header, (ctypes.c_uint32 * 6)(mask, mask, 0, 0, 0, 0)))  # effective, permitted, …
