"""Starts processes for submissions as forks of servers that have imported torch already."""

import contextlib
import os
import socket
import subprocess
import threading

from .inside.linux import below
from .inside.settings import Limits
from .inside.wire import receive, send
from .launch import NO_TORCH, PATIENCE, Starter, popen
from .process import SandboxError, end_family, memory_of


class Server:
    """A process that forks: submissions, and servers that have imported more than itself.

    It ends with what it has forked as soon as nobody can ask it any more.

    Attributes:
        memory_bytes: its share of what it was forked with, and a copy of that: nobody's fault.
    """

    def __init__(self, control: socket.socket, pid: int, memory_bytes: int = 0):
        """Of a process that was just started, and talks over the other end of `control`.

        Raises:
            SandboxError: torch can't be imported, or the namespaces can't be had.
        """
        self.pid, self._control, self._one_at_a_time = pid, control, threading.Lock()
        with contextlib.ExitStack() as if_not:
            if_not.callback(self.close)
            control.settimeout(PATIENCE)
            try:
                control.recv(1, socket.MSG_PEEK)
                control.settimeout(None)
                error = receive(control.fileno())[0]["error"]
            except (OSError, EOFError):
                error = NO_TORCH
            if error:
                raise SandboxError(error)
            if_not.pop_all()
        self.memory_bytes = memory_bytes + memory_of([pid, *below(pid)])

    def ask(self, message: dict, fds=()) -> int:
        """What it answers: a process id, or 0, also if it is dead."""
        with self._one_at_a_time:
            try:
                socket.send_fds(self._control, [b"."], fds)
                send(self._control.fileno(), message)
                return receive(self._control.fileno())[0]["pid"]
            except (OSError, EOFError):
                return 0

    def new_server(self, in_namespaces: bool, preload: list[str]) -> "Server":
        """A server forked from this one, in namespaces of its own or in none, with these modules as well.

        Raises:
            SandboxError: this one is dead, or the namespaces can't be had.
        """
        control, theirs = _pair()
        with theirs:
            pid = self.ask({"namespaces": in_namespaces, "preload": preload}, [theirs.fileno()])
        if not pid:
            control.close()
            raise SandboxError(
                "A process of the grader's own has ended. Maybe the machine ran out of memory."
            )
        return Server(control, pid, self.memory_bytes)

    def close(self) -> None:
        self._control.close()


class Origin(Server, contextlib.AbstractContextManager):
    """The server that imports torch, once, and forks all others. Several sandboxes can share one."""

    def __init__(self, many: bool = False):
        """Where `many` submissions are to come, half a second of preparation makes each of them cheaper.

        Raises:
            SandboxError: torch can't be imported.
        """
        control, theirs = _pair()
        with theirs:
            self._process = popen(
                ["fork-many" if many else "fork", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        super().__init__(control, self._process.pid)

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        super().close()
        self._process.kill()
        self._process.wait()


def _pair():
    pair = socket.socketpair()
    for one in pair:
        one.settimeout(None)  # whatever others have set for all sockets
    return pair


class Forks(Starter, contextlib.AbstractContextManager):
    """Forks of servers: each thread that asks has one of its own (Linux)."""

    forks = True

    def __init__(self, limits: Limits, preload: list[str], hidden: list[str], origin: Origin):
        super().__init__(limits, preload, hidden)
        self._origin = origin
        self._servers: dict[tuple[int, bool], Server] = {}

    def __exit__(self, *_):
        while self._servers:
            self._servers.popitem()[1].close()

    def _begin(self, settings, theirs, _):
        is_alone = settings.level.namespaces
        key, pid = (threading.get_ident(), is_alone), 0
        try:
            for _ in range(2):
                if key not in self._servers:
                    self._servers[key] = self._origin.new_server(is_alone, self.preload)
                server = self._servers[key]
                if pid := server.ask({"settings": settings.to_json()}, theirs):
                    break
                self._servers.pop(key).close()  # it has just died; that is not this submission's fault
        finally:
            for fd in theirs:
                os.close(fd)
        if not pid:
            raise SandboxError("The grader can't start a process for submissions any more.")

        def kill():
            if is_alone:  # the id is one of the server's own namespace
                server.ask({"end": pid})
            else:
                end_family(pid, server.pid, settings.uid)

        return server.pid, server.memory_bytes, kill
