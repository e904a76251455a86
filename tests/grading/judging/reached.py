"""What was right before a function stopped, or in what it returns instead of a result.

The submission tells what it computes on the way; what that should be never leaves the grader.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..running.answers import Answer, Raised, Returned
from ..sheet.milestones import MILESTONES, Milestone
from ..sheet.probes import Batch
from . import sentences
from .asking import Conversation, Examinee
from .explain import Known, Right, expected_value, same_values, search


def credit_what_was_reached(examinee: Examinee) -> Conversation[None]:
    """Give back what is seen to be right, for a function whose answers are of no use."""
    exercise = examinee.exercise
    milestones = MILESTONES.get(exercise.number, ())
    first, *_, last = examinee.probes.questions(exercise.arguments).values
    batches = first.of(slice(3)), last.of(slice(2))  # so that no accident counts
    answers = yield [replace(examinee.question(batch), trace=True) for batch in batches]
    found = _furthest(milestones, batches, [_tensors(answer) for answer in answers])
    if found is None:
        return
    place, explanation = found
    milestone = milestones[place]
    seen_right = [part for one in milestones[: place + 1] for part in one.parts]
    if isinstance(answers[0], Returned) and _is_returned(milestone, explanation, batches[0], answers[0]):
        words = sentences.RETURNS_A_STEP
    elif _is_thrown_away(answers[0]) and milestone is milestones[-1]:
        words = sentences.COMPUTED
    else:
        words = sentences.RIGHT_UP_TO if isinstance(explanation, Right) else sentences.GETS_TO
    step, it = milestone.name, "them" if exercise.plural else "it"
    examinee.verdict.reach(seen_right, lambda why: words.format(step=step, it=it, why=why))
    examinee.charge(explanation)


def _tensors(answer: Answer) -> list[np.ndarray]:
    """All that it computed, and what it returned."""
    if not isinstance(answer, Returned | Raised):
        return []
    returned = [answer.value] if isinstance(answer, Returned) and answer.value is not None else []
    return [*answer.traced, *returned]


def _furthest(milestones, batches, seen) -> tuple[int, Right | Known] | None:
    """The last milestone that is seen, right or with a known mistake in what comes before; its place."""
    for place in reversed(range(len(milestones))):
        if explanation := _explained(milestones[place], batches, seen):
            return place, explanation
    return None


def _explained(milestone: Milestone, batches: Sequence[Batch], seen) -> Right | Known | None:
    def are_seen(explanation):
        pairs = zip(batches, seen, strict=True)
        return all(_is_seen(milestone, explanation, batch, tensors) for batch, tensors in pairs)

    if are_seen(Right()):
        return Right()
    (batch, *_), (tensors, *_) = batches, seen
    shape = expected_value(milestone.formula, Right(), batch).shape
    for tensor in tensors:
        if tensor.shape != shape:
            continue
        for ways in search(milestone.formula, batch, same_values).explanations(tensor, 1):
            known = Known(ways)
            if not any(way.part in milestone.parts or way.fitted for way in ways) and are_seen(known):
                return known
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
                found[i] = found[i] or any(same_values(image, row) for row in rows)
    return all(found) or (found[0] and np.count_nonzero(images[0]) > 1)  # it may stop at the first image


def _rows(tensor, N, width):
    """A tensor as rows of numbers of one image each, in the ways in which it may hold them."""
    if tensor.size % width or (width == 1 and tensor.size not in (1, N)):
        return
    yield tensor.reshape(-1, width)
    if tensor.shape == (width, N) and width > 1:  # images may be columns
        yield tensor.T


def _is_thrown_away(answer):
    """Whether what comes back has nothing to do with it: nothing, or ordinary numbers."""
    value = getattr(answer, "value", None)
    return isinstance(answer, Returned) and (
        answer.kind == "NoneType" or (value is not None and bool(np.isfinite(value).all()))
    )


def _is_returned(milestone, explanation, batch, answer):
    return answer.value is not None and _is_seen(milestone, explanation, batch, [answer.value])
