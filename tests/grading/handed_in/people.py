"""Who handed in what: turns a file, a folder, an archive or a course's download into submissions."""

import os
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from .choose import choose, version_of
from .files import FOREIGN, Item, is_archive, is_code, list_files, read_file
from .printable import printable
from .source import decode, functions_in, imports
from .submission import Submission, Upload
from .systems import (
    METADATA,
    OF_NBGRADER,
    gradescope_names,
    matches_of,
    place_of_submission,
)


@dataclass
class _Person:
    name: str
    id: str = ""
    late: bool = False
    uploads: list[Upload] = field(default_factory=list)
    other_kind: bool = False
    needs_look: bool = False
    only: str | None = None


def find_submissions(paths: list[str | os.PathLike]) -> list[Submission]:
    """The submissions at `paths`: files, archives, folders of one submission, or of many.

    Raises:
        FileNotFoundError: a path that doesn't exist, or a folder without any submission.
    """
    people: dict[object, _Person] = {}
    for path in paths:
        for person in _find(Path(path)):  # who is in two downloads is one person
            known = people.setdefault((person.name, person.id) if person.id else len(people), person)
            if known is not person:
                known.uploads += person.uploads
                known.late |= person.late
                known.other_kind |= person.other_kind
    shared = Counter(person.name for person in people.values())
    unique: dict[str, Submission] = {}
    counts: dict[str, int] = {}
    for person in people.values():
        if shared[person.name] > 1 and person.id:
            person.name += f" {person.id}"
        base = name = printable(person.name) or "submission"
        while name in unique:
            counts[base] = counts.get(base, 1) + 1
            name = f"{base} ({counts[base]})"
        unique[name] = replace(_any_submission(person), name=name)
    return list(unique.values())


def find_one(path: str | os.PathLike, name: str = "submission") -> Submission:
    """What one person handed in, whatever it is: a file, a folder, or nothing. Never raises."""
    path = Path(path)
    if not os.path.lexists(path):
        return Submission(name, problem="Nothing was handed in.")
    items = list(list_files(path)) if path.is_dir() or is_archive(path.name) else [read_file(path)]
    return _any_submission(_Person(name, uploads=[Upload(item, "/".join(item.path)) for item in items]))


def _find(path: Path) -> list[_Person]:
    if not os.path.lexists(path):
        raise FileNotFoundError(f"{path} does not exist")
    if not path.is_symlink() or path.is_dir():
        path = path.resolve()
    if path.is_dir() or (path.is_file() and is_archive(path.name)):
        people = _people(path)
        if not people:
            raise FileNotFoundError(f"{path} holds no submission: no .py file, no notebook, no folder")
        return people
    if not is_code(path.name):
        raise FileNotFoundError(f"{path} is no .py file, no notebook, no archive and no folder")
    name = _stem(path.name) if path.name != "solution.py" else path.parent.name or "solution"
    person = _Person(name, uploads=[Upload(read_file(path), path.name)], only=path.name)
    if not path.is_symlink():  # what it imports, and a notebook's solution.py, lie beside it
        for other in list_files(path.parent) if _worth_listing(path) else ():
            if other.path != (path.name,):
                person.uploads.append(Upload(other, "/".join(other.path)))
    return [person]


def _worth_listing(path):
    """Whether a file imports something that lies beside it."""
    try:
        text = decode(read_file(path).read(), path.name)[0]
    except ValueError:
        return False
    beside = {entry.stem for entry in path.parent.iterdir()}
    return bool(beside & {name.split(".")[0] for name in imports(text)}) or path.suffix == ".ipynb"


def _people(root: Path) -> list[_Person]:
    items = list(list_files(root))
    exports = {item.path[:n] for item in items if (n := place_of_submission(item)) is not None}
    names: dict[str, str] = {}
    for item in list(items):
        if item.name == METADATA and item.path[:-1] in exports:
            names |= gradescope_names(item)
            items.remove(item)
    top = _depth_of_all(items)
    if any(item.path[top] == "submitted" for item in items):
        items = [item for item in items if item.path[top] not in OF_NBGRADER]
    found: dict[tuple, _Person] = {}
    rest: list[Item] = []
    holding: set[tuple[str, ...]] = set()
    for item, match in zip(items, matches_of(root.name, items, top, bool(names)), strict=True):
        if match is None:
            rest.append(item)
            continue
        holding |= {item.path[:n] for n in range(len(item.path))}
        system, part = match
        number, name = part.get("id") or "", part["name"]
        name = name if system == "nbgrader" else name.replace("_", " ").strip()
        name = names.get(f"submission_{number}", name) if system == "Gradescope" else name
        person = found.setdefault((system, number or name), _Person(name, number))
        person.late |= bool(part.get("late"))
        if (part.get("kind") or "file") != "file":
            person.other_kind = True
            if not is_code(item.name):
                continue
        order = (int(part["order"]),) if part.get("order") else ()
        person.uploads.append(Upload(item, part["file"] or "", order))
    if any(system == "Gradescope" for system, _ in found):
        for folder, name in names.items():  # those whose files are missing, too
            number = folder.partition("_")[2]
            found.setdefault(("Gradescope", number), _Person(name, number))
    people = list(found.values())
    if not found:
        people += _without_layout(rest, _stem(root.name) if is_archive(root.name) else root.name)
    else:  # what lies beside a system's folders is no helper, but may be somebody's work
        rest = [i for i in rest if is_code(i.name) or i.problem or i.path[:-1] not in holding]
        people += _without_layout([replace(item, path=item.path[top:]) for item in rest])
    return sorted(people, key=lambda person: (person.name, person.id))


def _depth_of_all(items):
    """How many folders hold everything."""
    if not items:
        return 0
    first, last = min(item.path[:-1] for item in items), max(item.path[:-1] for item in items)
    return next(
        (n for n, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1),
        min(len(first), len(last)),
    )


