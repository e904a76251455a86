"""Who handed in what, told by the names at the download's own depth.

Where names don't tell, the words of a file are glanced at, and an archive's list of names.
"""

import itertools
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from .archives import list_class
from .files import list_file, list_folder
from .item import Item
from .machine import PROJECT
from .metadata import authors_of
from .names import is_archive, is_code, name_of, passed_over
from .person import Person
from .plain import depth_of_all, glance, plain_people
from .printable import printable
from .systems import (
    LAYOUTS,
    METADATA,
    SYSTEMS,
    is_signed,
    read_entry,
    read_file_name,
    system_of,
)


def find_people(paths: list[Path], layout: str | None = None) -> tuple[list[Person], list[str]]:
    """Who handed in what lies at `paths`, and the names of the files there that are nobody's.

    Args:
        paths: files, archives, folders of one person, or of many. Several from one folder are read as if
            that held nothing else.
        layout: a name of LAYOUTS, or None to see from the names what system a download is of.

    Raises:
        FileNotFoundError: a path that doesn't exist, or without any submission.
    """
    found, nobodys = [], []
    by_folder: dict[Path, list[Path]] = {}
    for path in dict.fromkeys(map(_absolute, paths)):
        by_folder.setdefault(path.parent, []).append(path)
    for folder, some in by_folder.items():
        if len(some) > 1:
            names = folder / METADATA  # which a glob such as submission_* leaves out
            left_out = [names] * (names.is_file() and names not in some)
            items = [item for path in (*some, *left_out) for item in _beside_others(path)]
            people, others = _people_of("", items, layout)
            people = [person for person in people if person.uploads or not left_out]
        else:
            path = some[0].resolve() if some[0].is_dir() else some[0]
            people, others = _people_at(path, _listed(path), layout)
        found, nobodys = found + people, nobodys + others
    if not found:
        raise FileNotFoundError("there is no submission: no .py file, no notebook, no folder")
    people = _merged(found)
    _call_apart(people)
    return people, sorted(nobodys)


def _absolute(path):
    if not os.path.lexists(path):
        raise FileNotFoundError(f"{path} does not exist")
    path = Path(os.path.abspath(path))
    return path.parent.resolve() / path.name  # a link itself is followed only where it is all there is


def _listed(path):
    """What lies in a folder or an archive; of a file, the file."""
    if path.is_dir():
        return list(list_folder(path))
    return list_class(list_file(path), ()) if is_archive(path.name) else [list_file(path)]


def _beside_others(path):
    """What a path is where it lies in a folder with others."""
    if path.is_symlink() or not path.is_dir():
        return [list_file(path)]
    return [replace(item, path=(path.name, *item.path)) for item in list_folder(path)]


def _people_at(path, items, layout):
    """Who handed in what lies at one path, which may be a place in a download."""
    is_many = path.is_dir() or is_archive(path.name)
    if not is_many or not _layout_of(path.name, items, layout)[0]:
        above = _download_above(path, layout)
        if above:
            people, _ = _people_of(above.name, _listed(above), layout)
            _call_apart(people)
            if inside := [one for person in people if (one := _only_below(person, path))]:
                return inside, []
    if not is_many:
        return [_single(path, *items)], []
    name = name_of(path.name).stem if is_archive(path.name) else path.name
    people, others = _people_of(name, items, layout)
    if not people:
        raise FileNotFoundError(f"{path} holds no submission: no .py file, no notebook, no folder")
    return people, others


def _download_above(path, layout):
    """The folder of a system's download that this path lies in, or None."""
    for inner, folder in itertools.pairwise([path, *list(path.parents)[:4]]):
        try:
            with os.scandir(folder) as listing:
                names = [one.name + "/" * (one.is_dir() and not is_archive(one.name)) for one in listing]
        except OSError:
            return None
        system = LAYOUTS[layout] if layout else system_of(names, folder.name)
        if system is None or not read_entry(system, inner.name + "/" * inner.is_dir()):
            continue
        is_held = system.holder and re.fullmatch(system.holder, folder.name)
        if is_held or is_signed(system, names) or not (system.is_vague or system.only_held):
            return folder
    return None


def _only_below(person, path):
    """The person with what lies at this path; None if nothing of theirs does."""
    below = f"{path}{os.sep}"
    uploads = [item for item in person.uploads if f"{item.location}{os.sep}".startswith(below)]
    if path.is_dir():
        person.uploads = uploads
    elif uploads and is_code(path.name):
        person.only = uploads[0].whole
    return person if uploads else None


