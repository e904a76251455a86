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

import functools
import re
import sys
from collections import Counter
from dataclasses import dataclass, field, replace

from .item import Budget, Item
from .names import FOREIGN, Name, is_code, is_notebook, name_of, passed_over
from .ours import is_ours
from .printable import printable, printable_sentence
from .source import Seen, cells_of, decode, see
from .submission import Submission

MAX_HELPERS = 50
MINUTE = 60  # seconds; files written within one have the same age, as a download may write them all


@dataclass(frozen=True)
class _Work:
    """What one file holds, as far as it can be seen without running it."""

    upload: Item
    text: str = ""
    cells: list[str] | None = None
    note: str | None = None
    problem: str | None = None
    seen: Seen = field(default_factory=Seen)

    @property
    def path(self) -> str:
        return self.upload.whole

    @property
    def name(self) -> Name:
        return name_of(self.path)


def choose(name: str, uploads: list[Item], only: str | None, budget: Budget) -> Submission:
    """One person's submission: the file to grade, and its helpers.

    Args:
        only: the path of the file to grade, where that is known; or None.
        budget: what may still be read of this person.
    """
    problems = [upload.problem for upload in uploads if upload.problem]
    problems += [
        f"{printable(u.whole)} is an archive of a kind that is not read; use .zip or .tar.gz."
        for u in uploads
        if u.name.lower().endswith(FOREIGN) and not u.problem
    ]
    shown = [u for u in uploads if u.whole == only or (u.name and not passed_over(u.name))]
    works = _with_stars([_read_work(u, budget) for u in shown if is_code(u.name) and not u.problem])
    if not works:
        return _nothing(name, uploads, problems)
    problems += [work.problem for work in works if work.problem]
    asked = next((work for work in works if work.path == only), None)
    work, remark, unclear = (asked, "", "") if asked else _decide(works)
    if work is None:
        return Submission(name, problem=unclear, needs_human=True)
    notes = [remark, unclear, work.note]
    if not only:
        others = sorted({printable(u.whole) for u in shown if not is_code(u.name) and not u.problem})
        notes += [f"Passed over: {_five(others)}."] if others else []
        notes += [printable_sentence(p) for p in problems[:3] if p != work.problem]
    needs_human = bool(unclear or (problems and not work.seen.written))
    return _submission(name, [work, *_solution_beside(work, works)], works, notes, needs_human)


def _five(names):
    return ", ".join(names[:5]) + " and more" * (len(names) > 5)


def _nothing(name, uploads, problems):
    """Where no code was handed in: what is there instead."""
    there = sorted({printable(u.whole) for u in uploads if u.name and not u.name.startswith((".", "__"))})
    only = f"No code was handed in, only {_five(there)}." if there else "No file was handed in."
    reason = " ".join(map(printable_sentence, problems[:3])) or only
    return Submission(name, problem=reason, needs_human=bool(problems or any(u.name for u in uploads)))


def _with_stars(works):
    """A solution.py that imports all of a module beside it has the functions of that module."""
    by_path = {work.path: work for work in works}
    found = []
    for work in works:
        folder = work.path.rpartition("/")[0] + "/" * ("/" in work.path)
        for module in re.findall(r"(?m)^from[ \t]+(\w[\w.]*)[ \t]+import[ \t]+\*", work.text):
            other = by_path.get(f"{folder}{module.replace('.', '/')}.py")
            if work.name.base == "solution" and other and other.path != work.path:
                work = replace(work, seen=other.seen.then(work.seen))
        found.append(work)
    return found


def _solution_beside(work, works):
    """A notebook may call the functions of the solution.py beside it."""
    beside = [o for o in works if o is not work and o.cells is None and o.name.base == "solution"]
    if work.cells is None or not beside or work.problem:
        return []
    other = max(beside, key=lambda o: (len(o.seen.written), o.name.number, o.path))
    return [other] if other.text.strip() else []


def _submission(name, graded, works, notes, needs_human):
    """What is graded, with what it imports: the helpers, and for a notebook the solution.py beside it."""
    work, *beside = graded
    source = work.text if work.cells is None else None
    problem = work.problem
    if not problem and source is not None and not source.strip():
        problem = f"{printable(work.upload.name)} is empty."
    for other in beside:
        source = other.text
        if work.seen.written and other.seen.written - work.seen.written:
            notes.append(f"It is graded with {printable(other.path)}.")
    found = Submission(
        name,
        problem=problem,
        note=" ".join(filter(None, notes)) or None,
        file=printable(work.path),
        needs_human=needs_human,
    )
    helpers = _helpers(graded, works)
    used = [*graded, *helpers.values()]
    if ours := [work.path for work in used if is_ours("".join((work.text, *(work.cells or ()))))]:
        problem = f"{printable(ours[0])} is made from the grader's own files, which know the answers."
        return replace(found, problem=problem, needs_human=True)
    return replace(
        found,
        source=source,
        cells=work.cells,
        helpers={path: work.text for path, work in helpers.items()},
        imports=sorted(set().union(*(work.seen.imports for work in used))),
    )


