"""Who handed in what: turns a file, a folder, an archive or a course's download into submissions."""

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from .archives import FOREIGN, Item, is_archive, is_code, list_files, read_file
from .submission import Submission, Upload, choose, decode, functions_in, imports, printable, version_of

# How the systems name what they export: the path of a file, from the folder that was given.
# A person is told by the id, or by the name where there is none; file is the name that the author gave.
LAYOUTS = {
    "Moodle": r"(?:.*/)?(?P<name>[^/]+?)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)(?:_?/|_)(?P<file>.*)",
    "Canvas": r"(?:.*/)?(?P<name>[^/_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<order>\d+)_(?P<file>.+)",
    "ILIAS": r"(?:.*/)?(?P<name>[^/_]+_[^/_]+)_[^/_]+_(?P<id>\d{3,})/(?:(?P<order>\d{14})_)?(?P<file>.*)",
    "ILIAS, teams": r"(?:.*/)?(?P<name>Team[ _-]?(?P<id>\d+))/(?:(?P<order>\d{14})_)?(?P<file>.*)",
    "Gradescope": r"(?:.*/)?(?P<name>submission_(?P<id>\d+))/(?P<file>.*)",
    "nbgrader": r"(?:.*/)?submitted/(?P<name>[^/]+)/(?P<file>.+/.*)",
}
_PATTERNS = {system: re.compile(pattern, re.DOTALL) for system, pattern in LAYOUTS.items()}
METADATA = "submission_metadata.yml"


@dataclass
class _Person:
    name: str
    id: str = ""
    late: bool = False
    uploads: list[Upload] = field(default_factory=list)
    online_text: bool = False
    needs_look: bool = False


def find_submissions(paths: list[str | os.PathLike]) -> list[Submission]:
    """The submissions at `paths`: files, archives, folders of one submission, or of many.

    Raises:
        FileNotFoundError: a path that doesn't exist, or a folder without any submission.
    """
    found = [submission for path in paths for submission in _find(Path(path))]
    unique: dict[str, Submission] = {}
    counts: dict[str, int] = {}
    for submission in found:
        base = name = printable(submission.name) or "submission"
        while name in unique:
            counts[base] = counts.get(base, 1) + 1
            name = f"{base} ({counts[base]})"
        unique[name] = replace(submission, name=name)
    return list(unique.values())


def find_one(path: str | os.PathLike, name: str = "submission") -> Submission:
    """What one person handed in, whatever it is: a file, a folder, or nothing. Never raises."""
    path = Path(path)
    if not os.path.lexists(path):
        return Submission(name, problem="Nothing was handed in.")
    items = list(list_files(path)) if path.is_dir() or is_archive(path.name) else [read_file(path)]
    return _submission(_Person(name, uploads=[Upload(item, "/".join(item.path)) for item in items]))


def _find(path: Path) -> list[Submission]:
    if not os.path.lexists(path):
        raise FileNotFoundError(f"{path} does not exist")
    if not path.is_symlink() or path.is_dir():
        path = path.resolve()
    if path.is_dir() or (path.is_file() and is_archive(path.name)):
        people = _people(path)
        if not people:
            raise FileNotFoundError(f"{path} holds no submission: no .py file, no notebook, no folder")
        return [_any_submission(person) for person in people]
    if not is_code(path.name):
        raise FileNotFoundError(f"{path} is no .py file, no notebook, no archive and no folder")
    name = _stem(path.name) if path.name != "solution.py" else path.parent.name or "solution"
    person = _Person(name, uploads=[Upload(read_file(path), path.name)])
    if not path.is_symlink():  # what it imports, and a notebook's solution.py, lie beside it
        for other in list_files(path.parent) if _worth_listing(path) else ():
            person.uploads.append(Upload(other, "/".join(other.path)))
    return [_only(person, path.name)]


def _worth_listing(path):
    """Whether a file imports something that lies beside it."""
    try:
        text = decode(read_file(path).read(), path.name)[0]
    except ValueError:
        return False
    beside = {entry.stem for entry in path.parent.iterdir()}
    return bool(beside & {name.split(".")[0] for name in imports(text)}) or path.suffix == ".ipynb"


def _only(person, file):
    """The submission of a file that was named: it is graded, whatever lies beside it."""
    first, *others = person.uploads
    others = [u for u in others if u.path != file]
    return choose(person.name, [first, *others], only=file)


