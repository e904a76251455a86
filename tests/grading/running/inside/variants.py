"""A function after repairs, as it is or with another value in the place of one expression."""

import ast
import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from . import call
from .needed import needed
from .repair import Repair, Replaced, repair

STAND_IN, TICK = "__stand_in__", "__tick__"
_ROUNDS = 1000  # of all `while` loops of a call: with another value they might never end
_LOOPS = (ast.For, ast.comprehension)
_NO_VALUES = (ast.Constant, ast.Slice, ast.Starred, ast.JoinedStr, ast.FormattedValue)


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


class Variant(NamedTuple):
    """The compiled definitions of a function and of what it uses, one of them changed in a line, or none.

    `given` says how an expression there gets its value.
    """

    definitions: list
    line: int = 0
    given: Callable = _whole


@functools.lru_cache(maxsize=32)
def as_it_is(name: str, path: str, text: str, made: tuple[Repair, ...]) -> Variant:
    """The function, in a file with this text, after these repairs."""
    return Variant([_compiled(one, path) for one in _definitions(name, path, text, made)])


@functools.lru_cache(maxsize=32)
def variants(name: str, path: str, text: str, made: tuple[Repair, ...]) -> list[Variant]:
    """The same with each change."""
    found, compiled = [], as_it_is(name, path, text, made).definitions
    statements = _definitions(name, path, text, made)
    has_loop = any(isinstance(node, _LOOPS) for one in statements for node in ast.walk(one))
    for place, statement in enumerate(statements):
        for line in _changes(statement):
            with contextlib.suppress(SyntaxError, ValueError):
                changed = [*compiled[:place], _compiled(statement, path), *compiled[place + 1 :]]
                found += [Variant(changed, line)] + [Variant(changed, line, _by_rows)] * has_loop
    return found


def _definitions(name, path, text, made):
    """Those that the function needs. Loops that could become endless have an end."""
    tree = ast.parse(text, path)
    for one in made:
        repair(tree, one)
    statements = [one for one in needed(tree, [name], path) if _is_definition(one)]
    for loop in (node for one in statements for node in ast.walk(one) if isinstance(node, ast.While)):
        tick = ast.parse(f"assert {TICK}() < {_ROUNDS}").body
        loop.body[:0] = [ast.fix_missing_locations(ast.copy_location(one, loop)) for one in tick]
    return statements


def _is_definition(statement):
    if isinstance(statement, ast.Assign):
        return isinstance(statement.value, (ast.Lambda, ast.Name))
    return isinstance(statement, (ast.FunctionDef, ast.ClassDef))


def _compiled(statement, path):
    return compile(ast.Module([statement], []), path, "exec", dont_inherit=True)


def _changes(statement) -> Iterator[int]:
    """Yield the line for each expression of a statement, while a call of the stand-in is in its place.

    A name is replaced wherever it stands. First come the functions that are called: their arguments are
    computed all the same, which shows the most.
    """
    nodes, groups = [*ast.walk(statement)], {}
    called = {node.func for node in nodes if isinstance(node, ast.Call)}
    for node in sorted(filter(_has_value, nodes), key=lambda node: node not in called):
        key = (node.id, node in called) if isinstance(node, ast.Name) else node
        groups.setdefault(key, []).append(node)
    for group in groups.values():
        others = {node: _stand_in(node, node in called) for node in group}
        Replaced(others).visit(statement)
        yield group[-1].lineno
        Replaced({other: node for node, other in others.items()}).visit(statement)


def _has_value(node):
    is_loaded = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    return isinstance(node, ast.expr) and is_loaded and not isinstance(node, _NO_VALUES)


def _stand_in(node, is_called):
    other = ast.Name(STAND_IN, ast.Load())
    return ast.fix_missing_locations(ast.copy_location(other if is_called else ast.Call(other, [], []), node))
