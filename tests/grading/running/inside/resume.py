"""Goes on where a function stops: what it gives if one of its expressions has a given value, or if one of its
statements is not there."""

import ast
import contextlib
import functools
import io
import itertools
import linecache
import sys
import time
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from . import call
from .needed import needed

_NAME, _TICK = "__stand_in__", "__tick__"
_ROUNDS = 1000  # of all `while` loops of a call: with another value they might never end
_USUAL = {"torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional", "np": "numpy", "math": "math"}
_SECONDS = 2  # of computing, for all expressions together; a hundredth of that is usual
_WAITING = 10  # seconds in all
_LOOPS = (ast.For, ast.comprehension)
_NO_VALUES = (ast.Constant, ast.Slice, ast.Starred, ast.JoinedStr, ast.FormattedValue)


def call_resumed(name: str, namespace: dict, path: str, arrays, stand_in: np.ndarray, trace: bool = False):
    """Call a function once for each of its expressions, which gives `stand_in` then. As `call.call`.

    Functions and classes of the same file that it uses are searched, too. Where there is a loop, the rows of
    `stand_in` are tried in turn as well. A whole number is given as a size. Statements that only do something
    are left out in turn, and the usual imports are there.

    Args:
        name, namespace, path: what the function is called in which module, and that module's file.
        trace: whether to send what torch computes in all these calls; else their different results are sent.

    Returns:
        report, numbers: as if the function had returned nothing and this were what is traced.
    """
    found, room, end = {}, call.MAX_NUMBERS, time.process_time() + _SECONDS
    latest, lines = time.monotonic() + _WAITING, set()

    def run(variant):
        names = usual | namespace | {_NAME: variant.given(stand_in), _TICK: itertools.count().__next__}
        for definition in variant.definitions:
            exec(definition, names)
        return call.numbers_of(names[name](*map(call.tensor_of, arrays)))

    with contextlib.ExitStack() as stack:
        seen = stack.enter_context(call.recorder()) if trace else None
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))  # it has said all that before
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.callback(call.restore, call.settings())
        stack.enter_context(contextlib.suppress(Exception))  # its source is lost, say
        usual = {short: sys.modules[module] for short, module in _USUAL.items() if module in sys.modules}
        namespace, path = _where_it_is(name, namespace, path)
        linecache.checkcache(path)
        as_it_is, *variants = _variants(name, path, "".join(linecache.getlines(path)))
        try:
            found[b""] = run(as_it_is)
        except (Exception, SystemExit) as error:
            lines = {line for frame, line in traceback.walk_tb(error.__traceback__) if _is_of(frame, path)}
        # First those of the line where it stops: there may be no time for all.
        for variant in sorted(variants, key=lambda variant: variant.line not in lines):
            is_late = time.process_time() > end or time.monotonic() > latest
            if is_late or room < 0 or len(found) == call.MAX_TRACED:
                break
            with contextlib.suppress(Exception, SystemExit):
                numbers = run(variant)
                found[numbers.tobytes()] = numbers
                room -= numbers.size
    traced = seen.tensors if trace else list(found.values())
    return {"kind": "NoneType", "traced": len(traced)}, traced


def _is_of(frame, path):
    return frame.f_code.co_filename == path


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


class _Variant(NamedTuple):
    """The compiled definitions of a function and of what it uses, one of them changed in a line.

    `given` says how an expression there gets its value.
    """

    definitions: list
    line: int = 0
    given: Callable = _whole


@functools.lru_cache(maxsize=4)
def _variants(name, path, text) -> list[_Variant]:
    """The function as it is, and with each change."""
    found, tree = [], ast.parse(text, path)
    statements = [one for one in needed(tree, [name], path) if _is_definition(one)]
    for loop in (node for one in statements for node in ast.walk(one) if isinstance(node, ast.While)):
        tick = ast.parse(f"assert {_TICK}() < {_ROUNDS}").body
        loop.body[:0] = [ast.fix_missing_locations(ast.copy_location(one, loop)) for one in tick]
    compiled = [_compiled(one, path) for one in statements]
    found.append(_Variant(compiled))
    has_loop = any(isinstance(node, _LOOPS) for one in statements for node in ast.walk(one))
    for place, statement in enumerate(statements):
        for line in _changes(statement):
            with contextlib.suppress(SyntaxError, ValueError):
                changed = [*compiled[:place], _compiled(statement, path), *compiled[place + 1 :]]
                found += [_Variant(changed, line)] + [_Variant(changed, line, _by_rows)] * has_loop
    return found


def _is_definition(statement):
    if isinstance(statement, ast.Assign):
        return isinstance(statement.value, (ast.Lambda, ast.Name))
    return isinstance(statement, (ast.FunctionDef, ast.ClassDef))


def _compiled(statement, path):
    return compile(ast.Module([statement], []), path, "exec", dont_inherit=True)


def _changes(statement) -> Iterator[int]:
    """Yield the line for each expression of a statement, while a call of the stand-in is in its place, and
    for each statement in it that can be left out, while it is out.

    A name is replaced wherever it stands. First come the functions that are called: their arguments are
    computed all the same, which shows the most.
    """
    nodes = list(ast.walk(statement))
    spots = [(parent, *spot) for parent in nodes for spot in _expressions_in(parent)]
    groups = {}
    for parent, field, place, is_called in sorted(spots, key=lambda spot: not spot[-1]):
        node = getattr(parent, field) if place is None else getattr(parent, field)[place]
        key = (node.id, is_called) if isinstance(node, ast.Name) else node
        groups.setdefault(key, []).append((parent, field, place, node, is_called))
    for group in groups.values():
        for parent, field, place, node, is_called in group:
            other = (
                ast.Name(_NAME, ast.Load()) if is_called else ast.Call(ast.Name(_NAME, ast.Load()), [], [])
            )
            _put(parent, field, place, ast.fix_missing_locations(ast.copy_location(other, node)))
        yield node.lineno
        for parent, field, place, node, _ in group:
            _put(parent, field, place, node)
    for parent in nodes:
        for place, one in enumerate(getattr(parent, "body", ()) if isinstance(parent, ast.stmt) else ()):
            if isinstance(one, (ast.Expr, ast.Delete, ast.Import, ast.ImportFrom, ast.With)) or _fills(one):
                kept = parent.body
                rest = one.body if isinstance(one, ast.With) else [ast.copy_location(ast.Pass(), one)]
                parent.body = [*kept[:place], *rest, *kept[place + 1 :]]
                yield one.lineno
                parent.body = kept


def _fills(statement):
    """Whether an assignment binds no plain name: `z[z < 0] = 0`, `N, d = x.shape`."""
    return isinstance(statement, ast.Assign) and not isinstance(statement.targets[0], ast.Name)


def _put(parent, field, place, node):
    if place is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[place] = node


def _expressions_in(parent):
    """The expressions right below a node: each one's field, its place there or None, whether it is called."""
    for field, value in ast.iter_fields(parent):
        is_called = isinstance(parent, ast.Call) and field == "func"
        for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            is_value = isinstance(node, ast.expr) and not isinstance(node, _NO_VALUES)
            if is_value and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
                yield field, place, is_called
