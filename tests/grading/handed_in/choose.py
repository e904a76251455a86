"""Which of one person's files is graded, and what goes with it.

Four rules, the first that decides:

1. the only file in which one of the three functions is more than a stub (if none is: the only one that
   defines one; if none does: the only file). Tests of another file don't count;
2. `solution.py`, as the sheet calls it: the newest upload of that name, by its number or time. A notebook
   with functions that it lacks comes before it, and is graded with it;
3. the newest upload, where all files have one name but for the number of a version;
4. else it is unclear, and a human must look.

Functions that only another file has, and a later upload of another name, are looked at in any case.
"""

import contextlib
import functools
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from .item import FOREIGN, Budget, is_code, is_notebook, passed_over
from .ours import is_ours
from .person import Upload
from .printable import printable, printable_sentence
from .source import Seen, cells_of, decode, see
from .submission import Submission

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
    is_empty: bool = False
    seen: Seen = field(default_factory=Seen)

    @property
    def defined(self):
        return self.seen.defined

    @property
    def written(self):
        return self.seen.written

    @property
    def path(self):
        return self.upload.path

    @property
    def imports(self):
        """The modules that it imports, without what stands behind a dot."""
        return {module.split(".")[0] for module in self.seen.imports}

    @property
    def name(self):
        return version_of(self.path)


def choose(name: str, uploads: list[Upload], only: str | None, budget: Budget) -> Submission:
    """One person's submission: the file to grade, and its helpers.

    Args:
        only: the path of the file to grade, where that is known; or None.
        budget: what may still be read of this person.
    """
    problems = _problems(uploads)
    shown = [
        u for u in uploads if u.path == only or (u.item.name and not passed_over(PurePosixPath(u.path).name))
    ]
    works = _with_stars([_read_work(u, budget) for u in shown if is_code(u.path) and not u.item.problem])
    if not works:
        return _nothing(name, uploads, problems)
    problems += [work.problem for work in works if work.problem and not work.is_empty]
    asked = next((work for work in works if work.path == only), None)
    work, remark, unclear = (asked, "", "") if asked else _decide(works)
    if work is None:
        return Submission(name, problem=unclear, needs_human=True)
    notes = [remark, unclear, work.note]
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
        time=_handed_in(work.upload),
        needs_human=bool(unclear or (problems and not work.written)),
    )
    return _with_modules(found, [work, *_solution_beside(found, work, works)], works)


def _problems(uploads):
    """What can't be read, a sentence each."""
    found = [upload.item.problem for upload in uploads if upload.item.problem]
    return found + [
        f"{printable(u.path)} is an archive of a kind that is not read; use .zip or .tar.gz."
        for u in uploads
        if u.path.lower().endswith(FOREIGN) and not u.item.problem
    ]


def _nothing(name, uploads, problems):
    """Where no code was handed in: what is there instead."""
    there = sorted({printable(u.path) for u in uploads if u.item.name and not passed_over(u.item.name)})
    only = f"No code was handed in, only {', '.join(there[:5])}{' and more' if len(there) > 5 else ''}."
    reason = " ".join(map(printable_sentence, problems[:3])) or (only if there else "No file was handed in.")
    return Submission(name, problem=reason, needs_human=bool(problems or any(u.item.name for u in uploads)))


def _with_stars(works):
    """A solution.py that imports all of a module beside it has the functions of that module."""
    by_path = {work.path: work for work in works}
    found = []
    for work in works:
        for module in re.findall(r"(?m)^from[ \t]+(\w[\w.]*)[ \t]+import[ \t]+\*", work.text):
            path = (PurePosixPath(work.path).parent / f"{module.replace('.', '/')}.py").as_posix()
            if work.name == "solution" and path in by_path and path != work.path:
                other = by_path[path]
                work = replace(work, seen=other.seen.then(work.seen))
        found.append(work)
    return found


def _solution_beside(found, work, works):
    """A notebook may call the functions of the solution.py beside it."""
    beside = [o for o in works if o is not work and o.cells is None and o.name == "solution"]
    if work.cells is None or not beside or found.problem:
        return []
    other = max(beside, key=lambda o: (len(o.written), _version(o), o.path))
    return [] if other.problem else [other]


