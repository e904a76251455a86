"""How the courses' systems name what they export: a table of rules.

A download is of one system, decided once from the entries at its own depth; below them all names are the
author's. A system is told by the folder that holds the entries, or by its pattern: it has to fit more than
half of the entries, with at least two people, so that no single author's name decides for a class. Where
that tells none, one entry that only one system writes is enough. The first system that fits is taken: what
names of ILIAS's could be taken for stands above it.
"""

import re
import unicodedata
from dataclasses import dataclass

# How much an entry that fits a system's pattern tells.
CERTAIN = 3  # the system: nobody else calls anything so
LIKELY = 2  # the system, with the other entries
VAGUE = 1  # the same, but people call their own folders so, too
NOTHING = 0  # any name fits


@dataclass(frozen=True)
class System:
    """A course's system: add one here, and an example to tests/handed_in/downloads.json.

    Attributes:
        example: an entry of its download, a folder's with "/" at the end.
        pattern: how entries are named. `name` and `id` tell the person or, called `team`, the group; `late`
            that it is, `file` what the author called it (or `stem` and `ending`; entries with none of these
            are folders), `order` which upload it is, `kind` what is no file, `common` what is the same in all
            entries.
        tells: how much an entry that fits tells: CERTAIN, LIKELY, VAGUE or NOTHING.
        holder: a pattern of the name of the folder that holds the entries, which is sign enough; or "".
        has_plain_names: whether names are written as they are; else "_" stands for a blank.
        file_pattern: how it names the files in an entry's folder; or "".
        own_files: names of its own files and folders beside the entries; METADATA tells who is who.
    """

    name: str
    example: str
    pattern: str
    tells: int
    holder: str = ""
    has_plain_names: bool = False
    file_pattern: str = ""
    own_files: tuple[str, ...] = ()


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME = r"\d{4}-\d\d-\d\d"
# Canvas: ids and attempts have three digits or more; shorter numbers are of a name ("team_7") or of a file.
_CANVAS = r"_(?:(?P<kind>text|link)\.html|(?P<order>\d{3,})_(?P<file>.+))"
_LATE = r"(?P<late>(?:Late Submission|Verspätete Abgabe) - )?"  # ILIAS, in its languages
METADATA = "submission_metadata.yml"

SYSTEMS = (
    System(
        "Moodle",
        "Anna Ash_1234567_assignsubmission_file_/",
        # Without a number, it is the group of all who are in none.
        r"(?:(?P<name>.+?)_(?P<id>\d{1,20})|(?P<team>.+?))_assignsubmission_(?P<kind>[a-z]+)(?:_?/|_(?P<file>.+))",
        CERTAIN,
    ),
    System(
        "Canvas, anonymous",
        "LATE_anon_q9w8e_902_solution.py",
        r"(?P<late>LATE_|(?=anon_LATE_))?(?P<name>anon)(?:_LATE)?_(?P<id>\w{5})" + _CANVAS,
        LIKELY,
    ),
    System(
        "Canvas",
        "ashanna_LATE_12345_67890_solution.py",
        r"(?P<name>.+?)(?P<late>_LATE)?_(?P<id>\d{3,20})" + _CANVAS,
        LIKELY,
    ),
    System(
        "Gradescope",
        "submission_12345/",
        r"(?P<name>submission_(?P<id>\d{1,20}))/",
        VAGUE,
        own_files=(METADATA,),
    ),
    System(
        "nbgrader's exchange",
        "nora+sheet8+2026-11-04 21:14:09.120394 UTC+Rk9vQmFy/",
        rf"(?P<name>[^+]+)\+[^+]+\+(?P<order>{_TIME} [\d:.]+)[^+]*(?:\+\w+)?/",
        CERTAIN,
        has_plain_names=True,
    ),
    System(
        "nbgrader",
        "anna/",
        r"(?P<name>.+)/",
        NOTHING,
        holder="submitted",
        has_plain_names=True,
        own_files=("source", "release", "autograded", "feedback", "nbgrader_config.py"),
    ),
    System(  # read from the right: names have underscores for spaces and for letters outside Latin-1
        "ILIAS",
        "von_der_Tann_Ulrike_utann_4712/",
        r"(?P<team>Team[ _-]?(?P<number>\d{1,20}))/|(?P<name>.*)_(?P<login>[^_]+)_(?P<id>\d{1,20})/",
        VAGUE,
        holder=r"Abgaben|Submissions",
        file_pattern=_LATE + r"(?:(?P<order>\d{14})_)?(?P<file>.+)",
    ),
    System(
        "Blackboard",
        "Exercise8_login_attempt_2026-11-05-12-00-00_solution.py",
        rf".+?_(?P<name>(?P<id>[^_]+))_attempt_(?P<order>{_TIME}(?:-\d\d){{3}})(?:\.txt|_(?P<file>.+))",
        CERTAIN,
    ),
    System(
        "Brightspace",
        "12345-67890 - Anna Ash - 5 November, 2026 1200/",
        r"(?P<id>\d{1,20})-\d+ - (?P<name>.+) - (?P<order>.*\b\d{4}\b.*)/",
        CERTAIN,
    ),
    System("Sakai", "Ash, Anna(aash)/", r"(?P<name>.+, .+)\((?P<id>[^()]+)\)/", CERTAIN),
    System(
        "Open edX",
        "[1] - 0123456789abcdef0123456789abcdef - solution.py",
        r"\[\d+\] - (?P<name>(?P<id>[0-9a-f]{32})) - (?P<file>.+)",
        CERTAIN,
    ),
    System(
        "Artemis",
        "Exercise_8-ge12abc-4711.py",
        r"(?P<common>[^-]+)-(?P<name>(?P<id>\w+))-(?P<order>\d+)(?P<ending>\.\w+(?:\.\w+)?)",
        VAGUE,
    ),
    System(
        "Google Forms",
        "solution - Anna Ash.py",
        r"(?P<stem>.+) - (?P<name>\S+ (?:(?!- ).)+?)(?P<ending>\.\w+(?:\.\w+)?)",
        VAGUE,
    ),
)
LAYOUTS = {
    "plain": None,
    **{re.sub(r"\W+", "-", system.name.replace("'s", "")).lower(): system for system in SYSTEMS},
}


