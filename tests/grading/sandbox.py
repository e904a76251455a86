"""Starts processes for submissions, bounds them and ends them. `session.py` talks to them."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import site
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .submission import Submission

PROJECT = Path(__file__).resolve().parents[2]
INSIDE = str(Path(__file__).resolve().parent / "inside")


@dataclass(frozen=True)
class Limits:
    """What a submission may use. Time is per call, and once for the import."""

    seconds: float = 10.0
    memory_bytes: int = 4 << 30
    file_bytes: int = 16 << 20
    folder_bytes: int = 64 << 20
    output_bytes: int = 64 << 10


class SandboxError(Exception):
    """The grader itself can't go on on this machine. Nothing that was handed in raises this."""


MISSING = {
    "processes": "Submissions are not kept from seeing and reaching other processes of their user.",
    "files": "Submissions can read this machine's files, the model solution among them.",
    "network": "Submissions have a network.",
    "reading": "Submissions can read what only root can, since only root can read this Python's files.",
    "calls": "System calls that no solution needs are not refused.",
}

# What the grader tries on itself first: where this fails, it is not the submissions' fault.
_TRIAL = """
import torch
print(torch.ones(2))
def get_objective_term(*arguments):
    total = sum(argument.sum() for argument in arguments)
    print(total)
    return total
"""


class Sandbox:
    """Starts processes for submissions. One fork server serves them all, one after the other.

    Attributes:
        protections: what submissions are kept from, a part of `MISSING`'s keys; see inside/confine.py.
    """

    def __init__(
        self,
        limits: Limits = Limits(),
        preload: Iterable[str] = (),
        fork: bool = hasattr(os, "fork"),
        hidden: Iterable[str | os.PathLike] = (),
        many: bool = False,
    ):
        """`preload` names modules for the fork server to import once; `hidden` folders are kept secret.

        `many` submissions are worth half a second at the start that makes each of them cheaper.
        """
        self.limits, self.preload, self.fork, self.many = limits, sorted(preload), fork, many
        self.hidden = sorted({os.path.realpath(path) for path in (PROJECT, os.getcwd(), *hidden)})
        self.protections: list[str] = []
        self._server = self._control = None
        self._one_at_a_time = threading.Lock()
        first = 30_000 + os.getpid() % 300 * 100  # below 65,536: containers often know no higher ones
        self._uids = itertools.cycle(range(first, first + 100))
        self._as_user, self._memory_of_server = False, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def missing(self) -> list[str]:
        """A sentence for each protection that can't be had on this machine."""
        return [sentence for name, sentence in MISSING.items() if name not in self.protections]

    def close(self):
        if self._server:
            self._control.close()
            self._server.kill()
            self._server.wait()
            self._server = None

    def start(self, folder: str) -> "Process":
        """A fresh worker process, with `folder` to write in.

        Raises:
            SandboxError: this machine lets no process be started.
        """
        if not self.fork:
            return _spawn(folder)
        for _ in range(2):
            if self._server is None or self._server.poll() is not None:
                self._start_server()
            process = self._fork(folder)
            if process.pid:
                return process
            process.close()  # the server has just died; that is not this submission's fault
            self.close()
        raise SandboxError("The grader can't start a process for submissions any more.")

    def _start_server(self):
        self._open_server()
        can_be_had = self.protections
        self._as_user = os.geteuid() == 0  # never as root: where that can't be had, nobody is graded
        fewer = [p for n in range(len(can_be_had), -1, -1) for p in itertools.combinations(can_be_had, n)]
        # What is there may still not work together: try it as a submission will use it.
        for self.protections in [*([*p, "reading"] for p in fewer), *([*p] for p in fewer if self._as_user)]:
            if "processes" in can_be_had and "processes" not in self.protections:
                continue  # the server is in its namespace already
            if self._trial():
                return
            if self._server.poll() is not None:
                self._open_server()
        self.close()
        raise SandboxError(
            "The grader can't run a right submission on this machine, so it grades nobody. Is torch "
            f"installed where other users may read it? ({', '.join(_library()) or 'nowhere'})"
        )

    def _trial(self):
        folder = os.path.realpath(tempfile.mkdtemp(prefix="submission-"))
        process = self._fork(folder)
        if process.pid == 0:
            process.close()
            remove(folder)
            return False
        from .session import Session  # which needs this module

        with Session(
            self, Submission("trial", source=_TRIAL), seconds=60, started=(folder, process)
        ) as trial:
            arrays = [np.ones(s, np.float32) for s in ((2, 784), (784, 3), (3, 784), (3,), (784,))]
            return "functions" in trial.loaded and bool(
                trial.call("get_objective_term", arrays, True).numbers
            )

    def _open_server(self):
        self.close()
        self._control, theirs = socket.socketpair()
        for end in (self._control, theirs):  # a default time-out, if a caller set one, must not end it
            end.settimeout(None)
        with theirs:
            settings = {"control": theirs.fileno(), "preload": self.preload, "many": self.many}
            self._server = subprocess.Popen(
                _command(settings),
                pass_fds=[theirs.fileno()],
                env=_environment() | {"HOME": os.path.expanduser("~")},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the grader, which then ends the server
            )
        self._control.settimeout(120)
        try:
            self.protections = json.loads(self._control.recv(1 << 12))
        except (OSError, ValueError):
            raise SandboxError(
                "The grader can't start a process that imports torch. Does `python -c 'import torch'` work?"
            ) from None
        self._control.settimeout(None)
        self._memory_of_server = memory_of(descendants(self._server.pid))

    def _fork(self, folder):
        uid = next(self._uids) if self._as_user else None
        if uid is not None:
            with contextlib.suppress(OSError):  # the trial says whether it matters
                os.chown(folder, uid, uid)
        settings = {
            "folder": folder,
            "environment": _environment() | _folders(folder),
            "protections": self.protections,
            "uid": uid,
            "hide": self.hidden,
            "keep": sorted({os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, *_library())}),
            "memory_bytes": self.limits.memory_bytes,
            "file_bytes": self.limits.file_bytes,
            "folder_bytes": self.limits.folder_bytes,
        }
        requests, replies, output = os.pipe(), os.pipe(), os.pipe()
        theirs = [requests[0], replies[1], output[1]]
        try:
            pid = self._ask(settings, theirs)
        finally:
            for fd in theirs:
                os.close(fd)

        def kill():
            if pid == 0:  # to kill, 0 means the grader's own group
                return
            self._ask({"kill": pid, "uid": uid})
            if "processes" not in self.protections:  # the submission may have ended the server
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)

        return Process(pid, requests[1], replies[0], output[0], kill)

    def uses_too_much(self) -> bool:
        """Whether all processes of the submission together hold more memory than they may."""
        if self._server is None:
            return False
        limit = self.limits.memory_bytes + 2 * self._memory_of_server
        return memory_of(descendants(self._server.pid)) > limit

    def _ask(self, settings, fds=()):
        """What the fork server answers: a process id, or 0, also if it is dead."""
        with self._one_at_a_time:
            try:
                socket.send_fds(self._control, [json.dumps(settings).encode()], fds)
                return struct.unpack("<I", self._control.recv(4))[0]
            except (OSError, struct.error, AttributeError):
                return 0


