"""Runs a submission in a process of its own, and talks to it. What comes back is data, never code."""

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
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .inside import FUNCTIONS, wire
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


@dataclass(frozen=True)
class Reply:
    """What one call came to.

    Attributes:
        report: "error" (a dict), or "died" ("time" or "crash"), or a description of the result.
        numbers: the result and the gradients, float64; see inside/call.py.
    """

    report: dict
    numbers: list

    @property
    def value(self) -> np.ndarray | None:
        return self.numbers[0] if self.numbers else None


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
    ):
        """`preload` names modules for the fork server to import once; `hidden` folders are kept secret."""
        self.limits, self.preload, self.fork = limits, sorted(preload), fork
        self.hidden = sorted({os.path.realpath(path) for path in (PROJECT, os.getcwd(), *hidden)})
        self.protections: list[str] = []
        self._server = self._control = None
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

    def start(self, folder: str) -> "_Process":
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
            settings = {"control": theirs.fileno(), "preload": self.preload}
            self._server = subprocess.Popen(
                _command(settings),
                pass_fds=[theirs.fileno()],
                env=_environment() | {"HOME": os.path.expanduser("~")},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
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

        return _Process(pid, requests[1], replies[0], output[0], kill)

    def uses_too_much(self) -> bool:
        """Whether all processes of the submission together hold more memory than they may."""
        if self._server is None:
            return False
        limit = self.limits.memory_bytes + 2 * self._memory_of_server
        return memory_of(descendants(self._server.pid)) > limit

    def _ask(self, settings, fds=()):
        """What the fork server answers: a process id, or 0, also if it is dead."""
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


class _Process:
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
    return _Process(process.pid, *fds, kill)


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


class Session:
    """One submission in the sandbox. If its process dies, the next call starts another.

    Attributes:
        loaded: "functions" (the names that it defines), or "error", or "died".
        output: what it printed, cut at the limit.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        submission: Submission,
        seconds: float | None = None,
        started: "tuple[str, _Process] | None" = None,
    ):
        """`seconds` replaces the sandbox's limit of time; `started` is a folder and a process to use first."""
        self._sandbox, self._submission = sandbox, submission
        self._seconds = seconds or sandbox.limits.seconds
        self._left = 6 * self._seconds  # for all that a submission does, however slow it is
        self._output, self._dropped, self._messages = bytearray(), 0, 0
        self._process = self._reader = self._folder = None
        self._started, self._ended_for = started, None
        self._over = threading.Event()
        try:
            self.loaded = self._load()
        except BaseException:  # an interrupt, say: nothing is to be left behind
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def output(self) -> str:
        text = self._output.decode("utf-8", "replace")
        return _printable(text) + (f"\n[{self._dropped:,} more bytes dropped]" if self._dropped else "")

    def call(self, function: str, arrays: list[np.ndarray], gradient: bool = False) -> Reply:
        """Call `function` with fresh tensors of these float32 arrays."""
        if self._left < 0:
            return Reply({"died": "time"}, [])
        if self._process is None:
            loaded = self._load()
            if "functions" not in loaded:
                return Reply(loaded, [])
        report, numbers = self._exchange({"function": function, "gradient": gradient}, arrays)
        return Reply(report, numbers)

    def close(self):
        if self._process is None:
            return
        self._over.set()
        self._process.kill()
        if not self._talker.is_alive():  # else its numbers must not come to mean the next submission's
            for fd in (self._process.requests, self._process.replies):
                os.close(fd)
        self._reader.join(1)
        self._watcher.join(1)
        self._process = None
        remove(self._folder)

    def _load(self):
        self._folder, self._process = self._started or (None, None)
        self._started = None
        if self._process is None:
            self._folder = os.path.realpath(tempfile.mkdtemp(prefix="submission-"))
            try:
                self._process = self._sandbox.start(self._folder)
            except SandboxError:
                remove(self._folder)
                raise
        self._over.clear()
        self._reader = threading.Thread(target=self._drain, args=(self._process.output,), daemon=True)
        self._watcher = threading.Thread(target=self._watch, args=(self._process,), daemon=True)
        self._reader.start()
        self._watcher.start()
        one = self._submission
        message = {"source": one.source, "cells": one.cells, "helpers": one.helpers}
        return self._exchange(message, [])[0]

    def _watch(self, process):
        """What the system limits for each process only is watched here for all of them."""
        while not self._over.wait(0.1):
            if self._sandbox.uses_too_much():
                self._ended_for = "memory"
            elif "files" not in self._sandbox.protections and self._is_too_full():
                self._ended_for = "disk"
            else:
                continue
            process.kill()
            return

    def _is_too_full(self):
        size = count = 0
        folders = [self._folder]
        for folder in folders:
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    count += 1
                    with contextlib.suppress(OSError):
                        size += entry.stat(follow_symlinks=False).st_size
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                    if size > self._sandbox.limits.folder_bytes or count > 4096:
                        return True
        return False

    def _exchange(self, message, arrays):
        """Send one message and wait for the answer: (report, numbers)."""
        answers = []
        self._messages += 1
        message = message | {"id": self._messages}

        def talk(requests=self._process.requests, replies=self._process.replies):
            with contextlib.suppress(
                OSError,
                EOFError,
                ValueError,
                KeyError,
                TypeError,
                AttributeError,
                RecursionError,
                OverflowError,
            ):
                wire.send(requests, message, arrays)
                report = {}
                while report.get("id") != message["id"]:  # anything else was not asked for
                    report, numbers = wire.receive(replies, np.float64, 32 << 20, 1 << 20)
                answers.append(_checked(report, numbers, message, arrays))

        self._talker = talker = threading.Thread(target=talk, daemon=True)
        talker.start()
        start = time.monotonic()
        # A process that is not a fork imports torch first.
        talker.join(self._seconds + (30 if not self._sandbox.fork and "cells" in message else 0))
        self._left -= time.monotonic() - start
        if answers:
            return answers[0]
        reason = self._ended_for or ("time" if talker.is_alive() else "crash")
        self._ended_for = None
        self._process.kill()
        talker.join(5)
        self.close()
        return {"died": reason}, []

    def _drain(self, fd):
        limit = self._sandbox.limits.output_bytes
        with contextlib.suppress(OSError):
            while data := os.read(fd, 1 << 16):
                room = max(0, limit - len(self._output))
                self._output += data[:room]
                self._dropped += len(data[room:])
        os.close(fd)


def _checked(report, numbers, message, arrays):
    """The answer to `message`, if it is what a worker may say: a submission can write to the pipe as well."""
    if not isinstance(report, dict):
        raise TypeError("no report")
    if "error" in report:
        return {"error": _checked_error(report["error"])}, []
    if "function" not in message:  # it was to be loaded
        return {"functions": [name for name in FUNCTIONS if name in list(report["functions"])]}, []
    shape, changed = report.get("shape", []), report.get("changed", [])
    if not all(isinstance(part, list) and len(part) <= 20 for part in (shape, changed)):
        raise TypeError("no shape")
    if not all(type(n) is int and n < 1 << 60 for n in (*shape, *changed)):
        raise TypeError("no shape")
    if numbers and list(numbers[0].shape) != shape:
        raise ValueError("the shape is another")
    if [array.shape for array in numbers[1:]] != [array.shape for array in arrays[1:]]:
        numbers = numbers[:1]  # no gradients, or wrong ones
    answer = {
        "kind": _line(report["kind"]),
        "shape": shape,
        "changed": [i for i in changed if 0 <= i < len(arrays)],
    }
    answer["requires_grad"] = bool(report.get("requires_grad"))
    return answer | ({"dtype": _line(report["dtype"])} if "dtype" in report else {}), numbers


def _checked_error(error):
    parameters = error.get("parameters")
    is_list = isinstance(parameters, list) and all(isinstance(name, str) for name in parameters)
    names = [_line(name) for name in parameters[:20]] if is_list else []
    return {"type": "Exception", "message": "", "parameters": names} | {
        key: _line(error[key]) if kind is str else error[key]
        for key, kind in (("type", str), ("message", str), ("module", str), ("code", str), ("line", int))
        if type(error.get(key)) is kind
    }


def _line(text):
    """`text` as one printable line, so that it can't pass for lines of a report."""
    return " ".join(_printable(str(text)[:1000].strip().partition("\n")[0]).split())[:300]


def _printable(text):
    """Without the control characters that could write over a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
