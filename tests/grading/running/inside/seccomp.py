"""Refuses system calls that no solution needs, by a seccomp filter (Linux on x86-64 and ARM64)."""

import ctypes
import functools
import os
import platform
import struct

from .linux import check, libc

# Numbers on x86-64 and ARM64: what reaches other processes' memory, keys, mounts or machines, memory that no
# limit counts, and files past all that hides them. (The names are those of the manual, section 2.)
_REFUSED = {
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "memfd_create": (319, 279),
    "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186),
    "semget": (64, 190), "shmctl": (31, 195), "msgctl": (71, 187), "msgsnd": (69, 189), "msgrcv": (70, 188),
    "semctl": (66, 191), "semop": (65, 193), "semtimedop": (220, 192), "mq_unlink": (241, 181),
    "mq_open": (240, 180), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "pidfd_getfd": (438, 438), "kcmp": (312, 272), "move_pages": (279, 239),
    "migrate_pages": (256, 238), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41), "move_mount": (429, 429), "open_tree": (428, 428), "fsopen": (430, 430),
    "mount_setattr": (442, 442), "open_by_handle_at": (304, 265), "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "clone3": (435, 435), "io_uring_setup": (425, 425), "io_setup": (206, 0),
    "socket": (41, 198), "socketpair": (53, 199), "landlock_create_ruleset": (444, 444),
}  # fmt: skip

# Where other processes of the same user can be reached: what does so. (Signals are looked at below.)
_TO_OTHERS = {
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "setpriority": (141, 140), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "sched_setattr": (314, 274), "sched_setaffinity": (203, 122),
    "ioprio_set": (251, 30),
}  # fmt: skip

# Where only Landlock guards the files: what it doesn't look at. They do nothing and say that they have.
_IDLE = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
}  # fmt: skip

# column, architecture, clone, kill, tgkill, prlimit64, seccomp
_MACHINES = {
    "x86_64": (0, 0xC000003E, 56, 62, 234, 302, 317),
    "aarch64": (1, 0xC00000B7, 220, 129, 131, 261, 277),
}
_EPERM, _ENOSYS, _NEWUSER = 1, 38, 0x10000000


def refuse(others: bool = False, files: bool = False) -> None:
    """Refuse the calls above and new user namespaces; where asked to, more.

    Args:
        others: signals to other processes, and what else reaches them.
        files: changes to files' modes, owners and times.

    Raises:
        OSError, KeyError: no filter can be had here.
    """
    code = program(os.getpid() if others else None, files)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(code) // len(_and(0)), ctypes.addressof(buffer))
    libc().prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    # SECCOMP_SET_MODE_FILTER; SPEC_ALLOW, or every branch of the submission's would become slower.
    seccomp = _MACHINES[platform.machine()][-1]
    check(libc().syscall(seccomp, 1, 4, ctypes.c_char_p(header)))


@functools.lru_cache(maxsize=2)
def program(own: int | None, files: bool) -> bytes:
    """The filter; with the id of the own process, signals to all others are refused."""
    column, architecture, clone, kill, tgkill, prlimit, _ = _MACHINES[platform.machine()]
    allow, fail, nosys, idle = (_ret(n) for n in (0x7FFF0000, 0x50000 | _EPERM, 0x50000 | _ENOSYS, 0x50000))
    steps = [_load(4), _jump(architecture, 1, 0), fail, _load(0)]
    if column == 0:
        steps += [_jump_above(0x40000000, 0, 1), fail]  # the x32 numbers of the same calls
    # The C library takes the old clone where clone3 is not there, and its flags can be looked at.
    answers = {name: nosys if name == "clone3" else fail for name in _REFUSED}
    numbers = _REFUSED | (_TO_OTHERS if own else {}) | (_IDLE if files else {})
    for name, both in numbers.items():
        if both[column] is not None:
            steps += [_jump(both[column], 0, 1), idle if name in _IDLE else answers.get(name, fail)]
    steps += [_jump(clone, 0, 4), _load(16), _and(_NEWUSER), _jump(0, 1, 0), fail, _load(0)]
    if own:
        for call, harmless in ((kill, (0, own)), (tgkill, (own,)), (prlimit, (0, own))):
            steps += [_jump(call, 0, len(harmless) + 3), _load(16)]
            steps += [_jump(one, len(harmless) - i, 0) for i, one in enumerate(harmless)]
            steps += [fail, _load(0)]
    return b"".join((*steps, allow))


def _load(offset):
    return struct.pack("HBBI", 0x20, 0, 0, offset)


def _jump(value, if_equal, otherwise):
    return struct.pack("HBBI", 0x15, if_equal, otherwise, value)


def _jump_above(value, if_at_least, otherwise):
    return struct.pack("HBBI", 0x35, if_at_least, otherwise, value)


def _and(value):
    return struct.pack("HBBI", 0x54, 0, 0, value)


def _ret(value):
    return struct.pack("HBBI", 0x06, 0, 0, value)
