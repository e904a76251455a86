"""The process itself: serves one submission, or forks a process for each.

Started with a control socket it is a fork server: torch is imported once, and each submission
gets a fork, which confine.py shuts in. Without a control socket (Windows) it serves one submission.
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

import numpy as np

from . import FUNCTIONS, call, confine
from .huge import use_huge_pages
from .load import MissingModule, load, slice_notebook, write_helpers
from .wire import receive, send

_getpid, _exit = os.getpid, os._exit


def serve(requests, replies):
    """Load one submission, then answer calls until the grader hangs up."""
    message, _ = receive(requests, np.float32)
    number = message["id"]
    path = os.path.join(os.getcwd(), "solution.py")
    namespace, process = {}, _getpid()

    def answer(report, numbers=()):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):
                stream.flush()
        if _getpid() != process:
            _exit(0)  # the submission forked, and this is the child: one answer is enough
        send(replies, report, numbers)

    try:
        source = message["source"]
        if message["helpers"]:
            write_helpers(message["helpers"])
        if message["cells"] is not None:
            if source is not None:  # a solution.py beside the notebook, for cells that delegate to it
                with open(path, "w", encoding="utf-8", newline="") as file:
                    file.write(source)
                sys.path.insert(0, os.getcwd())
            else:
                sys.modules["solution"] = MissingModule("solution")
            path = os.path.join(os.getcwd(), "notebook.py")
            source = slice_notebook(message["cells"], path)
        namespace = load(source, path, "solution" if message["cells"] is None else "__main__")
        answer({"id": number, "functions": [name for name in FUNCTIONS if callable(namespace.get(name))]})
    except BaseException as error:
        answer({"id": number, "error": call.explain(error, path)})
    while True:
        message, arrays = receive(requests, np.float32)
        report, numbers = call.call(namespace.get(message["function"]), arrays, message["gradient"], path)
        answer(report | {"id": message["id"]}, numbers)


def _start(settings, requests, replies, output):
    """In a fresh process: take its place, then serve."""
    import fcntl  # not on Windows

    os.setsid()
    os.environ.clear()
    os.environ.update(settings["environment"])
    # A submission that closes all the low numbers keeps its line to the grader.
    requests, replies = (fcntl.fcntl(fd, fcntl.F_DUPFD, 700) for fd in (requests, replies))
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    confine.confine(settings)
    sys.stdin, sys.stdout, sys.stderr = (
        open(fd, mode, closefd=False, errors="replace", encoding="utf-8")
        for fd, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    serve(requests, replies)


def fork_server(control):
    """Serve the socket `control`: fork a process for each request and answer with its id, or end one."""
    protections = confine.available()
    control.sendall(json.dumps(protections).encode())
    confine.enter(protections)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        data, fds, _, _ = socket.recv_fds(control, 1 << 16, 3)
        if not data:
            return
        settings = json.loads(data)
        if "kill" in settings:
            confine.end(settings["kill"], settings["uid"])
            control.sendall(bytes(4))
            continue
        if "processes" in protections:
            confine.next_fork_is_alone()
        pid = os.fork()
        if pid == 0:
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                control.close()
                _start(settings, *fds)
            except (EOFError, OSError, ValueError):
                pass
            finally:
                os._exit(0)
        for fd in fds:
            os.close(fd)
        control.sendall(struct.pack("<I", pid))


def main():
    settings = json.loads(sys.argv[1])
    call.import_torch()
    torch = call.torch
    torch.set_num_threads(1)
    torch.ones(2, 2) @ torch.ones(2, 2)  # reads /proc/cpuinfo, which a submission won't see
    for name in settings.get("preload", ()):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if "control" in settings:
        gc.freeze()  # shared with the forks; collecting would copy it
        if settings.get("many"):
            use_huge_pages()
        fork_server(socket.socket(fileno=settings["control"]))
    else:
        requests, replies = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        os.chdir(settings["folder"])
        with contextlib.suppress(EOFError, OSError, ValueError):
            serve(requests, replies)
