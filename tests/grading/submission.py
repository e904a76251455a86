"""Reads one person's files, and chooses the one to grade. Nothing of them is run here."""

import ast
import contextlib
import functools
import json
import re
import sys
import time
import unicodedata
import warnings
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from . import exercises
from .archives import FOREIGN, Item, is_code, passed_over

FUNCTIONS = tuple(exercises.FUNCTIONS.values())
MAX_PARSED = 1 << 20  # characters; more is searched by words only
MAX_HELPERS = 50
# How archives, PDF, Word, RTF and HTML begin, whatever their names say.
NO_PROGRAM = (b"PK\3\4", b"Rar!", b"\x1f\x8b", b"%PDF", b"\xd0\xcf\x11\xe0", b"{\\rtf", b"<!DOCTYPE")
MINUTE = 60  # seconds; files written within one have the same age, as a download may write them all


@dataclass(frozen=True)
class Submission:
    """One person's work, as text.

    Attributes:
        name: what it is called in the reports.
        source: the text of solution.py, if there is one.
        cells: the code cells, if it is a notebook (`source` is then the solution.py beside it).
        problem: why it can't be read, in a sentence; None if it can.
        note: a remark for the author, in a sentence; or None.
        id: the person's number in the course's system, or "".
        late: whether the course's system calls it late.
        file: which file is graded, as it was handed in; "" if none is.
        helpers: the modules beside it that it imports: {"name.py" or "package/name.py": text}.
        needs_look: whether a human must decide what to grade.
        time: when the file was written or handed in, in seconds since 1970; 0 if unknown.
    """

    name: str
    source: str | None = None
    cells: list[str] | None = None
    problem: str | None = None
    note: str | None = None
    id: str = ""
    late: bool = False
    file: str = ""
    helpers: dict[str, str] = field(default_factory=dict)
    needs_look: bool = False
    time: float = 0


