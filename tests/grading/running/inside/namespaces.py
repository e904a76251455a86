"""Namespaces: a submission sees no processes but its own, and no network."""

import os
import signal

from .linux import check, libc

_NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x8000000, 0x10000000, 0x20000000, 0x40000000


def enter() -> int:
    """From here on, this process is the first in a namespace of processes, whose file number is returned.

    Its parent waits for its end.

    Raises:
        OSError: something is refused.
    """
    _unshare(_NEWPID | _NEWNET | _NEWIPC)
    pid = os.fork()
    if pid:
        os.closerange(3, 1024)
        os.waitpid(pid, 0)
        os._exit(0)
    libc().prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    return os.open("/proc/self/ns/pid", os.O_RDONLY)


def prepare(namespace: int) -> None:
    """To be called before each fork: it is the first process of a namespace of its own, inside of this one.

    When that ends, the kernel ends all that is in it.

    Raises:
        OSError: something is refused.
    """
    check(libc().setns(namespace, _NEWPID))
    check(libc().unshare(_NEWPID))


def _unshare(flags):
    uid, gid = os.getuid(), os.getgid()
    check(libc().unshare(flags | (0 if uid == 0 else _NEWUSER)))
    if uid != 0:  # a namespace of users makes an ordinary user the master of the other namespaces
        maps = (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1"))
        for name, text in maps:
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
