"""The process itself: serves one submission, or forks a process for each.

Started with a control socket it is a fork server: torch is imported once, and each submission
gets a fork, which confine.py shuts in. Without one (where there is no safe fork) it serves one submission.
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
from .wire import READY, receive, send

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
        report, numbers = call.call(namespace.get(message["function"]), arrays, *message["modes"], path)
        answer(report | {"id": message["id"]}, numbers)


def _start(settings, requests, replies):
    """Take the place of a submission, then serve."""
    os.environ.clear()
    os.environ.update(settings["environment"])
    if os.name == "posix":
        import fcntl  # not on Windows
        import resource

        # A submission that closes all the low numbers keeps its line to the grader, and gets no other.
        high = min(700, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 10)
        requests, replies = (fcntl.fcntl(fd, fcntl.F_DUPFD, high) for fd in (requests, replies))
        os.closerange(3, high)
        confine.confine(settings)
    os.chdir(settings["folder"])
    sys.stdin, sys.stdout, sys.stderr = (
        open(fd, mode, closefd=False, errors="replace", encoding="utf-8")
        for fd, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    with contextlib.suppress(EOFError, OSError, ValueError):
        serve(requests, replies)


def _take_streams(output):
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)


def fork_server(control):
    """Serve the socket `control`: fork a process for each request and answer with its id, or end one."""
    protections = confine.available()
    control.sendall(json.dumps(protections).encode())
    confine.enter(protections)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        header, fds, _, _ = socket.recv_fds(control, 4, 3)
        if not header:
            confine.end_family()  # the grader has gone
            return
        text = control.recv(*struct.unpack("<I", header), socket.MSG_WAITALL)
        settings = json.loads(text)
        if "kill" in settings:
            confine.end_in_server(settings["kill"], settings["uid"])
            control.sendall(bytes(4))
            continue
        if "processes" in protections:
            confine.next_fork_is_alone()
        pid = os.fork()
        if pid == 0:
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                control.close()
                requests, replies, output = fds
                os.setsid()
                _take_streams(output)
                _start(settings, requests, replies)
            finally:
                os._exit(0)
        for fd in fds:
            os.close(fd)
        control.sendall(struct.pack("<I", pid))


def main():
    settings = json.loads(sys.argv[1])
    is_server = "control" in settings
    if not is_server:
        requests, replies = os.dup(0), os.dup(1)
        _take_streams(2)  # whatever the imports print
    call.import_torch()
    torch = call.torch
    torch.set_num_threads(1)
    torch.ones(2, 2) @ torch.ones(2, 2)  # reads /proc/cpuinfo, which a submission won't see
    for name in settings.get("preload", ()):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if is_server:
        gc.freeze()  # shared with the forks; collecting would copy it
        if settings.get("many"):
            use_huge_pages()
        fork_server(socket.socket(fileno=settings["control"]))
    else:
        os.write(replies, READY)
        _start(settings, requests, replies)
