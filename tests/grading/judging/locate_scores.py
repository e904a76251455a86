"""Scores that no known mistake explains: what the order of the images tells."""

import numpy as np

from ..sheet.probes import Batch
from ..sheet.rubric import Exercise
from ..sheet.steps import Formula, steps_of
from .asking import Asker
from .explain import explain, right_value
from .result import Verdict


def locate_scores(
    ask: Asker, formula: Formula, answers: list[tuple[Batch, np.ndarray]], verdict: Verdict
) -> None:
    """Charge scores that no known mistake explains: ties, another order, or a dependence on other images."""
    exercise = ask.exercise
    is_said = {exercise.form, exercise.own} & verdict.lost
    if is_said and (ways := _ways_of_images_alone(ask, formula, answers[0][0])) is not None:
        for way in ways:
            verdict.lose(way.part, way.sentence, way.name)
    else:
        _locate_order(exercise, formula, answers, verdict)


def _ways_of_images_alone(ask, formula, batch):
    """The known mistakes behind the scores of images that are asked one at a time; or None."""
    scores = []
    for i in range(len(batch.arrays["x"])):
        value = ask.value(Batch({name: array[i : i + 1] for name, array in batch.arrays.items()}))
        if value is None or value.size > 784:
            return None
        scores.append(value.sum())
    return explain(ask.exercise, formula, [(batch, np.array(scores))], depth=1)


_THRESHOLD = (
    "Your function gives verdicts, not scores: many images get the same value, as after a comparison with a "
    "threshold. Return the error itself."
)
_TIES = (
    "Your scores have ties where the errors differ, as after rounding, a sigmoid, a tanh or a clamp. "
    "Return the error itself."
)
_NOT_ALONE = (
    "Images with the same squared error get different scores, or images with different errors the same. "
    "The score is the sum of the squared differences over all pixels, as they are."
)


def _locate_order(
    exercise: Exercise, formula: Formula, answers: list[tuple[Batch, np.ndarray]], verdict: Verdict
) -> None:
    """Charge scores that no known mistake explains: ties, or another order."""
    batch, scores = answers[0]
    right = right_value(formula, batch)
    if scores.shape != right.shape:
        verdict.lose(
            exercise.form,
            f"Your {exercise.result} have shape {list(scores.shape)}, for N = {len(right)}.",
            "wrong shape",
        )
        return
    known = (way for step in steps_of(formula, batch.exact) for way in step.mistakes)
    direction = next(way for way in known if way.part == "direction")
    if not np.ptp(scores):
        for part in (direction.part, exercise.end):
            verdict.lose(part, "All images get the same score, so none is stranger than another.", "constant")
        return
    likeness = np.corrcoef(right.argsort().argsort(), scores.argsort().argsort())[0, 1]
    steps = np.diff(scores[np.argsort(right)])
    monotone = (steps >= 0).all() or (steps <= 0).all()
    if monotone and len(np.unique(scores)) <= len(scores) / 3:
        verdict.lose(exercise.end, _THRESHOLD, "threshold")
    elif (monotone and len(np.unique(scores)) < len(scores)) or _levels_out(formula, answers[1:]):
        verdict.lose(exercise.end, _TIES, "saturates")
    elif exercise.own in verdict.lost and abs(likeness) > 0.5:
        pass  # that an image's score depends on the others has been said
    elif monotone:
        verdict.lose(exercise.end, _NOT_ALONE, "not the error alone")
    else:
        reason = (
            "Your scores do not order the images by their squared error, and no mistake known to the grader "
            "explains them."
        )
        verdict.lose(exercise.end, reason, "unknown", look=True)
    if likeness < -0.5:
        verdict.lose(direction.part, direction.sentence, direction.name)


def _levels_out(formula, answers):
    """Whether some larger error gets no larger score, while none gets a smaller one."""
    for batch, scores in answers:
        right = right_value(formula, batch)
        if scores.shape == right.shape:
            in_order = scores[np.argsort(right)]
            steps = np.diff((in_order[::2] + in_order[1::2]) / 2)
            if (np.abs(steps) <= 1e-6 * np.abs(in_order[2::2])).any():
                return True
    return False
