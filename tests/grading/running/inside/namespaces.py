"""Namespaces: a submission sees no processes but its own, no network, and of files what rules.py shows."""

import os
import signal
import socket

from . import rules
from .linux import check, libc
from .settings import Settings

_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE, _RELATIME = 1, 0x20, 0x1000, 0x4000, 0x40000, 0x200000
_NOSUID, _NODEV, _NOEXEC, _NOATIME, _NODIRATIME = 2, 4, 8, 1024, 2048

_COVER = b"size=64k,nr_inodes=1024,mode=755"  # empty files take memory as well
_NEVER_COVERED = ("/", "/usr", "/usr/lib", "/etc")  # should somebody grade from there
FOLDER = os.path.realpath("/tmp") + "/.submission"  # the same for each, which has its own there
_SHARED_MEMORY = "/dev/shm"  # for semaphores of its own, by which its processes wait


class Namespaces:
    """Those that forks of this process begin in. It becomes the first of one itself; its parent waits."""

    def __init__(self, settings: Settings):
        """
        Raises:
            OSError: something is refused.
        """
        uid, gid = os.getuid(), os.getgid()
        check(libc.unshare(_NEWPID | _NEWNET | _NEWIPC | (0 if uid == 0 else _NEWUSER)))
        if uid != 0:  # a namespace of users makes an ordinary user the master of the other namespaces
            maps = (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1"))
            for name, text in maps:
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(text)
        pid = os.fork()
        if pid:
            os.closerange(3, 1024)
            os.waitpid(pid, 0)
            os._exit(0)
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        self._processes = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self._files = _with_hidden_files(settings)
        self._room = b"size=%d,nr_inodes=4096,mode=700" % settings.limits.folder_bytes

    def fork(self) -> int:
        """A fork, the first process of a namespace inside of this one's: the kernel ends all with it."""
        check(libc.setns(self._processes, _NEWPID))
        check(libc.unshare(_NEWPID))
        return os.fork()

    def enter_files(self, uid: int | None) -> None:
        """In the fork: see only the files of the rules, and write to memory."""
        check(libc.setns(self._files, _NEWNS))
        check(libc.unshare(_NEWNS))
        _mount("tmpfs", FOLDER, b"tmpfs", _NOSUID | _NODEV, self._room)
        _mount("tmpfs", _SHARED_MEMORY, b"tmpfs", _NOSUID | _NODEV, b"size=1m,nr_inodes=256,mode=1777")
        if uid is not None:
            os.chown(FOLDER, uid, uid)


def _with_hidden_files(settings):
    """The number of a namespace of mounts. A process makes it and ends: this one would find no way back."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if os.fork() == 0:
            try:
                os.umask(0o022)  # a strict one would make folders that the submission's user can't enter
                check(libc.unshare(_NEWNS))
                namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY)
                _hide_files(settings)
                socket.send_fds(theirs, [b"."], [namespace])
            finally:
                os._exit(0)
        theirs.close()
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    if not fds:
        raise OSError("files can't be hidden")
    return fds[0]


def _hide_files(settings):
    """Cover what the rules hide and don't name, and show the rest read-only.

    A folder inside another is treated after it, so that the innermost word counts.
    """
    _mount("none", "/", None, _REC | _PRIVATE)
    names = rules.shown(settings)
    shown = {path: os.open(path, os.O_PATH) for path in names if _is_folder(path)}
    devices = {path: os.open(path, os.O_PATH) for path in rules.DEVICES}
    unnamed = {f"/{name}" for name in os.listdir("/")} - {*names, "/proc"}
    hidden = {*filter(_is_folder, unnamed), *rules.hidden(settings)} - {*_NEVER_COVERED} - {*shown}
    covers = ["/proc"]
    for path in sorted((*hidden, *shown), key=lambda path: path.count("/")):
        if path in shown:
            os.makedirs(path, exist_ok=True)
            _show(shown[path], path)
        elif _is_folder(path):
            _mount("tmpfs", path, b"tmpfs", 0, _COVER)
            covers.append(path)
        elif os.path.isfile(path):
            _mount(f"/proc/self/fd/{devices['/dev/null']}", path, None, _BIND)
    for path, fd in devices.items():
        open(path, "w").close()
        _mount(f"/proc/self/fd/{fd}", path, None, _BIND)
    for path in (FOLDER, _SHARED_MEMORY):
        os.makedirs(path)
    _mount("tmpfs", "/proc", b"tmpfs", 0, _COVER)
    for path in covers:  # one submission must leave nothing there for the next
        _mount("none", path, None, _REMOUNT | _BIND | _RDONLY)


def _show(fd, path):
    """Mount a folder, opened before it was covered, read-only: an ordinary user owns the packages, maybe."""
    _mount(f"/proc/self/fd/{fd}", path, None, _BIND | _REC)
    os.close(fd)
    flags = os.statvfs(path).f_flag  # those that are set already have to stay
    kept = flags & (_NOSUID | _NODEV | _NOEXEC | _NOATIME | _NODIRATIME)
    relative = _RELATIME if flags & 0x1000 else 0
    _mount("none", path, None, _REMOUNT | _BIND | _RDONLY | kept | relative)


def _is_folder(path):
    return os.path.isdir(path) and not os.path.islink(path)


def _mount(source, target, kind, flags, options=None):
    check(libc.mount(os.fsencode(source), os.fsencode(target), kind, flags, options))