def _decide(works):
    """The work to grade, or None if that is unclear; a remark; and what a human should look at."""
    works = [work for work in works if not work.problem] or works
    candidates = (
        [work for work in works if work.seen.written]
        or [work for work in works if work.seen.defined]
        or [work for work in works if work.name.base == "solution"]
        or works
    )
    stems = {work.name.stem for work in candidates}
    own = [  # and no tests of them; a notebook may call solution.py
        w for w in candidates if w.name.is_solution or not (w.seen.imports - {"solution"}) & stems
    ]
    candidates = own or candidates
    chosen = _by_name(candidates)
    if chosen and chosen.cells is None:  # a notebook is graded together with the solution.py beside it
        more = [w for w in candidates if w.cells is not None and w.seen.written - chosen.seen.written]
        chosen = more[0] if len(more) == 1 else chosen
    if chosen is None:
        names = ", ".join(sorted(_told_apart(candidates))[:6])
        return None, "", f"It is unclear which of {names} to grade."
    if not chosen.seen.defined and (chosen.text.strip() or chosen.cells):
        return chosen, "", f"{printable(chosen.path)} has none of the three functions."
    return chosen, *_beside(chosen, works)


def _by_name(candidates):
    """The work that the rules choose, or None."""
    named = [work for work in candidates if work.name.is_solution]
    named = [work for work in named if work.cells is None] or named
    if not named and len({work.name.base for work in candidates}) == 1:
        named = candidates
    newest = max((work.upload.modified for work in named), default=0)

    def age(work):
        recent = newest - work.upload.modified < MINUTE
        return work.upload.order, recent, work.name.number, -len(work.upload.path)

    youngest = max(map(age, named), default=None)
    latest = [work for work in named if age(work) == youngest]
    return latest[0] if latest and not any(_differs(work, latest[0]) for work in latest) else None


def _beside(chosen, works):
    """What is said of the other works: a remark, and what a human should look at."""
    rivals = [
        work
        for work in works
        if (work.seen.defined or work.name.base == "solution")
        and _differs(work, chosen)
        # A sheet whose cells call solution.py is what everybody has, and no rival; nor is what it calls.
        and (work.seen.written or work.cells is None)
        and not (chosen.cells is not None and "solution" in chosen.seen.imports and work.name.is_solution)
    ]
    if not rivals:
        return "", ""
    shown, *others = _told_apart((chosen, *rivals))
    why = "it is the later one"
    if not any(work.seen.written for work in rivals):
        why = "it is the only one with work in it"
    elif chosen.name.is_solution and not all(work.name.is_solution for work in rivals):
        why = "the sheet asks for it"
    remark = f"{shown} is graded ({why}), and not {', '.join(sorted(others)[:5])}."
    if elsewhere := set().union(*(work.seen.written for work in rivals)) - chosen.seen.written:
        return remark, f"Other files have {', '.join(sorted(elsewhere))}; a human should look at it."
    later = [work for work in rivals if work.seen.written and work.upload.order > chosen.upload.order]
    return remark, "There is a later upload; a human should look at it." if later else ""


def _differs(work, other):
    return (work.text, work.cells) != (other.text, other.cells)


def _told_apart(works):
    """The paths of files, whole ones where an author gave two the same."""
    counts = Counter(work.path for work in works)
    return [printable(w.path if counts[w.path] == 1 else w.upload.origin or w.path) for w in works]


def _read_work(upload, budget) -> _Work:
    name, work = printable(upload.name), _Work(upload)
    try:
        content = upload.read()
        budget.take(len(content))
        text, note, problem = decode(content, name)
    except ValueError as error:
        return replace(work, problem=printable_sentence(str(error)))
    if problem:
        return replace(work, problem=problem)
    if not is_notebook(upload.name):
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
    for other in sorted(works, key=lambda one: (one.upload.order, one.name.number)):
        if other.path.endswith(".py") and not other.problem and other not in graded:
            # Canvas and browsers number what was handed in or loaded twice.
            modules[(*other.upload.path[:-1], other.name.unnumbered)] = other
    found: dict[str, _Work] = {}
    for start in graded:
        beside = _beside_of(start.upload.path, modules)
        waiting = [start]
        while waiting:
            for name in waiting.pop().seen.imports - known:
                for path, other in list(beside.pop(name, {}).items())[: MAX_HELPERS - len(found)]:
                    found[path] = other
                    waiting.append(other)
    return found


def _beside_of(start, modules):
    """What can be imported beside a file, {module: {path: work}}."""
    beside: dict[str, dict[str, _Work]] = {}
    for depth in range(len(start)):  # the nearest last; programs run from above, too
        here: dict[str, dict[str, _Work]] = {}
        for path, other in modules.items():
            names = path[depth:]
            if names and path[:depth] == start[:depth] and all(map(str.isidentifier, names)):
                here.setdefault(names[0], {})["/".join(names) + ".py"] = other
        beside |= here
    return beside
