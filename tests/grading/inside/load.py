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


def load(source, path):
    """Execute the module `source`, and return its namespace."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(source)
    module = types.ModuleType(os.path.basename(path).removesuffix(".py"))
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
    and whatever top-level imports, functions, classes and assignments these use, in order."""
    statements = []
    for cell in cells:
        lines = [
            re.sub(r"^\s*([%!?].*|[\w.]+\s*=\s*[%!].*|[\w.]+\?+\s*)$", "", line) for line in cell.split("\n")
        ]
        try:
            statements += ast.parse("\n".join(lines), path).body
        except SyntaxError:
            if any(f"def {name}" in cell for name in FUNCTIONS):
                raise
    needed, kept = set(FUNCTIONS), []
    for statement in reversed(statements):
        bound = _bound_names(statement)
        if bound & needed or _imports_all_of_a_package(statement):
            kept.append(statement)
            used = _global_names(symtable.symtable(ast.unparse(statement), path, "exec"))
            # A definition replaces what the name meant before; an assignment may build on it.
            replaced = bound if _isinstance(statement, (ast.FunctionDef, ast.ClassDef)) else set()
            needed = (needed - replaced) | (used - replaced)
    return "\n\n".join(ast.unparse(statement) for statement in reversed(kept))


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
    if _isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if _isinstance(statement, (ast.Import, ast.ImportFrom)):
        names = {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        return set(FUNCTIONS) if "*" in names else names
    if _isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = statement.targets if _isinstance(statement, ast.Assign) else [statement.target]
        return {node.id for target in targets for node in ast.walk(target) if _isinstance(node, ast.Name)}
    if _isinstance(statement, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
        inner = {name for child in ast.iter_child_nodes(statement) for name in _bound_names(child)}
        targets = {
            node.id
            for part in (*getattr(statement, "items", ()), getattr(statement, "target", None))
            if part is not None
            for node in ast.walk(part)
            if _isinstance(node, ast.Name) and _isinstance(node.ctx, ast.Store)
        }
        return inner | targets
    return set()