def printable(text: str, limit: int = 100) -> str:
    """A name as one line of text: no control or direction characters, no bytes that are no text."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    text = "".join(letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


@dataclass(frozen=True)
class Upload:
    """A file of one person: where it lies among theirs, and which upload it is (later ones are larger)."""

    item: Item
    path: str
    order: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Work:
    """What one file holds, as far as it can be seen without running it."""

    upload: Upload
    text: str = ""
    cells: list[str] | None = None
    note: str | None = None
    problem: str | None = None
    defined: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    number: int = 0

    @property
    def path(self):
        return self.upload.path

    @property
    def base(self):
        return version_of(self.path)


def choose(name: str, uploads: list[Upload], only: str | None = None) -> Submission:
    """One person's submission: the file that has the most of the three functions, and its helpers.

    `only` is the file to grade where that is known.
    """
    problems = [upload.item.problem for upload in uploads if upload.item.problem]
    problems += [
        f"{printable(u.path)} is an archive of a kind that is not read; use .zip or .tar.gz."
        for u in uploads
        if u.path.lower().endswith(FOREIGN) and not u.item.problem
    ]
    shown = [
        u for u in uploads if u.path == only or (u.item.name and not passed_over(PurePosixPath(u.path).name))
    ]
    works = _with_stars([_look(u) for u in shown if is_code(u.path) and not u.item.problem])
    if not works:
        reason = " ".join(map(printable_sentence, problems[:3])) or "There is no solution.py in this folder."
        return Submission(
            name, problem=reason, needs_look=bool(problems or any(u.item.name for u in uploads))
        )
    problems += [work.problem for work in works if work.problem and not work.problem.endswith("is empty.")]
    work, remarks, unclear = (works[0], [], "") if only else _best(works)
    if work is None:
        return Submission(name, problem=unclear, needs_look=True)
    notes = [*remarks, unclear, work.note]
    others = sorted({printable(u.path) for u in shown if not is_code(u.path) and not u.item.problem})
    if others and not only:
        notes.append(f"Passed over: {', '.join(others[:5])}{' and more' if len(others) > 5 else ''}.")
    notes += [printable_sentence(p) for p in problems[:3] if not only and p != work.problem]
    found = Submission(
        name,
        source=work.text if work.cells is None else None,
        cells=work.cells,
        problem=work.problem,
        note=" ".join(filter(None, notes)) or None,
        file=printable(work.path),
        helpers=_helpers(work, works),
        time=_handed_in(work.upload),
        needs_look=bool(unclear or (problems and not work.written)),
    )
    return _with_solution_beside(found, work, works)


def printable_sentence(text: str) -> str:
    return printable(text, 400)


def _with_stars(works):
    """A solution.py that imports all of a module beside it has the functions of that module."""
    by_path = {work.path: work for work in works}
    found = []
    for work in works:
        for module in re.findall(r"(?m)^from[ \t]+(\w[\w.]*)[ \t]+import[ \t]+\*", work.text):
            path = (PurePosixPath(work.path).parent / f"{module.replace('.', '/')}.py").as_posix()
            if work.base == "solution" and path in by_path and path != work.path:
                other = by_path[path]
                work = replace(
                    work, defined=work.defined | other.defined, written=work.written | other.written
                )
        found.append(work)
    return found


def _with_solution_beside(found, work, works):
    """A notebook may call the functions of the solution.py beside it."""
    beside = [o for o in works if o is not work and o.cells is None and o.base == "solution"]
    if work.cells is None or not beside or found.problem:
        return found
    other = max(beside, key=lambda o: (len(o.written), o.number, o.path))
    if other.problem:
        return found
    mixed = work.written and other.written - work.written
    remark = f"It is graded with {printable(other.path)}." if mixed else None
    note = " ".join(filter(None, (found.note, remark))) or None
    return replace(found, source=other.text, note=note, helpers=found.helpers | _helpers(other, works))


def _best(works):
    """The work to grade, or None if that is unclear; remarks; and what a human should look at."""
    works = [work for work in works if not work.problem] or works
    most = max(len(work.written) for work in works)
    if most:
        best = [work for work in works if len(work.written) == most]
    else:
        most = max(len(work.defined) for work in works)
        best = [work for work in works if len(work.defined) == most]
        if not most and len(works) > 1:  # no file is recognised by its content, so the name must do
            best = [work for work in works if work.base == "solution"] or works
    named = [work for work in best if work.base == "solution"]  # the sheet asks for solution.py
    stems = {PurePosixPath(work.path).stem for work in best}
    works_themselves = [work for work in best if not imports(work.text) & stems]  # and not tests of them
    best = [work for work in named if work.cells is None] or named or works_themselves or best
    newest = max(work.upload.item.modified for work in best)
    chosen = max(best, key=lambda work: (*_age(work, newest), work.path))
    ties = [
        w
        for w in best
        if _differs(w, chosen)
        and w.upload.order == chosen.upload.order
        and (w.base != chosen.base or _age(w, newest) == _age(chosen, newest))
    ]
    if ties:
        names = ", ".join(sorted(_told_apart((chosen, *ties)))[:6])
        return None, [], f"It is unclear which of {names} to grade."
    rivals = [
        w
        for w in works
        if (w.defined or w.base == "solution")
        and _differs(w, chosen)
        # A sheet whose cells call solution.py is what everybody has, and no rival.
        and (w.written or w.cells is None)
    ]
    if not rivals:
        none = not chosen.defined and (chosen.text or chosen.cells)
        return chosen, [], f"{printable(chosen.path)} has none of the three functions." if none else ""
    shown, *others = _told_apart((chosen, *rivals))
    same = [w for w in rivals if w.base == chosen.base and len(w.written) == len(chosen.written)]
    why = "it is the later one" if same else "it has the most of the three functions"
    if not same and len(rivals[0].written) == len(chosen.written):
        why = "the sheet asks for it"
    remark = f"{shown} is graded ({why}), and not {', '.join(sorted(others)[:5])}."
    unclear = ""
    if missing := set().union(*(w.written for w in rivals)) - chosen.written:
        unclear = f"Other files have {', '.join(sorted(missing))}; a human should look at it."
    elif any(
        w.upload.order > chosen.upload.order
        and (w.base == chosen.base or (w.cells is None and len(w.written) == len(chosen.written)))
        for w in rivals
    ):
        unclear = "There is a later upload; a human should look at it."
    return chosen, [remark], unclear


def _differs(work, other):
    return (work.text, work.cells) != (other.text, other.cells)


def _told_apart(works):
    """The paths of files, whole ones where an author gave two the same."""
    counts = Counter(work.path for work in works)
    return [printable(w.path if counts[w.path] == 1 else "/".join(w.upload.item.path)) for w in works]


def _age(work, newest):
    """What makes an upload the later one: the system's order, what its name says, the time, the number."""
    path = PurePosixPath(work.path)
    words = re.findall(r"[a-z]+", work.path.lower())
    is_old = any(word in ("old", "alt", "backup", "bak", "copy", "kopie") for word in words)
    is_new = any(word in ("final", "new", "neu") for word in words)
    is_recent = newest - work.upload.item.modified < MINUTE
    return work.upload.order, not is_old, is_recent, -len(path.parts), is_new, work.number