def _with_modules(found, graded, works):
    """With what is imported: the helpers, and for a notebook the solution.py beside it."""
    helpers = _helpers(graded, works)
    used = [*graded, *helpers.values()]
    notes, source = [found.note], found.source
    if len(graded) > 1:
        work, other = graded
        source = other.text
        if work.written and other.written - work.written:
            notes.append(f"It is graded with {printable(other.path)}.")
    ours = [work.path for work in used if is_ours("".join((work.text, *(work.cells or ()))))]
    if ours:
        problem = f"{printable(ours[0])} is made from the grader's own files, which know the answers."
        return replace(found, source=None, cells=None, problem=problem, needs_human=True)
    return replace(
        found,
        source=source,
        note=" ".join(filter(None, notes)) or None,
        helpers={path: work.text for path, work in helpers.items()},
        imports=frozenset().union(*(work.imports for work in used)),
    )


def _decide(works):
    """The work to grade, or None if that is unclear; a remark; and what a human should look at."""
    works = [work for work in works if not work.problem] or works
    candidates = (
        [work for work in works if work.written]
        or [work for work in works if work.defined]
        or [work for work in works if work.name == "solution"]
        or works
    )
    stems = {PurePosixPath(work.path).stem for work in candidates}
    own = [  # and no tests of them; a notebook may call solution.py
        work for work in candidates if _is_solution(work) or not (work.imports - {"solution"}) & stems
    ]
    candidates = own or candidates
    chosen = _by_name(candidates)
    if chosen and chosen.cells is None:  # a notebook is graded together with the solution.py beside it
        more = [work for work in candidates if work.cells is not None and work.written - chosen.written]
        chosen = more[0] if len(more) == 1 else chosen
    if chosen is None:
        names = ", ".join(sorted(_told_apart(candidates))[:6])
        return None, "", f"It is unclear which of {names} to grade."
    if not chosen.defined and (chosen.text or chosen.cells):
        return chosen, "", f"{printable(chosen.path)} has none of the three functions."
    return chosen, *_beside(chosen, works)


def _by_name(candidates):
    """The work that the rules choose, or None."""
    named = [work for work in candidates if _is_solution(work) and work.cells is None]
    named = named or [work for work in candidates if _is_solution(work)]
    if not named and len({work.name for work in candidates}) == 1:
        named = candidates
    newest = max((work.upload.item.modified for work in named), default=0)

    def age(work):
        recent = newest - work.upload.item.modified < MINUTE
        return work.upload.order, recent, _version(work), -len(PurePosixPath(work.path).parts)

    ages = [age(work) for work in named]
    youngest = max(ages, default=None)
    latest = [work for work, one in zip(named, ages, strict=True) if one == youngest]
    different = [work for work in latest if _differs(work, latest[0])]
    return latest[0] if latest and not different else None


def _beside(chosen, works):
    """What is said of the other works: a remark, and what a human should look at."""
    rivals = [
        work
        for work in works
        if (work.defined or work.name == "solution")
        and _differs(work, chosen)
        # A sheet whose cells call solution.py is what everybody has, and no rival; nor is what it calls.
        and (work.written or work.cells is None)
        and not (chosen.cells is not None and "solution" in chosen.seen.imports and _is_solution(work))
    ]
    if not rivals:
        return "", ""
    shown, *others = _told_apart((chosen, *rivals))
    if not any(work.written for work in rivals):
        why = "it is the only one with work in it"
    elif all(_is_solution(work) for work in rivals):
        why = "it is the later one"
    else:
        why = "the sheet asks for it" if _is_solution(chosen) else "it is the later one"
    remark = f"{shown} is graded ({why}), and not {', '.join(sorted(others)[:5])}."
    if missing := set().union(*(work.written for work in rivals)) - chosen.written:
        return remark, f"Other files have {', '.join(sorted(missing))}; a human should look at it."
    later = [work for work in rivals if work.written and work.upload.order > chosen.upload.order]
    return remark, "There is a later upload; a human should look at it." if later else ""


