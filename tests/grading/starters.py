"""Starts processes for submissions: forks of one server, or where that isn't safe, each on its own.

Both have `limits`, `protections`, `ways()`, `start()` and `close()`. Neither knows whether it works;
`sandbox.py` finds that out.
"""

import contextlib
import itertools
import json
import os
import signal
import site
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from .inside import confine
from .inside.confine import below
from .inside.mounts import FOLDER
from .inside.wire import READY
from .processes import Limits, Process, SandboxError, memory_of, remove

PROJECT = str(Path(__file__).resolve().parents[2])
INSIDE = str(Path(__file__).resolve().parent / "inside")
PATIENCE = 120  # seconds for torch to be imported, on whatever machine


class _Starter:
    """What both need: limits, and for each submission a folder and, as root, a user."""

    def __init__(self, limits: Limits, preload: list[str]):
        self.limits, self.preload = limits, preload
        first = 30_000 + os.getpid() % 300 * 100  # below 65,536: containers often know no higher ones
        self._uids = itertools.cycle(range(first, first + 100))
        # Never as root: where that can't be had, nobody is graded.
        self._as_user = hasattr(os, "geteuid") and os.geteuid() == 0

    def _new_settings(self, way):
        """A folder that a submission may write to, and what its process is told."""
        parent = tempfile.gettempdir()
        if self._as_user and "files" not in way:  # with it, the way there is made anew
            parent = next((path for path in (parent, "/tmp", "/var/tmp") if _anyone_enters(path)), parent)
        outer = os.path.realpath(tempfile.mkdtemp(prefix="submission-", dir=parent))
        os.chmod(outer, 0o711)  # and its own folder in it: it can't be moved elsewhere by another user
        folder = os.path.join(outer, "own")
        os.mkdir(folder, 0o700)
        uid = next(self._uids) if self._as_user else None
        if uid is not None:
            with contextlib.suppress(OSError):  # the trial says whether it matters
                os.chown(folder, uid, uid)
        seen = FOLDER if "files" in way else folder
        private = dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR"), seen)
        return folder, {
            "folder": seen,
            "uid": uid,
            "environment": _environment() | private,
            "protections": way,
            "memory_bytes": self.limits.memory_bytes,
            "file_bytes": self.limits.file_bytes,
            "folder_bytes": self.limits.folder_bytes,
        }


class Forks(_Starter):
    """Forks of fork servers, one server for each thread that asks, with torch imported once (Linux)."""

    def __init__(self, limits: Limits, preload: list[str], hidden: list[str], many: bool = False):
        super().__init__(limits, preload)
        self._hidden, self._origin = hidden, _Origin(many)
        # What few submissions import makes each fork dearer: a server without it, and one with.
        self._servers: dict[tuple[int, bool], _Server] = {}

    def ways(self) -> list[list[str]]:
        """The protections that may work together, the most first, the least last.

        Raises:
            SandboxError: torch can't be imported.
        """
        had = self._server().had
        fewer = [
            [*p]
            for n in range(len(had), -1, -1)
            for p in itertools.combinations(had, n)
            if "processes" in p or "processes" not in had  # the server is in its namespace already
            if not {"files", "paths"} <= {*p}  # either will do
        ]
        return [way for p in fewer for way in ([*p, "reading"], p)[: 2 if self._as_user else 1]]

    def start(self, way: list[str], preload: list[str]) -> Process:
        """A fresh process that is kept from what `way` says, and has imported these modules.

        Raises:
            SandboxError: no process can be started.
        """
        for _ in range(2):
            server = self._server(bool(preload))
            if lost := {*way} - {*server.had, "reading"}:  # never with less than what was tried
                raise SandboxError(f"What keeps submissions in is gone ({', '.join(lost)}).")
            process = self._fork(server, way)
            if process is not None:
                return process
            server.close()  # it has just died; that is not this submission's fault
            self._servers.pop((threading.get_ident(), bool(preload)), None)
        raise SandboxError("The grader can't start a process for submissions any more.")

    def close(self) -> None:
        while self._servers:
            self._servers.popitem()[1].close()
        self._origin.close()

    def _server(self, preload=False):
        key = threading.get_ident(), preload
        if key not in self._servers:
            self._servers[key] = self._origin.new_server(self.preload if preload else [])
        return self._servers[key]

    def _fork(self, server, way):
        folder, settings = self._new_settings(way)
        settings |= {
            "hide": self._hidden,
            "keep": sorted(
                {os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)} - {PROJECT} | {*library()}
            ),
        }
        uid = settings["uid"]
        requests, replies, output = os.pipe(), os.pipe(), os.pipe()
        theirs, pid = [requests[0], replies[1], output[1]], 0
        try:
            pid = server.ask(settings, theirs)
        finally:
            for fd in theirs:
                os.close(fd)
            if pid == 0:
                for fd in (requests[1], replies[0], output[0]):
                    os.close(fd)
                remove(os.path.dirname(folder))
        if pid == 0:
            return None

        def kill():
            is_alive = server.ask({"kill": pid, "uid": uid}) == pid
            if "processes" not in way:  # the submission may have ended the server
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
            return is_alive

        memory = self.limits.memory_bytes + server.memory_bytes
        on_disk = None if "files" in way else self.limits.folder_bytes
        return Process(folder, requests[1], replies[0], output[0], server.pid, memory, on_disk, kill)


