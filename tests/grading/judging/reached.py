"""What was right before a function stopped and after it, or in what it returns instead of a result.

The submission tells what it computes on the way; what that should be never leaves the grader.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..running.answers import Answer, Raised, Returned
from ..sheet.milestones import Milestone, milestones
from ..sheet.probes import Batch
from . import sentences
from .asking import Conversation, Examinee
from .explain import Known, Right, expected_value, same_values, search
from .resumed import resumed


@dataclass(frozen=True)
class _Reached:
    """The last milestone that is seen, right or with a known mistake in what comes before."""

    place: int = 0
    milestone: Milestone | None = None
    explanation: Right | Known | None = None


def credit_what_was_right(examinee: Examinee) -> Conversation[None]:
    """Give back what is seen to be right, for a function whose answers are of no use.

    A step is right if it is seen before the function stops, or comes after a value with which it goes on.
    """
    known, batches, questions = _milestones_and_questions(examinee)
    if not known:
        return
    answers = yield questions
    reached, after, is_apart = _furthest(known, batches, answers), None, False
    if isinstance(answers[0], Raised) or _is_endless(answers[0]):
        after = yield from resumed(examinee, known, batches)
        # What stops may stand before what is right, as a misspelt size in the first line does: it goes on
        # with mirrored images, from which nothing of what is looked for can be computed.
        others = yield [replace(question, stand_in=question.arrays[0][:, ::-1]) for question in questions]
        apart = _furthest(known, batches, others, depth=0)
        is_apart = apart.place > reached.place
        reached = apart if is_apart else reached
    if not reached.place and after is None:
        return
    missing = _between(known, reached, after)
    seen_right = {part for one in known for part in one.parts}.difference(*(one.parts for one in missing))
    seen_right |= {part for one in known if one.place and one not in missing for part in one.shows}
    text = sentences.APART_FROM if is_apart else _words(reached, answers[0], batches[0], known)
    if after:
        all_else = after.place <= reached.place
        text = sentences.ALL_ELSE if all_else else text + sentences.RIGHT_FROM.format(after=after.name)
    values = {
        "step": reached.milestone and reached.milestone.name,
        "it": "them" if examinee.exercise.plural else "it",
    }
    examinee.verdict.reach(seen_right, lambda why: text.format(why=why, **values))
    if reached.explanation:
        examinee.charge(reached.explanation)


def settle_unknown(examinee: Examinee) -> Conversation[None]:
    """Charge a mistake that nothing explains to the part where it sits: between the last step that is seen to
    be right and a value with which the function goes on rightly. Else it stays undecided."""
    exercise = examinee.exercise
    known, batches, questions = _milestones_and_questions(examinee)
    reached = _furthest(known, batches, (yield questions), depth=0)
    after = yield from resumed(examinee, known, batches)
    if after is None:
        return
    parts = {part for one in _between(known, reached, after) for part in one.parts}
    if not after.place:  # right with another argument or size in one place
        parts = {exercise.uses.get(after.name, exercise.together)}
    if len(parts) == 1:  # of several, some may be right
        where = sentences.SEEN_UP_TO.format(step=reached.milestone.name) if reached.place else ""
        where += sentences.RIGHT_FROM.format(after=after.name)
        examinee.verdict.settle(parts, sentences.BETWEEN(where=where))


def _milestones_and_questions(examinee):
    """The milestones of the exercise, two batches, so that no accident counts, and what is asked for them."""
    exercise = examinee.exercise
    first, *_, last = examinee.probes.questions(exercise.arguments).values
    batches = first.of(slice(3)), last.of(slice(2))
    questions = [replace(examinee.question(batch), trace=True) for batch in batches]
    return milestones(exercise.number, exercise.arguments), batches, questions


def _between(known, reached, after):
    """The steps that are seen neither before nor after what is wrong."""
    stop = after.place if after else known[-1].place
    return [one for one in known if reached.place < one.place <= stop]


def _words(reached, answer, batch, known):
    """How the author is told so."""
    if not reached.place:
        return "{why}"
    if isinstance(answer, Returned) and _is_returned(reached, batch, answer):
        return sentences.RETURNS_A_STEP
    if _is_thrown_away(answer) and reached.milestone is known[-1]:
        return sentences.COMPUTED
    return sentences.RIGHT_UP_TO if isinstance(reached.explanation, Right) else sentences.GETS_TO


def _tensors(answer: Answer) -> list[np.ndarray]:
    """All that it computed, and what it returned."""
    if not isinstance(answer, Returned | Raised):
        return []
    returned = [answer.value] if isinstance(answer, Returned) and answer.value is not None else []
    return [*answer.traced, *returned]


def _furthest(known, batches, answers, depth=1) -> _Reached:
    seen = [_tensors(answer) for answer in answers]
    for milestone in reversed(known):
        if milestone.place and (explanation := _explained(milestone, batches, seen, depth)):
            return _Reached(milestone.place, milestone, explanation)
    return _Reached()


def _explained(milestone: Milestone, batches: Sequence[Batch], seen, depth) -> Right | Known | None:
    def are_seen(explanation):
        pairs = zip(batches, seen, strict=True)
        return all(_is_seen(milestone, explanation, batch, tensors) for batch, tensors in pairs)

    if are_seen(Right()):
        return Right()
    if not depth:
        return None
    (batch, *_), (tensors, *_) = batches, seen
    shape = expected_value(milestone.formula, Right(), batch).shape
    for tensor in tensors:
        if tensor.shape != shape:
            continue
        for ways in search(milestone.formula, batch, same_values).explanations(tensor, depth):
            mistakes = Known(ways)
            if not any(way.part in milestone.parts or way.fitted for way in ways) and are_seen(mistakes):
                return mistakes
    return None


def _is_seen(milestone, explanation, batch, tensors):
    """Whether this value is among the tensors, as a whole or image by image."""
    value = expected_value(milestone.formula, explanation, batch)
    if value is None:
        return False
    images = value.reshape(len(value), -1) if value.ndim else value.reshape(1, 1)
    found = [False] * len(images)
    for tensor in tensors:
        if milestone.shape and tensor.shape[-len(milestone.shape) :] != milestone.shape:
            continue
        for rows in _rows(tensor, *images.shape):
            for i, image in enumerate(images):
                found[i] = found[i] or _is_among(image, rows, milestone.signed)
    return all(found) or (found[0] and np.count_nonzero(images[0]) > 1)  # it may stop at the first image


def _is_among(image, rows, signed):
    first = rows[np.isclose(np.abs(rows[:, 0]), abs(image[0]), rtol=1e-3, atol=1e-3 * np.abs(image).max())]
    signs = (1,) if signed else (1, -1)
    return any(same_values(sign * image, row) for row in first for sign in signs)


def _rows(tensor, N, width):
    """A tensor as rows of numbers of one image each, in the ways in which it may hold them."""
    if tensor.size % width or (width == 1 and tensor.size not in (1, N)):
        return
    yield tensor.reshape(-1, width)
    if tensor.shape == (width, N) and width > 1:  # images may be columns
        yield tensor.T


def _is_endless(answer):
    """Whether it is nan or inf, behind which nothing can be seen any more."""
    value = getattr(answer, "value", None)
    return value is not None and not np.isfinite(value).all()


def _is_thrown_away(answer):
    """Whether what comes back has nothing to do with it: nothing, or ordinary numbers."""
    value = getattr(answer, "value", None)
    return isinstance(answer, Returned) and (
        answer.kind == "NoneType" or (value is not None and bool(np.isfinite(value).all()))
    )


def _is_returned(reached, batch, answer):
    is_value = answer.value is not None
    return is_value and _is_seen(reached.milestone, reached.explanation, batch, [answer.value])
