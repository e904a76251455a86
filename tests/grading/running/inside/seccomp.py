"""Refuses system calls that no solution needs, by a seccomp filter (Linux on x86-64 and ARM64)."""

import ctypes
import os
import platform
import struct

from .linux import check, libc
from .numbers import NUMBERS

# What reaches other processes' memory, keys, mounts or machines, memory that no limit counts, and files past
# all that hides them. The names are those of the manual, section 2. A new one needs its numbers:
# tests/running/system_call_numbers.py writes them.
REFUSED = (
    "add_key", "request_key", "keyctl", "memfd_create", "memfd_secret", "vmsplice",
    "shmget", "shmat", "shmctl", "msgget", "msgctl", "msgsnd", "msgrcv", "semget", "semctl", "semop",
    "semtimedop", "mq_open", "mq_unlink", "ptrace", "process_vm_readv", "process_vm_writev",
    "process_madvise", "pidfd_getfd", "kcmp", "move_pages", "migrate_pages", "unshare", "setns", "mount",
    "umount2", "pivot_root", "move_mount", "open_tree", "fsopen", "mount_setattr", "open_by_handle_at", "bpf",
    "perf_event_open", "userfaultfd", "io_uring_setup", "io_setup", "socket", "socketpair",
    "landlock_create_ruleset",
)  # fmt: skip

# Where other processes of the same user can be reached: what does so. (Signals are looked at below.)
TO_OTHERS = (
    "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_send_signal", "process_mrelease",
    "setpriority", "sched_setparam", "sched_setscheduler", "sched_setattr", "sched_setaffinity", "ioprio_set",
)  # fmt: skip

# What Landlock doesn't look at: it does nothing, and says that it has.
IDLE_ON_FILES = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "setxattr",
    "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "utime", "utimes", "futimesat",
    "utimensat",
)  # fmt: skip

# Calls whose arguments are looked at. A session of its own is a fair share of the machine of its own: a
# submission has one, however many processes it starts.
LOOKED_AT = ("clone", "clone3", "fallocate", "fcntl", "kill", "mmap", "prlimit64", "setsid", "tgkill")

NAMES = tuple(sorted({*REFUSED, *TO_OTHERS, *IDLE_ON_FILES, *LOOKED_AT, "seccomp"}))

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # the column, AUDIT_ARCH_…
_X32 = 0x40000000  # from here on x86-64 has other numbers for the same calls
_EPERM, _ENOSYS, _EOPNOTSUPP = 1, 38, 95
_NEWUSER = 0x10000000
_SHARED_AND_ANONYMOUS = 0x21  # MAP_SHARED, MAP_ANONYMOUS
_TO_AN_OWNER = (8, 10, 15, 1026)  # F_SETOWN, F_SETSIG, F_SETOWN_EX, F_NOTIFY
_LOAD, _AND, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x50000  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO, with the errno added


def refuse(steps: bytes, is_alone: bool) -> None:
    """Refuse to this process what these steps do, and to reach others of its user unless it is alone.

    The process has no new privileges any more (PR_SET_NO_NEW_PRIVS).

    Raises:
        OSError: no filter can be had here.
    """
    if not is_alone:
        own = os.getpid()
        for name, harmless in (("kill", (0, own)), ("tgkill", (own,)), ("prlimit64", (0, own))):
            steps += _looked_at(name, 0, harmless, found=_ALLOW, otherwise=_FAIL + _EPERM)
    steps += _step(_RETURN, _ALLOW)
    buffer = ctypes.create_string_buffer(steps, len(steps))
    header = struct.pack("HxxxxxxP", len(steps) // 8, ctypes.addressof(buffer))
    # SECCOMP_SET_MODE_FILTER; SPEC_ALLOW, or every branch of the submission's would become slower.
    check(libc.syscall(number_of("seccomp"), 1, 4, ctypes.c_char_p(header)))


def number_of(name: str) -> int | None:
    """The number of a system call on this machine, None if it has none of this name.

    Raises:
        KeyError: no numbers are known for this machine, or for this name.
    """
    return NUMBERS[name][_ARCHITECTURES[platform.machine()][0]]


def steps_for_all(is_alone: bool) -> bytes:
    """The steps that refuse the calls above, new user namespaces, and shared memory that belongs to no file.

    Args:
        is_alone: whether it sees no other processes and only files of its own; else it may not reach others
            of its user, nor change files' modes, owners and times, nor take disk without writing.

    Raises:
        KeyError: no numbers are known for this machine.
    """
    steps = [
        _step(_LOAD, 4),  # the architecture
        _step(_JUMP_IF_EQUAL, _ARCHITECTURES[platform.machine()][1], 1),
        _step(_RETURN, _FAIL + _EPERM),
        _step(_LOAD, 0),  # the number of the call
    ]
    if platform.machine() == "x86_64":
        steps += [_step(_JUMP_IF_AT_LEAST, _X32, 0, 1), _step(_RETURN, _FAIL + _EPERM)]
    # The C library takes the old clone where clone3 is not there, and its flags can be looked at.
    answers = dict.fromkeys(REFUSED, _EPERM) | {"clone3": _ENOSYS, "setsid": 0}
    if not is_alone:
        # The C library writes zeros where it can't have the room without.
        answers |= dict.fromkeys(TO_OTHERS, _EPERM) | dict.fromkeys(IDLE_ON_FILES, 0)
        answers["fallocate"] = _EOPNOTSUPP
    for name, errno in answers.items():
        if (number := number_of(name)) is not None:
            steps += [_step(_JUMP_IF_EQUAL, number, 0, 1), _step(_RETURN, _FAIL + errno)]
    steps.append(_looked_at("clone", 0, [_NEWUSER], _NEWUSER))
    steps.append(_looked_at("mmap", 3, [_SHARED_AND_ANONYMOUS], _SHARED_AND_ANONYMOUS))
    steps.append(_looked_at("fcntl", 1, _TO_AN_OWNER))
    return b"".join(steps)


def _looked_at(name, argument, values, mask=0xFFFFFFFF, found=_FAIL + _EPERM, otherwise=_ALLOW):
    """Steps that decide about a call by an argument's lower bits: `found` if they are one of these values."""
    steps = [_step(_LOAD, 16 + 8 * argument), _step(_AND, mask)]
    steps += [_step(_JUMP_IF_EQUAL, value, len(values) - i) for i, value in enumerate(values)]
    steps += [_step(_RETURN, otherwise), _step(_RETURN, found)]
    return b"".join([_step(_JUMP_IF_EQUAL, number_of(name), 0, len(steps)), *steps])


def _step(code, value, if_so=0, if_not=0):
    """One instruction; a jump goes over so many."""
    return struct.pack("HBBI", code, if_so, if_not, value)