def descendants(pid: int) -> list[int]:
    """This process and all below it, as far as the system tells (Linux)."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{entry}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def memory_of(pids: Iterable[int]) -> int:
    """The memory that these processes hold, in bytes; what several share counts once."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += 1024 * int(next(line for line in file if line.startswith("Pss:")).split()[1])
        except (OSError, ValueError, StopIteration):  # a process can forbid to look: count all that it maps
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/statm") as file:
                total += os.sysconf("SC_PAGE_SIZE") * int(file.read().split()[1])
    return total


def remove(folder: str) -> None:
    """Remove a folder, however deep, full or locked it is."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        if os.name == "posix":  # these two know no depth and no longest path
            for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
                subprocess.run([*command, "--", folder], stderr=subprocess.DEVNULL, check=False)
        else:
            shutil.rmtree(folder, ignore_errors=True)


class Process:
    def __init__(self, pid, requests, replies, output, kill):
        self.pid, self.requests, self.replies, self.output, self.kill = pid, requests, replies, output, kill

    def close(self):
        for fd in (self.requests, self.replies, self.output):
            os.close(fd)


def _spawn(folder):
    settings = {"folder": folder}
    process = subprocess.Popen(
        _command(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment() | _folders(folder),
        cwd=folder,
        start_new_session=True,
    )

    def kill():
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()

    fds = [os.dup(pipe.fileno()) for pipe in (process.stdin, process.stdout, process.stderr)]
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()
    return Process(process.pid, *fds, kill)


def _command(settings):
    # Isolated mode keeps the project off the path; the packages are found where this process finds them.
    start = (
        f"import sys; sys.path[:] = {_library()!r}\n"
        "from importlib.util import module_from_spec, spec_from_file_location\n"
        f"spec = spec_from_file_location('inside', {INSIDE!r} + '/__init__.py')\n"
        "sys.modules['inside'] = module_from_spec(spec)\n"
        "spec.loader.exec_module(sys.modules['inside'])\n"
        "from inside import server\n"
        "server.main()"
    )
    return [sys.executable, "-I", "-B", "-X", "utf8", "-c", start, json.dumps(settings)]


def _library():
    """The folders of the standard library and of installed packages on the path, and no others."""
    homes = [
        os.path.realpath(path)
        for path in (sys.prefix, sys.base_prefix, site.getusersitepackages(), *site.getsitepackages())
    ]
    # Without links: what a link names may be hidden, and then so is what it leads to.
    paths = [os.path.realpath(path) for path in sys.path if os.path.isdir(path)]
    return [path for path in dict.fromkeys(paths) if path.startswith(tuple(homes))]


def _environment():
    kept = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATHEXT", "COMSPEC")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PATH": os.defpath,
        "MPLBACKEND": "Agg",  # plots go nowhere
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TORCHDYNAMO_DISABLE": "1",  # torch.compile needs a compiler, and changes no value
    }


def _folders(folder):
    return {name: folder for name in ("HOME", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR")}
