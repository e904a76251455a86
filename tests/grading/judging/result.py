"""What a submission has earned: each criterion, an exercise while it is examined, the whole."""

from dataclasses import dataclass, field

from ..sheet.rubric import CRITERIA, Criterion, Exercise

NOT_IMPLEMENTED = "not implemented"  # the mistake where nothing is written yet
NOT_REACHED = "not reached"  # what stands for a mistake where a part was never examined
UNDECIDED = "to look at"  # the status of a submission that isn't graded before a human decided


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

    def stop(self, reason: str, mistake: str, look: bool = False) -> None:
        """Nothing came back: the form of the answer is lost, and no other part was reached."""
        if mistake == NOT_IMPLEMENTED:
            self.lose_all(reason, mistake, look)
            return
        for part in self.exercise.parts:
            self.lose(part, reason, mistake if part == self.exercise.form else NOT_REACHED, look)
        self.unusable = True

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


@dataclass(frozen=True)
class Grade:
    """What a submission earned.

    Attributes:
        results: one for each criterion, in the rubric's order.
        status: "graded", or what kept it from being run: "unreadable", "import failed".
        note: a remark for the author, or "".
        output: what it printed while it ran.
        unprotected: a sentence for each protection of the machine that could not be had.
        notes: what was done to the points after grading, a sentence each.
        seed: what its probes were drawn from.
    """

    name: str
    results: list[Result]
    status: str = "graded"
    note: str = ""
    output: str = ""
    unprotected: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    seed: int = 0

    @property
    def total(self) -> float:
        return sum(result.points for result in self.results)

    def points(self, exercise: int) -> float:
        return sum(result.points for result in self.results if result.criterion.exercise == exercise)

    @property
    def mistakes(self) -> dict[str, Result]:
        """The distinct mistakes by their sentence, each with the first result that it cost."""
        found: dict[str, Result] = {}
        for result in self.results:
            if result.reason:
                found.setdefault(result.reason, result)
        return found

    def to_dict(self) -> dict:
        """As plain data, for another process."""
        results = [
            [r.criterion.id, r.reason, r.mistake, r.points, r.needs_look, r.note] for r in self.results
        ]
        return vars(self) | {"results": results}

    @classmethod
    def from_dict(cls, plain: dict) -> "Grade":
        criteria = {criterion.id: criterion for criterion in CRITERIA}
        results = [Result(criteria[id], *others) for id, *others in plain["results"]]
        return cls(**plain | {"results": results})


def earlier_exercise(grade: Grade, result: Result) -> int | None:
    """The earlier exercise that has lost points for the very same mistake, if there is one."""
    if grade.status != "graded":
        return None
    for other in grade.results:
        earlier = other.criterion.exercise < result.criterion.exercise
        if earlier and other.reason == result.reason and result.reason:
            return other.criterion.exercise
    return None
