"""Whose files are whose in a folder that no course's system has named."""

import os
import re
from collections import Counter
from dataclasses import dataclass, field, replace

from .choose import version_of
from .item import FOREIGN, Item, is_archive, is_code, is_notebook
from .source import FUNCTIONS, decode, functions_in, imports
from .submission import Upload


@dataclass
class Person:
    """Who handed in something, and what.

    Attributes:
        other_kind: whether something else than a file was handed in, such as a text online.
        needs_human: whether a human must decide what it is, and why, in a sentence (`remark`).
        only: the path of the file to grade, where that is known.
        members: the names of a team, as keys.
    """

    name: str
    id: str = ""
    late: bool = False
    uploads: list[Upload] = field(default_factory=list)
    other_kind: bool = False
    needs_human: bool = False
    remark: str = ""
    only: str | None = None
    members: dict[str, None] = field(default_factory=dict)


def plain_people(items: list[Item], name: str = "") -> list[Person]:
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
        return [person for part in (*within, rest) for person in plain_people(part)]
    files = [item for item in items if len(item.path) == 1 and (is_code(item.name) or item.problem)]
    files += [i for i in items if len(i.path) == 1 and i.name.lower().endswith(FOREIGN) and not i.problem]
    entries = sorted({item.path[0] for item in items if len(item.path) > 1 and item.path[0]})
    if name and _is_one(items, files):
        return [Person(name, uploads=[Upload(item, "/".join(item.path)) for item in items])]
    people = [
        Person(
            stem_of(entry) if is_archive(entry) else entry,
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
        if item in helpers and stem_of(item.name) in used:
            continue
        person = Person(
            (item.name or name) if item.problem else stem_of(item.name), uploads=[Upload(item, item.name)]
        )
        if looks[item.name][0]:
            person.uploads += [Upload(other, other.name) for other in helpers]
        else:
            person.needs_human = item in helpers
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
    works = {path[:2] for path in code if version_of(path[-1]) == "solution" or is_notebook(path[-1])}
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
        return len(code) == 1 and is_notebook(code[0].name) and not folders
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
    if is_notebook(item.name):
        return set(re.findall(rf"def ({'|'.join(FUNCTIONS)})\b", text)), set()
    return functions_in(text, parse=len(text) < 1 << 20)[0], imports(text)


def _depth_of_all(items):
    """How many folders hold everything."""
    if not items:
        return 0
    first, last = min(item.path[:-1] for item in items), max(item.path[:-1] for item in items)
    return next(
        (n for n, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1),
        min(len(first), len(last)),
    )


def stem_of(name):
    for suffix in (".py.txt", ".ipynb.txt", ".ipynb.json", ".tar.gz"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return os.path.splitext(name)[0]
