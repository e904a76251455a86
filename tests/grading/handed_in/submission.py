"""What one person handed in."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Submission:
    """One person's work, as text.

    Attributes:
        name: what it is called in the reports.
        source: the text of solution.py, if there is one.
        cells: the code cells, if it is a notebook (`source` is then the solution.py beside it).
        problem: why it can't be read, in a sentence; None if it can.
        note: a remark for the author, in a sentence; or None.
        id: the person's number in the course's system, or "".
        late: whether the course's system calls it late.
        file: which file is graded, as it was handed in; "" if none is.
        helpers: the modules beside it that it imports: {"name.py" or "package/name.py": text}.
        needs_human: whether a human must decide what to grade.
        is_group: whether a group handed it in: `id` is the group's then, and no person's.
        entry: the name of its folder or file in the course's download, as in "Ash_Anna_aash_4711"; or "".
        imports: the modules that its files seem to import, without what stands behind a dot.
    """

    name: str
    source: str | None = None
    cells: list[str] | None = None
    problem: str | None = None
    note: str | None = None
    id: str = ""
    late: bool = False
    file: str = ""
    helpers: dict[str, str] = field(default_factory=dict)
    needs_human: bool = False
    is_group: bool = False
    entry: str = ""
    imports: list[str] = field(default_factory=list)


SLOW = {
    "matplotlib": "matplotlib.pyplot",
    "torchvision": "torchvision",
    "sklearn": "sklearn.metrics",
    "scipy": "scipy",
}


def imported_by(submissions: list[Submission]) -> set[str]:
    """Of the slower well-known packages, those that some submission seems to import."""
    found = set().union(*(one.imports for one in submissions))
    return {module for name, module in SLOW.items() if name in found}