class _Line:
    """A socket to a process that forks."""

    def __init__(self, control: socket.socket):
        self._control, self._one_at_a_time = control, threading.Lock()

    def ask(self, settings, fds=()) -> int:
        """What it answers: a process id, or 0, also if it is dead."""
        with self._one_at_a_time:
            try:
                text = json.dumps(settings).encode()
                socket.send_fds(self._control, [struct.pack("<I", len(text))], fds)
                self._control.sendall(text)
                return struct.unpack("<I", self._control.recv(4))[0]
            except (OSError, struct.error):
                return 0
            except BaseException:  # an interrupt: the next answer would be to this question
                self._control.close()
                raise

    def close(self) -> None:
        self._control.close()


class _Origin:
    """The process that imports torch, once, and forks the servers."""

    def __init__(self, many: bool):
        self._many, self._process = many, None
        self._one_at_a_time = threading.Lock()

    def new_server(self, preload: list[str]) -> "_Server":
        """
        Raises:
            SandboxError: torch can't be imported.
        """
        with self._one_at_a_time:
            for _ in range(2):
                if self._process is None:
                    self._open()
                control, theirs = _pair()
                with theirs:
                    pid = self._line.ask({"preload": preload}, [theirs.fileno()])
                if pid:
                    break
                control.close()
                self.close()  # it has died
            else:
                raise SandboxError(NO_TORCH)
        try:
            return _Server(control, pid, self)
        except BaseException:
            control.close()
            raise

    def end(self, server: "_Server") -> None:
        with self._one_at_a_time:
            if self._process:
                self._line.ask({"kill": server.pid})

    def close(self) -> None:
        if self._process:
            self._line.close()
            self._process.kill()
            self._process.wait()
            self._process = None

    def _open(self):
        control, theirs = _pair()
        with theirs:
            self._process = subprocess.Popen(
                _command({"control": theirs.fileno(), "many": self._many}),
                pass_fds=[theirs.fileno()],
                env=_environment() | {"HOME": os.path.expanduser("~")},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the grader, which then ends all that it has started
            )
        self._line = _Line(control)
        try:
            _hear(control)
        except BaseException:
            self.close()
            raise
        self.memory_bytes = memory_of([self._process.pid])


class _Server(_Line):
    """A fork server.

    Attributes:
        had: the protections that it can have.
        memory_bytes: its share of what the origin holds, and a copy of that: nobody's fault.
    """

    def __init__(self, control, pid: int, origin: _Origin):
        super().__init__(control)
        self.pid, self._origin = pid, origin
        self.had: list[str] = _hear(control)
        self.memory_bytes = memory_of([pid, *below(pid)]) + origin.memory_bytes

    def close(self) -> None:
        super().close()
        self._origin.end(self)


def _pair():
    pair = socket.socketpair()
    for end in pair:  # a default time-out, if a caller set one, must not end it
        end.settimeout(None)
    return pair


