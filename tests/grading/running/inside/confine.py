"""Shuts a submission in, with as much as the system allows.

Each protection is tried on its own, so that one that is refused (as in most containers) falls away alone:

- processes: it sees none but its own, and all of them end with it;
- files: it sees the system's and Python's, read-only, and one folder of its own in memory;
- network: none, and no shared memory of others (what the refused calls don't rule out);
- calls: system calls that no solution needs are refused (Linux on x86-64 and ARM64).

The first three are namespaces. Where these are refused, others do nearly the same without any rights:

- paths: for "files", but its folder is on the disk (Linux 6.2 and later);
- signals: for "processes", but only where none can be seen, with "files" or "paths";
- calls: for "network", since there are no sockets.
"""

import contextlib
import ctypes
import os
import signal
import socket

from . import landlock, mounts, seccomp
from .linux import check, libc

_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_FLAGS = {"processes": _NEWPID, "files": _NEWNS, "network": _NEWNET | _NEWIPC}
_PID_NAMESPACE = "/proc/self/ns/pid"
_own_processes = _hidden_files = None
_has_network = True


def available() -> list[str]:
    """The protections that can be had here. How much a system allows can't be asked, only tried."""
    found = [name for name, flag in _FLAGS.items() if _works(lambda f=flag: _try(f))]
    if _works(landlock.try_rules):
        found.append("paths")
    if _works(seccomp.refuse):
        found.append("calls")
        if "processes" not in found and {"files", "paths"} & set(found):
            found.append("signals")
    return found


def _try(flag):
    _unshare(flag)
    if flag == _NEWNS:
        mounts.try_mounts()
    if flag == _NEWPID:
        os.stat(_PID_NAMESPACE)


def _works(attempt):
    pid = os.fork()
    if pid == 0:
        try:
            attempt()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def enter(protections: list[str]) -> None:
    """Once, in the fork server: become the first process of a process namespace, where that can be had."""
    global _own_processes
    user = _NEWUSER if os.getuid() and set(protections) & set(_FLAGS) else 0
    if "processes" not in protections:
        if user:
            _unshare(0)
        if libc() is not None:
            libc().prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: no daemon leaves this family
        return
    _unshare(_NEWPID)
    pid = os.fork()
    if pid:
        os.closerange(3, 1024)
        os.waitpid(pid, 0)
        os._exit(0)
    libc().prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    _own_processes = os.open(_PID_NAMESPACE, os.O_RDONLY)


def prepare(settings: dict) -> None:
    """Once, in the fork server: what all its submissions can share, which follow one another.

    Raises:
        OSError: something is refused.
    """
    global _hidden_files, _has_network
    protections = settings["protections"]
    if "network" in protections and _has_network:
        check(libc().unshare(_NEWNET))
        _has_network = False
    if "calls" in protections and "signals" not in protections:
        seccomp.program(None, "paths" in protections)  # made once
    if "files" in protections and _hidden_files is None:
        _hidden_files = _namespace_of_mounts(settings["hide"], settings["keep"])


def _namespace_of_mounts(hide, keep):
    """Its file number. A process makes it and ends: an ordinary user's would find no way back."""
    if _own_processes is not None:
        check(libc().setns(_own_processes, _NEWPID))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if os.fork() == 0:
            try:
                os.umask(0o022)  # a strict one would make folders that the submission's user can't enter
                check(libc().unshare(_NEWNS))
                namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY)
                mounts.hide_files(hide, keep)
                socket.send_fds(theirs, [b"."], [namespace])
            finally:
                os._exit(0)
        theirs.close()
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    if not fds:
        raise OSError("files can't be hidden")
    return fds[0]


def next_fork_is_alone() -> None:
    """The next fork is the first process of a namespace: when it ends, the kernel ends all that is in it."""
    check(libc().setns(_own_processes, _NEWPID))
    check(libc().unshare(_NEWPID))


def end(pid: int, family: int | None) -> None:
    """End a submission: its process group, and where it is not alone in a namespace, all below `family`."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    if family is not None:
        end_family(family)


def end_family(family: int | None = None) -> None:
    """End all processes below `family`, or else below this one."""
    for _ in range(100):  # what is forked meanwhile is found the next time
        others = below(family or os.getpid())
        for number in (signal.SIGSTOP, signal.SIGKILL):  # none is to fork while others are ended
            for other in others:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(other, number)
        if not others:
            break


def end_in_server(pid: int, uid: int | None) -> None:
    """The same in the fork server, and as root every process of the submission's user."""
    end(pid, None if _own_processes is not None else os.getpid())
    if uid is not None and _own_processes is None:
        child = os.fork()
        if child == 0:
            try:
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
                os.kill(-1, signal.SIGKILL)
            finally:
                os._exit(0)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


def below(pid: int) -> list[int]:
    """The living processes below this one, as far as the system tells (Linux)."""
    children = {}
    for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{entry}/stat") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
                if state not in "ZX":
                    children.setdefault(int(parent), []).append(int(entry))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found[1:]


def confine(settings: dict) -> None:
    """Limit this process and what it can see, then give up root's rights."""
    import resource

    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # should the machine's memory end, this is what goes first
    os.umask(0o022)  # a strict one would make folders that the submission's user can't enter
    mapped, protections, uid = _mapped_bytes(), settings["protections"], settings["uid"]
    if "files" in protections:
        check(libc().setns(_hidden_files, _NEWNS))
        check(libc().unshare(_NEWNS))
        mounts.own_folders(uid, settings["folder_bytes"])
    if "network" in protections and "calls" not in protections:
        check(libc().unshare(_NEWIPC))
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 1024,  # buffers in the kernel are nobody's memory
        "RLIMIT_FSIZE": settings["file_bytes"],
        "RLIMIT_AS": mapped + settings["memory_bytes"] if mapped else None,
        "RLIMIT_NPROC": 64 if "processes" in protections or uid is not None else _threads_of_user(64),
    }
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        # The limit counts the new user's processes; setting it before would count root's.
    for name, value in limits.items():
        if value is not None and hasattr(resource, name):
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))
    if uid is not None:
        reads_all = "reading" not in protections
        if reads_all:  # Python's own files may be root's alone, and still it shall not be root
            libc().prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
        os.setresuid(uid, uid, uid)
        if reads_all:
            _keep_capabilities(1 << 2)  # CAP_DAC_READ_SEARCH
    elif set(protections) & set(_FLAGS):
        _keep_capabilities(0)
    if libc() is not None:
        libc().prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS: a set-user-id program is a program like any other
    if "paths" in protections:
        landlock.restrict(settings)
    if "calls" in protections:
        seccomp.refuse(others="signals" in protections, files="paths" in protections)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # too large a file is an OSError


def _mapped_bytes():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0  # not Linux


def _threads_of_user(more):
    """What the limit counts as well, where there is no namespace and no user of the submission's own."""
    if not os.path.isdir("/proc/self"):
        return None
    found = more
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == os.getuid():
                found += len(os.listdir(f"/proc/{entry}/task"))
    return found


def _unshare(flag):
    uid, gid = os.getuid(), os.getgid()
    check(libc().unshare(flag | (0 if uid == 0 else _NEWUSER)))
    if uid != 0:  # a namespace of users makes an ordinary user the master of the other namespaces
        maps = (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1"))
        for name, text in maps:
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)


def _keep_capabilities(mask):
    """So that what is hidden can't be uncovered. Root's others go with its user id."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    check(libc().capset(header, (ctypes.c_uint32 * 6)(mask, mask, 0, 0, 0, 0)))  # effective, permitted, …
