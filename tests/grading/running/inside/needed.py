"""Which statements of a file its functions need: definitions, and what changes what these use."""

import ast
import importlib.util
import symtable

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


def needed(tree: ast.Module, functions: list[str], path: str) -> list[ast.stmt]:
    """The statements at top level that these functions need, in order."""
    statements = [one for statement in tree.body for one in _imports_alone(statement)]
    # Functions that, once called, change variables of the module: setup() with `global scale`.
    changing = {
        s.name: {name for node in ast.walk(s) if isinstance(node, ast.Global) for name in node.names}
        for s in statements
        if isinstance(s, ast.FunctionDef)
    }
    modules = set().union(*(bound_names(s, functions) for s in statements if isinstance(s, _IMPORTS)))
    below, missing = set(), set(functions)
    while missing - below:  # what a function uses may be defined below it
        below |= missing
        wanted, kept, found = set(below), [], set()
        for statement in reversed(statements):
            bound = bound_names(statement, functions)
            changed = _changed_names(statement, changing, modules)
            if (bound | changed) & wanted or _imports_all_of_a_package(statement):
                kept.append(statement)
                found |= bound
                used = _global_names(symtable.symtable(ast.unparse(statement), path, "exec"))
                # A definition replaces what the name meant before; an assignment may build on it.
                replaced = bound if isinstance(statement, DEFINITIONS) else set()
                wanted = (wanted - replaced) | (used - replaced)
        missing = wanted - found
    return kept[::-1]


def bound_names(statement: ast.AST, functions: list[str]) -> set[str]:
    """The names that a top-level statement binds, or whose items or attributes it assigns."""
    if isinstance(statement, DEFINITIONS):
        return {statement.name}
    if isinstance(statement, _IMPORTS):
        names = {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        return set(functions) if "*" in names else names
    if isinstance(statement, ast.Lambda):
        return set()
    own = set()
    if isinstance(getattr(statement, "ctx", None), (ast.Store, ast.Del)):
        own = {_root(statement)}
    elif isinstance(statement, (ast.MatchAs, ast.MatchStar, ast.ExceptHandler)):
        own = {statement.name}
    elif isinstance(statement, ast.AugAssign):
        own = {_root(statement.target)}
    children = ast.iter_child_nodes(statement)
    return own.union(*(bound_names(child, functions) for child in children)) - {None}


def _imports_alone(statement):
    """The imports of the sheet's first cell, each by itself: `try: imports except ...: raise a sentence`."""
    if not isinstance(statement, ast.Try) or not all(isinstance(one, _IMPORTS) for one in statement.body):
        return [statement]
    is_guarded = all(isinstance(handler.body[-1], ast.Raise) for handler in statement.handlers)
    return statement.body if is_guarded else [statement]


def _changed_names(statement, changing, modules):
    """What calls in a statement change: `d.update(...)`, `setattr(d, ...)`, `setup()`.

    A module is changed by a call that stands alone, `torch.set_default_dtype(...)`; any other only uses it.
    """
    if isinstance(statement, (*DEFINITIONS, ast.Lambda)):
        return set()
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        modules = set()
    found = set()
    if isinstance(statement, ast.Call):
        function, arguments = statement.func, statement.args
        if isinstance(function, ast.Name):
            found |= changing.get(function.id, set())
            found |= {_root(arguments[0])} if function.id in ("setattr", "delattr") and arguments else set()
        else:
            found |= {_root(function)} - modules
    children = ast.iter_child_nodes(statement)
    return found.union(*(_changed_names(child, changing, modules) for child in children)) - {None}


def _root(node):
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _global_names(table, is_top=True):
    """The names that a statement takes from the module: not the local ones of its functions."""
    found = {s.get_name() for s in table.get_symbols() if (s.is_referenced() if is_top else s.is_global())}
    return found.union(*(_global_names(child, False) for child in table.get_children()))


def _imports_all_of_a_package(statement):
    """`from torch import *`: what it binds can't be seen from here."""
    if not isinstance(statement, ast.ImportFrom) or statement.names[0].name != "*" or not statement.module:
        return False
    return importlib.util.find_spec(statement.module.partition(".")[0]) is not None
