"""What a submission has earned, as plain data: all that the reports need, and nothing that has to be run."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum

from ..handed_in.submission import Submission
from ..sheet.rubric import EXERCISES, Criterion, Exercise

NOTHING_WRITTEN = "not implemented"  # the kind of the cause where nothing is written yet
UNREADABLE = "unreadable"  # that where there is nothing to run
NOT_REACHED = "not reached"  # that of a part that was never examined: no mistake, and not counted


class Status(Enum):
    """What has become of a submission.

    Only the first three have points: see `Grade.has_points`.
    """

    GRADED = "graded"  # its functions were examined, or a human has decided
    UNREADABLE = "unreadable"  # there is nothing to run: no file, or an empty one
    IMPORT_FAILED = "import failed"  # its file stops before a function can be called
    TO_LOOK_AT = "to look at"  # a human has to decide first
    NOT_GRADED = "not graded"  # the grader itself failed


@dataclass(frozen=True)
class Cause:
    """Why points are lost.

    Attributes:
        kind: a short name, the same for all who make this mistake: it is counted.
        sentence: for the author, a sentence or two; "" where only the kind is known any more.
        needs_human: whether it is undecided: it may be the grader's or the machine's doing, or nothing shows
            which step is wrong.
    """

    kind: str
    sentence: str
    needs_human: bool = False


@dataclass(frozen=True)
class Result:
    """One criterion of one submission.

    Attributes:
        causes: why points are lost; none if they are not.
        points: what it earns; all or none of the criterion's, unless a human decided otherwise.
        note: a remark that costs nothing, in a sentence; or "".
        decided: what a human said who has decided on the points; None if none has.
    """

    criterion: Criterion
    causes: tuple[Cause, ...] = ()
    points: float | None = None
    note: str = ""
    decided: str | None = None

    def __post_init__(self):
        if self.points is None:
            object.__setattr__(self, "points", 0 if self.causes else self.criterion.points)

    @property
    def lost(self) -> bool:
        """Whether some of the points are lost, or all."""
        return self.points < self.criterion.points

    @property
    def sentences(self) -> list[str]:
        """Why points are lost, each reason once; none if they are not."""
        if not self.lost:
            return []
        if self.decided is not None:
            return [self.decided]
        return list(dict.fromkeys(cause.sentence for cause in self.causes if cause.sentence))

    @property
    def reason(self) -> str:
        return " ".join(self.sentences)

    @property
    def mistake(self) -> str:
        """The kinds of its causes in one text, as the golden verdicts have them."""
        return " and ".join(cause.kind for cause in self.causes if self.lost)

    @property
    def mistakes(self) -> list[Cause]:
        """The causes that are mistakes, for counting."""
        return [cause for cause in self.causes if self.lost and cause.kind != NOT_REACHED]

    def settled(self) -> "Result":
        """The same where nobody doubts it."""
        return replace(self, causes=tuple(replace(cause, needs_human=False) for cause in self.causes))

    @property
    def needs_human(self) -> bool:
        return self.lost and self.decided is None and any(cause.needs_human for cause in self.causes)


class Verdict:
    """The parts that one exercise has lost so far.

    Attributes:
        unusable: whether nothing came back that could be judged.
    """

    def __init__(self, exercise: Exercise):
        self.exercise, self.unusable = exercise, False
        self._causes: dict[str, dict[str, Cause]] = {}
        self._notes: dict[str, str] = {}

    def lose(self, part: str, cause: Cause) -> None:
        """A part is lost; one that is lost for two mistakes names both."""
        known = self._causes.setdefault(part, {})
        first = known.setdefault(cause.kind, cause)
        known[cause.kind] = replace(first, needs_human=first.needs_human or cause.needs_human)

    def lose_all(self, cause: Cause) -> "Verdict":
        for part in self.exercise.parts:
            self.lose(part, cause)
        self.unusable = True
        return self

    def stop(self, cause: Cause) -> None:
        """Nothing came back: the form of the answer is lost, and no other part was reached."""
        for part in self.exercise.parts:
            is_own = cause.kind == NOTHING_WRITTEN or part == self.exercise.form
            self.lose(part, cause if is_own else replace(cause, kind=NOT_REACHED))
        self.unusable = True

    def reach(self, parts: Iterable[str], words: Callable[[str], str]) -> None:
        """Of what was stopped or lost as a whole, these parts were right; `words` says how far, and why."""
        *_, cause = self._causes[self.exercise.form].values()
        cause = replace(cause, sentence=words(cause.sentence))
        for part in self.exercise.parts:
            if part in parts:
                self._causes.pop(part, None)
            elif part == self.exercise.form:
                self._causes[part][cause.kind] = cause
            else:
                self._causes[part] = {NOT_REACHED: replace(cause, kind=NOT_REACHED)}

    def settle(self, parts: Collection[str], cause: Cause) -> None:
        """What was lost for an unknown cause is lost in these parts for this one, and right in all others."""
        for causes in self._causes.values():
            causes.pop(cause.kind, None)
        for part in parts:
            self._causes[part] = self._causes.get(part) or {cause.kind: cause}
        self._causes = {part: causes for part, causes in self._causes.items() if causes}

    @property
    def needs_human(self) -> bool:
        return any(cause.needs_human for causes in self._causes.values() for cause in causes.values())

    def note(self, part: str, text: str) -> None:
        self._notes[part] = text

    @property
    def lost(self) -> set[str]:
        return set(self._causes)

    @property
    def is_unwritten(self) -> bool:
        return any(NOTHING_WRITTEN in causes for causes in self._causes.values())

    def results(self) -> list[Result]:
        found = []
        for criterion in self.exercise.criteria:
            causes = tuple(self._causes.get(criterion.part, {}).values())
            found.append(
                Result(criterion, causes, note="" if causes else self._notes.get(criterion.part, ""))
            )
        return found


@dataclass(frozen=True)
class Grade:
    """What a submission earned, and whose it is.

    While anything of it is undecided, the status is TO_LOOK_AT.

    Attributes:
        results: one for each criterion, in the rubric's order.
        notes: remarks for the author, and what was done to the points after grading, a sentence each.
        output: what it printed while it ran.
        unprotected: a sentence for each protection of the machine that could not be had.
        seed: what its probes were drawn from; None if nothing was run.
        id: the person's number in the course's system, or "".
        late: whether the course's system calls it late.
        file: which file is graded, as it was handed in; "" if none is.
        unclear: why a human should say what is to be graded, in a sentence; or "".
        is_group: whether a group handed it in: `id` is the group's then, and no person's.
        entry: the name of its folder or file in the course's download, or "".
        given: the total that a human gave; None if it is the sum of the results.
        feedback: what a human may have edited in a table; None if the results tell it.
    """

    name: str
    results: list[Result]
    status: Status = Status.GRADED
    notes: tuple[str, ...] = ()
    output: str = ""
    unprotected: tuple[str, ...] = ()
    seed: int | None = None
    id: str = ""
    late: bool = False
    file: str = ""
    unclear: str = ""
    is_group: bool = False
    entry: str = ""
    given: float | None = None
    feedback: str | None = None

    def __post_init__(self):
        is_whole = {result.criterion.exercise for result in self.results} >= set(EXERCISES)
        is_open = self.unclear or (is_whole and any(result.needs_human for result in self.results))
        if is_open and self.status is not Status.NOT_GRADED:
            object.__setattr__(self, "status", Status.TO_LOOK_AT)

    def of(self, submission: Submission) -> "Grade":
        """The same grade, with what reports say about who handed it in."""
        unclear = submission.problem or submission.note or "Its file is unclear."
        return replace(
            self,
            name=submission.name,
            id=submission.id,
            late=submission.late,
            file=submission.file,
            notes=(*filter(None, (submission.note,)), *self.notes),
            unclear=unclear if submission.needs_human else "",
            is_group=submission.is_group,
            entry=submission.entry,
        )

    @property
    def has_points(self) -> bool:
        """Whether its points mean anything; if not, no report shows a number."""
        return self.status not in (Status.TO_LOOK_AT, Status.NOT_GRADED)

    @property
    def total(self) -> float:
        return sum(result.points for result in self.results) if self.given is None else self.given

    def points(self, exercise: int) -> float:
        return sum(result.points for result in self.results if result.criterion.exercise == exercise)

    @property
    def sentences(self) -> dict[str, list[int]]:
        """Each sentence that somebody should read, with the exercises that it cost points in."""
        found: dict[str, list[int]] = {}
        for result in self.results:
            for sentence in result.sentences:
                exercises = found.setdefault(sentence, [])
                if result.criterion.exercise not in exercises:
                    exercises.append(result.criterion.exercise)
        return found

    @property
    def to_look_at(self) -> list[str]:
        """Why a human should look at it: sentences, none if nobody need."""
        found = [self.unclear] if self.unclear else []
        found += [sentence for r in self.results if r.needs_human for sentence in r.sentences]
        return list(dict.fromkeys(found))
