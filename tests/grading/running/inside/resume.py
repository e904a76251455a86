"""Goes on where a function stops: what it gives if one of its expressions has a given value."""

import ast
import contextlib
import io
import linecache
import time
import warnings
from collections.abc import Iterator

import numpy as np

from . import call
from .needed import needed

_NAME = "__stand_in__"
_CALLED = "__called__"  # what stands for a function, so that its arguments are computed
_SECONDS = 0.5  # for all expressions together; a thousandth of that is usual for one
_NO_VALUES = (ast.Constant, ast.Slice, ast.Starred, ast.JoinedStr, ast.FormattedValue)


def call_resumed(name: str, namespace: dict, path: str, arrays, stand_in: np.ndarray, trace: bool = False):
    """Call a function once for each of its expressions, which gives `stand_in` then. As `call.call`.

    Functions and classes of the same file that it uses are searched, too.

    Args:
        name, namespace, path: what the function is called in which module, and that module's file.
        trace: whether to send what torch computes in all these calls; else their different results are sent.

    Returns:
        report, numbers: as if the function had returned nothing and this were what is traced.
    """
    found, room, end = {}, call.MAX_NUMBERS, time.monotonic() + _SECONDS
    with contextlib.ExitStack() as stack:
        seen = stack.enter_context(call.recorder()) if trace else None
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))  # it has said all that before
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(contextlib.suppress(OSError, SyntaxError, ValueError))  # its source is lost
        for definitions in _variants(name, path):
            if time.monotonic() > end or room < 0 or len(found) == call.MAX_TRACED:
                break
            with contextlib.suppress(Exception):
                variant = namespace | {_NAME: call.tensor_of(stand_in), _CALLED: _called(stand_in)}
                for definition in definitions:
                    exec(definition, variant)
                _, numbers = call.call(variant[name], arrays)
                found |= {numbers[0].tobytes(): numbers[0]}
                room -= numbers[0].size
    traced = seen.tensors if trace else list(found.values())
    return {"kind": "NoneType", "traced": len(traced)}, traced


def _called(stand_in):
    return lambda *_, **__: call.tensor_of(stand_in)


def _variants(name, path) -> Iterator[list]:
    """The compiled definitions of a function and of what it uses, with one expression replaced in each."""
    linecache.checkcache(path)
    tree = ast.parse("".join(linecache.getlines(path)), path)
    statements = [one for one in needed(tree, [name], path) if _is_definition(one)]
    compiled = [_compiled(one, path) for one in statements]
    for place, statement in enumerate(statements):
        for _ in _replacements(statement):
            with contextlib.suppress(SyntaxError, ValueError):
                yield [*compiled[:place], _compiled(statement, path), *compiled[place + 1 :]]


def _is_definition(statement):
    if isinstance(statement, ast.Assign):
        return isinstance(statement.value, (ast.Lambda, ast.Name))
    return isinstance(statement, (ast.FunctionDef, ast.ClassDef))


def _compiled(statement, path):
    return compile(ast.Module([statement], []), path, "exec", dont_inherit=True)


def _replacements(statement):
    """Yield for each expression of a statement, while a name stands in its place."""
    parents = list(ast.walk(statement))
    if any(isinstance(node, ast.While) for node in parents):
        return  # it might never end
    for parent in parents:
        for field, value in ast.iter_fields(parent):
            nodes = value if isinstance(value, list) else [value]
            for place, node in enumerate(nodes):
                if _is_expression(node):
                    is_called = isinstance(parent, ast.Call) and field == "func"
                    other = ast.Name(_CALLED if is_called else _NAME, ast.Load())
                    others = [*nodes[:place], ast.copy_location(other, node), *nodes[place + 1 :]]
                    setattr(parent, field, others if isinstance(value, list) else others[0])
                    yield
            setattr(parent, field, value)


def _is_expression(node):
    is_value = isinstance(node, ast.expr) and not isinstance(node, _NO_VALUES)
    return is_value and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
