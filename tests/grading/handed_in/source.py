"""What one file of code holds, as far as it can be seen without running it."""

import ast
import functools
import json
import re
import warnings
from dataclasses import dataclass

from ..sheet import rubric

FUNCTIONS = tuple(rubric.FUNCTIONS.values())
MAX_PARSED = 1 << 20  # characters; more is searched by words only
_NAMES = "|".join(FUNCTIONS)

# How archives, PDF, Word, RTF and HTML begin, whatever their names say.
NO_PROGRAM = (b"PK\3\4", b"Rar!", b"\x1f\x8b", b"%PDF", b"\xd0\xcf\x11\xe0", b"{\\rtf", b"<!DOCTYPE")


@dataclass(frozen=True)
class Seen:
    """What a text holds.

    Attributes:
        defined: which of the sheet's functions.
        written: which of these are more than a stub.
        imports: the modules that it imports, without what stands behind a dot.
    """

    defined: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()

    def then(self, later: "Seen") -> "Seen":
        """Both, where `later` replaces what was defined before."""
        written = (self.written - (later.defined - later.written)) | later.written
        return Seen(self.defined | later.defined, written, self.imports | later.imports)


@functools.lru_cache(maxsize=64)  # a class has many files that are the same
def see(source: str) -> Seen:
    """What a text holds; of one that is no Python or very long, what its words tell."""
    tree = _parsed(source) if len(source) <= MAX_PARSED else None
    if tree is None:
        return seen_by_words(source)
    defined, written = set(), set()
    for node in _statements(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names, real = {node.name}, not all(map(_does_nothing, node.body))
            case ast.Import() | ast.ImportFrom():
                names = {alias.asname or alias.name for alias in node.names}
                real = getattr(node, "module", None) != "solution"
            case ast.Assign() | ast.AnnAssign():
                stored = (n for n in ast.walk(node) if isinstance(getattr(n, "ctx", None), ast.Store))
                names, real = {getattr(n, "id", "") for n in stored}, not _delegates(node.value)
            case _:
                continue
        for name in names.intersection(FUNCTIONS):
            defined.add(name)
            (written.add if real else written.discard)(name)
    return Seen(frozenset(defined), frozenset(written), frozenset(_imports(tree)))


def seen_by_words(source: str) -> Seen:
    """What a text seems to hold."""
    found = set(re.findall(rf"(?:\b|\\n)def[ \t]+({_NAMES})\b", source))
    found |= set(re.findall(rf"(?m)^[ \t]*({_NAMES})[ \t]*[=:]", source))
    lines = "\n".join(re.findall(r"(?m)^[ \t]*from[ \t]+\S+[ \t]+import\b.*", source))
    names = frozenset(found | set(re.findall(rf"\b({_NAMES})\b", lines)))
    return Seen(names, names, frozenset(re.findall(r"(?m)^[ \t]*(?:import|from)[ \t]+(\w+)", source)))


def _imports(tree):
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.name for alias in node.names}
    return {name.split(".")[0] for name in found}


def _parsed(source):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(re.sub(r"(?m)^([ \t]*)[%!].*$", r"\1pass", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _statements(tree):
    """The statements of a module, those under if, try and with included."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            parts = (ast.stmt, ast.excepthandler, ast.match_case)
            waiting += reversed([one for one in ast.iter_child_nodes(node) if isinstance(one, parts)])


def _does_nothing(statement):
    match statement:
        case ast.Pass() | ast.Expr(ast.Constant()) | ast.Return(None | ast.Constant(None)):
            return True
        case ast.Raise(ast.Name(name) | ast.Call(ast.Name(name))):
            return name.startswith("NotImplemented")
        case ast.Return(value):
            return _delegates(value)
    return False


def _delegates(value):
    """Whether an expression is solution.f or a call of it."""
    match value:
        case ast.Attribute(ast.Name("solution")) | ast.Call(ast.Attribute(ast.Name("solution"))):
            return True
    return False


def cells_of(text: str) -> list[str] | None:
    """The code cells of a notebook; None if it is none."""
    try:
        return [
            "".join(cell["source"])
            for cell in json.loads(text)["cells"]
            if cell["cell_type"] == "code" and isinstance(cell["source"], (str, list))
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def decode(content: bytes, name: str) -> tuple[str, str | None, str | None]:
    """The (text, note, problem) of a file."""
    if content.startswith(NO_PROGRAM):
        return "", None, f"{name} is no program, but a file of another kind."
    encodings = ["utf-8-sig", "latin-1"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings.insert(0, "utf-16")
    elif content[:2].count(0) == 1:  # a letter of ASCII
        encodings.insert(0, "utf-16-le" if content[0] else "utf-16-be")
    # Others than these may take for ever.
    safe = rb"ascii|utf-?8(?:-sig)?|latin-?1|iso-?8859-\d+|(?:cp|windows-)\d+"
    declared = re.match(rb"(?i)(?:#.*\r?\n)?#.*?coding[:=][ \t]*(" + safe + rb")(?![-\w.])", content)
    if declared:
        encodings.insert(0, declared[1].decode())
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        fits = encoding == "utf-8-sig" or declared
        return text, None if fits else f"{name} is not saved as UTF-8; it was read as {encoding}.", None
    raise AssertionError("every byte is Latin-1")
