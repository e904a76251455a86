"""Namespaces: a submission sees no processes but its own, no network, and only the files that it may see."""

import os
import signal
import socket

from . import mounts
from .linux import check, libc
from .rules import rules_for
from .settings import Settings

_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000


class Namespaces:
    """What the submissions of one fork server share, which follow one another: network and mounts."""

    def __init__(self):
        """From here on, this process is the first in a namespace of processes. Its parent waits for its end.

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
        self._processes = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self._files = None

    def prepare(self, settings: Settings) -> None:
        """To be called before each fork: it is the first process of a namespace of its own.

        When that ends, the kernel ends all that is in it.

        Raises:
            OSError: something is refused.
        """
        if self._files is None:
            self._files = self._namespace_of_mounts(settings)
        check(libc().setns(self._processes, _NEWPID))
        check(libc().unshare(_NEWPID))

    def enter(self, settings: Settings) -> None:
        """In the fork: see only the files of the rules, and a folder of its own in memory.

        Raises:
            OSError: something is refused.
        """
        check(libc().setns(self._files, _NEWNS))
        check(libc().unshare(_NEWNS))
        mounts.own_folders(settings.folder, settings.folder_bytes, settings.uid)

    def _namespace_of_mounts(self, settings):
        """Its file number. A process makes it and ends: an ordinary user's would find no way back."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            if os.fork() == 0:
                try:
                    os.umask(0o022)  # a strict one would make folders that the submission's user can't enter
                    check(libc().unshare(_NEWNS))
                    namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY)
                    mounts.hide_files(rules_for(settings))
                    socket.send_fds(theirs, [b"."], [namespace])
                finally:
                    os._exit(0)
            theirs.close()
            _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        if not fds:
            raise OSError("files can't be hidden")
        return fds[0]


def _unshare(flags):
    uid, gid = os.getuid(), os.getgid()
    check(libc().unshare(flags | (0 if uid == 0 else _NEWUSER)))
    if uid != 0:  # a namespace of users makes an ordinary user the master of the other namespaces
        maps = (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1"))
        for name, text in maps:
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
