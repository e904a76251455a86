"""Loads a submission: a module, or the part of a notebook that defines the three functions."""

import ast
import importlib.util
import os
import re
import symtable
import sys
import types

from . import FUNCTIONS

_isinstance = isinstance


def load(source, path, name="solution"):
    """Execute `source` as the module `name`, and return its namespace."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(source)
    module = types.ModuleType(name)
    module.__file__ = path
    sys.modules[module.__name__] = module
    exec(compile(source, path, "exec"), module.__dict__)
    return module.__dict__


def write_helpers(helpers):
    """Write the modules that stand beside a submission, {path: text}, and let them be imported."""
    for path, text in helpers.items():
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    sys.path.insert(0, os.getcwd())


def slice_notebook(cells, path="<notebook>"):
    """The part of a notebook that defines the three functions: their definitions, the last of each,
    and whatever top-level statements define or change what these use, in order."""
    statements = []
    for cell in cells:
        try:
            for statement in _parsed(cell, path).body:
                statements += _imports_alone(statement)
        except SyntaxError:
            if any(f"def {name}" in cell for name in FUNCTIONS):
                raise
    # Functions that, once called, change variables of the notebook: setup() with `global scale`.
    changing = {
        s.name: {name for node in ast.walk(s) if _isinstance(node, ast.Global) for name in node.names}
        for s in statements
        if _isinstance(s, ast.FunctionDef)
    }
    below, missing = set(), set(FUNCTIONS)
    while missing - below:  # what a function uses may be defined below it
        below |= missing
        needed, kept, found = set(below), [], set()
        for statement in reversed(statements):
            bound = _bound_names(statement)
            if (bound | _changed_names(statement, changing)) & needed or _imports_all_of_a_package(statement):
                kept.append(statement)
                found |= bound
                used = _global_names(symtable.symtable(ast.unparse(statement), path, "exec"))
                # A definition replaces what the name meant before; an assignment may build on it.
                replaced = bound if _isinstance(statement, (ast.FunctionDef, ast.ClassDef)) else set()
                needed = (needed - replaced) | (used - replaced)
        missing = needed - found
    return "\n\n".join(ast.unparse(statement) for statement in reversed(kept))


def _imports_alone(statement):
    """The imports of the sheet's first cell, each by itself: `try: imports except ...: raise a sentence`."""
    is_guarded = _isinstance(statement, ast.Try) and all(
        _isinstance(handler.body[-1], ast.Raise) for handler in statement.handlers
    )
    if is_guarded and all(_isinstance(one, (ast.Import, ast.ImportFrom)) for one in statement.body):
        return statement.body
    return [statement]


_MAGIC = re.compile(r"^\s*([%!?].*|[\w., ]+=\s*[%!].*|[\w.]+\?+\s*)$")


def _parsed(cell, path):
    """The cell's syntax tree, where need be without IPython's own lines: `%matplotlib`, `!ls`, `f?`."""
    lines = cell.split("\n")
    while True:
        try:
            return ast.parse("\n".join(lines), path)
        except SyntaxError as error:
            # Only the line that is to blame: `%` may as well continue an expression.
            place = min(error.lineno or 1, len(lines)) - 1
            wrong = next((i for i in range(place, max(place - 2, -1), -1) if _MAGIC.match(lines[i])), None)
            if lines[0].startswith("%%") and wrong == 0:  # the whole cell is another language
                return ast.parse("", path)
            if wrong is None:
                raise
            lines[wrong] = ""


def _changed_names(statement, changing):
    """What a call at top level changes: `d.update(...)`, `setattr(d, ...)`, `setup()`."""
    call = statement.value if _isinstance(statement, ast.Expr) else None
    if not _isinstance(call, ast.Call):
        return set()
    if _isinstance(call.func, ast.Name):
        first = {_root(call.args[0])} if call.func.id in ("setattr", "delattr") and call.args else set()
        return first | changing.get(call.func.id, set())
    return {_root(call.func)}


def _root(node):
    while _isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if _isinstance(node, ast.Name) else None


def _global_names(table, is_top=True):
    """The names that a statement takes from the module: not the local ones of its functions."""
    found = {s.get_name() for s in table.get_symbols() if (s.is_referenced() if is_top else s.is_global())}
    return found.union(*(_global_names(child, False) for child in table.get_children()))


def _imports_all_of_a_package(statement):
    """`from torch import *`: what it binds can't be seen from here."""
    return (
        _isinstance(statement, ast.ImportFrom)
        and statement.names[0].name == "*"
        and importlib.util.find_spec((statement.module or "").partition(".")[0] or ".") is not None
    )


class MissingModule(types.ModuleType):
    """Stands for a solution.py that was not handed in: what the notebook defines itself still works."""

    __all__ = FUNCTIONS

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*_, **__):
            raise ModuleNotFoundError("No module named 'solution'", name="solution")

        return missing


def _bound_names(statement):
    """The names that a top-level statement binds, or whose items or attributes it assigns."""
    if _isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    if _isinstance(statement, (ast.Import, ast.ImportFrom)):
        names = {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        return set(FUNCTIONS) if "*" in names else names
    if _isinstance(statement, ast.Lambda):
        return set()
    own = set()
    if _isinstance(getattr(statement, "ctx", None), (ast.Store, ast.Del)):
        own = {_root(statement)}
    elif _isinstance(statement, (ast.MatchAs, ast.MatchStar, ast.ExceptHandler)):
        own = {statement.name}
    elif _isinstance(statement, ast.AugAssign):
        own = {_root(statement.target)}
    return own.union(*map(_bound_names, ast.iter_child_nodes(statement))) - {None}
