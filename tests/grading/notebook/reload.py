"""Takes solution.py anew in the notebook when it has changed, and tells what keeps it from being loaded."""

import contextlib
import time
import traceback
from pathlib import Path
from types import ModuleType

from ..sheet.rubric import FUNCTIONS

# ---------------------------------------------------------------- solution.py

reloaded: dict[Path, BaseException | None] = {}  # each module's file, and why it can't be loaded, if so


def reload_on_change(module: ModuleType) -> None:
    """Before each cell of a notebook, load `module` anew if its file has changed; elsewhere, do nothing.

    Nothing of the old file is left; if the new one can't be loaded, the three functions raise the
    reason. (IPython's autoreload keeps the old functions then, and can miss new helper functions.)
    """
    from IPython import get_ipython

    path = Path(module.__file__)

    def version():
        with contextlib.suppress(OSError):
            status = path.stat()
            return status.st_mtime_ns, status.st_size

    loaded = version()
    reloaded[path] = None

    def refresh(*_):
        nonlocal loaded
        if version() == loaded:
            return
        loaded = version()
        for name in [name for name in vars(module) if not name.startswith("__")]:
            delattr(module, name)
        try:
            reloaded[path] = None
            exec(compile(path.read_bytes(), path, "exec"), vars(module))
        except BaseException as error:  # SystemExit and an interrupt, too, are told by the functions
            reloaded[path] = error
            for name in FUNCTIONS.values():
                setattr(module, name, _raising(error))

    if get_ipython() is not None:
        get_ipython().events.register("pre_run_cell", refresh)


def _raising(error):
    trace = error.__traceback__

    def function(*_):
        raise error.with_traceback(trace)

    return function


def is_from_solution(function):
    """Whether calling `function` ends in solution.py: it stands there, or names it."""
    code = getattr(function, "__code__", None)
    return "solution" in getattr(code, "co_names", ()) or any(
        getattr(code, "co_filename", None) == str(path) for path in reloaded
    )


def load_error():
    return next((error for error in reloaded.values() if error), None)


def told(error):
    """What kept a file from being loaded, in a sentence."""
    if isinstance(error, KeyboardInterrupt):
        return "It was interrupted while it was loaded. Is there an endless loop outside of the functions?"
    kind, message = type(error).__name__, str(error)
    line, code = None, ""
    if isinstance(error, SyntaxError):
        kind, message, line, code = "It is not valid Python", error.msg, error.lineno, error.text or ""
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename in map(str, reloaded):
                line, code = frame.lineno, frame.line or ""
    where = f" (line {line}: `{code.strip()}`)" if line else ""
    return f"{kind}: {message}{where}."


def saved():
    (path,) = reloaded
    with contextlib.suppress(OSError):
        return (
            f"This is {path.name} as saved at {time.strftime('%H:%M', time.localtime(path.stat().st_mtime))}."
        )
    return f"{path.name} is not there any more."
