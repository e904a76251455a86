"""Holds a submission to rules.py where mounts are refused: Landlock needs no rights (Linux 6.2 and later)."""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from .linux import check, libc

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on all machines
_RUN, _WRITE, _READ, _LIST = 1, 2, 4, 8
_OF_FILES = _RUN | _WRITE | _READ | 1 << 14  # …, truncate
_SIGNALS_AND_ABSTRACT_SOCKETS = 3


def restrict(read: Iterable[str], write: Iterable[str]) -> None:
    """From here on, reach only these files and folders; and, from Linux 6.12 on, signal nobody else.

    The process has no new privileges any more (PR_SET_NO_NEW_PRIVS).

    Raises:
        OSError: there is no Landlock here, or an early one that lets everybody truncate.
    """
    version = check(libc.syscall(_CREATE, None, 0, 1))
    if version < 3:
        raise OSError("too old")
    everything = (1 << (16 if version >= 5 else 15)) - 1
    attributes = struct.pack("Q", everything)
    if version >= 6:
        attributes += struct.pack("QQ", 0, _SIGNALS_AND_ABSTRACT_SOCKETS)
    ruleset = check(libc.syscall(_CREATE, attributes, len(attributes), 0))
    for path in read:
        _allow(ruleset, path, _RUN | _READ | _LIST)
    for path in write:
        _allow(ruleset, path, everything if os.path.isdir(path) else _READ | _WRITE)
    check(libc.syscall(_RESTRICT, ruleset, 0))
    os.close(ruleset)


def _allow(ruleset, path, access):
    try:
        fd = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    except OSError:  # what can't be opened can't be read either
        return
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            access &= _OF_FILES
        rule = struct.pack("=Qi", access, fd)
        check(libc.syscall(_ADD, ruleset, 1, ctypes.c_char_p(rule), 0))
    finally:
        os.close(fd)
