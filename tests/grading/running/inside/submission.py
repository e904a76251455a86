"""The process of one submission: takes its place, loads it, and answers questions to its functions."""

import ast
import contextlib
import functools
import os
import re
import sys
import types

from . import call
from .cells import python_of, text_of
from .confine import Confinement
from .load import (
    add_what_a_notebook_has,
    cut_modules_in,
    defined_in,
    execute,
    execute_needed,
    with_stand_ins,
)
from .resume import call_resumed
from .wire import receive, send

_getpid, _exit = os.getpid, os._exit


def take_streams(output: int) -> None:
    """Let what is printed go to this file; there is nothing to be read."""
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)


def start(confinement: Confinement, place: dict, line: tuple[int, ...]) -> None:
    """Take the place of a submission, its "folder" and "uid", then serve it over the two files of `line`.

    Raises:
        OSError: this machine can't give what the level has.
    """
    folder = place["folder"]
    os.environ.update(dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR"), folder))
    requests, replies = confinement.enter(folder, place["uid"], line)
    os.chdir(folder)
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

    path = _path_for(message)
    try:
        tree = _parsed(message, path)
        namespace = _load(tree, path, message)
        report = {"functions": [name for name in message["functions"] if callable(namespace.get(name))]}
        report["defined"] = defined_in(tree)
    except BaseException as error:
        report = {"error": call.explain(error, path)}
    answer(message, report)
    while True:
        message, arrays = receive(requests)
        reports, numbers = [], []
        for one in message["calls"]:
            given = [arrays[place] for place in one["arrays"]]
            if one["stand_in"] is None:
                function, how = namespace.get(one["function"]), (one["differentiate"], one["echo"])
                ask = functools.partial(call.call, function, given, *how, path, one["trace"])
                report, own = with_stand_ins(ask)
            else:
                stand_in = arrays[one["stand_in"]]
                report, own = call_resumed(one["function"], namespace, path, given, stand_in, one["trace"])
            reports.append(report | {"count": len(own)})
            numbers += own
        answer(message, {"calls": reports}, numbers)


def _path_for(message):
    """Where the text is written. A script that imports `solution` is a sheet, and not that module itself."""
    source = message["source"]
    is_sheet = message["cells"] is not None or re.search(r"(?m)^\s*(import|from)\s+solution\b", source)
    return os.path.join(os.getcwd(), "notebook.py" if is_sheet else "solution.py")


def _parsed(message, path):
    """The syntax tree of what was handed in, which is written into the folder with all that belongs to it."""
    source, cells, files = message["source"], message["cells"], {}
    if cells is None:
        text = python_of(source, path, files, message["functions"] if message["is_cut"] else None)
    else:
        text = text_of(cells, message["functions"], path, files)
        files |= {} if source is None else {"solution.py": source}  # for cells that delegate to it
    for name, content in (files | message["helpers"] | {path: text}).items():
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "w", encoding="utf-8", newline="") as file:
            file.write(content)
    if files or message["helpers"]:
        sys.path.insert(0, os.getcwd())
    return ast.parse(text, path)


def _load(tree, path, message):
    """The namespace of a module that was executed as it is, or as far as the functions need it."""
    name = os.path.basename(path).removesuffix(".py")
    module = types.ModuleType(name if message["cells"] is None else "__main__")
    module.__file__ = path
    sys.modules[module.__name__] = module
    sys.argv[:] = [path]
    add_what_a_notebook_has()
    if message["is_cut"]:
        cut_modules_in(os.path.dirname(path))
        execute_needed(tree, path, vars(module), message["functions"])
    else:
        execute(tree, path, vars(module))
    return vars(module)
