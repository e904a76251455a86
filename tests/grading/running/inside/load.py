"""Executes what was handed in: as it is, or no more of it than its functions need."""

import __future__

import ast
import builtins
import sys
from collections.abc import Callable
from importlib.machinery import FileFinder, SourceFileLoader
from importlib.util import decode_source

from .cells import python_of
from .needed import DEFINITIONS, bound_names, needed

# So that a package which only annotations name need not be there.
_UNEVALUATED = __future__.annotations.compiler_flag
_MAX_ABSENT = 8  # modules for which something stands while a function is called


def execute(tree: ast.Module, path: str, namespace: dict) -> None:
    """Execute a file as it is.

    Raises:
        BaseException: whatever it does.
    """
    exec(compile(tree, path, "exec", dont_inherit=True), namespace)


def execute_needed(tree: ast.Module, path: str, namespace: dict, functions: list[str]) -> None:
    """Execute what these functions need, and nothing else. What fails of it stands in until it is used."""
    _execute_each(needed(tree, functions, path), path, namespace, functions)


def _execute_each(statements, path, namespace, functions):
    for statement in statements:
        try:
            exec(compile(ast.Module([statement], []), path, "exec", _UNEVALUATED, True), namespace)
        except (Exception, SystemExit) as error:
            is_of_notebooks = (getattr(error, "name", None) or "").partition(".")[0] == "IPython"
            for name in bound_names(statement, functions):
                namespace.setdefault(name, _Idle() if is_of_notebooks else Absent(error))


def cut_modules_in(folder: str, is_all_theirs: bool = True) -> Callable[[], None]:
    """From here on, of the modules in this folder no more is executed than what is taken from them.

    Args:
        is_all_theirs: whether the author wrote what lies in folders below it, too.

    Returns what ends that.
    """

    def finder(path):
        if path != folder and not (is_all_theirs and path.startswith(folder)):
            raise ImportError
        return FileFinder(path, (_CutLoader, [".py"]))

    def end():
        sys.path_hooks.remove(finder)
        sys.path_importer_cache.pop(folder, None)

    sys.path_importer_cache.pop(folder, None)
    sys.path_hooks.insert(0, finder)
    return end


class _CutLoader(SourceFileLoader):
    """Loads nothing of a module, until a name is taken from it: then what that needs."""

    def exec_module(self, module):
        tree = ast.parse(python_of(decode_source(self.get_data(self.path)), self.path, {}, []), self.path)
        names, done = vars(module), set()

        def run(statements, wanted):
            missing = [statement for statement in statements if statement not in done]
            done.update(missing)
            _execute_each(missing, self.path, names, wanted)

        def take(name):
            if name == "__all__":  # who asks takes all; what a loop binds is none of it
                run([s for s in tree.body if isinstance(s, ast.ImportFrom) and s.names[0].name == "*"], [])
                bound = (bound_names(s, []) for s in tree.body if not isinstance(s, (ast.For, ast.While)))
                public = sorted(one for one in set(names).union(*bound) if not one.startswith("_"))
                run(needed(tree, public, self.path), public)
                return [one for one in public if one in names]  # no variable of a comprehension, say
            if not name.startswith("__"):
                run(needed(tree, [name], self.path), [name])
            if name not in names:
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}", name=name)
            return names[name]

        module.__getattr__ = take


class Absent:
    """Stands for what could not be had: whoever uses it gets the exception that said why."""

    def __init__(self, error: BaseException):
        vars(self)["_why"] = error, error.__traceback__

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        _raise(self)


def _raise(self, *_, **__):
    error, trace = vars(self)["_why"]
    raise error.with_traceback(trace)


def with_stand_ins(ask: Callable[[], tuple[dict, list]]) -> tuple[dict, list]:
    """What a function answers, where something stands for modules that it imports and that are not there.

    If it uses one of them, it is the answer without all that.
    """
    first = found = ask()
    added = []
    for _ in range(_MAX_ABSENT):
        name = found[0].get("error", {}).get("module")
        if not name or name in sys.modules:
            break
        added.append(name)
        sys.modules[name] = _AbsentModule(ModuleNotFoundError(f"No module named {name!r}", name=name))
        found = ask()
    for name in added:  # another function may ask whether it is there
        sys.modules.pop(name, None)
    return first if "error" in found[0] else found


_BINARY = ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow")
_OTHERS = (
    "call", "getitem", "iter", "len", "bool", "float", "int", "enter", "mro_entries", "neg", "lt", "gt",
    "eq", "ne",
)  # fmt: skip
for _name in (*_OTHERS, *_BINARY, *(f"r{name}" for name in _BINARY)):
    setattr(Absent, f"__{_name}__", _raise)


class _AbsentModule(Absent):
    """The same for a module, from which all may be imported."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self


class _Idle:
    """Does nothing, whatever is asked of it."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_, **__):
        return self


def add_what_a_notebook_has() -> None:
    """Let `display` and `get_ipython` be there outside of notebooks, too, where they do nothing."""
    for name in ("display", "get_ipython"):
        if not hasattr(builtins, name):
            setattr(builtins, name, _Idle())


def defined_in(tree: ast.Module) -> list[str]:
    """The names of the functions and classes at the top level of a file."""
    definitions = [
        statement
        for statement in tree.body
        if isinstance(statement, DEFINITIONS) or isinstance(getattr(statement, "value", None), ast.Lambda)
    ]
    return [name for statement in definitions for name in bound_names(statement, [])]
