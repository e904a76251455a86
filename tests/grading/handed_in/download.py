"""The people of a course's download, told by the names at its own depth; below it, names are an author's."""

import os
from collections import Counter
from dataclasses import replace

from .archives import list_class
from .item import Item
from .metadata import authors_of
from .names import is_archive, is_code, passed_over
from .person import Person
from .plain import plain_people
from .systems import (
    LAYOUTS,
    METADATA,
    SYSTEMS,
    System,
    is_held,
    is_told,
    read_entry,
    read_file_name,
    system_of,
)

MAX_WRAPPED = 4  # folders and archives around a download


def people_in(name: str, items: list[Item], layout: str | None) -> tuple[list[Person], list[str]]:
    """The people of a folder or an archive called `name`, and the names that are nobody's."""
    if found := people_of_download(name, items, layout):
        return found
    while len(items) == 1 and is_archive(items[0].name) and not items[0].problem:
        items = list_class(items[0], items[0].path)
    people, nobodys = plain_people(items, name)
    return sorted(people, key=lambda person: person.name), nobodys


def people_of_download(
    name: str, items: list[Item], layout: str | None, wrapped: int = 0, is_one_of_several: bool = False
) -> tuple[list[Person], list[str]] | None:
    """The same of the download that is there; None if none is.

    Args:
        wrapped: in how many folders and archives it lies.
        is_one_of_several: whether the folders beside it have to be downloads, too.
    """
    entries = sorted({_entry(item) for item in items})
    wanted = LAYOUTS[layout] if layout else None
    if wanted and any(read_entry(wanted, entry) for entry in entries):
        return _people_of(wanted, items)
    system = None if layout else system_of(entries, name)
    if system and is_one_of_several and not (system.tells and is_told(system, entries, name)):
        return None
    if system:
        return _people_of(system, items)
    folders = [one.removesuffix("/") for one in entries if one.endswith("/") or is_archive(one)]
    held = [(one, system.own_files) for one in folders for system in SYSTEMS if is_held(system, one)]
    holders, own_files = ([held[0][0]], held[0][1]) if held else (folders, ())
    is_several = is_one_of_several or len(holders) > 1
    if wrapped == MAX_WRAPPED or not holders or (is_one_of_several and len(holders) > 1):
        return None
    inside: dict[str, list[Item]] = {}
    for item in items:
        inside.setdefault(item.path[0], []).append(item)
    beside = [item for item in items if item.path[0] not in (*holders, *own_files)]
    if not held and any(is_code(item.path[0]) for item in beside):
        return None
    people, nobodys = [], []
    # The smallest archives come first: most often they tell, and no stranger's bomb is opened.
    for holder in sorted(holders, key=lambda one: sum(map(_packed_size, inside[one]))):
        found = people_of_download(holder, _opened(inside[holder]), layout, wrapped + 1, is_several)
        if not found:
            return None
        people, nobodys = people + found[0], nobodys + found[1]
    return _with_others(people, nobodys, beside)


def _packed_size(item):
    is_packed = is_archive(item.name) and item.location and not item.problem
    return os.path.getsize(item.location) if is_packed else 0


def _opened(items):
    """What lies in a folder, told by all items in it, or in an archive, which is the only item."""
    if len(items[0].path) == 1:
        return list_class(items[0], ())
    return [replace(item, path=item.path[1:]) for item in items if len(item.path) > 1]


def _entry(item):
    """The name of a download's entry, with "/" if it is a folder, as far as an item tells."""
    return item.path[0] + "/" * (len(item.path) > 1 and not is_archive(item.path[0]))


def _people_of(system: System, items):
    found: dict[tuple[str, str], Person] = {}
    beside = []
    for item in items:
        if entry := read_entry(system, _entry(item)):
            person = found.setdefault((entry.id, entry.name), Person(entry.name, entry.id))
            person.entry = person.entry or item.path[0]
            _add(person, system, entry, item)
        elif item.path[0] not in system.own_files:
            beside.append(item)
    people = list(found.values())
    if any(person.is_group and not person.id for person in people):  # then all numbers are groups'
        for person in people:
            person.is_group = True
    if METADATA in system.own_files:
        people = _named(people, next((item for item in items if item.path == (METADATA,)), None))
    ids = Counter(person.id for person in people if person.id)
    for person in people:
        if ids[person.id] > 1:  # two people are never one
            person.remark = f"Somebody else has the id {person.id}, too."
        person.name += f" ({', '.join(person.members)})" if person.members else ""
    return _with_others(people, [], beside)


def _with_others(people, nobodys, beside):
    """With what lies beside a download: code is no helper, but may be somebody's work."""
    code = [item for item in beside if is_code(item.name) or item.problem]
    others, more = plain_people(code) if code else ([], [])
    names = {item.path[0] for item in beside} - {item.path[0] for item in code}
    nobodys = [*nobodys, *more, *(name for name in names if name and not passed_over(name))]
    return sorted([*people, *others], key=lambda person: (person.name, person.id)), nobodys


def _add(person, system, entry, item):
    """An item of a person's, under the name that its author gave it."""
    inner = list(item.path[1:])
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
                person.remark = f"{folder} is not in the download."
            found.append(person)
    return merged(found)


def merged(people: list[Person]) -> list[Person]:
    """Who is in two downloads, or handed in twice, is one person."""
    found: dict[object, Person] = {}
    for person in people:
        known = found.setdefault((person.name, person.id) if person.id else len(found), person)
        if known is not person:
            known.uploads = known.uploads + person.uploads
            known.late |= person.late
            known.other_kind |= person.other_kind
            known.only = None
    return list(found.values())
