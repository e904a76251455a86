"""Namespaces: a submission sees no processes but its own, no network, and of files what rules.py shows."""

import os
import signal
import socket

from .linux import check, libc
from .rules import DEVICES, SHARED_MEMORY, rules_for
from .settings import Settings

_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE, _RELATIME = 1, 0x20, 0x1000, 0x4000, 0x40000, 0x200000
_NOSUID, _NODEV, _NOEXEC, _NOATIME, _NODIRATIME = 2, 4, 8, 1024, 2048

_COVER = b"size=64k,nr_inodes=1024,mode=755"  # empty files take memory as well
_NEVER_COVERED = ("/", "/usr", "/usr/lib", "/etc")  # should somebody grade from there
FOLDER = os.path.realpath("/tmp") + "/.submission"  # the same for each, which has its own there


def enter() -> int:
    """From here on, this process is the first in a namespace of processes, whose file number is returned.

    Its parent waits for its end.

    Raises:
        OSError: something is refused.
    """
    uid, gid = os.getuid(), os.getgid()
    check(libc().unshare(_NEWPID | _NEWNET | _NEWIPC | (0 if uid == 0 else _NEWUSER)))
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
    libc().prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    return os.open("/proc/self/ns/pid", os.O_RDONLY)


_files: int | None = None  # the namespace of mounts that all forks of this process begin with


def prepare(namespace: int, settings: Settings) -> None:
    """To be called before each fork: it is the first process of a namespace of its own, inside of this one.

    When that ends, the kernel ends all that is in it.

    Raises:
        OSError: something is refused.
    """
    global _files
    if _files is None:
        _files = _with_hidden_files(settings)
    check(libc().setns(namespace, _NEWPID))
    check(libc().unshare(_NEWPID))


def enter_files(settings: Settings) -> None:
    """In the fork: see only the files of the rules, and write to memory.

    Raises:
        OSError: something is refused.
    """
    check(libc().setns(_files, _NEWNS))
    check(libc().unshare(_NEWNS))
    for path, size in _own(settings).items():
        _mount("tmpfs", path, b"tmpfs", _NOSUID | _NODEV, size)
    if settings.uid is not None:
        os.chown(settings.folder, settings.uid, settings.uid)


def _own(settings):
    """What it may write to, with the sizes."""
    folder = b"size=%d,nr_inodes=4096,mode=700" % settings.limits.folder_bytes
    return {settings.folder: folder, SHARED_MEMORY: b"size=1m,nr_inodes=256,mode=1777"}


def _with_hidden_files(settings):
    """The number of a namespace of mounts. A process makes it and ends: this one would find no way back."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if os.fork() == 0:
            try:
                os.umask(0o022)  # a strict one would make folders that the submission's user can't enter
                check(libc().unshare(_NEWNS))
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
    rules = rules_for(settings)
    _mount("none", "/", None, _REC | _PRIVATE)
    shown = {path: os.open(path, os.O_PATH) for path in rules.read if _is_folder(path)}
    devices = {path: os.open(path, os.O_PATH) for path in DEVICES}
    unnamed = {f"/{name}" for name in os.listdir("/")} - {*rules.read, "/proc"}
    hidden = {*filter(_is_folder, unnamed), *rules.hidden} - {*_NEVER_COVERED} - {*shown}
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
    for path in _own(settings):
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
    check(libc().mount(os.fsencode(source), os.fsencode(target), kind, flags, options))