@dataclass(frozen=True)
class Entry:
    """What the name of an entry tells.

    Attributes:
        file: what the author called the file; "" for a folder, whose files have the author's names.
        is_team: whether the name is that of a group.
        kind: "file", or what else was handed in ("onlinetext", "text", "link", ...).
        order: which upload it is; later ones are larger.
        common: what is the same in all entries of a download.
    """

    name: str
    id: str = ""
    late: bool = False
    file: str = ""
    is_team: bool = False
    kind: str = "file"
    order: tuple[int, ...] = ()
    common: str = ""


def system_of(entries: list[str], holder: str = "") -> System | None:
    """The system whose download has these entries (those of folders end in "/"), or None.

    Args:
        holder: the name of the folder that they lie in.
    """
    told = [(system, [one for name in entries if (one := read_entry(system, name))]) for system in SYSTEMS]
    told = [(system, found) for system, found in told if found]
    for system, found in told:
        if is_held(system, holder):
            return system
        people = {entry.id or entry.name for entry in found}
        are_alike = len({entry.common for entry in found}) == 1
        if system.tells and 2 * len(found) > len(entries) and len(people) > 1 and are_alike:
            return system
    certain = (system for system, _ in told if system.tells == CERTAIN or _has_names(system, entries))
    return next(certain, None)


def is_told(system: System, entries: list[str], holder: str) -> bool:
    """Whether what tells the system of these entries is nothing that people call their own folders, too."""
    return system.tells >= LIKELY or _has_names(system, entries) or is_held(system, holder)


def _has_names(system, entries):
    return METADATA in system.own_files and METADATA in entries


def is_held(system: System, holder: str) -> bool:
    """Whether a folder of this name holds the entries of the system."""
    return bool(system.holder and re.fullmatch(system.holder, holder))


def read_entry(system: System, entry: str) -> Entry | None:
    """What an entry's name tells, or None if it is none of the system's."""
    match = re.fullmatch(system.pattern, _plain(entry)[:500], re.DOTALL)
    if not match:
        return None
    found = match.groupdict()
    name = found["name"] or found.get("team") or ""
    if not system.has_plain_names:
        name = name.replace("_", " ").strip() or found.get("login") or ""
    file = found.get("file") or ""
    if found.get("ending"):
        file = f"{found.get('stem') or 'solution'}{found['ending']}"
    return Entry(
        name=name,
        id=found.get("id") or found.get("number") or "",
        late=found.get("late") is not None,
        file=file,
        is_team=bool(found.get("team")),
        kind=found.get("kind") or "file",
        order=_order(found),
        common=found.get("common") or "",
    )


def read_file_name(system: System, name: str) -> tuple[str, bool, tuple[int, ...]]:
    """What the author called a file in an entry's folder, whether it is late, and which upload it is."""
    found = re.fullmatch(system.file_pattern, name, re.DOTALL) if system.file_pattern else None
    return (
        (found["file"], found["late"] is not None, _order(found.groupdict())) if found else (name, False, ())
    )


def _order(found):
    """An upload's number or time as a number: the later one is larger, however it is written."""
    text = found.get("order")
    if not text:
        return ()
    month, numbers = re.search("|".join(_MONTHS), text), re.findall(r"\d{1,9}", text)
    if month and len(numbers) == 3:  # 5 November, 2026 1200, or Nov 5, 2026 140 PM
        day, year, hours = map(int, numbers)
        if text.endswith("M"):
            hours = hours % 1200 + 1200 * text.endswith("PM")
        return year, _MONTHS.index(month[0]), day, hours
    return (int(re.sub(r"\D", "", text)[:30] or 0),)


def _plain(name):
    return unicodedata.normalize("NFC", name)
