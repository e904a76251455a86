"""Shuts a submission in, with as much as the system allows.

Each protection is tried on its own, so that one that is refused (as in most containers) falls away alone:

- processes: it sees none but its own, and all of them end with it;
- files: it sees the system's and Python's, read-only, and one folder of its own in memory;
- network: none, and no shared memory of others;
- calls: system calls that no solution needs are refused (Linux on x86-64 and ARM64).
"""

import contextlib
import ctypes
import os
import platform
import signal
import struct
import sys

_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_FLAGS = {"processes": _NEWPID, "files": _NEWNS, "network": _NEWNET | _NEWIPC}
_SYSTEM_FOLDERS = ("bin", "etc", "lib", "lib32", "lib64", "libx32", "nix", "sbin", "usr")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_own_processes = None


def available() -> list[str]:
    """The protections that can be had here. How much a system allows can't be asked, only tried."""
    return [name for name, flag in _FLAGS.items() if _works(lambda f=flag: _try(f))] + [
        name for name in ("calls",) if _works(_refuse_calls)
    ]


def _try(flag):
    _unshare(flag)
    if flag == _NEWNS:
        libc = _libc()
        _mount(libc, "none", "/", None, _REC | _PRIVATE)
        _mount(libc, "tmpfs", "/proc", b"tmpfs", 0, b"size=64k,mode=755")


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
        if _libc() is not None:
            _libc().prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: no daemon leaves this family
        return
    _unshare(_NEWPID)
    pid = os.fork()
    if pid:
        os.closerange(3, 1024)
        os.waitpid(pid, 0)
        os._exit(0)
    _libc().prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    _own_processes = os.open("/proc/self/ns/pid", os.O_RDONLY)


def next_fork_is_alone() -> None:
    """The next fork is the first process of a namespace: when it ends, the kernel ends all that is in it."""
    _check(_libc().setns(_own_processes, _NEWPID))
    _check(_libc().unshare(_NEWPID))


def end(pid: int, family: int | None) -> None:
    """End a submission: its process group, and where it is not alone in a namespace, all below `family`."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    for _ in range(100):  # what is forked meanwhile is found the next time
        others = below(family) if family is not None else []
        for other in others:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(other, signal.SIGKILL)
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

    os.umask(0o022)  # a strict one would make folders that the submission's user can't enter
    mapped, protections, uid = _mapped_bytes(), settings["protections"], settings["uid"]
    libc = _libc()
    for name in ("files", "network"):
        if name in protections:
            _check(libc.unshare(_FLAGS[name]))
    if "files" in protections:
        _hide_files(libc, settings)
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": settings["file_bytes"],
        "RLIMIT_AS": mapped + settings["memory_bytes"] if mapped else None,
        "RLIMIT_NPROC": 64 if "processes" in protections or uid is not None else None,
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
            libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
        os.setresuid(uid, uid, uid)
        if reads_all:
            _keep_capabilities(libc, 1 << 2)  # CAP_DAC_READ_SEARCH
    elif set(protections) & set(_FLAGS):
        _keep_capabilities(libc, 0)
    if libc is not None:
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS: a set-user-id program is a program like any other
    if "calls" in protections:
        _refuse_calls()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # too large a file is an OSError


def _libc():
    """The C library with Linux's calls, or None."""
    return ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def _check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _mapped_bytes():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0  # not Linux


def _unshare(flag):
    uid, gid = os.getuid(), os.getgid()
    _check(_libc().unshare(flag | (0 if uid == 0 else _NEWUSER)))
    if uid != 0:  # a namespace of users makes an ordinary user the master of the other namespaces
        maps = (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1"))
        for name, text in maps:
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)


