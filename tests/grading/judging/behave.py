"""How a function behaves beside its values: pure, repeatable, for each image alone, trainable."""

import functools
from dataclasses import replace

import numpy as np

from ..running.answers import Died, Returned
from ..sheet.probes import Batch
from ..sheet.slips import slip
from ..sheet.steps import evaluate
from . import sentences
from .asking import Conversation, Examinee, Round
from .explain import Explanation, Known, Right, Unknown, expected_value
from .result import Cause


def check_effects(examinee: Examinee, replies: Round) -> None:
    """Neither settings nor arguments may be changed."""
    returned = [answer for answer in replies.all if isinstance(answer, Returned)]
    changed = dict.fromkeys(name for answer in returned for name in answer.changed_settings)
    if changed:
        examinee.lose_form(sentences.CHANGES_SETTINGS(names=sentences.listed(list(changed))))
    arrays = replies.questions.values[0].arrays
    pairs = zip(examinee.ordered(list(examinee.exercise.arguments)), replies.first.after, strict=False)
    names = [name for name, after in pairs if not np.array_equal(arrays[name].ravel(), after.ravel())]
    if names:
        examinee.lose_form(sentences.CHANGES_ARGUMENTS(names=", ".join(names)))


def not_repeatable(examinee: Examinee, replies: Round, value: np.ndarray) -> Cause | None:
    """What is wrong with a function that gives something else when it is asked the same again."""
    if isinstance(replies.again, Died):  # out of time, say: that is no second answer
        examinee.lose_form(sentences.cause_of(replies.again))
        return None
    again = examinee.numbers(replies.again)
    if again is not None and again.shape != value.shape:
        return sentences.GROWS(first=list(value.shape), again=list(again.shape))
    is_same = again is not None and np.allclose(value, again, rtol=1e-4, atol=1e-5)
    return None if is_same else sentences.RANDOM()


