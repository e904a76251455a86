"""The process of one submission: takes its place, loads it, and answers questions to its functions."""

import contextlib
import os
import sys

from . import call
from .confine import confine
from .load import MissingModule, load, slice_notebook, write_helpers
from .namespaces import Namespaces
from .settings import Settings
from .wire import receive, send

_getpid, _exit = os.getpid, os._exit


def take_streams(output: int) -> None:
    """Let what is printed go to this file; there is nothing to be read."""
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)


def start(settings: Settings, namespaces: Namespaces | None, requests: int, replies: int) -> None:
    """Take the place of a submission, then serve it, over these files.

    Raises:
        OSError, KeyError: this machine can't give what the level has.
    """
    os.environ.clear()
    os.environ.update(settings.environment)
    if os.name == "posix":
        import fcntl  # not on Windows
        import resource

        # A submission that closes all the low numbers keeps its line to the grader, and gets no other.
        high = min(700, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 10)
        requests, replies = (fcntl.fcntl(fd, fcntl.F_DUPFD, high) for fd in (requests, replies))
        confine(settings, namespaces)
        os.closerange(3, high)
    os.chdir(settings.folder)
    sys.stdin, sys.stdout, sys.stderr = (
        open(fd, mode, closefd=False, errors="replace", encoding="utf-8")
        for fd, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    with contextlib.suppress(EOFError, OSError, ValueError):
        _serve(requests, replies)


def _serve(requests, replies):
    """Load one submission, then answer calls until the grader hangs up."""
    message, _ = receive(requests)
    process, namespace = _getpid(), {}

    def answer(message, report, numbers=()):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):
                stream.flush()
        if _getpid() != process:
            _exit(0)  # the submission forked, and this is the child: one answer is enough
        send(replies, report | {"id": message["id"]}, numbers)

    path = os.path.join(os.getcwd(), "solution.py" if message["cells"] is None else "notebook.py")
    try:
        namespace = _load(message, path)
        report = {"functions": [name for name in message["functions"] if callable(namespace.get(name))]}
    except BaseException as error:
        report = {"error": call.explain(error, path)}
    answer(message, report)
    while True:
        message, arrays = receive(requests)
        reports, numbers = [], []
        for one in message["calls"]:
            given = [arrays[place] for place in one["arrays"]]
            function = namespace.get(one["function"])
            report, own = call.call(function, given, one["differentiate"], one["echo"], path, one["trace"])
            reports.append(report | {"count": len(own)})
            numbers += own
        answer(message, {"calls": reports}, numbers)


def _load(message, path):
    """The namespace of a submission: a module, or of a notebook what defines the functions."""
    source = message["source"]
    if message["helpers"]:
        write_helpers(message["helpers"])
    if message["cells"] is None:
        return load(source, path, "solution")
    if source is not None:  # a solution.py beside the notebook, for cells that delegate to it
        write_helpers({"solution.py": source})
    else:
        sys.modules["solution"] = MissingModule("solution")
    return load(slice_notebook(message["cells"], path), path, "__main__")
