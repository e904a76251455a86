"""Goes on where a function stops: what it gives if one of its expressions has a given value."""

import ast
import contextlib
import functools
import io
import itertools
import linecache
import time
import types
import warnings
from collections.abc import Callable

import numpy as np

from . import call
from .needed import needed

_NAME = "__stand_in__"
_SECONDS = 2  # of computing, for all expressions together; a hundredth of that is usual
_LOOPS = (ast.For, ast.comprehension)
_NO_VALUES = (ast.Constant, ast.Slice, ast.Starred, ast.JoinedStr, ast.FormattedValue)


def call_resumed(name: str, namespace: dict, path: str, arrays, stand_in: np.ndarray, trace: bool = False):
    """Call a function once for each of its expressions, which gives `stand_in` then. As `call.call`.

    Functions and classes of the same file that it uses are searched, too. Where there is a loop, the rows of
    `stand_in` are tried in turn as well. A whole number is given as a size.

    Args:
        name, namespace, path: what the function is called in which module, and that module's file.
        trace: whether to send what torch computes in all these calls; else their different results are sent.

    Returns:
        report, numbers: as if the function had returned nothing and this were what is traced.
    """
    found, room, end = {}, call.MAX_NUMBERS, time.process_time() + _SECONDS
    with contextlib.ExitStack() as stack:
        seen = stack.enter_context(call.recorder()) if trace else None
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))  # it has said all that before
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(contextlib.suppress(Exception))  # its source is lost, say
        namespace, path = _where_it_is(name, namespace, path)
        linecache.checkcache(path)
        for definitions, given in _variants(name, path, "".join(linecache.getlines(path))):
            if time.process_time() > end or room < 0 or len(found) == call.MAX_TRACED:
                break
            with contextlib.suppress(Exception, SystemExit):
                variant = namespace | {_NAME: given(stand_in)}
                for definition in definitions:
                    exec(definition, variant)
                numbers = call.numbers_of(variant[name](*map(call.tensor_of, arrays)))
                found |= {numbers.tobytes(): numbers}
                room -= numbers.size
    traced = seen.tensors if trace else list(found.values())
    return {"kind": "NoneType", "traced": len(traced)}, traced


def _where_it_is(name, namespace, path):
    """The module that a function stands in: that of the sheet's cells hands all to solution.py."""
    solution = namespace.get("solution")
    if isinstance(solution, types.ModuleType) and "solution" in namespace[name].__code__.co_names:
        return vars(solution), solution.__file__
    return namespace, path


class _Size(int):
    """A number of images, which can be looped over as well."""

    def __iter__(self):
        return iter(range(self))


def _whole(stand_in):
    is_size = not stand_in.ndim and float(stand_in).is_integer()
    return lambda *_, **__: _Size(stand_in) if is_size else call.tensor_of(stand_in)


def _by_rows(stand_in):
    rows = itertools.cycle(stand_in)
    return lambda *_, **__: call.tensor_of(np.array(next(rows)))


@functools.lru_cache(maxsize=4)
def _variants(name, path, text) -> list[tuple[list, Callable]]:
    """The compiled definitions of a function and of what it uses, with one expression replaced in each, and
    how that gets its value."""
    found, tree = [], ast.parse(text, path)
    statements = [one for one in needed(tree, [name], path) if _is_definition(one)]
    compiled = [_compiled(one, path) for one in statements]
    has_loop = any(isinstance(node, _LOOPS) for one in statements for node in ast.walk(one))
    for place, statement in enumerate(statements):
        for _ in _replacements(statement):
            with contextlib.suppress(SyntaxError, ValueError):
                variant = [*compiled[:place], _compiled(statement, path), *compiled[place + 1 :]]
                found += [(variant, _whole), (variant, _by_rows)] if has_loop else [(variant, _whole)]
    return found


def _is_definition(statement):
    if isinstance(statement, ast.Assign):
        return isinstance(statement.value, (ast.Lambda, ast.Name))
    return isinstance(statement, (ast.FunctionDef, ast.ClassDef))


def _compiled(statement, path):
    return compile(ast.Module([statement], []), path, "exec", dont_inherit=True)


def _replacements(statement):
    """Yield for each expression of a statement, while a call of the stand-in is in its place.

    First come the functions that are called: their arguments are computed all the same, which shows the most.
    """
    nodes = list(ast.walk(statement))
    if any(isinstance(node, ast.While) for node in nodes):
        return  # it might never end
    spots = [(parent, *spot) for parent in nodes for spot in _expressions_in(parent)]
    for parent, field, place, is_called in sorted(spots, key=lambda spot: not spot[-1]):
        value = getattr(parent, field)
        node = value if place is None else value[place]
        other = ast.Name(_NAME, ast.Load()) if is_called else ast.Call(ast.Name(_NAME, ast.Load()), [], [])
        other = ast.fix_missing_locations(ast.copy_location(other, node))
        setattr(parent, field, other if place is None else [*value[:place], other, *value[place + 1 :]])
        yield
        setattr(parent, field, value)


def _expressions_in(parent):
    """The expressions right below a node: each one's field, its place there or None, whether it is called."""
    for field, value in ast.iter_fields(parent):
        is_called = isinstance(parent, ast.Call) and field == "func"
        for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            is_value = isinstance(node, ast.expr) and not isinstance(node, _NO_VALUES)
            if is_value and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
                yield field, place, is_called