def _handed_in(upload):
    """The time that ILIAS writes before the name, or else the file's own."""
    stamp = str(upload.order[0]) if upload.order else ""
    if len(stamp) == 14:
        with contextlib.suppress(ValueError, OverflowError):
            return time.mktime(time.strptime(stamp, "%Y%m%d%H%M%S"))
    return upload.item.modified


def version_of(path: str) -> str:
    """The name without what browsers, systems and people add to a second version."""
    stem = re.sub(r"(\.py\.txt|\.py|\.ipynb)$", "", PurePosixPath(path).name.lower())
    return re.sub(r"([ _-]*(\(\d+\)|v?\d+|final|copy|kopie|neu|new|old|alt))+$", "", stem)


def _number(path):
    path = PurePosixPath(path)
    found = re.findall(r"\d+", path.stem) or re.findall(r"\d+", path.parent.as_posix())
    return int(found[-1][:9]) if found else 0


def _look(upload) -> _Work:
    name = printable(PurePosixPath(upload.path).name)
    work = _Work(upload, number=_number(upload.path))
    try:
        text, note, problem = decode(upload.item.read(), name)
    except ValueError as error:
        return replace(work, problem=printable_sentence(str(error)))
    if problem:
        return replace(work, problem=problem)
    cells = None
    if upload.path.lower().endswith(".ipynb"):
        cells, text = _cells(text), ""
        if cells is None:
            return replace(work, problem=f"{name} is not a Jupyter notebook (version 4) that can be read.")
    defined, written = set(), set()
    budget = MAX_PARSED
    for part in (text,) if cells is None else cells:
        budget -= len(part)
        more, real = functions_in(part, parse=budget > 0)
        defined |= more
        written = (written - (more - real)) | real  # a later cell replaces an earlier one
    return replace(
        work, text=text, cells=cells, note=note, defined=frozenset(defined), written=frozenset(written)
    )


