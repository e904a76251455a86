"""What an obvious slip was meant to be: a misspelt name, other brackets, forgotten arguments, …"""

import ast
import builtins
import difflib
import re
import traceback
from collections.abc import Callable, Iterable
from typing import NamedTuple

_KEYWORDS = ("dim", "axis", "keepdim", "keepdims", "reduction", "dtype")
_NO_VALUES = ("'builtin_function_or_method'", "'method'", "'function'")


class Repair(NamedTuple):
    """A change of a file.

    Attributes:
        change: the function below that makes it.
        line: of the file, where it counts.
        old, new: what is replaced by what, or added to what.
    """

    change: Callable
    line: int = 0
    old: str = ""
    new: str | int | tuple = ""


def repairs(error: BaseException, path: str, names: Iterable[str]) -> list[Repair]:
    """What may have been meant where this file stops; [] if nothing is obvious.

    Args:
        names: what is defined in the file.
    """
    if not (frames := _frames(error, path)):
        return []
    (frame, line), message = frames[-1], str(error)
    for kind, words in (("Call", "not callable"), ("Subscript", "not subscriptable")):
        if words in message:
            return [Repair(_other_brackets, line, kind, place) for place in range(3)]
    if any(name in message for name in _NO_VALUES):
        return [Repair(_called, line, new=place) for place in range(4)]
    if isinstance(error, NameError):
        return _renamed(error.name, {*names, *dir(builtins), *frame.f_code.co_varnames}, line)
    if isinstance(error, AttributeError):
        is_of_class = "__init__" in message or (error.name or "").startswith("_")
        return [Repair(_begin)] if is_of_class else _renamed(error.name, dir(error.obj), line)
    if found := re.match(r"(\w+) is not a valid value for reduction", message):
        return _renamed(found[1], ("none", "sum", "mean"), line)
    return _of_calls(message, line) if isinstance(error, TypeError) else []


def _frames(error, path):
    trace = traceback.walk_tb(error.__traceback__)
    return [(frame, line) for frame, line in trace if frame.f_code.co_filename == path]


def lines_of(error: BaseException, path: str) -> list[int]:
    """The lines of this file in which it stops, the innermost last."""
    return [line for _, line in _frames(error, path)]


def _of_calls(message, line):
    function = (re.match(r"[\w.<>]+(?=\(\))", message) or [""])[0].removesuffix(".__init__").split(".")[-1]
    if found := re.search(r"unexpected keyword argument '(\w+)'|got \(.*?(\w+)=", message):
        return _renamed(found[1] or found[2], _KEYWORDS, line)
    if found := re.search(r"missing \d+ required .*arguments?: (.*)", message):
        return [Repair(_add, line, function, tuple(re.findall(r"'(\w+)'", found[1])))]
    if found := re.search(r"takes (\d+) positional arguments? but (\d+) w", message):
        return [Repair(_drop, line, function, int(found[2]) - int(found[1])), Repair(_self, 0, function)]
    return []


def _renamed(name, known, line):
    """The names that are most like it."""
    name = name or ""
    same = [one for one in known if one.lower() == name.lower() and one != name]
    alike = dict.fromkeys(same + difflib.get_close_matches(name, known, n=2))
    return [Repair(_rename, line, name, new) for new in list(alike)[:2]]


class Replaced(ast.NodeTransformer):
    """Puts others in the place of some nodes of a tree."""

    def __init__(self, others: dict[ast.AST, ast.AST]):
        self._others = others

    def visit(self, node):
        return self._others.get(node) or self.generic_visit(node)


def repair(tree: ast.Module, one: Repair) -> None:
    """Change a file so."""
    one.change(tree, one)
    ast.fix_missing_locations(tree)


def _rename(tree, one):
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "value"):
            if getattr(node, field, None) == one.old:
                setattr(node, field, one.new)


def _begin(tree, _):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            node.body[:0] = ast.parse("super().__init__()").body


def _calls(tree, one):
    calls = [node for node in _at(tree, one.line) if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func).split(".")[-1] == one.old] or calls


def _at(tree, line):
    return [node for node in ast.walk(tree) if getattr(node, "lineno", line + 1) <= line <= node.end_lineno]


def _add(tree, one):
    for call in _calls(tree, one):
        call.keywords += [ast.keyword(name, ast.Name(name, ast.Load())) for name in one.new]


def _drop(tree, one):
    for call in _calls(tree, one):
        del call.args[-one.new :]


def _self(tree, one):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == one.old:
            node.args.args.insert(0, ast.arg("self"))


def without(line: int) -> Repair:
    """What leaves out the statement of this line."""
    return Repair(_leave_out, line)


def _leave_out(tree, one):
    """Of a `with`, what stands below it stays."""
    for parent in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(parent, field, ())
            for place, node in enumerate(block if isinstance(block, list) else ()):
                if isinstance(node, ast.With) and node.lineno <= one.line < node.body[0].lineno:
                    block[place : place + 1] = node.body
                elif not hasattr(node, "body") and node.lineno <= one.line <= node.end_lineno:
                    block[place] = ast.Pass()


def _other_brackets(tree, one):
    """x.shape(0) and x.size[0], the other way round; x.shape() without any."""
    found = [node for node in _at(tree, one.line) if type(node).__name__ == one.old]
    found.sort(key=lambda node: len(ast.unparse(node)))  # the innermost first
    for node in found[one.new : one.new + 1]:
        if isinstance(node, ast.Subscript):
            other = ast.Call(node.value, [node.slice], [])
        else:
            other = ast.Subscript(node.func, node.args[0], ast.Load()) if node.args else node.func
        Replaced({node: other}).visit(tree)


def _called(tree, one):
    """`d.sum` where d.sum() is meant."""
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    attributes = [node for node in _at(tree, one.line) if isinstance(node, ast.Attribute)]
    for node in [node for node in attributes if node not in called][one.new : one.new + 1]:
        Replaced({node: ast.Call(node, [], [])}).visit(tree)