def _without_layout(items: list[Item], name: str = "") -> list[_Person]:
    """Files as they lie in the folder `name`: of one person, or with a file or a folder for each.

    Without a name, they aren't one person's.
    """
    items = _unwrapped(items)
    if groups := _groups(items):
        within = [
            [
                replace(item, path=item.path[1:])
                for item in items
                if item.path[0] == group and len(item.path) > 1
            ]
            for group in sorted(groups)
        ]
        rest = [item for item in items if item.path[0] not in groups]
        return [person for part in (*within, rest) for person in _without_layout(part)]
    files = [item for item in items if len(item.path) == 1 and (is_code(item.name) or item.problem)]
    files += [i for i in items if len(i.path) == 1 and i.name.lower().endswith(FOREIGN) and not i.problem]
    entries = sorted({item.path[0] for item in items if len(item.path) > 1 and item.path[0]})
    if name and _is_one(items, files):
        return [_Person(name, uploads=[Upload(item, "/".join(item.path)) for item in items])]
    people = [
        _Person(
            _stem(entry) if is_archive(entry) else entry,
            uploads=[Upload(i, "/".join(i.path[1:])) for i in items if i.path[0] == entry],
        )
        for entry in entries
    ]
    looks = {item.name: _glance(item) for item in files}
    helpers = [
        item for item in files if not looks[item.name][0] and item.name.endswith(".py") and not item.problem
    ]
    used = {name.split(".")[0] for defined, imported in looks.values() if defined for name in imported}
    for item in files:
        if item in helpers and _stem(item.name) in used:
            continue
        person = _Person(
            (item.name or name) if item.problem else _stem(item.name), uploads=[Upload(item, item.name)]
        )
        if looks[item.name][0]:
            person.uploads += [Upload(other, other.name) for other in helpers]
        else:
            person.needs_look = item in helpers
        people.append(person)
    return people


def _unwrapped(items):
    """Without the folders that only hold the class's folders or files, as downloads have them."""
    top = _depth_of_all(items)
    inner = {item.path[top] for item in items}
    files = [item for item in items if len(item.path) == top + 1]
    looks = [_glance(item)[0] for item in files if version_of(item.name) != "solution"]
    several = len(looks) == len(files) and sum(map(len, looks)) > len(set().union(*looks))
    if (files and not several) or "tests" in inner or "src" in inner:
        return items
    return [replace(item, path=item.path[top:]) for item in items]


def _groups(items):
    """The folders of a class that hold the folders of several people each, as those of tutorials do."""
    code = [item.path for item in items if is_code(item.name)]
    if any(len(path) < 3 for path in code):
        return set()
    works = {path[:2] for path in code if version_of(path[-1]) == "solution" or path[-1].endswith(".ipynb")}
    several = [top for top, n in Counter(top for top, _ in works).items() if n > 1]
    folders = {path[0] for path in code}
    names = {name for _, name in works}  # of sheets or versions, if the same are in most
    return folders if 2 * len(several) > len(folders) and 4 * len(names) >= 3 * len(works) else set()


def _is_one(items, files):
    """Whether a folder is one person's: its solution.py and nobody else's work."""
    if any(item.path[:2] == ("tests", "grading") for item in items):
        return True  # the whole hand-out
    code = [item for item in files if is_code(item.name)]
    if not any(version_of(item.name) == "solution" for item in code):
        folders = [i for i in items if len(i.path) > 1]
        return len(code) == 1 and code[0].name.endswith(".ipynb") and not folders
    for item in items:
        if len(item.path) > 1 and item.name == "solution.py":
            return False  # somebody's, even if it is empty
        strange = len(item.path) > 1 or (version_of(item.name) != "solution" and item.name.endswith(".py"))
        if strange and is_code(item.name) and _glance(item)[0]:
            return False
    return True


def _glance(item):
    """Which of the functions a file defines, and what it imports."""
    if item.problem or not is_code(item.name):
        return set(), set()
    try:
        text = decode(item.read(), "it")[0]
    except ValueError:
        return set(), set()
    if item.name.endswith(".ipynb"):
        return set(re.findall(r"def (get_objective_term|reconstruct|anomaly_score)\b", text)), set()
    return functions_in(text, parse=len(text) < 1 << 20)[0], imports(text)


def _any_submission(person: _Person) -> Submission:
    """One person's files never cost another's row, whatever is wrong with them."""
    try:
        return _submission(person)
    except Exception as error:
        reason = f"The grader can make nothing of these files ({type(error).__name__})."
        return Submission(person.name, problem=reason, id=person.id, late=person.late, needs_look=True)


def _submission(person: _Person) -> Submission:
    uploads = _without_hand_out(person.uploads)
    if not any(upload.item.name for upload in uploads) and person.other_kind:
        found = Submission(person.name, problem="No file was handed in, only a text online.", needs_look=True)
    else:
        found = choose(person.name, uploads, person.only)
    look = found.needs_look or person.needs_look
    return replace(found, id=person.id, late=person.late, needs_look=look)


def _without_hand_out(uploads):
    """An author's own files of a repository that has the whole hand-out in it."""
    roots = {m[1] for u in uploads if (m := re.match(r"(.*?)tests/grading/", u.path))}
    ours = (
        r"tests/(grading|submissions)/|(tests|data)/(?!(.*/)?solution[^/]*$)"
        r"|(requirements\.txt|README\.md|LICENSE)$"
    )
    return [
        u
        for u in uploads
        if not any(u.path.startswith(r) and re.match(ours, u.path[len(r) :]) for r in roots)
    ]


def _stem(name):
    for suffix in (".py.txt", ".tar.gz"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return os.path.splitext(name)[0]
