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
        namespaces.hide_files(settings)
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
    _become_user(settings)
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

    mapped = _mapped_bytes()
    is_counted_alone = settings.level.namespaces or settings.uid is not None
    limits = {
        "RLIMIT_CORE": 1,  # with 0, the kernel would still start the program that collects crashes
        "RLIMIT_NOFILE": 1024,  # buffers in the kernel are nobody's memory
        "RLIMIT_FSIZE": settings.limits.file_bytes,
        "RLIMIT_AS": mapped + settings.limits.memory_bytes if mapped else None,
        "RLIMIT_NPROC": MAX_TASKS if is_counted_alone else _tasks_of_user(MAX_TASKS),
    }
    for name, value in limits.items():
        if value is not None and hasattr(resource, name):
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))


def _become_user(settings):
    uid, level = settings.uid, settings.level
    if uid is not None:
        if level.reads_all:
            libc().prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
        os.setresuid(uid, uid, uid)
        if level.reads_all:
            _keep_capabilities(1 << 2)  # CAP_DAC_READ_SEARCH
    elif level.namespaces:
        _keep_capabilities(0)


def _keep_capabilities(mask):
    """So that what is hidden can't be uncovered. Root's others go with its user id."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    check(libc().capset(header, (ctypes.c_uint32 * 6)(mask, mask, 0, 0, 0, 0)))  # effective, permitted, …


def _mapped_bytes():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0  # not Linux


def _tasks_of_user(more):
    """What the limit counts as well, where there is no namespace and no user of the submission's own."""
    if not os.path.isdir("/proc/self"):
        return None
    found = more
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == os.getuid():
                found += len(os.listdir(f"/proc/{entry}/task"))
    return found
