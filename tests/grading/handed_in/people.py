"""Who handed in what, told by the names at the download's own depth.

Where names don't tell, the words of a file are glanced at, and an archive's list of names.
"""

import itertools
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

from .archives import list_class
from .download import merged, people_in, people_of_download
from .files import list_file, list_folder
from .machine import PROJECT
from .names import is_archive, is_code, name_of
from .person import Person
from .plain import glance, plain_people
from .printable import printable
from .systems import LAYOUTS, METADATA, is_told, read_entry, system_of


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
            people, others = people_in("", items, layout)
            people = [person for person in people if person.uploads or not left_out]
        else:
            path = some[0].resolve() if some[0].is_dir() else some[0]
            people, others = _people_at(path, _listed(path), layout)
        found, nobodys = found + people, nobodys + others
    if not found:
        raise FileNotFoundError("there is no submission: no .py file, no notebook, no folder")
    people = merged(found)
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
    name = name_of(path.name).stem if is_archive(path.name) else path.name
    found = people_of_download(name, items, layout) if is_many else None
    if above := _download_above(path, layout, is_download=bool(found) and len(found[0]) > 1):
        people, _ = people_in(above.name, _listed(above), layout)
        _call_apart(people)
        if inside := [one for person in people if (one := _only_below(person, path))]:
            return inside, []
    if not is_many:
        return [_single(path, *items)], []
    people, others = people_in(name, items, layout)
    if not people:
        raise FileNotFoundError(f"{path} holds no submission: no .py file, no notebook, no folder")
    return people, others


def _download_above(path, layout, is_download):
    """The folder of a system's download that this path lies in, or None.

    Where the path itself may be one, a name like "Submissions" above it tells nothing.
    """
    for inner, folder in itertools.pairwise([path, *list(path.parents)[:4]]):
        try:
            with os.scandir(folder) as listing:
                names = [one.name + "/" * (one.is_dir() and not is_archive(one.name)) for one in listing]
        except OSError:
            return None
        holder = "" if is_download else folder.name
        system = LAYOUTS[layout] if layout else system_of(names, holder)
        is_entry = system and read_entry(system, inner.name + "/" * inner.is_dir())
        if is_entry and is_told(system, names, holder):
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
    if path.is_symlink() or is_among_ours or (beside and not beside & glance(item).imports):
        return person
    for other in plain_people(list(list_folder(path.parent)), path.parent.name)[0]:
        if item.location in {upload.location for upload in other.uploads}:
            person.uploads = other.uploads
    return person


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
