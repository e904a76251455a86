"""Hides files behind mounts, in a namespace that is the process's own."""

import os

from .linux import check, libc

_RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE, _RELATIME = 1, 0x20, 0x1000, 0x4000, 0x40000, 0x200000
_NOSUID, _NODEV, _NOEXEC, _NOATIME, _NODIRATIME = 2, 4, 8, 1024, 2048


SYSTEM_FOLDERS = ("bin", "etc", "lib", "lib32", "lib64", "libx32", "nix", "sbin", "usr")
_COVER = b"size=64k,nr_inodes=1024,mode=755"  # empty files take memory as well
FOLDER = os.path.realpath("/tmp") + "/.submission"  # the same for each, which has its own there
DEVICES = ("null", "zero", "full", "random", "urandom")


def try_mounts() -> None:
    """Mount something, in a namespace of its own.

    Raises:
        OSError: mounts are refused.
    """
    _mount("none", "/", None, _REC | _PRIVATE)
    _mount("tmpfs", "/proc", b"tmpfs", 0, _COVER)


def _mount(source, target, kind, flags, options=None):
    check(libc().mount(os.fsencode(source), os.fsencode(target), kind, flags, options))


def hide_files(hide: list[str], keep: list[str]) -> None:
    """Cover all folders but the system's, and those of `hide`; show those and `keep` again, read-only.

    A folder inside another is treated after it, so that the innermost word counts.
    """
    _mount("none", "/", None, _REC | _PRIVATE)
    system = [f"/{name}" for name in SYSTEM_FOLDERS]
    keep = {*keep, *(path for path in system if os.path.isdir(path) and not os.path.islink(path))}
    keep = {path: os.open(path, os.O_PATH) for path in keep}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in DEVICES if os.path.exists(f"/dev/{name}")}
    top = {f"/{name}" for name in os.listdir("/")} - {f"/{name}" for name in SYSTEM_FOLDERS} - {"/proc"}
    ancestors = {path for kept in ("/usr/lib", *keep) for path in _parents(kept)}
    hide = {path for path in (*top, *hide) if os.path.isdir(path) and not os.path.islink(path)}
    # What is a parent of the system's own folders can't be covered as a whole.
    hide -= {"/", "/usr", "/etc"} | {path for path in ancestors if path.startswith("/usr")}
    covers = ["/proc"]
    for path in sorted((*hide, *keep), key=lambda path: path.count("/")):
        if path in keep:
            os.makedirs(path, exist_ok=True)
            _mount(f"/proc/self/fd/{keep[path]}", path, None, _BIND | _REC)
            os.close(keep[path])
            # An ordinary user owns the packages, maybe. The flags that are set already have to stay.
            flags = os.statvfs(path).f_flag
            kept_flags = flags & (_NOSUID | _NODEV | _NOEXEC | _NOATIME | _NODIRATIME)
            relative = _RELATIME if flags & 0x1000 else 0
            _mount("none", path, None, _REMOUNT | _BIND | _RDONLY | kept_flags | relative)
        elif os.path.isdir(path):
            _mount("tmpfs", path, b"tmpfs", 0, _COVER)
            covers.append(path)
    for name, fd in devices.items():
        open(f"/dev/{name}", "w").close()
        _mount(f"/proc/self/fd/{fd}", f"/dev/{name}", None, _BIND)
        os.close(fd)
    os.makedirs(FOLDER)
    os.mkdir("/dev/shm")
    _mount("tmpfs", "/proc", b"tmpfs", 0, _COVER)
    for path in covers:  # one submission must leave nothing there for the next
        _mount("none", path, None, _REMOUNT | _BIND | _RDONLY)


def own_folders(uid: int | None, folder_bytes: int) -> None:
    """What a submission may write to, in memory."""
    size = b"size=%d,nr_inodes=4096,mode=700" % folder_bytes
    _mount("tmpfs", FOLDER, b"tmpfs", _NOSUID | _NODEV, size)
    if uid is not None:
        os.chown(FOLDER, uid, uid)
    _mount("tmpfs", "/dev/shm", b"tmpfs", _NOSUID | _NODEV, b"size=1m,nr_inodes=256,mode=1777")


def _parents(path):
    while path != "/":
        yield path
        path = os.path.dirname(path)
