"""What each criterion of one exercise has lost, and why."""

from dataclasses import dataclass

from .exercises import Criterion, Exercise


@dataclass(frozen=True)
class Result:
    """One criterion of one submission.

    Attributes:
        reason: why the points are lost, in a sentence or two for the author; None if they are not.
        mistake: a short name of the mistake, for counting; None if there is none.
        points: what it earns; all or none of the criterion's, unless a human decided otherwise.
        needs_look: whether a human should look at it.
        note: a remark that costs nothing, in a sentence; or "".
    """

    criterion: Criterion
    reason: str | None = None
    mistake: str | None = None
    points: float | None = None
    needs_look: bool = False
    note: str = ""

    def __post_init__(self):
        if self.points is None:
            # Never by a text: an author's exception may say nothing at all.
            object.__setattr__(self, "points", 0 if self.lost else self.criterion.points)

    @property
    def lost(self) -> bool:
        return self.mistake is not None


class Verdict:
    """The parts that one exercise has lost so far.

    Attributes:
        unusable: whether nothing came back that could be judged.
    """

    def __init__(self, exercise: Exercise):
        self.exercise, self.unusable = exercise, False
        self._causes: dict[str, dict[str, str]] = {}
        self._notes: dict[str, str] = {}
        self._to_look_at: set[str] = set()

    def lose(self, part: str, reason: str, mistake: str, look: bool = False) -> None:
        """A part is lost for `reason`; one that is lost for two mistakes names both."""
        self._causes.setdefault(part, {}).setdefault(mistake or "error", reason or "Your function stops.")
        if look:
            self._to_look_at.add(part)

    def lose_all(self, reason: str, mistake: str, look: bool = False) -> "Verdict":
        for part in self.exercise.parts:
            self.lose(part, reason, mistake, look)
        self.unusable = True
        return self

    def note(self, part: str, text: str) -> None:
        self._notes[part] = text

    @property
    def lost(self) -> set[str]:
        return set(self._causes)

    def results(self) -> list[Result]:
        found = []
        for criterion in self.exercise.criteria:
            causes = self._causes.get(criterion.part)
            reason = " ".join(dict.fromkeys(causes.values())) if causes else None
            mistake = " and ".join(causes) if causes else None
            note = "" if causes else self._notes.get(criterion.part, "")
            look = criterion.part in self._to_look_at
            found.append(Result(criterion, reason, mistake, needs_look=look, note=note))
        return found
