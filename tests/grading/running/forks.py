"""Servers: processes that have imported torch already, and fork those of the submissions (Linux)."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import asdict

from .inside.linux import below
from .inside.settings import Settings
from .inside.wire import receive, send
from .launch import popen
from .process import SandboxError, memory_of

PATIENCE = 120  # seconds for torch to be imported, on whatever machine
NO_TORCH = (
    "The grader can't start a process that imports torch. Does `python -c 'import torch'` work, and in time?"
)


def wait_for(pid: int, replies: int) -> None:
    """Wait until a process that was just started has imported all, which it says in this file.

    Raises:
        SandboxError: torch can't be imported, or this machine can't give what the level has.
    """
    error, too_late = NO_TORCH, threading.Timer(PATIENCE, os.kill, (pid, signal.SIGTERM))
    too_late.start()  # an import may hang
    try:
        error = receive(replies)[0]["error"]
    except (OSError, EOFError):
        pass  # it has ended
    finally:
        too_late.cancel()
    if error:
        raise SandboxError(error)


class Server:
    """A process that forks: submissions, or servers that have imported more than itself.

    It ends with what it has forked as soon as nobody can ask it any more.

    Attributes:
        memory_bytes: its share of what it was forked with, and a copy of that: nobody's fault.
    """

    def __init__(self, control: socket.socket, pid: int, memory_bytes: int = 0):
        """Of a process that was just started, and talks over the other end of `control`.

        Raises:
            SandboxError: as `wait_for`.
        """
        self.pid, self._control, self._one_at_a_time = pid, control, threading.Lock()
        with contextlib.ExitStack() as if_not:
            if_not.enter_context(control)
            wait_for(pid, control.fileno())
            if_not.pop_all()
        self.memory_bytes = memory_bytes + memory_of([pid, *below(pid)])

    def close(self) -> None:
        self._control.close()

    def ask(self, message: dict, fds=()) -> int:
        """What it answers: a process id, or 0 if it is dead.

        If an interrupt comes between, it is closed: who asks next would hear this answer.
        """
        with self._one_at_a_time, contextlib.ExitStack() as if_not:
            if_not.callback(self.close)
            with contextlib.suppress(OSError, EOFError):
                socket.send_fds(self._control, [b"."], fds)
                send(self._control.fileno(), message)
                pid = receive(self._control.fileno())[0]["pid"]
                if_not.pop_all()
                return pid
        return 0

    def new_server(self, settings: Settings) -> "Server":
        """A server for submissions, forked from this origin.

        Raises:
            SandboxError: this one is dead, or the machine can't give what the level has.
        """
        return self._fork({"settings": asdict(settings)})

    def new_origin(self, packages: list[str]) -> "Server":
        """An origin that has imported these, too.

        Raises:
            SandboxError: this one is dead, or an import hangs.
        """
        return self._fork({"packages": packages})

    def _fork(self, message):
        control, theirs = _pair()
        with theirs:
            pid = self.ask(message, [theirs.fileno()])
        if not pid:
            control.close()
            raise SandboxError(
                "A process of the grader's own has ended. Maybe the machine ran out of memory."
            )
        return Server(control, pid, self.memory_bytes)


@contextlib.contextmanager
def new_origin(many: bool = False) -> Iterator[Server]:
    """The server that imports torch, once, and forks all others. Several sandboxes can share one.

    Where `many` submissions are to come, half a second of preparation makes each of them cheaper.

    Raises:
        SandboxError: torch can't be imported.
    """
    control, theirs = _pair()
    with theirs:
        process = popen(
            [str(theirs.fileno()), *(["many"] if many else [])],
            pass_fds=[theirs.fileno()],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        with contextlib.closing(Server(control, process.pid)) as server:
            yield server
    finally:
        process.kill()
        process.wait()


def _pair():
    pair = socket.socketpair()
    for one in pair:
        one.settimeout(None)  # whatever others have set for all sockets
    return pair