def check_own(
    examinee: Examinee, explanation: Explanation, batch: Batch, whole: np.ndarray
) -> Conversation[None]:
    """A part of the batch must get the numbers that it got in the whole."""
    exercise, formula = examinee.exercise, examinee.formula
    if whole.shape != (len(batch.arrays["x"]),):
        return
    inner = whole.argsort()[3:-3]  # not the smallest and largest, by which some scores are scaled
    inner = np.sort(np.delete(inner, len(inner) // 2))  # with a gap, by which ranks are told
    rows = inner[(inner > 0) & (inner < len(whole) - 1)]
    some = batch.of(rows)
    if isinstance(explanation, Known):
        expected, predicted = (expected_value(formula, explanation, one) for one in (some, batch))
        if expected is None or predicted is None or not np.allclose(expected, predicted[rows]):
            return  # it is the mistake that has been named
    (answer,) = yield [examinee.question(some)]
    if isinstance(answer, Died):
        examinee.verdict.lose(exercise.own, sentences.cause_of(answer))
        return
    found = examinee.numbers(answer)
    is_not_finite = found is None and isinstance(answer, Returned) and answer.shape == (len(rows),)
    if not is_not_finite and (found is None or found.shape != (len(rows),)):
        examinee.lose_form(sentences.NOT_FOR_SIZE(size=some.size))
    elif is_not_finite or not np.allclose(found, whole[rows], rtol=1e-3, atol=1e-6):
        made = _batch_made(whole, None if is_not_finite else found, rows)
        examinee.verdict.lose(exercise.own, sentences.DEPENDS_ON_BATCH(made=made))


def _batch_made(whole, part, rows):
    """How scores may have been made from those of the images alone, in words.

    Args:
        part: the scores of some of the images, these `rows`, asked for by themselves.
    """
    if part is None:
        return sentences.BY_OTHERS
    if all(np.ptp(np.diff(np.sort(scores))) < 1e-6 * np.ptp(scores) for scores in (whole, part)):
        return "ranks within the batch"
    if np.allclose(np.corrcoef(whole[rows], part), 1, atol=1e-5):  # the same but for a factor and a shift
        ends = [whole.min(), whole.max() - 1, part.min(), part.max() - 1]
        if np.allclose(ends, 0, atol=1e-6):
            return "stretched to [0, 1] within the batch"
        if np.allclose([whole.mean(), part.mean()], 0, atol=1e-4):
            return "standardised within the batch"
    if np.ptp(whole[rows] / part) < 1e-4 * abs(whole[rows] / part).max():  # the same but for a factor
        if np.allclose([np.abs(whole).sum(), np.abs(part).sum()], 1, atol=1e-4):
            return "divided by their sum"
        if np.allclose([np.abs(whole).max(), np.abs(part).max()], 1, atol=1e-6):
            return "divided by their maximum"
    return sentences.BY_OTHERS


# ---------------------------------------------------------------- gradients


def check_gradient(examinee: Examinee, explanation: Explanation, batch: Batch, answer: Returned) -> None:
    """The gradient, as `backward()` leaves it, must be the slope of the function's own value."""
    if not answer.requires_grad:
        examinee.lose_form(sentences.DETACHED())
    elif error := answer.gradient_error:
        why = slip(error.message, error.code, {})
        why = why or f"`backward()` stops with {error.kind}: {error.message.rstrip('.')}"
        examinee.lose_form(sentences.BACKWARD_STOPS(why=why, place=sentences.place(error)))
    elif wrong := _wrong_gradients(examinee, explanation, batch, answer.gradients):
        examinee.lose_form(sentences.WRONG_GRADIENT(names=", ".join(wrong)))


def _wrong_gradients(examinee, explanation, batch, gradients):
    """The arguments whose gradient is not the slope of what the function computes (central differences).

    Of an unknown mistake only the function itself could tell the slope, in float32: let it be.
    """
    names = examinee.exercise.arguments[1:]
    if len(gradients) != len(names) or not all(np.isfinite(g).all() for g in gradients):
        return ["the parameters"]
    if not any(gradient.any() for gradient in gradients):
        return ["the parameters (it is zero)"]
    if isinstance(explanation, Unknown):
        return []
    seed = examinee.probes.seed  # so that nobody can know the directions
    directions = _directions(batch, seed)  # no dot products: threads of BLAS fight those of the submission
    along = {name: (g * directions[name]).sum() for name, g in zip(names, gradients, strict=True)}
    tolerance = 1e-5 * sum(np.sqrt((g * g).sum()) for g in gradients) + 1e-6

    def differ(*some):
        got = [along[name] for name in some]
        slope = _slope(examinee.formula, explanation, batch, some, seed)
        return abs(slope - sum(got)) > 2e-3 * sum(map(abs, got)) + tolerance

    # All at once first: that is what right gradients take.
    return [name for name in names if differ(name)] or ["the parameters"] if differ(*names) else []


@functools.lru_cache(maxsize=16)
def _directions(batch, seed):
    """A direction for each argument but the first, of length 1."""
    random = np.random.default_rng((seed, 5))
    directions = {name: random.normal(size=array.shape) for name, array in [*batch.arrays.items()][1:]}
    return {name: direction / np.linalg.norm(direction) for name, direction in directions.items()}


@functools.lru_cache(maxsize=16)
def _slope(formula, explanation, batch, names, seed, step=1e-6):
    """How steeply the formula rises where these arguments go in their directions."""
    values = []
    for sign in (1, -1):
        moved = {name: batch.arrays[name].astype(np.float64) for name in names}
        for name in names:
            moved[name] += sign * step * _directions(batch, seed)[name]
        value = evaluate(formula, explanation.mistakes, batch.with_(**moved).exact_for(formula))
        values.append(np.nan if value is None else value.sum())
    return (values[0] - values[1]) / (2 * step)


def check_training(examinee: Examinee, answers: list) -> None:
    """Steps of training, with a large batch first: at each the value and the gradient must be those of the
    sheet's formula."""
    exercise = examinee.exercise
    for step, (batch, answer) in enumerate(zip(examinee.probes.training, answers, strict=False)):
        if not isinstance(answer, Returned):
            cause = sentences.cause_of(answer, batch.letters)
            text = sentences.STOPS_FOR_SIZE(size=batch.size, why=cause.sentence).sentence
            examinee.lose_form(replace(cause, sentence=text))
            return
        right, value = examinee.right(batch), examinee.numbers(answer)
        if value is None or value.shape != right.shape or not np.allclose(value, right, rtol=2e-4):
            sentence = sentences.WRONG_LATER if step else sentences.WRONG_IN_TRAINING
            examinee.lose_form(sentence(exercise, size=batch.size))
            return
        check_gradient(examinee, Right(), batch, answer)
        if exercise.form in examinee.verdict.lost:
            return