def _hear(control):
    """The first that a process says, when its imports are done."""
    control.settimeout(PATIENCE)
    try:
        return json.loads(control.recv(1 << 12))
    except (OSError, ValueError):
        raise SandboxError(NO_TORCH) from None
    finally:
        control.settimeout(None)


class Spawns(_Starter):
    """A new process for each submission, with its own import of torch. Nothing shuts it in."""

    def ways(self) -> list[list[str]]:
        """The protections that may work, the most first."""
        return [["reading"], []] if self._as_user else [["reading"]]

    def close(self) -> None:
        pass

    def start(self, way: list[str], preload: list[str]) -> Process:
        """A fresh process that has imported torch already, and these: no author's time is spent on that.

        Raises:
            SandboxError: torch can't be imported.
        """
        folder, settings = self._new_settings(way)
        settings["preload"], uid = preload, settings["uid"]
        process = subprocess.Popen(
            _command(settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment() | {"HOME": os.path.expanduser("~")},
            start_new_session=True,
        )

        def kill():
            if os.name == "posix":
                confine.end(process.pid, process.pid)
            if uid is not None:
                command = ["/bin/sh", "-c", "kill -KILL -1"]  # whoever has left that family
                subprocess.run(command, user=uid, group=uid, extra_groups=[], check=False)
            process.kill()
            process.wait()
            return True

        fds = [os.dup(pipe.fileno()) for pipe in (process.stdin, process.stdout, process.stderr)]
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
        started = Process(folder, *fds, process.pid, 0, self.limits.folder_bytes, kill)
        ready = []
        waiting = threading.Thread(target=lambda: ready.append(os.read(fds[1], 1)), daemon=True)
        waiting.start()
        try:
            waiting.join(PATIENCE)
            if ready != [READY]:
                raise SandboxError(NO_TORCH)
        except BaseException:
            started.end()
            waiting.join(PATIENCE)
            for fd in fds:
                os.close(fd)
            raise
        started.memory_bytes = memory_of([process.pid]) + self.limits.memory_bytes
        return started


NO_TORCH = (
    "The grader can't start a process that imports torch. Does `python -c 'import torch'` work, and in time?"
)


def library() -> list[str]:
    """The folders of the standard library and of installed packages on the path, and no others."""
    homes = [
        os.path.realpath(path)
        for path in (sys.prefix, sys.base_prefix, site.getusersitepackages(), *site.getsitepackages())
    ]
    # Without links: what a link names may be hidden, and then so is what it leads to.
    paths = [os.path.realpath(path) for path in sys.path if os.path.isdir(path)]
    # The project may lie in the environment's folder, or the environment in the project's.
    return [p for p in dict.fromkeys(paths) if _depth_in(p, homes) > _depth_in(p, [PROJECT])]


def _depth_in(path, folders):
    return max(
        (len(f) for f in folders if path == f or path.startswith(f.rstrip(os.sep) + os.sep)), default=0
    )


def _anyone_enters(path):
    path = os.path.realpath(path)
    return all(os.stat(one).st_mode & 1 for one in (path, *map(str, Path(path).parents)))


def _command(settings):
    # Isolated mode keeps the project off the path; the packages are found where this process finds them.
    start = (
        f"import sys; sys.path[:] = {library()!r}\n"
        "from importlib.util import module_from_spec, spec_from_file_location\n"
        f"spec = spec_from_file_location('inside', {INSIDE!r} + '/__init__.py')\n"
        "sys.modules['inside'] = module_from_spec(spec)\n"
        "spec.loader.exec_module(sys.modules['inside'])\n"
        "from inside import server\n"
        "server.main()"
    )
    return [sys.executable, "-I", "-B", "-X", "utf8", "-c", start, json.dumps(settings)]


def _environment():
    kept = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATHEXT", "COMSPEC")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PATH": os.defpath,
        "MPLBACKEND": "Agg",  # plots go nowhere
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # Freed memory is kept, and new one comes in 2 MiB: single pages cost forks and calls the most.
        "MALLOC_TRIM_THRESHOLD_": "67108864",
        "MALLOC_MMAP_THRESHOLD_": "67108864",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        "TORCHDYNAMO_DISABLE": "1",  # torch.compile needs a compiler, and changes no value
    }
