"""The student's solution.py in the notebook: it is taken anew when it has changed, and never stops a cell.

`install` makes `import solution` mean the file of this sheet's own folder, wherever the notebook
runs. If that file can't be loaded, its three functions raise the reason.
"""

import ast
import contextlib
import importlib.abc
import importlib.util
import sys
import time
from pathlib import Path

from ..judging import sentences
from ..running.answers import parse_error
from ..running.inside.call import explain
from ..running.inside.cells import python_of
from ..running.inside.load import add_what_a_notebook_has, cut_modules_in, execute, execute_needed
from ..sheet.rubric import FUNCTIONS

PATH = Path(__file__).resolve().parents[3] / "solution.py"
_error: BaseException | None = None  # what kept the file from being loaded
_left_out: BaseException | None = None  # what kept it from being loaded as a whole
_put_back: list[str] = []  # the settings of torch that the file changed, and should not have


class _Solution(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and loads solution.py. (IPython's autoreload keeps old functions when the new file fails.)"""

    def __init__(self):
        self._names: dict | None = None  # what is in the module, once it has been imported
        self._loaded = None

    def find_spec(self, name, path=None, target=None):
        if name == "solution":
            return importlib.util.spec_from_file_location(name, PATH, loader=self)

    def exec_module(self, module):
        self._names = vars(module)
        self._load()

    def refresh(self, *_):
        """Load the file again if it has changed."""
        if self._names is not None and _version() != self._loaded:
            self._load()

    def _load(self):
        """As the grader does: as it is, or else no more of it than the functions need."""
        global _error, _left_out
        self._loaded, _error, _left_out = _version(), None, None
        names, functions, text = self._names, list(FUNCTIONS.values()), ""
        self._forget()
        with _settings_put_back():
            try:
                text = importlib.util.decode_source(PATH.read_bytes())
                execute(ast.parse(python_of(text, str(PATH), {}), str(PATH)), str(PATH), names)
                return
            except BaseException as error:  # SystemExit and an interrupt, too, are told by the functions
                _error = error
            if isinstance(_error, (Exception, SystemExit)):
                self._forget()
                # It can't be read, or not even its functions are Python.
                with contextlib.suppress(Exception), contextlib.ExitStack() as stack:
                    stack.callback(cut_modules_in(str(PATH.parent), is_all_theirs=False))
                    tree = ast.parse(python_of(text, str(PATH), {}, functions), PATH)
                    execute_needed(tree, str(PATH), names, functions)
                if any(name in names for name in functions):
                    _error, _left_out = None, _error
                    return
        names.update({name: _raising(_error, name) for name in functions})

    def _forget(self):
        for name in [name for name in self._names if not name.startswith("__")]:
            del self._names[name]


def install() -> None:
    """Make `import solution` do all of this, and look for a newer file before each cell of a notebook."""
    from IPython import get_ipython

    finder = _Solution()
    sys.meta_path.insert(0, finder)
    add_what_a_notebook_has()
    if get_ipython() is not None:
        get_ipython().events.register("pre_run_cell", finder.refresh)


def is_from_solution(function) -> bool:
    """Whether calling `function` ends in solution.py: it stands there, or names it."""
    code = getattr(function, "__code__", None)
    stands_there = getattr(code, "co_filename", None) == str(PATH)
    return stands_there or "solution" in (getattr(function, "__module__", ""), *getattr(code, "co_names", ()))


def is_in_use() -> bool:
    """Whether this is a notebook that has imported solution.py, with or without success."""
    from IPython import get_ipython

    is_ours = getattr(sys.modules.get("solution"), "__file__", None) == str(PATH)
    return is_ours and get_ipython() is not None


def load_problem() -> str | None:
    """What keeps solution.py from being loaded, in a sentence."""
    if isinstance(_error, KeyboardInterrupt):
        return "It was interrupted while it was loaded. Is there an endless loop outside of the functions?"
    if isinstance(_error, FileNotFoundError) and not PATH.exists():
        return f"There is no {PATH.name} beside this notebook any more."
    return None if _error is None else sentences.cause_of(_raised(_error), of="file").sentence


def remarks() -> list[str]:
    """What was odd when solution.py was loaded, in sentences."""
    found = [] if _left_out is None else [sentences.left_out(_raised(_left_out))]
    if _put_back:
        changed = " and ".join(_put_back)
        found.append(f"solution.py changes {changed}. That would change the training: it was put back.")
    return found


def _raised(error):
    return parse_error(explain(error, str(PATH)))


def saved() -> str:
    """When solution.py was saved, in a sentence; no clock of a server's is in it."""
    seconds = max(0, time.time() - PATH.stat().st_mtime)
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
    unit, size = next((one for one in units if seconds >= one[1]), units[-1])
    count = int(seconds // size)
    return f"This is {PATH.name} as saved {count} {unit}{'s' * (count != 1)} ago."


def _version():
    with contextlib.suppress(OSError):
        status = PATH.stat()
        return status.st_mtime_ns, status.st_size


def _raising(error, name):
    trace = error.__traceback__

    def function(*_):
        raise error.with_traceback(trace)

    function.__name__, function.__module__ = name, "solution"
    return function


@contextlib.contextmanager
def _settings_put_back():
    import torch

    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    yield
    _put_back.clear()
    if torch.get_default_dtype() != dtype:
        torch.set_default_dtype(dtype)
        _put_back.append("the default dtype")
    if torch.is_grad_enabled() != grad:
        torch.set_grad_enabled(grad)
        _put_back.append("whether torch differentiates")
