"""Hides files where mounts are refused: Landlock needs no rights (Linux 6.2 and later)."""

import contextlib
import ctypes
import os
import struct

from .linux import check, libc
from .mounts import DEVICES, SYSTEM_FOLDERS

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on all machines
_RUN, _WRITE, _READ, _LIST = 1, 2, 4, 8
_OF_FILES = _RUN | _WRITE | _READ | 1 << 14  # …, truncate


def try_rules() -> None:
    """
    Raises:
        OSError: there is no Landlock here, or an early one that lets everybody truncate.
    """
    if check(libc().syscall(_CREATE, None, 0, 1)) < 3:
        raise OSError("too old")


def restrict(settings: dict) -> None:
    """From here on, read `keep` and the system's files, outside `hide`, and write in the folder alone."""
    version = check(libc().syscall(_CREATE, None, 0, 1))
    everything = (1 << (16 if version >= 5 else 15)) - 1
    attributes = struct.pack("Q", everything)
    rules = check(libc().syscall(_CREATE, attributes, len(attributes), 0))
    system = [f"/{name}" for name in SYSTEM_FOLDERS]
    for path in (*system, *settings["keep"]):
        for one in _outside(os.path.realpath(path), settings["hide"]) if os.path.exists(path) else ():
            _allow(rules, one, _RUN | _READ | _LIST)
    for name in DEVICES:
        _allow(rules, f"/dev/{name}", _READ | _WRITE)
    _allow(rules, settings["folder"], everything)
    libc().prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    check(libc().syscall(_RESTRICT, rules, 0))
    os.close(rules)


def _outside(path, hide):
    """`path`, or the parts of it that are not in one of `hide`: a rule can't be taken back further below."""
    if not any(one.startswith(path.rstrip("/") + "/") for one in hide):
        return [path]
    inside = (os.path.join(path, name) for name in os.listdir(path))
    return [found for one in inside if one not in hide for found in _outside(one, hide)]


def _allow(rules, path, access):
    with contextlib.suppress(OSError):  # what can't be opened can't be read either
        fd = os.open(path, os.O_PATH | os.O_NOFOLLOW)
        if not os.path.isdir(path):
            access &= _OF_FILES
        check(libc().syscall(_ADD, rules, 1, ctypes.c_char_p(struct.pack("=Qi", access, fd)), 0))
        os.close(fd)
