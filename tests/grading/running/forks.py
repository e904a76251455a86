"""Starts processes for submissions as forks of servers that have imported torch already."""

import contextlib
import itertools
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading

from .inside.confine import below
from .launch import NO_TORCH, PATIENCE, PROJECT, Starter, command, environment, library
from .process import Limits, Process, SandboxError, memory_of, remove


class Forks(Starter):
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
        folder, settings = self.new_settings(way)
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
                command({"control": theirs.fileno(), "many": self._many}),
                pass_fds=[theirs.fileno()],
                env=environment() | {"HOME": os.path.expanduser("~")},
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
