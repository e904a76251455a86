"""Imports torch, then serves one submission (where there is no safe fork), or forks who serve one.

The first such process, the origin, forks a server for each thread of the grader, and another origin that has
imported more packages; a server forks the submissions.
"""

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys

from . import call, linux
from .confine import Confinement
from .settings import Settings
from .submission import start, take_streams
from .wire import receive, send


def main():
    """Without arguments: serve one submission over the first three files.

    With the number of a socket: fork a server for whom asks there. With "many" behind it, a preparation makes
    each fork cheaper.
    """
    control = socket.socket(fileno=int(sys.argv[1])) if sys.argv[1:] else None
    if control is None:
        line = os.dup(0), os.dup(1)
        take_streams(2)  # whatever the imports print
    call.import_torch()
    torch = call.torch
    torch.set_num_threads(1)
    torch.ones(2, 2) @ torch.ones(2, 2)  # reads /proc/cpuinfo, which a submission won't see
    if control is None:
        message, _ = receive(line[0])
        _import(message["packages"])
        start(_prepared(message["settings"], line[1]), message, line)
    else:
        _fork_as_origin(control, [])


def _import(names):
    for name in names:
        with contextlib.suppress(Exception):  # who needs it will see
            importlib.import_module(name)
    gc.freeze()  # shared with the forks; collecting would copy it
    if "many" in sys.argv:
        linux.use_huge_pages()


def _prepared(settings, answer_to):
    """What shuts in the submissions of this process, once all is imported; and who waits for that is told."""
    settings = Settings.from_dict(settings)
    try:
        confinement = Confinement(settings)
    except (OSError, KeyError) as error:
        send(
            answer_to,
            {"error": f"This machine does not give what the level {settings.level.name} has ({error})."},
        )
        sys.exit()
    send(answer_to, {"error": ""})
    return confinement


def _fork_as_origin(control, packages):
    if packages:
        linux.libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: while it imports, it hears nobody
    _import(packages)
    send(control.fileno(), {"error": ""})
    _fork_for(control)


def _fork_for(control, confinement=None):
    """Fork for who asks and answer with the new process' id, or end one, until nobody can ask any more.

    Where nothing shuts them in, the forks are servers or origins.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        data, fds, _, _ = socket.recv_fds(control, 1, 3)
        if not data:
            return
        message, _ = receive(control.fileno())
        if "end" in message:
            pid = message["end"]
            linux.end_group(pid)
        else:
            pid = _fork(control, confinement, message, fds)
        for fd in fds:
            os.close(fd)
        send(control.fileno(), {"pid": pid})


def _fork(control, confinement, message, fds):
    """The id of a new process, which is an origin, a server, or a submission; 0 if there can't be one."""
    try:
        pid = confinement.fork() if confinement else os.fork()
    except OSError:
        return 0
    if pid == 0:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            os.setsid()
            if confinement:
                take_streams(fds[2])
                start(confinement, message, fds[:2])
            elif "packages" in message:
                _fork_as_origin(socket.socket(fileno=fds[0]), message["packages"])
            else:
                control = socket.socket(fileno=fds[0])
                confinement = _prepared(message["settings"], fds[0])
                _fork_for(control, confinement)
                confinement.close()
        finally:
            os._exit(0)
    return pid
