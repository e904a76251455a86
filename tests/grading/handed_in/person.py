"""Who handed in something, and which files are theirs."""

from dataclasses import dataclass, field

from .item import Item


@dataclass
class Person:
    """A person or a group, and what they handed in.

    Attributes:
        uploads: their files; an archive is one.
        other_kind: whether something else than a file was handed in, such as a text online.
        remark: why a human must decide what it is, in a sentence; or "".
        only: the path of the file to grade, where that is known.
        members: the names of a team, as keys.
        is_group: whether it is a group, whose number is nobody's.
        entry: its name in a system's download; or "".
    """

    name: str
    id: str = ""
    late: bool = False
    uploads: list[Item] = field(default_factory=list)
    other_kind: bool = False
    remark: str = ""
    only: str | None = None
    members: dict[str, None] = field(default_factory=dict)
    is_group: bool = False
    entry: str = ""