def _keep_capabilities(libc, mask):
    """So that what is hidden can't be uncovered. Root's others go with its user id."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _check(libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, 0, 0, 0, 0)))  # effective, permitted, …


# ---------------------------------------------------------------- files

_RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE, _RELATIME = 1, 0x20, 0x1000, 0x4000, 0x40000, 0x200000
_NOSUID, _NODEV, _NOEXEC, _NOATIME, _NODIRATIME = 2, 4, 8, 1024, 2048


def _mount(libc, source, target, kind, flags, options=None):
    _check(libc.mount(os.fsencode(source), os.fsencode(target), kind, flags, options))


def _hide_files(libc, settings):
    """Cover every folder that is not the system's, and those of `hide`; show those of `keep` again, read-only.

    A folder inside another is treated after it, so that the innermost word counts.
    """
    folder, uid = settings["folder"], settings["uid"]
    _mount(libc, "none", "/", None, _REC | _PRIVATE)
    keep = {path: os.open(path, os.O_PATH) for path in settings["keep"]}
    devices = {
        name: os.open(f"/dev/{name}", os.O_PATH) for name in _DEVICES if os.path.exists(f"/dev/{name}")
    }
    top = {f"/{name}" for name in os.listdir("/")} - {f"/{name}" for name in _SYSTEM_FOLDERS} - {"/proc"}
    ancestors = {path for kept in ("/usr/lib", *keep) for path in _parents(kept)}
    hide = {path for path in (*top, *settings["hide"]) if os.path.isdir(path) and not os.path.islink(path)}
    # What is a parent of the system's own folders can't be covered as a whole.
    hide -= {"/", "/usr", "/etc"} | {path for path in ancestors if path.startswith("/usr")}
    for path in sorted((*hide, *keep), key=lambda path: path.count("/")):
        if path in keep:
            os.makedirs(path, exist_ok=True)
            _mount(libc, f"/proc/self/fd/{keep[path]}", path, None, _BIND | _REC)
            os.close(keep[path])
            # An ordinary user owns the packages, maybe. The flags that are set already have to stay.
            flags = os.statvfs(path).f_flag
            kept_flags = flags & (_NOSUID | _NODEV | _NOEXEC | _NOATIME | _NODIRATIME)
            relative = _RELATIME if flags & 0x1000 else 0
            _mount(libc, "none", path, None, _REMOUNT | _BIND | _RDONLY | kept_flags | relative)
        elif os.path.isdir(path):
            _mount(libc, "tmpfs", path, b"tmpfs", 0, b"size=64k,mode=755")
    os.makedirs(folder, exist_ok=True)
    size = b"size=%d,nr_inodes=4096,mode=700" % settings["folder_bytes"]
    _mount(libc, "tmpfs", folder, b"tmpfs", _NOSUID | _NODEV, size)
    if uid is not None:
        os.chown(folder, uid, uid)
    for name, fd in devices.items():
        open(f"/dev/{name}", "w").close()
        _mount(libc, f"/proc/self/fd/{fd}", f"/dev/{name}", None, _BIND)
        os.close(fd)
    os.mkdir("/dev/shm", 0o1777)
    _mount(libc, "tmpfs", "/dev/shm", b"tmpfs", _NOSUID | _NODEV, b"size=1m,mode=1777")
    _mount(libc, "tmpfs", "/proc", b"tmpfs", 0, b"size=64k,mode=755")


def _parents(path):
    while path != "/":
        yield path
        path = os.path.dirname(path)


# ---------------------------------------------------------------- system calls

# Numbers on x86-64 and ARM64: what reaches other processes' memory, keys or mounts, and memory that
# no limit counts. (The names are those of the manual, section 2.)
_REFUSED = {
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "memfd_create": (319, 279),
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "clone3": (435, 435), "io_uring_setup": (425, 425),
}  # fmt: skip
_MACHINES = {"x86_64": (0, 0xC000003E, 56, 41), "aarch64": (1, 0xC00000B7, 220, 198)}  # …, clone, socket
_SECCOMP = 317, 277
_EPERM, _ENOSYS, _AF_VSOCK = 1, 38, 40


def _refuse_calls():
    """A seccomp filter: the calls above fail, as do clone with a new user namespace and AF_VSOCK sockets."""
    column, architecture, clone, new_socket = _MACHINES[platform.machine()]
    allow, fail, nosys = _ret(0x7FFF0000), _ret(0x50000 | _EPERM), _ret(0x50000 | _ENOSYS)
    program = [_load(4), _jump(architecture, 1, 0), _ret(0x50000 | _EPERM), _load(0)]
    if column == 0:
        program += [_jump_above(0x40000000, 0, 1), fail]  # the x32 numbers of the same calls
    for name, numbers in _REFUSED.items():
        # The C library takes the old clone where clone3 is not there, and its flags can be looked at.
        program += [_jump(numbers[column], 0, 1), nosys if name == "clone3" else fail]
    program += [_jump(clone, 0, 4), _load(16), _and(_NEWUSER), _jump(0, 1, 0), fail, _load(0)]
    program += [_jump(new_socket, 0, 3), _load(16), _jump(_AF_VSOCK, 0, 1), fail, allow]
    code = b"".join(program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    libc = _libc()
    _check(libc.prctl(38, 1, 0, 0, 0))
    # SECCOMP_SET_MODE_FILTER; SPEC_ALLOW, or every branch of the submission's would become slower.
    _check(libc.syscall(_SECCOMP[column], 1, 4, ctypes.c_char_p(header)))


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