def _people(root: Path) -> list[_Person]:
    found: dict[tuple, _Person] = {}
    rest: list[Item] = []
    names: dict[str, str] = {}
    for item in list_files(root):
        if item.name == METADATA:
            names |= _gradescope_names(item)
            continue
        match = _matched(root.name, item)
        if match is None:
            rest.append(item)
            continue
        part = match.groupdict()
        key = (part.get("id") or part["name"],)
        person = found.setdefault(key, _Person(part["name"].replace("_", " ").strip(), part.get("id") or ""))
        person.late |= bool(part.get("late"))
        if part.get("kind", "file") != "file":
            person.online_text |= part["kind"] == "onlinetext"
            continue
        order = (int(part["order"]),) if part.get("order") else ()
        person.uploads.append(Upload(item, part["file"], order))
    for person in found.values():
        person.name = names.get(f"submission_{person.id}", person.name)
    people = list(found.values())
    if found:  # what lies beside a system's folders is no helper, but may be somebody's work
        rest = [item for item in rest if is_code(item.name) or item.problem or len(item.path) > 1]
    people += _without_layout(root, rest)
    return sorted(people, key=lambda person: (person.name, person.id))


def _matched(root_name, item):
    path = "/".join((root_name, *item.path))
    matches = (pattern.fullmatch(path) for pattern in _PATTERNS.values())
    return next((match for match in matches if match), None)


def _gradescope_names(item):
    """{"submission_123": "Anna Ash, Ben Birch"}, of the few lines of YAML that matter."""
    names: dict[str, list[str]] = {}
    current = None
    try:
        text = item.read().decode("utf-8", "replace")
    except ValueError:
        return {}
    for line in text.splitlines():
        if folder := re.match(r"['\"]?(submission_\d+)['\"]?:\s*$", line):
            current = names.setdefault(folder[1], [])
        elif current is not None and (name := re.match(r"[ -]+:?name: *(.+?) *$", line)):
            current.append(name[1].strip("'\""))
    return {folder: ", ".join(listed) for folder, listed in names.items() if listed}


def _without_layout(root: Path, items: list[Item]) -> list[_Person]:
    """Files as they lie in a folder: of one person, or with a file or a folder for each."""
    items = _unwrapped(items)
    name = _stem(root.name) if is_archive(root.name) else root.name
    files = [item for item in items if len(item.path) == 1 and (is_code(item.name) or item.problem)]
    files += [i for i in items if len(i.path) == 1 and i.name.lower().endswith(FOREIGN) and not i.problem]
    entries = sorted({item.path[0] for item in items if len(item.path) > 1 and item.path[0]})
    if _is_one(items, files):
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
        person = _Person(item.name if item.problem else _stem(item.name), uploads=[Upload(item, item.name)])
        if looks[item.name][0]:
            person.uploads += [Upload(other, other.name) for other in helpers]
        else:
            person.needs_look = item in helpers
        people.append(person)
    return people


def _unwrapped(items):
    """Without the folders that only hold the class's folders, as downloads have them."""
    while items and len({item.path[0] for item in items}) == 1 and all(len(item.path) > 2 for item in items):
        inner = {item.path[1] for item in items}
        if len(inner) < 2 or "tests" in inner or "src" in inner:
            break
        items = [replace(item, path=item.path[1:]) for item in items]
    return items


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
    if not any(upload.item.name for upload in uploads) and person.online_text:
        found = Submission(person.name, problem="No file was handed in, only a text online.", needs_look=True)
    else:
        found = choose(person.name, uploads)
    look = found.needs_look or person.needs_look
    return replace(found, id=person.id, late=person.late, needs_look=look)


def _without_hand_out(uploads):
    """An author's own files of a repository that has the whole hand-out in it."""
    roots = {m[1] for u in uploads if (m := re.match(r"(.*?)tests/grading/", u.path))}
    ours = ("tests/", "data/", "requirements.txt", "README.md", "LICENSE")
    outside = tuple(root + path for root in roots for path in ours)
    return [upload for upload in uploads if not outside or not upload.path.startswith(outside)]


def _stem(name):
    for suffix in (".py.txt", ".tar.gz"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return os.path.splitext(name)[0]