def _is_solution(work):
    """Whether it is called solution.py, but for a number that a system or a browser gave the upload."""
    return re.fullmatch(r"solution([ _]?\(\d{1,4}\)|-\d{1,4})?", _stem(work.path)) is not None


def _version(work):
    """The number of an upload, as in "solution (2).py" or "solution-2.py"."""
    found = re.search(r"(?:[ _]?\((\d{1,4})\)|-(\d{1,4}))$", _stem(work.path))
    return int(found[1] or found[2]) if found else 0


def _stem(path):
    return re.sub(r"(\.(py|ipynb))(\.txt|\.json)?$", "", PurePosixPath(path).name.lower())


def version_of(path: str) -> str:
    """The name without what browsers, systems and people add to a second version."""
    stem, shorter = _stem(path)[:255], ""
    while stem != shorter:  # a suffix at a time: one expression for all would be exponential
        stem, shorter = re.sub(r"[ _-]*(\(\d+\)|v?\d+|final|copy|kopie|neu|new|old|alt)$", "", stem), stem
    return stem


def _differs(work, other):
    return (work.text, work.cells) != (other.text, other.cells)


def _told_apart(works):
    """The paths of files, whole ones where an author gave two the same."""
    counts = Counter(work.path for work in works)
    return [printable(w.path if counts[w.path] == 1 else "/".join(w.upload.item.path)) for w in works]


def _handed_in(upload):
    """The time that ILIAS writes before the name, or else the file's own."""
    stamp = str(upload.order[0]) if upload.order else ""
    if len(stamp) == 14:
        with contextlib.suppress(ValueError, OverflowError):
            return time.mktime(time.strptime(stamp, "%Y%m%d%H%M%S"))
    return upload.item.modified


def _read_work(upload, budget) -> _Work:
    name = printable(PurePosixPath(upload.path).name)
    work = _Work(upload)
    try:
        content = upload.item.read()
        budget.take(len(content))
        text, note, problem = decode(content, name)
    except ValueError as error:
        return replace(work, problem=printable_sentence(str(error)))
    if problem:
        return replace(work, problem=problem, is_empty=not content.strip())
    if not is_notebook(upload.path):
        return replace(work, text=text, note=note, seen=see(text))
    cells = cells_of(text)
    if cells is None:
        return replace(work, problem=f"{name} is not a Jupyter notebook (version 4) that can be read.")
    seen = functools.reduce(Seen.then, map(see, cells), Seen())
    return replace(work, cells=cells, note=note, seen=seen)


def _helpers(graded, works):
    """The modules and packages of a person that the graded files import, and those that they import."""
    known = sys.stdlib_module_names | {"torch", "numpy", "solution", "torchvision"}
    modules = {}
    for other in sorted(works, key=lambda one: (one.upload.order, _version(one))):
        is_module = other.path.endswith(".py") and other.cells is None and not other.problem
        if is_module and all(other is not one for one in graded):
            # Canvas and browsers number what was handed in or loaded twice.
            modules[re.sub(r"(-\d+| \(\d+\))(?=\.py$)", "", other.path)] = other
    found: dict[str, _Work] = {}
    for start in graded:
        beside = _beside_of(start, modules)
        waiting = [start]
        while waiting:
            for name in waiting.pop().imports - known:
                for path, other in list(beside.pop(name, {}).items())[: MAX_HELPERS - len(found)]:
                    found[path] = other
                    waiting.append(other)
    return found


def _beside_of(work, modules):
    """What can be imported beside a file, {module: {path: work}}."""
    beside: dict[str, dict[str, _Work]] = {}
    # The nearest last; programs run from above, too.
    for folder in reversed(PurePosixPath(work.path).parents):
        start = "" if folder == PurePosixPath(".") else f"{folder}/"
        here: dict[str, dict[str, _Work]] = {}
        for path in modules:
            if path.startswith(start) and _can_be_imported(short := path[len(start) :]):
                here.setdefault(short.removesuffix(".py").split("/")[0], {})[short] = modules[path]
        beside |= here
    return beside


def _can_be_imported(path):
    return all(part.isidentifier() for part in path.removesuffix(".py").split("/"))
