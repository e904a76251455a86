"""The process itself: serves one submission, or forks a process for each.

Started with a control socket it imports torch, once, and forks fork servers; from these each submission
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

from . import FUNCTIONS, call, confine
from .huge import use_huge_pages
from .load import MissingModule, load, slice_notebook, write_helpers
from .wire import READY, receive, send

_getpid, _exit = os.getpid, os._exit


def serve(requests, replies):
    """Load one submission, then answer calls until the grader hangs up."""
    message, _ = receive(requests)
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
        message, arrays = receive(requests)
        reports, numbers = [], []
        for one in message["calls"]:
            given = [arrays[place] for place in one["arrays"]]
            function = namespace.get(one["function"])
            report, own = call.call(function, given, one["differentiate"], one["echo"], path)
            reports.append(report | {"count": len(own)})
            numbers += own
        answer({"id": message["id"], "calls": reports}, numbers)


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
        confine.confine(settings)
        os.closerange(3, high)
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


def _requests(control):
    """What is asked for on a socket, with the file numbers that come with it, until the grader has gone."""
    while True:
        header, fds, _, _ = socket.recv_fds(control, 4, 3)
        if not header:
            return
        text = control.recv(*struct.unpack("<I", header), socket.MSG_WAITALL)
        yield json.loads(text), fds


def fork_servers(control):
    """Fork a server for each request, with more modules imported, and answer with its id; or end one."""
    control.sendall(json.dumps([]).encode())
    for settings, fds in _requests(control):
        if "kill" in settings:
            with contextlib.suppress(ChildProcessError):  # an earlier origin's, which ends by itself
                if os.waitpid(settings["kill"], os.WNOHANG)[0] == 0:
                    os.kill(settings["kill"], signal.SIGKILL)
                    os.waitpid(settings["kill"], 0)
            control.sendall(bytes(4))
            continue
        try:
            pid = os.fork()
        except OSError:
            pid = -1
        if pid == 0:
            try:
                control.close()
                os.setsid()
                _import(settings["preload"])
                fork_server(socket.socket(fileno=fds[0]))
            finally:
                os._exit(0)
        os.close(fds[0])
        control.sendall(struct.pack("<I", max(pid, 0)))


def fork_server(control):
    """Fork a process for each request and answer with its id, or end one."""
    protections = confine.available()
    control.sendall(json.dumps(protections).encode())
    confine.enter(protections)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for settings, fds in _requests(control):
        if "kill" in settings:
            confine.end_in_server(settings["kill"], settings["uid"])
            control.sendall(struct.pack("<I", settings["kill"]))
            continue
        try:
            confine.prepare(settings)
            if "processes" in protections:
                confine.next_fork_is_alone()
            pid = os.fork()
        except OSError:
            pid = -1
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
        control.sendall(struct.pack("<I", max(pid, 0)))
    confine.end_family()


def _import(names):
    for name in names:
        with contextlib.suppress(Exception):  # who needs it will see
            importlib.import_module(name)
    gc.freeze()  # shared with the forks; collecting would copy it


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
    _import(settings.get("preload", ()))
    if is_server:
        if settings["many"]:
            use_huge_pages()
        fork_servers(socket.socket(fileno=settings["control"]))
    else:
        os.write(replies, READY)
        _start(settings, requests, replies)
