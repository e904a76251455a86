"""Imports torch, then serves one submission (where there is no safe fork), or forks who serve one.

The first such process forks a server for each thread of the grader; a server forks the submissions.
"""

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys

from . import call, linux, namespaces
from .rules import private
from .settings import Settings
from .submission import start, take_streams
from .wire import READY, receive, send


def main():
    """Do what the command line says.

    `serve SETTINGS MODULE...` serves one submission. `fork CONTROL` forks a server for whom asks on this
    socket; `fork-many CONTROL` does so after a preparation that makes each fork cheaper.
    """
    what, *arguments = sys.argv[1:]
    if what == "serve":
        requests, replies = os.dup(0), os.dup(1)
        take_streams(2)  # whatever the imports print
    call.import_torch()
    torch = call.torch
    torch.set_num_threads(1)
    torch.ones(2, 2) @ torch.ones(2, 2)  # reads /proc/cpuinfo, which a submission won't see
    if what == "serve":
        settings, *preload = arguments
        _import(preload)
        os.write(replies, READY)
        start(Settings.from_json(settings), requests, replies)
    else:
        _import([])
        _fork_for(socket.socket(fileno=int(arguments[0])))


def _import(names):
    for name in names:
        with contextlib.suppress(Exception):  # who needs it will see
            importlib.import_module(name)
    gc.freeze()  # shared with the forks; collecting would copy it
    if sys.argv[1] == "fork-many":
        linux.use_huge_pages()


def _serve(control, in_namespaces, preload):
    """Import more, then fork submissions."""
    _import(preload)
    private("/etc")  # looked up once, for all forks
    namespace = None
    if in_namespaces:
        try:
            namespace = namespaces.enter()
        except OSError as error:
            send(control.fileno(), {"error": f"Namespaces are refused ({error})."})
            return
    else:
        linux.libc().prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: no daemon leaves this family
    _fork_for(control, namespace)
    if not in_namespaces:  # else the kernel does it
        linux.end_below(os.getpid())


def _fork_for(control, namespace=None):
    """Fork for who asks and answer with the new process' id, or end one, until nobody can ask any more."""
    send(control.fileno(), {"error": ""})
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
            pid = _fork(control, namespace, message, fds)
        for fd in fds:
            os.close(fd)
        send(control.fileno(), {"pid": pid})


def _fork(control, namespace, message, fds):
    """The id of a new process, which is a server or a submission; 0 if there can't be one."""
    settings = Settings.from_json(message["settings"]) if "settings" in message else None
    try:
        if namespace is not None:
            namespaces.prepare(namespace, settings)
        pid = os.fork()
    except OSError:
        return 0
    if pid == 0:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            os.setsid()
            if settings is not None:
                requests, replies, output = fds
                take_streams(output)
                start(settings, requests, replies)
            else:
                _serve(socket.socket(fileno=fds[0]), message["namespaces"], message["preload"])
        finally:
            os._exit(0)
    return pid
