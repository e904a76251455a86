"""Which of one person's files is graded, and what goes with it."""

import contextlib
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from .files import FOREIGN, is_code, passed_over
from .printable import printable, printable_sentence
from .source import MAX_PARSED, cells_of, decode, functions_in, imports
from .submission import Submission, Upload

MAX_HELPERS = 50


MINUTE = 60  # seconds; files written within one have the same age, as a download may write them all


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
        cells, text = cells_of(text), ""
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