def _cells(text):
    try:
        return [
            "".join(cell["source"])
            for cell in json.loads(text)["cells"]
            if cell["cell_type"] == "code" and isinstance(cell["source"], (str, list))
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _once(function):
    """Remembers what is found in a short text: each file of a class is looked at several times."""
    remembered = functools.lru_cache(maxsize=4096)(function)

    @functools.wraps(function)
    def found(source, **options):
        return (remembered if len(source) < 5_000 else function)(source, **options)

    return found


@_once
def functions_in(source: str, parse: bool = True) -> tuple[set[str], set[str]]:
    """Which of the sheet's functions a text defines, and which of them are more than a stub."""
    tree = _parsed(source) if parse else None
    if tree is None:
        words = rf"^[ \t]*(?:async[ \t]+)?(?:def[ \t]+)?({'|'.join(FUNCTIONS)})[ \t]*[(=:]"
        found = {match[1] for match in re.finditer(words, source, re.MULTILINE)}
        found = {
            name
            for name in found
            if re.search(rf"def[ \t]+{name}\b|^[ \t]*{name}[ \t]*=", source, re.MULTILINE)
        }
        return found, found
    defined, written = set(), set()
    for node in _statements(tree):
        names, real = set(), True
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names, real = {node.name}, not _is_stub(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.asname or alias.name for alias in node.names}
            real = getattr(node, "module", None) != "solution"
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {name.id for one in targets for name in ast.walk(one) if isinstance(name, ast.Name)}
            real = not _delegates(node.value)
        for name in names.intersection(FUNCTIONS):
            defined.add(name)
            (written.add if real else written.discard)(name)
    return defined, written


def _parsed(source):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(re.sub(r"(?m)^([ \t]*)[%!].*$", r"\1pass", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")


def _statements(tree):
    """The statements of a module, those under if, try and with included."""
    waiting = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if isinstance(getattr(node, "body", None), ast.expr):  # a lambda's
            continue
        fields = (getattr(node, name, None) or () for name in _BLOCKS)
        inner = [one for field in fields for one in field if not isinstance(one, ast.expr)]
        waiting += reversed(inner)


def _is_stub(function):
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    if len(body) > 1:
        return False
    for statement in body:
        if isinstance(statement, ast.Raise):
            return "NotImplemented" in ast.dump(statement)[:500]
        if isinstance(statement, ast.Return):
            value = statement.value
            return (
                value is None
                or (isinstance(value, ast.Constant) and value.value is None)
                or _delegates(value)
            )
        if not isinstance(statement, ast.Pass):
            return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return True


def _delegates(value):
    """Whether an expression is solution.f or a call of it."""
    value = value.func if isinstance(value, ast.Call) else value
    return (
        isinstance(value, ast.Attribute)
        and isinstance(value.value, ast.Name)
        and value.value.id == "solution"
    )


def _helpers(work, works):
    """The modules and packages of a person that the chosen file imports, and those that they import."""
    known = sys.stdlib_module_names | {"torch", "numpy", "solution", "torchvision"}
    modules = {}
    for other in sorted(works, key=lambda one: (one.upload.order, one.number)):
        if other is not work and other.cells is None and not other.problem and other.path.endswith(".py"):
            # Canvas and browsers number what was handed in or loaded twice.
            modules[re.sub(r"(-\d+| \(\d+\))(?=\.py$)", "", other.path)] = other.text
    beside: dict[str, dict[str, str]] = {}
    for folder in reversed(
        PurePosixPath(work.path).parents
    ):  # the nearest last; programs run from above, too
        start = "" if folder == PurePosixPath(".") else f"{folder}/"
        here: dict[str, dict[str, str]] = {}
        for path in modules:
            if path.startswith(start) and _can_be_imported(short := path[len(start) :]):
                here.setdefault(short.removesuffix(".py").split("/")[0], {})[short] = modules[path]
        beside |= here
    found, waiting = {}, [work.text, *(work.cells or ())]
    while waiting:
        for name in {module.split(".")[0] for module in imports(waiting.pop())} - known:
            for path, text in list(beside.pop(name, {}).items())[: MAX_HELPERS - len(found)]:
                found[path] = text
                waiting.append(text)
    return found


def _can_be_imported(path):
    return all(part.isidentifier() for part in path.removesuffix(".py").split("/"))


@_once
def imports(source: str) -> set[str]:
    """The modules that a text imports, as far as it can be seen."""
    tree = _parsed(source) if len(source) <= MAX_PARSED else None
    if tree is None:
        return set(re.findall(r"^[ \t]*(?:import|from)[ \t]+([\w.]+)", source, re.MULTILINE))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} if node.module else set()
            found |= {f"{node.module}.{alias.name}" if node.module else alias.name for alias in node.names}
    return found


def decode(content: bytes, name: str) -> tuple[str, str | None, str | None]:
    """The (text, note, problem) of a file."""
    if not content.strip():
        return "", None, f"{name} is empty."
    if content.startswith(NO_PROGRAM):
        return "", None, f"{name} is no program, but a file of another kind."
    encodings = ["utf-8-sig", "latin-1"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings.insert(0, "utf-16")
    elif content[:2].count(0) == 1:  # a letter of ASCII
        encodings.insert(0, "utf-16-le" if content[0] else "utf-16-be")
    declared = re.match(rb"(?:#.*\r?\n)?#.*?coding[:=][ \t]*([-\w.]+)", content)
    if declared and re.fullmatch(
        rb"(?i)ascii|utf-?8(-sig)?|latin-?1|iso-?8859-\d+|(cp|windows-)\d+", declared[1]
    ):
        encodings.insert(0, declared[1].decode())
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        fits = encoding == "utf-8-sig" or declared
        return text, None if fits else f"{name} is not saved as UTF-8; it was read as {encoding}.", None
    raise AssertionError("every byte is Latin-1")


def imported_by(submissions: list[Submission]) -> set[str]:
    """Of the slower well-known packages, those that some submission seems to import."""
    known = {
        "matplotlib": "matplotlib.pyplot",
        "torchvision": "torchvision",
        "sklearn": "sklearn.metrics",
        "scipy": "scipy",
    }
    texts = (text for s in submissions for text in (s.source or "", *(s.cells or ()), *s.helpers.values()))
    found = {name.partition(".")[0] for text in texts for name in imports(text)}
    return {module for name, module in known.items() if name in found}