def _single(path, item):
    """Whose a file is that lies in no download."""
    if not is_code(path.name):
        raise FileNotFoundError(f"{path} is no .py file, no notebook, no archive and no folder")
    is_solution = path.name == "solution.py"
    name = (path.parent.name or "solution") if is_solution else name_of(path.name).stem
    person = Person(name, uploads=[item], only=path.name)
    beside = {entry.stem for entry in path.parent.iterdir()} if path.suffix != ".ipynb" else set()
    is_among_ours = path.parent == PROJECT and not is_solution
    if path.is_symlink() or is_among_ours or (beside and not beside & glance(item)[1]):
        return person
    others = [other for other in list_folder(path.parent) if other.path != item.path]
    mine, _ = plain_people([item, *others], path.parent.name)
    if len(mine) > 1:  # another's work is no helper
        own = {i.location for one in mine if one.name == name_of(path.name).stem for i in one.uploads}
        others = [other for other in others if other.location in own or len(other.path) > 1]
    person.uploads += others
    return person


def _layout_of(name, items, layout):
    """The system that a download is of, or None; the path of the folder that holds its entries; the items.

    An archive that holds the whole download is opened.
    """
    wanted = LAYOUTS[layout] if layout else None
    holders = [system.holder for system in SYSTEMS if system.holder]
    holder = ()
    for depth in range(5):
        inside = [item for item in items if item.path[:depth] == holder and len(item.path) > depth]
        entries = sorted({_entry(item, depth) for item in inside})
        system = wanted if wanted and any(read_entry(wanted, entry) for entry in entries) else None
        system = system or (None if layout else system_of(entries, name))
        if system:
            return system, holder, items
        folders = [entry for entry in entries if entry.endswith("/") or is_archive(entry)]
        held = [entry for entry in folders if any(re.fullmatch(h, entry.removesuffix("/")) for h in holders)]
        if not held and (len(folders) != 1 or any(is_code(entry) for entry in entries)):
            break
        name = (held or folders)[0].removesuffix("/")
        holder = (*holder, name)
        if is_archive(name):
            (archive,) = (item for item in items if item.path == holder)
            items = [item for item in items if item is not archive] + list_class(archive, holder)
    return None, (), items


def _downloads_in(items, layout):
    """(name, items) of each download that a folder holds instead of people, and the files beside them."""
    top = depth_of_all(items)
    inside: dict[str, list[Item]] = {}
    for item in items:
        inside.setdefault(item.path[top], []).append(replace(item, path=item.path[top + 1 :]))
    found, beside = [], []
    # The smallest archives come first: most often they tell, and no stranger's bomb is opened.
    for name, inner in sorted(inside.items(), key=lambda one: sum(map(_packed_size, one[1]))):
        if not inner[0].path:
            inner = list_class(replace(inner[0], path=(name,)), ()) if is_archive(name) else inner
        if not inner[0].path and not is_code(name):
            beside.append(name)  # such as names.csv
            continue
        system, holder, opened = _layout_of(name, inner, layout)
        is_held = system and re.fullmatch(system.holder, (name, *holder)[-1])
        if system is None or system.only_held or (system.is_vague and not is_held):
            return [], []
        entries = [_entry(item, len(holder)) for item in opened if len(item.path) > len(holder)]
        if system.sign and not is_signed(system, entries):
            return [], []  # "submission_1/" is what people call their own folders, too
        found.append((name, inner))
    return found, beside


def _packed_size(item):
    is_packed = not item.problem and item.location and (not item.path or is_archive(item.name))
    return os.path.getsize(item.location) if is_packed else 0


