"""Imports torch, then serves one submission (where there is no safe fork), or forks servers that fork.

Of the servers each belongs to one thread of the grader. Each submission gets a fork of one of them.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import struct
import sys

from . import call, namespaces, processes
from .huge import use_huge_pages
from .rules import private
from .settings import Settings
from .submission import start, take_streams
from .wire import READY


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
        if what == "fork-many":
            use_huge_pages()
        _fork_servers(socket.socket(fileno=int(arguments[0])))


def _import(names):
    for name in names:
        with contextlib.suppress(Exception):  # who needs it will see
            importlib.import_module(name)
    gc.freeze()  # shared with the forks; collecting would copy it


def _fork_servers(control):
    """Fork a server for each request, with more modules imported, and answer with its id; or end one."""
    _say_ready(control)
    for message, fds in _messages(control):
        if "end" in message:
            with contextlib.suppress(ChildProcessError):  # an earlier origin's, which ends by itself
                if os.waitpid(message["end"], os.WNOHANG)[0] == 0:
                    os.kill(message["end"], signal.SIGKILL)
                    os.waitpid(message["end"], 0)
            _answer(control, 0)
            continue

        def child(message=message, fds=fds):
            control.close()
            os.setsid()
            _import(message["preload"])
            _fork_submissions(socket.socket(fileno=fds[0]), message["namespaces"])

        pid = _fork(child)
        os.close(fds[0])
        _answer(control, pid)


def _fork_submissions(control, in_namespaces):
    """Fork a process for each request and answer with its id, or end one."""
    try:
        namespace = namespaces.enter() if in_namespaces else None
    except OSError as error:
        _say_ready(control, str(error))
        return
    if namespace is None:
        processes.adopt_orphans()
    private("/etc")  # looked up once, for all forks
    _say_ready(control)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for message, fds in _messages(control):
        if "end" in message:
            _end(message["end"], message["uid"], in_namespaces)
            _answer(control, message["end"])
            continue
        settings = Settings.from_json(message["start"])

        def child(settings=settings, fds=fds):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            requests, replies, output = fds
            os.setsid()
            take_streams(output)
            start(settings, requests, replies)

        try:
            if in_namespaces:
                namespaces.prepare(namespace)
            pid = _fork(child)
        except OSError:
            pid = 0
        for fd in fds:
            os.close(fd)
        _answer(control, pid)
    processes.end_below(os.getpid())


def _end(pid, uid, is_alone):
    """End a submission; where it is alone in a namespace, the kernel ends all that it has started."""
    processes.end(pid)
    if not is_alone:
        processes.end_below(os.getpid())
        if uid is not None:
            processes.end_all_of_user(uid)


def _fork(child):
    """The id of a new process that does what `child` says; 0 if there can't be one."""
    try:
        pid = os.fork()
    except OSError:
        return 0
    if pid == 0:
        try:
            child()
        finally:
            os._exit(0)
    return pid


def _say_ready(control, error=""):
    control.sendall(json.dumps({"error": error}).encode())


def _messages(control):
    """What is asked for on a socket, with the file numbers that come with it, until the grader has gone."""
    while True:
        header, fds, _, _ = socket.recv_fds(control, 4, 3)
        if not header:
            return
        text = control.recv(*struct.unpack("<I", header), socket.MSG_WAITALL)
        yield json.loads(text), fds


def _answer(control, pid):
    control.sendall(struct.pack("<I", pid))
