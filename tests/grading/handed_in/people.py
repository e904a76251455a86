"""Who handed in what: turns a file, a folder, an archive or a course's download into submissions."""

import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from .choose import choose
from .files import list_files, read_file
from .item import is_archive, is_code
from .plain import Person, plain_people, stem_of
from .printable import printable
from .source import decode, imports
from .submission import Submission, Upload
from .systems import (
    METADATA,
    SYSTEMS,
    gradescope_names,
    is_of_nbgrader,
    read_entry,
    read_file_name,
    system_of,
)


def find_submissions(paths: list[str | os.PathLike]) -> list[Submission]:
    """The submissions at `paths`: files, archives, folders of one submission, or of many.

    Raises:
        FileNotFoundError: a path that doesn't exist, or a folder without any submission.
    """
    people: dict[object, Person] = {}
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
    return _any_submission(Person(name, uploads=[Upload(item, "/".join(item.path)) for item in items]))


def _find(path: Path) -> list[Person]:
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
    name = stem_of(path.name) if path.name != "solution.py" else path.parent.name or "solution"
    person = Person(name, uploads=[Upload(read_file(path), path.name)], only=path.name)
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


def _people(root: Path) -> list[Person]:
    items = list(list_files(root))
    if any(system.sign and read_entry(system, f"{root.name}/") for system in SYSTEMS):  # one person's folder
        items = [replace(item, path=(root.name, *item.path)) for item in items]
    system, holder = _layout(root.name, items)
    if system is None:
        people = plain_people(items, stem_of(root.name) if is_archive(root.name) else root.name)
        return sorted(people, key=lambda person: person.name)
    depth = len(holder)
    names = _gradescope_names(items, holder) if system.name == "Gradescope" else {}
    found: dict[tuple[str, str], Person] = {}
    beside = []  # is no helper, but may be somebody's work
    for item in items:
        is_held = item.path[:depth] == holder and len(item.path) > depth
        entry = read_entry(system, _entry(item, depth)) if is_held else None
        if entry:
            name = names.get(f"submission_{entry.id}", entry.name)
            person = found.setdefault((entry.id, entry.name), Person(name, entry.id))
            _add(person, system, entry, item, depth)
        elif (is_code(item.name) or item.problem) and not is_of_nbgrader(system, item.path):
            shared = sum(1 for own, name in zip(item.path[:-1], holder, strict=False) if own == name)
            beside.append(replace(item, path=item.path[shared:]))
    for folder, name in names.items():  # those whose files are missing, too
        number = folder.partition("_")[2]
        found.setdefault((number, folder.replace("_", " ")), Person(name, number))
    ids = Counter(person.id for person in found.values() if person.id)
    for person in found.values():
        if ids[person.id] > 1:
            person.needs_human = True
            person.remark = f"Somebody else has the id {person.id}, too."
        person.name += f" ({', '.join(person.members)})" if person.members else ""
    people = [*found.values(), *plain_people(beside)]
    return sorted(people, key=lambda person: (person.name, person.id))


def _layout(name, items):
    """The system that a download is of, or None, and the path of the folder that holds its entries."""
    holders = [system.holder for system in SYSTEMS if system.holder]
    holder = ()
    for depth in range(5):
        inside = [item for item in items if item.path[:depth] == holder and len(item.path) > depth]
        entries = sorted({_entry(item, depth) for item in inside})
        if system := system_of(entries, name):
            return system, holder
        folders = [entry for entry in entries if entry.endswith("/") or is_archive(entry)]
        held = [entry for entry in folders if any(re.fullmatch(h, entry.removesuffix("/")) for h in holders)]
        if not held and (len(folders) != 1 or any(is_code(entry) for entry in entries)):
            break
        name = (held or folders)[0].removesuffix("/")
        holder = (*holder, name)
    return None, ()


def _entry(item, depth):
    """The name of a download's entry, with "/" if it is a folder, as far as an item tells."""
    is_folder = len(item.path) > depth + 1 and not is_archive(item.path[depth])
    return item.path[depth] + "/" * is_folder


def _add(person, system, entry, item, depth):
    """An item of a person's, under the name that its author gave it."""
    inner = list(item.path[depth + 1 :])
    person.late |= entry.late
    if entry.kind != "file":
        person.other_kind = True
        if not is_code(item.name):
            return
    order = entry.order
    if system.name == "ILIAS" and len(inner) > 1 and (member := read_entry(system, f"{inner[0]}/")):
        person.members[member.name] = None
        inner = inner[1:]
    if inner:
        inner[0], late, stamp = read_file_name(system, inner[0])
        person.late |= late
        order = stamp or order
    path = "/".join(filter(None, (entry.file.removesuffix("/"), *inner)))
    person.uploads.append(Upload(item, path, order))


def _gradescope_names(items, holder):
    """{"submission_123": names}, from the file at the download's own depth: others are their authors'."""
    for item in items:
        if item.path == (*holder, METADATA):
            items.remove(item)
            try:
                return gradescope_names(item.read().decode("utf-8", "replace"))
            except ValueError:
                return {}
    return {}


def _any_submission(person: Person) -> Submission:
    """One person's files never cost another's row, whatever is wrong with them."""
    try:
        return _submission(person)
    except Exception as error:
        reason = f"The grader can make nothing of these files ({type(error).__name__})."
        return Submission(person.name, problem=reason, id=person.id, late=person.late, needs_human=True)


def _submission(person: Person) -> Submission:
    uploads = _without_hand_out(person.uploads)
    if not any(upload.item.name for upload in uploads) and person.other_kind:
        found = Submission(
            person.name, problem="No file was handed in, only a text online.", needs_human=True
        )
    else:
        found = choose(person.name, uploads, person.only)
    look = found.needs_human or person.needs_human
    note = " ".join(filter(None, (found.note, person.remark))) or None
    return replace(found, id=person.id, late=person.late, needs_human=look, note=note)


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
