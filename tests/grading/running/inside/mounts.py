"""Holds a submission to rules.py by mounts, in a namespace that is the process's own."""

import os

from .linux import check, libc
from .rules import SHARED_MEMORY, Access, Rule, paths

_RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE, _RELATIME = 1, 0x20, 0x1000, 0x4000, 0x40000, 0x200000
_NOSUID, _NODEV, _NOEXEC, _NOATIME, _NODIRATIME = 2, 4, 8, 1024, 2048

_COVER = b"size=64k,nr_inodes=1024,mode=755"  # empty files take memory as well
_NEVER_COVERED = ("/", "/usr", "/usr/lib", "/etc")  # should somebody grade from there
FOLDER = os.path.realpath("/tmp") + "/.submission"  # the same for each, which has its own there


def _mount(source, target, kind, flags, options=None):
    check(libc().mount(os.fsencode(source), os.fsencode(target), kind, flags, options))


def hide_files(rules: list[Rule]) -> None:
    """Cover what the rules hide, all that they don't name too, and show the rest read-only.

    A folder inside another is treated after it, so that the innermost word counts.
    """
    _mount("none", "/", None, _REC | _PRIVATE)
    system = {rule.path for rule in rules}
    shown = {path: os.open(path, os.O_PATH) for path in paths(rules, Access.READ) if _is_folder(path)}
    files = [path for path in paths(rules, Access.WRITE) if os.path.exists(path) and not _is_folder(path)]
    devices = {path: os.open(path, os.O_PATH) for path in files}
    unnamed = {f"/{name}" for name in os.listdir("/")} - system - {"/proc"}
    hidden = {*filter(_is_folder, unnamed), *paths(rules, Access.HIDDEN)} - {*_NEVER_COVERED} - {*shown}
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
    for path in paths(rules, Access.WRITE):  # where own_folders mounts them
        if path not in devices:
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


def own_folders(folder: str, folder_bytes: int, uid: int | None) -> None:
    """What a submission may write to, in memory."""
    size = b"size=%d,nr_inodes=4096,mode=700" % folder_bytes
    _mount("tmpfs", folder, b"tmpfs", _NOSUID | _NODEV, size)
    if uid is not None:
        os.chown(folder, uid, uid)
    size = b"size=1m,nr_inodes=256,mode=1777"
    _mount("tmpfs", SHARED_MEMORY.path, b"tmpfs", _NOSUID | _NODEV, size)


def _is_folder(path):
    return os.path.isdir(path) and not os.path.islink(path)
