"""Whose files are whose in a folder that no course's system has named."""

import functools
import itertools
from collections import Counter
from dataclasses import replace

from .item import Item
from .names import CODE, FOREIGN, is_archive, is_code, is_notebook, name_of
from .person import Person
from .source import Seen, decode, seen_by_words

# What somebody may have handed in instead of code; tables and the like are a teacher's.
DOCUMENTS = (".pdf", ".doc", ".docx", ".odt", ".rtf", ".tex", ".pages", ".png", ".jpg", ".jpeg", ".heic")


def plain_people(items: list[Item], name: str = "") -> tuple[list[Person], list[str]]:
    """Files as they lie in the folder `name`: of one person, or with a file or a folder for each.

    Without a name, they aren't one person's. Returns the names of files that are nobody's, too.
    """
    items = _unwrapped(items)
    folders: dict[str, list[Item]] = {}
    for item in items:
        if len(item.path) > 1 and item.path[0]:
            folders.setdefault(item.path[0], []).append(replace(item, path=item.path[1:]))
    if groups := _groups(items):
        outside = [item for item in items if item.path[0] not in groups]
        found = [plain_people(some) for some in (*(folders[name] for name in sorted(groups)), outside)]
        return [one for people, _ in found for one in people], [one for _, names in found for one in names]
    files = [item for item in items if len(item.path) == 1 and item.name]
    if name and _is_one(items, [item for item in files if is_code(item.name) or item.problem]):
        return [Person(name, uploads=items)], []
    people = [Person(folder, uploads=folders[folder]) for folder in sorted(folders)]
    empty = [item for item in items if not item.name and len(item.path) == 1]
    people += [Person(name, uploads=[item]) for item in empty]
    return _with_files(people, files)


def _with_files(people, files):
    """A person for each file, too; a helper goes with what imports it, a document with its author."""
    by_name = {person.name: person for person in people}
    code = {item: name_of(item.name) for item in files if is_code(item.name) and not item.problem}
    helpers = {  # an empty solution.py is somebody's work
        name.stem: item
        for item, name in code.items()
        if item.name.endswith(".py") and not glance(item).defined and name.base != "solution"
    }
    used = {name for item in files if glance(item).defined for name in glance(item).imports}
    for item, name in code.items():
        if helpers.get(name.stem) is item and name.stem in used:
            continue
        if name.stem not in by_name:
            by_name[name.stem] = Person(name.stem)
            people.append(by_name[name.stem])
        uses = [one for stem, one in helpers.items() if stem in glance(item).imports and one is not item]
        by_name[name.stem].uploads += [item, *uses]
    nobodys = []
    for item in (item for item in files if item not in code):
        stem, lower = name_of(item.name).stem, item.name.lower()
        is_work = is_archive(lower) or lower.endswith((*FOREIGN, *DOCUMENTS)) or glance(item).defined
        if stem in by_name:
            by_name[stem].uploads.append(item)
        elif item.problem or is_work:
            name = item.name if item.problem and not is_archive(lower) else stem
            people.append(Person(name, uploads=[item]))
        else:
            nobodys.append(item.name)
    return people, nobodys


def _unwrapped(items):
    """Without the folders that only hold the class's folders or files, as downloads have them."""
    ranks = zip(*(item.path[:-1] for item in items), strict=False)
    top = sum(1 for _ in itertools.takewhile(lambda names: len(set(names)) == 1, ranks))
    inner = {item.path[top] for item in items}
    files = [item for item in items if len(item.path) == top + 1]
    glances = [glance(item).defined for item in files]
    is_one = any(is_code(item.name) and name_of(item.name).base == "solution" for item in files)
    several = not is_one and sum(map(len, glances)) > len(set().union(*glances))
    if (files and not several and not _are_of_many(files)) or "tests" in inner or "src" in inner:
        return items
    return [replace(item, path=item.path[top:]) for item in items]


def _groups(items):
    """The folders of a class that hold the folders of several people each, as those of tutorials do."""
    code = [item.path for item in items if is_code(item.name)]
    if any(len(path) < 3 for path in code):
        return set()
    works = {path[:2] for path in code if name_of(path[-1]).base == "solution" or is_notebook(path[-1])}
    several = [top for top, n in Counter(top for top, _ in works).items() if n > 1]
    folders = {path[0] for path in code}
    names = {name for _, name in works}  # of sheets or versions, if the same are in most
    return folders if 2 * len(several) > len(folders) and 4 * len(names) >= 3 * len(works) else set()


def _is_one(items, files):
    """Whether a folder is one person's: its solution.py and nobody else's work."""
    if any(item.path[:2] == ("tests", "grading") for item in items):
        return True  # the whole hand-out
    code = [item for item in files if is_code(item.name)]
    if not any(name_of(item.name).base == "solution" for item in code):
        folders = [i for i in items if len(i.path) > 1]
        return len(code) == 1 and is_notebook(code[0].name) and not folders
    if _are_of_many(code):
        return False
    for item in items:
        if len(item.path) > 1 and item.name == "solution.py":
            return False  # somebody's, even if it is empty
        strange = len(item.path) > 1 or (name_of(item.name).base != "solution" and item.name.endswith(".py"))
        if strange and is_code(item.name) and glance(item).defined:
            return False
    return True


def _are_of_many(files):
    """Whether files are a class's notebooks, which somebody may have put a solution.py beside."""
    work = [item for item in files if is_notebook(item.name) and glance(item).defined]
    return len({name_of(item.name).base for item in work}) > 2


@functools.lru_cache(maxsize=10_000)
def glance(item: Item) -> Seen:
    """What a file seems to hold, by its words."""
    if item.problem or not item.name.lower().endswith((*CODE, ".txt")):
        return Seen()
    try:
        return seen_by_words(decode(item.read()[: 1 << 20], "it")[0])
    except ValueError:
        return Seen()
