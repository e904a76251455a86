"""How the courses' systems name what they export."""

import contextlib
import json
import re
import unicodedata

from .files import is_code

# How the systems name what they export: the path of a file. The first folder that fits is the person's, since
# what lies in it has names that the author gave. A person is told by the id, or by the name if there is none;
# file is the name that the author gave.
_CANVAS = (  # a file or what was written online; but no date
    r"(?!_20\d\d_\d\d?_\d\d?\D)_(?P<late>LATE_)?(?P<id>%s)_(?:(?P<kind>text|link)\.html"
    r"|(?P<order>\d\d+|\d(?=_[^/]+$))_(?P<file>.+))"
)


_ILIAS = r"/(?:(?P<order>\d{14})_)?(?P<file>.*)"


LAYOUTS = {
    "Moodle": r"(?P<name>[^/]+?)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)(?:_?/|_)(?P<file>.*)",
    "Canvas": r"(?P<name>[^/_]+)" + _CANVAS % r"\d+",
    "Canvas, anonymous": r"(?P<name>anon)" + _CANVAS % r"\w{5}",
    "ILIAS, teams": r"(?P<name>Team[ _-]?(?P<id>\d+))(?:/[^/]+_\d+(?=/))?" + _ILIAS,
    "ILIAS": r"(?P<name>[^/_]+_[^/_]+)_[^/]+_(?P<id>\d+)" + _ILIAS,
    "Gradescope": r"(?P<name>submission_(?P<id>\d+))/(?P<file>.*)",
    "nbgrader": r"submitted/(?P<name>[^/]+)/(?P<file>.*)",
}


_PATTERNS = {system: re.compile("(?:.*?/)??" + pattern, re.DOTALL) for system, pattern in LAYOUTS.items()}


OF_NBGRADER = ("source", "release", "autograded", "feedback", "nbgrader_config.py")  # beside "submitted"


METADATA = "submission_metadata.yml"


def place_of_submission(item):
    return next((n for n, name in enumerate(item.path[:-1]) if re.fullmatch(r"submission_\d+", name)), None)


def matches_of(root_name, items, top, is_gradescope):
    """For each item, the system that puts files where it lies, and the parts of its path; or None.

    Only Moodle's names can't be a teacher's or a student's own. Others count if they tell more people apart
    than there is else; and where there is only one, if it can't be a folder or a number of the whole class.
    """
    whole = [unicodedata.normalize("NFC", "/".join((root_name, *item.path))) for item in items]
    found = [_match(path, ("Moodle",)) for path in whole]
    others = LAYOUTS.keys() - {"Moodle"}
    if not any("submitted" in (root_name, *item.path)[: top + 2] for item in items):
        others -= {"nbgrader"}  # it is a folder of somebody's
    inner = [unicodedata.normalize("NFC", "/".join(item.path[top:])) for item in items]
    for paths in (inner, whole):
        more = [None if match else _match(path, others) for match, path in zip(found, paths, strict=True)]
        if any(more):
            break
    parts = [(match[0], match[1]) for match in more if match]
    people = {(system, part.get("id") or part["name"]) for system, part in parts}
    names = {(system, part.get("id"), part["name"]) for system, part in parts}
    strange = {
        item.path[top]
        for item, *match in zip(items, found, more, strict=True)
        if not any(match) and (is_code(item.name) or len(item.path) > top + 1)
    }
    sure = is_gradescope or any(system == "nbgrader" or _is_sure(part) for system, part in parts)
    if len(names) >= 2 * len(people) or len(people) <= len(strange) or (len(people) == 1 and not sure):
        return found
    return [one or other for one, other in zip(found, more, strict=True)]


def _is_sure(part):
    """Systems write long numbers: 14 digits of a time (ILIAS, in a folder), 3 of an attempt (Canvas)."""
    return len(part.get("order") or "100") >= (14 if "/" in (part["file"] or "") else 3)


def _match(path, systems):
    matches = ((system, _PATTERNS[system].fullmatch(path)) for system in LAYOUTS if system in systems)
    return next(((system, match.groupdict()) for system, match in matches if match), None)


def gradescope_names(item):
    """{"submission_123": "Anna Ash, Ben Birch"}, of the few lines of YAML that matter."""
    names: dict[str, list[str]] = {}
    current, section = [], ""
    try:
        text = item.read().decode("utf-8", "replace")
    except ValueError:
        return {}
    for line in text.splitlines():
        if folder := re.match(r"['\"]?(submission_\d+)['\"]?:\s*$", line):
            current = names.setdefault(folder[1], [])
        elif key := re.match(r"  ?:?(\w+):", line):
            section = key[1]
        elif section == "submitters" and (name := re.match(r"[ -]+:?name: *(.+?) *$", line)):
            current.append(_unquoted(name[1]))
    return {folder: ", ".join(listed) for folder, listed in names.items() if listed}


def _unquoted(text):
    if text.startswith('"'):
        with contextlib.suppress(ValueError):
            return str(json.loads(re.sub(r"\\x(..)", r"\\u00\1", text)))
    return text[1:-1].replace("''", "'") if text.startswith("'") else text