def _people_of(name, items, layout):
    """The people of a folder or an archive, and the names that are nobody's."""
    system, holder, opened = _layout_of(name, items, layout)
    if system is None:
        downloads, others = _downloads_in(opened, layout)
        people = []
        for download in downloads:
            more, nobodys = _people_of(*download, layout)
            people, others = people + more, others + nobodys
        if downloads:
            return people, others
        people, others = plain_people(opened if len(items) == 1 else items, name)
        return sorted(people, key=lambda person: person.name), others
    depth = len(holder)
    found: dict[tuple[str, str], Person] = {}
    beside, nobodys = [], set()
    for item in opened:
        is_held = item.path[:depth] == holder and len(item.path) > depth
        entry = read_entry(system, _entry(item, depth)) if is_held else None
        if entry:
            person = found.setdefault((entry.id, entry.name), Person(entry.name, entry.id))
            person.entry = person.entry or item.path[depth]
            _add(person, system, entry, item, depth)
        elif not any(one in system.own_files for one in item.path):
            shared = sum(1 for own, name in zip(item.path[:-1], holder, strict=False) if own == name)
            path = item.path[shared:]
            if is_code(item.name) or item.problem:
                beside.append(replace(item, path=path))  # is no helper, but may be somebody's work
            else:
                nobodys.add(path[0])
    people = list(found.values())
    if any(person.is_group and not person.id for person in people):  # then all numbers are groups'
        for person in people:
            person.is_group = True
    if system.authors:
        people = _named(people, next((i for i in opened if i.path == (*holder, system.authors)), None))
    _tell_apart(people)
    others, more = plain_people(beside) if beside else ([], [])
    people = sorted([*people, *others], key=lambda person: (person.name, person.id))
    nobodys -= {"", *(item.path[0] for item in beside)}
    return people, [*more, *(one for one in nobodys if not passed_over(one))]


def _entry(item, depth):
    """The name of a download's entry, with "/" if it is a folder, as far as an item tells."""
    is_folder = len(item.path) > depth + 1 and not is_archive(item.path[depth])
    return item.path[depth] + "/" * is_folder


def _add(person, system, entry, item, depth):
    """An item of a person's, under the name that its author gave it."""
    inner = list(item.path[depth + 1 :])
    person.late |= entry.late
    person.is_group |= entry.is_team
    if entry.kind != "file" or not (inner or entry.file):  # a text online, or a receipt
        person.other_kind = True
        if not is_code(item.name):
            return
    order = entry.order
    if entry.is_team and len(inner) > 1 and (member := read_entry(system, f"{inner[0]}/")):
        person.members[member.name] = None
        inner = inner[1:]
    if inner:
        inner[0], late, stamp = read_file_name(system, inner[0])
        person.late |= late
        order = stamp or order
    path = (*entry.file.removesuffix("/").split("/"), *inner) if entry.file else tuple(inner)
    person.uploads.append(replace(item, path=path, order=order, origin=item.whole))


def _named(people, metadata):
    """A person for each author that Gradescope's file names, if it is there: others are their authors'."""
    try:
        authors = authors_of(metadata.read().decode("utf-8", "replace")) if metadata else {}
    except ValueError:
        authors = {}
    by_number = {person.id: person for person in people}
    found = [person for person in people if f"submission_{person.id}" not in authors]
    for folder, named in authors.items():
        number = folder.partition("_")[2]
        uploads = by_number[number].uploads if number in by_number else []
        if number.isdecimal():
            uploads = [replace(item, order=(int(number[:20]),)) for item in uploads]
        for name, id in named:
            person = Person(name, id, uploads=uploads, entry=folder)
            if not uploads:
                person.needs_human, person.remark = True, f"{folder} is not in the download."
            found.append(person)
    return _merged(found)


def _tell_apart(people):
    """Two people are never one: who shares an id is looked at."""
    ids = Counter(person.id for person in people if person.id)
    for person in people:
        if ids[person.id] > 1:
            person.needs_human = True
            person.remark = f"Somebody else has the id {person.id}, too."
        person.name += f" ({', '.join(person.members)})" if person.members else ""


def _call_apart(people):
    """Names as one printable line each, no two the same: who shares one is called by the id, or a number."""
    names, taken = Counter(person.name for person in people), set()
    for person in people:
        called = f"{person.name} {person.id}" if names[person.name] > 1 and person.id else person.name
        base = person.name = printable(called) or "submission"
        number = 1
        while person.name in taken:
            number += 1
            person.name = f"{base} ({number})"
        taken.add(person.name)


def _merged(people):
    """Who is in two downloads, or handed in twice, is one person."""
    merged: dict[object, Person] = {}
    for person in people:
        known = merged.setdefault((person.name, person.id) if person.id else len(merged), person)
        if known is not person:
            known.uploads = known.uploads + person.uploads
            known.late |= person.late
            known.other_kind |= person.other_kind
            known.only = None
    return list(merged.values())
