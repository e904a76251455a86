"""Starts processes for submissions as forks of servers that have imported torch already."""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Sequence

from .inside.processes import below
from .inside.settings import Level
from .launch import NO_TORCH, PATIENCE, Starter, command, environment
from .process import Limits, Process, SandboxError, memory_of, remove


class Forks(Starter):
    """Forks of fork servers: one server for each thread that asks, and for what is preloaded (Linux)."""

    def __init__(self, limits: Limits, preload: list[str], hidden: list[str], origin: "Origin"):
        super().__init__(limits, preload, hidden)
        self._origin = origin
        # What few submissions import makes each fork dearer: a server without it, and one with.
        self._servers: dict[tuple[int, bool], _Server] = {}

    def levels(self, wanted: Sequence[Level]) -> list[Level]:
        self._origin.open()
        return super().levels(wanted)

    def start(self, level: Level, preload: list[str]) -> Process:
        """A fresh process, shut in at this level, that has imported these modules.

        Raises:
            SandboxError: no process can be started, or not at this level.
        """
        for _ in range(2):
            process = self._fork(self._server(level, bool(preload)), level)
            if process is not None:
                return process
            # It has just died; that is not this submission's fault.
            self._servers.pop((threading.get_ident(), bool(preload))).close()
        raise SandboxError("The grader can't start a process for submissions any more.")

    def close(self) -> None:
        while self._servers:
            self._servers.popitem()[1].close()

    def _server(self, level, with_preload):
        key = threading.get_ident(), with_preload
        server = self._servers.get(key)
        if server is not None and server.in_namespaces != level.namespaces:
            self._servers.pop(key).close()
            server = None
        if server is None:
            preload = self.preload if with_preload else []
            server = self._servers[key] = self._origin.new_server(level.namespaces, preload)
        return server

    def _fork(self, server, level):
        folder, settings = self.new_settings(level)
        uid = settings.uid
        requests, replies, output = os.pipe(), os.pipe(), os.pipe()
        theirs, pid = [requests[0], replies[1], output[1]], 0
        try:
            pid = server.ask({"start": settings.to_json()}, theirs)
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
            is_alive = server.ask({"end": pid, "uid": uid}) == pid
            if not level.namespaces:  # the submission may have ended the server
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
            return is_alive

        memory = self.limits.memory_bytes + server.memory_bytes
        on_disk = None if level.namespaces else self.limits.folder_bytes
        return Process(folder, requests[1], replies[0], output[0], server.pid, memory, on_disk, kill)


class _Line:
    """A socket to a process that forks."""

    def __init__(self, control: socket.socket):
        self._control, self._one_at_a_time = control, threading.Lock()

    def ask(self, message, fds=()) -> int:
        """What it answers: a process id, or 0, also if it is dead."""
        with self._one_at_a_time:
            try:
                text = json.dumps(message).encode()
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


class Origin:
    """The process that imports torch, once, and forks the servers. Several sandboxes can share one."""

    def __init__(self, many: bool = False):
        """Where `many` submissions are to come, half a second of preparation makes each of them cheaper."""
        self._command, self._process = "fork-many" if many else "fork", None
        self._one_at_a_time = threading.RLock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def open(self) -> None:
        """Start it, unless it runs.

        Raises:
            SandboxError: torch can't be imported.
        """
        with self._one_at_a_time:
            if self._process is None:
                self._start()

    def new_server(self, in_namespaces: bool, preload: list[str]) -> "_Server":
        """A fork server, in namespaces of its own or in none, that has imported these modules as well.

        Raises:
            SandboxError: torch can't be imported, or the namespaces can't be had.
        """
        with self._one_at_a_time:
            for _ in range(2):
                self.open()
                control, theirs = _pair()
                message = {"namespaces": in_namespaces, "preload": preload}
                with theirs:
                    pid = self._line.ask(message, [theirs.fileno()])
                if pid:
                    break
                control.close()
                self.close()  # it has died
            else:
                raise SandboxError(NO_TORCH)
        try:
            return _Server(control, pid, in_namespaces, self)
        except BaseException:
            control.close()
            self.end(pid)
            raise

    def end(self, pid: int) -> None:
        """End one of its servers."""
        with self._one_at_a_time:
            if self._process:
                self._line.ask({"end": pid})

    def close(self) -> None:
        with self._one_at_a_time:
            if self._process:
                self._line.close()
                self._process.kill()
                self._process.wait()
                self._process = None

    def _start(self):
        control, theirs = _pair()
        with theirs:
            self._process = subprocess.Popen(
                command(self._command, str(theirs.fileno())),
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
        in_namespaces: whether it and its forks are.
        memory_bytes: its share of what the origin holds, and a copy of that: nobody's fault.
    """

    def __init__(self, control, pid: int, in_namespaces: bool, origin: Origin):
        super().__init__(control)
        self.pid, self.in_namespaces, self._origin = pid, in_namespaces, origin
        _hear(control)
        self.memory_bytes = memory_of([pid, *below(pid)]) + origin.memory_bytes

    def close(self) -> None:
        super().close()
        self._origin.end(self.pid)


def _pair():
    pair = socket.socketpair()
    for end in pair:  # a default time-out, if a caller set one, must not end it
        end.settimeout(None)
    return pair


def _hear(control):
    """Wait for the first that a process says, when its imports are done."""
    control.settimeout(PATIENCE)
    try:
        error = json.loads(control.recv(1 << 12))["error"]
    except (OSError, ValueError):
        raise SandboxError(NO_TORCH) from None
    finally:
        control.settimeout(None)
    if error:
        raise SandboxError(f"Namespaces are refused ({error}).")
