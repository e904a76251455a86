"""Runs a submission in a process of its own, and talks to it. What comes back is data, never code."""

import contextlib
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

from . import worker
from .submission import Submission

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Limits:
    """What a submission may use. Time is per call, and once for the import."""

    seconds: float = 10.0
    memory_bytes: int = 4 << 30
    file_bytes: int = 16 << 20
    output_bytes: int = 64 << 10


@dataclass(frozen=True)
class Reply:
    """What one call came to.

    Attributes:
        report: "error" (a dict), or "died" ("time" or "crash"), or a description of the result.
        numbers: the result and the gradients, float64; see `worker.call`.
    """

    report: dict
    numbers: list

    @property
    def value(self) -> np.ndarray | None:
        return self.numbers[0] if self.numbers else None


class Sandbox:
    """Starts processes for submissions. One fork server serves them all, one after the other."""

    def __init__(
        self, limits: Limits = Limits(), preload: Iterable[str] = (), fork: bool = hasattr(os, "fork")
    ):
        """`preload` names modules that submissions import, for the fork server to import once."""
        self.limits, self.preload, self.fork = limits, sorted(preload), fork
        self.hidden = [str(PROJECT), os.path.realpath(os.getcwd())]
        self._server = self._control = None
        self._isolate, self._uid = False, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def isolated(self) -> bool:
        """Whether submissions see no processes and no network but their own, and no files but a temporary
        folder, the system's and Python's, which they can't write to (on most Linux machines)."""
        return self._isolate

    def close(self):
        if self._server:
            self._control.close()
            self._server.kill()
            self._server.wait()
            self._server = None

    def start(self, folder: str) -> "_Process":
        """A fresh worker process, with `folder` to write in."""
        if not self.fork:
            return _spawn(folder)
        if self._server is None or self._server.poll() is not None:
            self._start_server()
        process = self._fork(folder)
        if process.pid == 0:  # the server has just died; that is not this submission's fault
            for fd in (process.requests, process.replies, process.output):
                os.close(fd)
            self._start_server()
            process = self._fork(folder)
        if process.pid == 0:
            raise RuntimeError("The grader can't start a process for submissions any more.")
        return process

    def _start_server(self):
        # How much a system allows can't be asked, only tried.
        uid = 100_000 + os.getpid() % 100_000 if os.geteuid() == 0 else None
        for self._isolate, self._uid in dict.fromkeys(((True, uid), (False, uid), (False, None))):
            self._open_server()
            with Session(self, Submission("trial", source=""), seconds=60) as trial:
                if "functions" in trial.loaded:
                    return
        raise RuntimeError("The grader can't start a process for submissions on this machine.")

    def _open_server(self):
        self.close()
        self._control, theirs = socket.socketpair()
        for end in (
            self._control,
            theirs,
        ):  # a default time-out, if a caller set one, must not end the server
            end.settimeout(None)
        with theirs:
            settings = {"control": theirs.fileno(), "isolate": self._isolate, "preload": self.preload}
            self._server = subprocess.Popen(
                _command(settings),
                pass_fds=[theirs.fileno()],
                env=_environment() | {"HOME": os.path.expanduser("~")},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def _fork(self, folder):
        if self._uid is not None:
            os.chown(folder, self._uid, self._uid)
        settings = {
            "folder": folder,
            "environment": _environment() | _folders(folder),
            "isolate": self._isolate,
            "uid": self._uid,
            "hide": self.hidden,
            "keep": sorted(
                {os.path.realpath(path) for path in (folder, sys.prefix, sys.base_prefix, *_library())}
            ),
            "memory_bytes": self.limits.memory_bytes,
            "file_bytes": self.limits.file_bytes,
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
            self._ask({"kill": pid})
            if not self._isolate:  # the submission may have ended the server
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)

        return _Process(pid, requests[1], replies[0], output[0], kill)

    def _ask(self, settings, fds=()):
        """What the fork server answers: a process id, or 0, also if it is dead."""
        try:
            socket.send_fds(self._control, [json.dumps(settings).encode()], fds)
            return struct.unpack("<I", self._control.recv(4))[0]
        except (OSError, struct.error):
            return 0


class _Process:
    def __init__(self, pid, requests, replies, output, kill):
        self.pid, self.requests, self.replies, self.output, self.kill = pid, requests, replies, output, kill


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
    start = f"import sys; sys.path[:] = {_library()!r}; import runpy; runpy.run_path({worker.__file__!r}, run_name='__main__')"
    return [sys.executable, "-I", "-X", "utf8", "-c", start, json.dumps(settings)]


def _library():
    """The folders of the standard library and of installed packages on the path, and no others."""
    homes = [
        os.path.realpath(path)
        for path in (sys.prefix, sys.base_prefix, site.getusersitepackages(), *site.getsitepackages())
    ]
    return [
        path for path in sys.path if os.path.isdir(path) and os.path.realpath(path).startswith(tuple(homes))
    ]


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

    def __init__(self, sandbox: Sandbox, submission: Submission, seconds: float | None = None):
        """`seconds` replaces the sandbox's limit of time."""
        self._sandbox, self._submission = sandbox, submission
        self._seconds = seconds or sandbox.limits.seconds
        self._left = 6 * self._seconds  # for all that a submission does, however slow it is
        self._output, self._dropped, self._messages = bytearray(), 0, 0
        self._process = self._reader = self._folder = None
        self.loaded = self._load()

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
        self._process.kill()
        for fd in (self._process.requests, self._process.replies):
            os.close(fd)
        self._reader.join(1)
        self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _load(self):
        self._folder = os.path.realpath(tempfile.mkdtemp(prefix="submission-"))
        self._process = self._sandbox.start(self._folder)
        self._reader = threading.Thread(target=self._drain, args=(self._process.output,), daemon=True)
        self._reader.start()
        message = {"source": self._submission.source, "cells": self._submission.cells}
        return self._exchange(message, [])[0]

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
                worker.send(requests, message, arrays)
                report = {}
                while report.get("id") != message["id"]:  # anything else was not asked for
                    report, numbers = worker.receive(replies, np.float64, limit=32 << 20)
                answers.append(_checked(report, numbers, message, arrays))

        talker = threading.Thread(target=talk, daemon=True)
        talker.start()
        start = time.monotonic()
        # A process that is not a fork imports torch first.
        talker.join(self._seconds + (30 if not self._sandbox.fork and "cells" in message else 0))
        self._left -= time.monotonic() - start
        if answers:
            return answers[0]
        reason = "time" if talker.is_alive() else "crash"
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
        return {"functions": [name for name in worker.FUNCTIONS if name in list(report["functions"])]}, []
    shape, changed = report.get("shape", []), report.get("changed", [])
    if not all(isinstance(part, list) and all(type(n) is int for n in part) for part in (shape, changed)):
        raise TypeError("no shape")
    if len(shape) > 20 or (numbers and list(numbers[0].shape) != shape):
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
    return {"type": "Exception", "message": "", "parameters": parameters if is_list else []} | {
        key: _line(error[key]) if kind is str else error[key]
        for key, kind in (("type", str), ("message", str), ("module", str), ("code", str), ("line", int))
        if type(error.get(key)) is kind
    }


def _line(text):
    """`text` as one printable line, so that it can't pass for lines of a report."""
    return " ".join(_printable(str(text).strip().partition("\n")[0]).split())


def _printable(text):
    """Without the control characters that could write over a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
