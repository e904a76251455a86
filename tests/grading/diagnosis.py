"""Which known mistakes explain what a submission returned, and which criteria they cost."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import formulas
from .exercises import EXERCISES, Criterion, criteria_of
from .probes import STEP, Model, Probes
from .session import Reply

UNKNOWN = "The values are not those of the sheet's formula, and no mistake known to the grader explains them."

# call(function, arrays, gradient) -> Reply
Call = Callable[[str, list, bool], Reply]


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


class _Losses:
    """The criteria lost so far in one exercise: the first reason stands."""

    def __init__(self, exercise):
        self.exercise, self.lost, self.notes = exercise, {}, {}
        self.failed = False  # whether the function could not be called at all

    def lose(self, part, reason, mistake):
        self.lost.setdefault(part, (reason or "Your function stops.", mistake or "error"))

    def lose_all(self, reason, mistake, parts=None):
        for criterion in criteria_of(self.exercise):
            if parts is None or criterion.part in parts:
                self.lose(criterion.part, reason, mistake)

    def blame(self, setting):
        for mistake in map(formulas.MISTAKES.get, setting.items()):
            self.lose(mistake.part, mistake.sentence, f"{mistake.switch}: {mistake.option}")

    def blame_constant(self, constant):
        mistake, number = constant
        self.lose(mistake.part, mistake.sentence.format(number), f"{mistake.switch}: {mistake.option}")

    def results(self):
        return [
            Result(c, *self.lost.get(c.part, (None, None)), note=self.notes.get(c.part, ""))
            for c in criteria_of(self.exercise)
        ]


def examine(exercise: int, call: Call, probes: Probes, seconds: float | None = None) -> list[Result]:
    """The results of one exercise, criterion by criterion.

    Args:
        call: calls a function of the submission; may be asked the same twice.
        seconds: the time limit of a call, to be named in a reason.
    """
    return {1: _objective, 2: _reconstruction, 3: _score}[exercise](call, probes, seconds).results()


# ---------------------------------------------------------------- exercise 1

_FORWARD = ("hidden", "encoder_bias", "output")
_VALUES = (*_FORWARD, "error", "average")


def _objective(call, probes, seconds):
    losses = _Losses(1)
    ask = functools.partial(_ask, call, EXERCISES[1])
    first = ask(probes.main[0], True)
    differentiable = True
    if "error" in first.report:
        again = ask(probes.main[0], False)
        if again.value is not None:  # it is only differentiation that fails
            differentiable = False
            losses.lose(
                "scalar",
                trouble(first, seconds)[0] + " So it can't be differentiated.",
                "not differentiable",
            )
            first = again
    models, replies = _usable_models(ask, probes, first, differentiable, losses, "scalar", seconds)
    if not models:
        return _failed(1, first, probes, seconds)
    values = [_as_number(reply, losses if i == 0 else _Losses(1)) for i, reply in enumerate(replies)]
    if values[0] is None:
        losses.lose_all(*_no_number(replies[0]))
        return losses
    if None in values:
        size = f"[{len(models[values.index(None)].arrays[0])}, 784]"
        losses.lose("scalar", f"For a batch of shape {size}, your loss is no single finite number.", "size")
        models, values = zip(
            *[(m, v) for m, v in zip(models, values, strict=True) if v is not None], strict=True
        )
    models, values = list(models), list(values)
    setting, constant = _explain_objective(models, values), None
    if setting is None:
        setting, constant = _explain_constant(models, values)
    if setting is None and models[0] is probes.main[0]:
        setting = _explain_penalty(ask, models[0], values[0])
        if setting is not None:
            constant = formulas.PENALTY, 0
    if setting is None and models[0] is probes.main[0]:
        # Is it right for the size that training uses?
        usual = [_as_number(ask(model, differentiable), _Losses(1)) for model in probes.usual]
        setting = None if None in usual else _explain_objective(probes.usual, usual, depth=1)
        if setting is not None:
            losses.lose("scalar", _SIZE, "size")
    if setting is None and models[0] is probes.square[0]:
        return _failed(1, first, probes, seconds)
    exact = None if constant else setting
    _check_scalar(ask, probes, models[0], replies[0], differentiable, exact, losses, seconds)
    if constant:
        losses.blame_constant(constant)
    if setting is not None:
        losses.blame(setting)
    elif losses.lost.get("scalar", ("", ""))[1] == "random":
        losses.lose_all(*losses.lost["scalar"], _VALUES)
    else:
        losses.lose_all(UNKNOWN, "unknown", _VALUES)
    return losses


_SIZE = "Your function is only right for batches of 64 images and 32 hidden units. Take the sizes from the arguments."

_SIZE_OF_FIRST = (
    "Your images are right for N = 7, h = 5, and wrong for other sizes. Take the sizes from the arguments."
)


def _usable_models(ask, probes, first, gradient, losses, part, seconds):
    """The models on which the function answers, with its replies. None if there are none."""
    replies = [first]
    if first.numbers or ("error" not in first.report and "died" not in first.report):
        replies += [ask(model, gradient) for model in probes.main[1:]]
        good = [not ("error" in reply.report or "died" in reply.report) for reply in replies]
        if not all(good):
            failed = good.index(False)
            N, h = len(probes.main[failed].arrays[0]), probes.main[failed].h
            reason = f"It works for some sizes, but not for N = {N}, h = {h}: {trouble(replies[failed], seconds)[0]}"
            losses.lose(part, reason, "size")
        return [m for m, ok in zip(probes.main, good, strict=True) if ok], [
            r for r, ok in zip(replies, good, strict=True) if ok
        ]
    error = first.report.get("error")
    if error and trouble(first)[1] not in ("not implemented", "missing"):
        order = error.get("parameters", [])
        if sorted(order) == sorted("xVWba"):
            # Its parameters have the sheet's names in another order: obey the names, and say so.
            models = [Model([model.arrays["xVWba".index(name)] for name in order]) for model in probes.main]
            replies = [ask(model, gradient) for model in models]
            if all(reply.value is not None for reply in replies):
                reason = f"The parameters of your function stand in the order {', '.join(order)}. The sheet's order is x, V, W, b, a."
                losses.lose(part, reason, "order of parameters")
                return probes.main, replies
        for models, reason in ((probes.usual, _SIZE), (probes.square, None)):
            replies = [ask(model, gradient) for model in models]
            if all(reply.value is not None for reply in replies):
                if reason:
                    losses.lose(part, reason, "size")
                return models, replies
    return None, None


def _failed(exercise, reply, probes, seconds):
    """All is lost, for there is no answer to the first question (an answer for h = 784 explains nothing)."""
    losses = _Losses(exercise)
    reason, mistake = trouble(reply, seconds)
    if mistake in ("RuntimeError", "ValueError", "IndexError"):
        N, h = len(probes.main[0].arrays[0]), probes.main[0].h
        reason += f" It was called with N = {N} images and h = {h} hidden units."
    losses.lose_all(reason, mistake)
    return losses


def _as_number(reply, losses):
    """The loss that a reply amounts to; what is odd about its form is put down in `losses`."""
    value, kind = reply.value, reply.report.get("kind")
    if value is None or value.size == 0 or not np.isfinite(value).all():
        return None
    if kind != "tensor":
        losses.lose(
            "scalar",
            "Your loss is a plain number and no tensor, so `backward()` can't differentiate it. "
            "Stay in torch: no `.item()`, `float()` or NumPy.",
            "not a tensor",
        )
    shape = list(value.shape)
    if value.size == 1:
        if shape:
            reason = f"Your loss has shape {shape}. It should be a single number, of shape []."
            if len(shape) > 1:
                losses.lose("scalar", reason, "not a scalar")
            else:
                losses.lose("average", reason, "vector")  # what a vector is, when N = 1
        return float(value.reshape(()))
    if (value.ndim == 1 and shape[0] != formulas.D) or (
        value.ndim == 2 and 1 in shape and formulas.D not in shape
    ):
        losses.lose(
            "average",
            f"Your loss is a vector, {shape}: one error for each image. The sheet averages over the N images.",
            "vector",
        )
        return float(value.mean())
    if value.ndim == 1:
        losses.lose(
            "error",
            "Your loss is a vector of 784 numbers: one for each pixel. The sheet sums over the pixels of an image.",
            "not summed over pixels",
        )
        return float(value.sum())
    if value.ndim >= 2 and value.size == shape[0] * formulas.D:
        reason = f"Your loss has shape {shape}: one number for each pixel of each image. It has to be reduced to one."
        losses.lose("error", reason, "not reduced")
        losses.lose("average", reason, "not reduced")
        return float(value.sum() / shape[0])
    return None


def _no_number(reply):
    value, kind = reply.value, reply.report.get("kind")
    if kind == "NoneType":
        return "Your function returns nothing. Is a `return` missing?", "returns nothing"
    if value is not None and value.size and not np.isfinite(value).all():
        return "Your function returns a value that is not finite (nan or inf).", "not finite"
    return f"Your function returns {_what(reply)}, not a single real number.", "wrong type"


def _explain_objective(models, values, depth=None):
    """The smallest setting with these values, or None."""
    if depth is None:
        depth = 3 if len(models) >= 3 else 2
    if models[0].h == formulas.D:
        mistakes, depth = (*formulas.ORDER_MISTAKES, *formulas.FORWARD_MISTAKES), 1
    else:
        mistakes = formulas.FORWARD_MISTAKES
    for k in range(depth + 1):
        settings, candidates = _objective_table(models[0], k, mistakes)
        for i in np.flatnonzero(_close(candidates, values[0])):
            if all(
                _close(_objective_value(model, settings[i]), value)
                for model, value in zip(models[1:], values[1:], strict=True)
            ):
                return settings[i]
    return None


def _explain_constant(models, values):
    """A setting with at most one mistake, and a constant in the place of 1/N or in front; or (None, None)."""
    if len(models) < 3 or models[0].h == formulas.D:
        return None, None
    for k in range(2):
        for mistake, batch in zip(formulas.CONSTANT_MISTAKES, ("sum", None), strict=True):
            for setting in _objective_table(models[0], k, formulas.FORWARD_MISTAKES)[0]:
                if "batch" in setting or "factor" in setting:
                    continue
                exact = setting | ({"batch": batch} if batch else {})
                ratios = [_objective_value(m, exact) / v for m, v in zip(models, values, strict=True) if v]
                if (
                    len(ratios) == len(values)
                    and np.isfinite(ratios).all()
                    and np.ptp(ratios) <= 1e-4 * abs(ratios[0])
                ):
                    return setting, (mistake, float(f"{ratios[0] if batch else 1 / ratios[0]:.4g}"))
    return None, None


def _explain_penalty(ask, model, value):
    """A setting with at most one mistake whose distance from the loss is the same for all images; or None."""
    others = [
        Model([scale * model.arrays[0], *model.arrays[1:]]) for scale in (np.float32(0.8), np.float32(0.3))
    ]
    values = [value, *(_as_number(ask(other, False), _Losses(1)) for other in others)]
    if None in values:
        return None
    for k in range(2):
        for setting in formulas.settings(k, (*formulas.FORWARD_MISTAKES, *formulas.LOSS_MISTAKES)):
            rest = [v - _objective_value(m, setting) for m, v in zip((model, *others), values, strict=True)]
            rounding = 5e-6 * max(map(abs, values))
            explained = [v - r for v, r in zip(values, rest, strict=True)]
            if not np.ptp(explained) > 100 * rounding:
                continue  # next to a large number, any formula would fit
            if np.isfinite(rest).all() and np.ptp(rest) <= rounding < abs(rest[0]) / 5:
                return setting
    return None


_tables = {}


def _objective_table(model, k, mistakes):
    """All settings with k mistakes, and their losses for this model."""
    key = id(model), k
    if key not in _tables:
        settings, values = [], []
        for forward in range(k + 1):
            for setting in formulas.settings(forward, mistakes):
                x = model.exact[0]
                objective = formulas.Objective(x, formulas.reconstruction(model.exact, setting), model.h)
                for loss_setting in formulas.settings(k - forward, formulas.LOSS_MISTAKES):
                    settings.append(setting | loss_setting)
                    values.append(objective(loss_setting))
        _tables[key] = model, settings, np.array(values)
    return _tables[key][1:]


def _objective_value(model, setting):
    return formulas.Objective(model.exact[0], formulas.reconstruction(model.exact, setting), model.h)(setting)


def _close(candidate, value):
    """Equal up to float32 rounding, also where (x − x̂)² is multiplied out."""
    with np.errstate(invalid="ignore"):
        return np.abs(candidate - value) <= 3e-5 * np.abs(candidate) + 1e-6


def _check_scalar(ask, probes, model, first, differentiable, setting, losses, seconds):
    """Purity, the same answer twice, and the gradient."""
    if first.report.get("changed"):
        names = ", ".join("xVWba"[i] for i in first.report["changed"])
        losses.lose(
            "scalar", f"Your function changes its argument {names}. Work on a copy.", "changes arguments"
        )
    if not differentiable or "scalar" in losses.lost:
        return
    smooth = ask(probes.smooth, True)
    if "died" in smooth.report:
        losses.lose("scalar", *trouble(smooth, seconds))
    elif smooth.value is None:
        losses.lose("scalar", "The loss can't be computed for N = 3, h = 4.", "size")
    elif not all(
        _is_repeated(a, ask(m, True), "scalar", losses, seconds)
        for a, m in ((first, model), (smooth, probes.smooth))
    ):
        pass
    elif not smooth.report.get("requires_grad"):
        losses.lose(
            "scalar",
            "Your loss can't be differentiated: it is cut off from the parameters "
            "(by `detach`, `no_grad`, `.data`, or by making a new tensor).",
            "detached",
        )
    else:
        wrong = _wrong_gradients(ask, probes.smooth, smooth, setting)
        if wrong:
            reason = f"`backward()` gives a wrong gradient for {', '.join(wrong)}: part of the computation is cut off from it."
            losses.lose("scalar", reason, "wrong gradient")


_RANDOM = (
    "Asked twice with the same arguments, your function gives two answers. "
    "V, W, b and a are given: no `nn.Linear`, no random numbers, no dropout.",
    "random",
)


def _is_repeated(reply, again, part, losses, seconds):
    """Whether the same question got the same answer; if not, why not is put down in `losses`."""
    if "died" in again.report:  # out of time, say: that is no second answer
        losses.lose(part, *trouble(again, seconds))
        return False
    if not _same_answer(reply, again):
        losses.lose(part, *_RANDOM)
        return False
    return True


def _same_answer(reply, again):
    a, b = reply.value, again.value
    return b is not None and a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True)


def _wrong_gradients(ask, model, reply, setting):
    """Parameters whose gradient is not the slope of the submission's own loss (central differences)."""
    random = np.random.default_rng(1)
    if len(reply.numbers) != 5 or not all(np.isfinite(gradient).all() for gradient in reply.numbers):
        return ["the parameters"]
    if not any(gradient.any() for gradient in reply.numbers[1:]):
        return ["the parameters (it is zero)"]
    wrong = []
    for position, gradient in zip(range(1, 5), reply.numbers[1:], strict=True):
        direction = random.normal(size=gradient.shape)
        direction /= np.linalg.norm(direction)
        expected = (gradient * direction).sum()
        if setting is not None and reply.value.shape == ():
            # The formula that the loss is known to follow has no rounding: a tiny step will do.
            slopes = [_slope(lambda m: _objective_value(m, setting), model, position, direction, 1e-6)]
            rounding = 1e-6
        else:
            slopes = [
                _slope(lambda m: _total(ask(m, False)), model, position, direction, s)
                for s in (STEP, STEP / 4)
            ]
            rounding = 4e-6 * np.abs(reply.value).sum() / STEP
        if not any(abs(s - expected) <= 0.03 * max(abs(s), abs(expected)) + rounding for s in slopes):
            wrong.append("xVWba"[position])
    return wrong


def _slope(loss, model, position, direction, step):
    values = []
    for sign in (1, -1):
        arrays = list(model.exact)
        arrays[position] = arrays[position] + sign * step * direction
        values.append(loss(Model(arrays)))
    return (values[0] - values[1]) / (2 * step)


def _total(reply):
    return np.nan if reply.value is None else reply.value.sum()


# ---------------------------------------------------------------- exercise 2


def _reconstruction(call, probes, seconds):
    losses = _Losses(2)
    ask = functools.partial(_ask, call, EXERCISES[2])
    first = ask(probes.main[0], False)
    models, replies = _usable_models(ask, probes, first, False, losses, "shape", seconds)
    if not models:
        return _failed(2, first, probes, seconds)
    layouts = _layouts(replies[0], len(models[0].arrays[0]))
    if not layouts:
        losses.lose_all(*_no_images(replies[0], len(models[0].arrays[0])))
        return losses
    shape = list(replies[0].value.shape)
    wanted = [len(models[0].arrays[0]), 28, 28]
    if replies[0].report["kind"] != "tensor":
        losses.lose(
            "shape",
            f"Your function returns {_what(replies[0])}. It should return a torch tensor.",
            "not a tensor",
        )
    elif shape != wanted:
        losses.lose(
            "shape",
            f"Your images have shape {shape}. For N = {wanted[0]} they should have {wanted}.",
            "wrong shape",
        )
    else:
        for model, reply in zip(models, replies, strict=True):
            N = len(model.arrays[0])
            if reply.value is None or list(reply.value.shape) != [N, 28, 28]:
                got = reply.report.get("shape")
                reason = f"For N = {N} your images have shape {got}. They should have {[N, 28, 28]}."
                losses.lose("shape", reason, "size")
    if replies[0].report.get("changed"):
        names = ", ".join("xVWba"[i] for i in replies[0].report["changed"])
        losses.lose(
            "shape", f"Your function changes its argument {names}. Work on a copy.", "changes arguments"
        )
    if "shape" not in losses.lost:
        _is_repeated(replies[0], ask(models[0], False), "shape", losses, seconds)
    found = _explain_reconstruction(models[0], layouts)
    if found is not None and "shape" not in losses.lost:
        others = list(zip(models[1:], replies[1:], strict=True))
        if models[0] is probes.main[0]:
            others.append((probes.usual[0], ask(probes.usual[0], False)))
        for model, reply in others:
            if not _is_explained(model, reply, *found):
                losses.lose("shape", _SIZE_OF_FIRST, "size")
    if found is None and len(models[0].arrays[0]) == 7:
        usual = ask(probes.usual[0], False)
        found = _explain_reconstruction(probes.usual[0], _layouts(usual, 64), depth=1)
        if found is not None:
            losses.lose("shape", _SIZE, "size")
    if found is None and models[0] is probes.square[0]:
        return _failed(2, first, probes, seconds)
    if found is None and losses.lost.get("shape") == _RANDOM:
        losses.lose_all(*_RANDOM, (*_FORWARD, "pixels"))
    elif found is None:
        finite = np.isfinite(replies[0].value).all()
        reason = (
            (UNKNOWN, "unknown")
            if finite
            else ("Your images hold values that are not finite (nan or inf).", "not finite")
        )
        losses.lose_all(*reason, (*_FORWARD, "pixels"))
    else:
        setting, layout = found
        if setting is _COPY:
            losses.lose_all(
                "Your function returns its input, not the reconstruction.", "returns the input", _FORWARD
            )
        else:
            losses.blame(setting)
        if layout:
            losses.lose("pixels", layout, "pixels misplaced")
    return losses


def _layouts(reply, N):
    """The ways to read a reply as N rows of pixels: (what is misplaced or None, [N, 784])."""
    value = reply.value
    if value is None or value.size != N * formulas.D:
        return []
    layouts = [(None, value.reshape(N, -1))]
    if value.ndim >= 2 and value.shape[-1] == N and N not in (1, 28):
        layouts.insert(0, (None, np.moveaxis(value, -1, 0).reshape(N, -1)))
    grid = value.reshape(N, 28, 28)
    layouts += [
            ("Your images are transposed: rows and columns of pixels have changed places.", grid.transpose(0, 2, 1).reshape(N, -1)),
            ("Your images are upside down.", grid[:, ::-1].reshape(N, -1)),
            ("Your images are mirrored.", grid[:, :, ::-1].reshape(N, -1)),
            ("Your images are rotated.", np.rot90(grid, 1, (1, 2)).reshape(N, -1)),
            ("Your images are rotated.", np.rot90(grid, -1, (1, 2)).reshape(N, -1)),
            ("Your images are rotated.", np.rot90(grid, 2, (1, 2)).reshape(N, -1)),
            ("The pixels of your images are mixed up: a `reshape` where the axes had to be exchanged.", value.reshape(-1, N).T),
            ("Your images are in the reverse order.", grid[::-1].reshape(N, -1)),
        ]  # fmt: skip
    return layouts


def _no_images(reply, N):
    if reply.report.get("kind") == "NoneType":
        return "Your function returns nothing. Is a `return` missing?", "returns nothing"
    return (
        f"Your function returns {_what(reply)}. It should return images of shape {[N, 28, 28]}.",
        "wrong type",
    )


_COPY = {"special": "input"}


def _explain_reconstruction(model, layouts, depth=3):
    """The smallest (setting, what is misplaced) that gives these pixels, or None."""
    mistakes = formulas.FORWARD_MISTAKES
    if model.h == formulas.D:
        mistakes, depth = (*formulas.ORDER_MISTAKES, *mistakes), 1
    for k in range(depth + 1):
        settings, corners = _reconstruction_table(model, k, mistakes)
        for misplaced, pixels in layouts:
            for i in np.flatnonzero(_same_pixels(corners, pixels[:, _CORNER]).all((1, 2))):
                if _same_pixels(formulas.reconstruction(model.exact, settings[i]), pixels).all():
                    return settings[i], misplaced
    for misplaced, pixels in layouts:
        if np.array_equal(pixels, model.exact[0]):
            return _COPY, misplaced
    return None


def _is_explained(model, reply, setting, misplaced):
    N = len(model.arrays[0])
    exact = model.exact[0] if setting is _COPY else formulas.reconstruction(model.exact, setting)
    # Where pixels are rounded, float32 and float64 can differ in a few.
    return any(
        name == misplaced and _same_pixels(exact, pixels).mean() > 0.95 for name, pixels in _layouts(reply, N)
    )


_CORNER = slice(100, 784, 200)  # a few pixels are enough to rule most settings out


def _reconstruction_table(model, k, mistakes):
    key = id(model), k, "pixels"
    if key not in _tables:
        settings = formulas.settings(k, mistakes)
        corners = [formulas.reconstruction(model.exact, setting)[:, _CORNER] for setting in settings]
        _tables[key] = model, settings, np.array(corners)
    return _tables[key][1:]


def _same_pixels(candidate, pixels):
    with np.errstate(invalid="ignore"):
        return np.abs(candidate - pixels) <= 1e-4 * np.abs(candidate) + 1e-5 * np.abs(pixels).max()


# ---------------------------------------------------------------- exercise 3


def _score(call, probes, seconds):
    # The sheet leaves open which of its shapes the images have: that which suits the function counts.
    flat, grid = (-1, 784), (-1, 28, 28)
    losses = _score_for(call, probes, (flat, flat), seconds)
    mistakes = {mistake for _, mistake in losses.lost.values()}
    if not mistakes or mistakes & {"time", "crash", "not implemented", "missing"}:
        return losses
    others = [_score_for(call, probes, shapes, seconds) for shapes in ((grid, grid), (flat, grid))]
    best = max(others, key=lambda other: sum(result.points for result in other.results()))
    return best if not best.lost or losses.failed else losses


def _score_for(call, probes, shapes, seconds):
    losses = _Losses(3)
    N = len(probes.images)

    def ask(rows):
        pair = (probes.images[rows], probes.reconstructions[rows])
        return call(EXERCISES[3], [a.reshape(shape) for a, shape in zip(pair, shapes, strict=True)], False)

    reply = ask(slice(None))
    if "error" in reply.report or "died" in reply.report:
        losses.lose_all(*trouble(reply, seconds))
        losses.failed = True
        return losses
    value = reply.value
    if value is None or value.size == 0 or not np.isfinite(value).all():
        losses.lose_all(*_no_scores(reply))
        return losses
    shape = list(value.shape)
    if shape == [N]:
        scores = value
    elif value.size == N:
        losses.lose(
            "shape",
            f"Your scores have shape {shape}. There should be one number for each image, {[N]}.",
            "wrong shape",
        )
        scores = value.reshape(N)
    elif value.size == N * formulas.D and value.ndim > 1:
        losses.lose(
            "shape",
            f"Your scores have shape {shape}: one for each pixel. The sheet sums over the pixels of an image.",
            "not summed over pixels",
        )
        scores = value.reshape(N, -1).sum(1)
    else:
        if value.size == 1:
            reason, mistake = (
                "Your function gives one score for the whole batch. There should be one for each image.",
                "one score for the batch",
            )
        else:
            reason, mistake = (
                f"Your scores have shape {shape}, for N = {N} images: they are reduced over the wrong axis.",
                "wrong axis",
            )
        losses.lose("shape", reason, mistake)
        losses.lose("own", reason, mistake)
        singles = [ask(slice(i, i + 1)).value for i in range(N)]
        if any(single is None or not np.isfinite(single).all() for single in singles):
            losses.lose_all(UNKNOWN, "unknown")
            return losses
        scores = np.array([single.sum() for single in singles])
    _check_form(ask, reply, losses, seconds)
    _check_order(probes, scores, reply.report.get("dtype"), losses)
    _check_own(ask, scores, losses, seconds)
    if not losses.lost:
        _check_pairs(probes, call, shapes, losses, seconds)
    return losses


def _no_scores(reply):
    if reply.report.get("kind") == "NoneType":
        return "Your function returns nothing. Is a `return` missing?", "returns nothing"
    if reply.value is not None and reply.value.size:
        return "Your scores are not finite (nan or inf).", "not finite"
    return f"Your function returns {_what(reply)}, not one number for each image.", "wrong type"


def _check_form(ask, reply, losses, seconds):
    if reply.report.get("changed"):
        names = " and ".join(("x", "reconstruction")[i] for i in reply.report["changed"])
        losses.lose(
            "shape", f"Your function changes its argument {names}. Work on a copy.", "changes arguments"
        )
    _is_repeated(reply, ask(slice(None)), "shape", losses, seconds)
    if "shape" in losses.lost:
        return
    N = len(reply.value)
    many = ask(np.tile(np.arange(N), 3))  # more than 64
    if "died" in many.report:
        losses.lose("shape", *trouble(many, seconds))
    elif "error" in many.report:
        losses.lose("shape", f"It does not work for N = {3 * N}: {trouble(many, seconds)[0]}", "size")
    elif many.value is None or many.value.shape != (3 * N,):
        got = many.report.get("shape")
        reason = f"For N = {3 * N} images, your scores have shape {got}. They should have [{3 * N}]."
        losses.lose("shape", reason, "size")
    single = ask(slice(0, 1))
    if "died" in single.report:
        losses.lose("shape", *trouble(single, seconds))
    elif "error" in single.report:
        losses.lose(
            "shape", f"It does not work for a single image, N = 1: {trouble(single, seconds)[0]}", "size"
        )
    elif reply.value.ndim == 1 and (single.value is None or list(single.value.shape) != [1]):
        losses.lose(
            "shape",
            f"For a single image, N = 1, your scores have shape {single.report.get('shape')}. They should have [1].",
            "size",
        )


_OTHER_SCALE = (
    "Your scores order the images as the squared error does, which is all that counts here. "
    "They are other numbers, so the figures that follow won't be those that the text quotes."
)
_THRESHOLD = (
    "Your function gives verdicts, not scores: it compares with a threshold, "
    "so many images get the same value. Return the error itself."
)
_SATURATES = (
    "Your scores level out, as after a sigmoid, a tanh or a clamp: "
    "large errors all get the same score. Return the error itself."
)
_WRONG_SIGN = "Your scores are the wrong way round: the stranger an image, the smaller your score."


def _check_order(probes, scores, dtype, losses):
    known = formulas.scores(probes.images.astype(np.float64), probes.reconstructions.astype(np.float64))
    if _increases(scores, known["right"]):
        if not np.allclose(scores, known["right"], rtol=1e-3):
            losses.notes["error"] = _OTHER_SCALE
        return
    if _increases(-scores, known["right"]):
        losses.lose("direction", _WRONG_SIGN, "wrong sign")
        return
    if len(np.unique(scores)) == 1:
        reason = "All images get the same score."
        if dtype not in ("torch.float32", "torch.float64", "float32", "float64"):
            reason += f" {_THRESHOLD}"
        losses.lose_all(reason, "constant", ("direction", "error", "own"))
        return
    if len(np.unique(scores)) < len(scores):
        in_order = scores[np.argsort(known["right"])]
        step = np.diff(in_order)
        if (step >= 0).all() or (step <= 0).all():
            if len(np.unique(scores)) > len(scores) / 3:
                losses.lose("error", _SATURATES, "saturates")
            else:
                losses.lose("error", _THRESHOLD, "threshold")
            if (step <= 0).all():
                losses.lose("direction", _WRONG_SIGN, "wrong sign")
            return
    if np.allclose(np.sort(scores), np.sort(known["right"]), rtol=1e-4):
        reason = "Your scores come sorted, or in another order than the images. Score i belongs to image i."
        losses.lose("error", reason, "wrong order")
        return
    for name, sentence in formulas.SCORE_SENTENCES.items():
        if _increases(scores, known[name]):
            losses.lose("error", sentence, f"score: {name}")
            return
        if _increases(-scores, known[name]):
            losses.lose("error", sentence, f"score: {name}")
            losses.lose("direction", _WRONG_SIGN, "wrong sign")
            return
    reason = "Your scores do not order the images by their squared error, and no mistake known to the grader explains them."
    losses.lose("error", reason, "unknown")
    losses.lose("direction", reason, "unknown")


def _check_pairs(probes, call, shapes, losses, seconds):
    """What orders the usual images well enough may still not depend on the squared error alone."""
    pair = [a.reshape(shape) for a, shape in zip(probes.pairs, shapes, strict=True)]
    reply = call(EXERCISES[3], pair, False)
    if reply.value is None:
        losses.lose("error", *trouble(reply, seconds)) if "kind" not in reply.report else losses.lose(
            "error", *_no_scores(reply)
        )
        return
    if not np.isfinite(reply.value).all():
        losses.lose("error", "Your scores of large errors are not finite (nan or inf).", "not finite")
        return
    one, other = reply.value.reshape(-1, 2).T
    levels = (one + other) / 2
    steps = np.diff(levels)
    if (steps <= 1e-6 * np.abs(levels[1:])).any():
        losses.lose("error", _SATURATES, "saturates")
        return
    # Between two levels the error grows by a factor of almost three.
    nearest = np.minimum(np.append(steps, np.inf), np.insert(steps, 0, np.inf))
    if (np.abs(one - other) > 0.02 * nearest).any():
        losses.lose("error", _NOT_THE_ERROR_ALONE, "not the error alone")


_NOT_THE_ERROR_ALONE = (
    "Two images with the same squared error get different scores, once where it lies in few pixels or "
    "reaches beyond 1. The score is the sum of the squared differences over all pixels, as they are."
)


def _increases(scores, reference):
    return bool((np.diff(scores[np.argsort(reference)]) > 0).all())


def _check_own(ask, scores, losses, seconds):
    """Each of two parts of the batch must get the scores that it got in the whole."""
    if "own" in losses.lost:
        return
    for rows in (np.arange(5), np.arange(5, len(scores))):
        reply = ask(rows)
        if "died" in reply.report:
            losses.lose("own", *trouble(reply, seconds))
            return
        part = reply.value
        if part is None or not part.shape or part.size % len(rows):
            break
        part = part.reshape(len(rows), -1).sum(1)
        if not (np.isfinite(part).all() and np.allclose(part, scores[rows], rtol=1e-3, atol=1e-6)):
            break
    else:
        return
    if np.isclose(scores.min(), 0, atol=1e-6) and np.isclose(scores.max(), 1, atol=1e-6):
        what = "stretched to [0, 1] within the batch"
    elif np.isclose(scores.mean(), 0, atol=1e-4):
        what = "standardised within the batch"
    elif np.isclose(np.abs(scores).sum(), 1, atol=1e-4):
        what = "divided by their sum"
    elif np.isclose(np.abs(scores).max(), 1, atol=1e-6):
        what = "divided by their maximum"
    else:
        what = "changed by the other images of the batch"
    losses.lose(
        "own",
        f"Your scores are {what}, so an image's score depends on what else is in the batch.",
        "depends on the batch",
    )


# ---------------------------------------------------------------- when there is no value


def _ask(call, name, model, gradient):
    return call(name, [array.astype(np.float32) for array in model.arrays], gradient)


def _what(reply):
    """The returned object, in words."""
    report = reply.report
    kind, shape, dtype = report.get("kind", "object"), report.get("shape"), str(report.get("dtype", ""))
    if kind == "tensor":
        return f"a tensor of shape {shape}, {dtype}"
    if kind == "array":
        return f"a NumPy array of shape {shape}, {dtype}"
    if kind in ("tuple", "list"):
        return f"a {kind} of {shape[0] if shape else 0} things"
    return "a single number" if kind == "number" else f"an object of type {kind}"


def trouble(reply, seconds=None):
    """Why there is no value: (a sentence for the author, a short name)."""
    died = reply.report.get("died")
    if died == "time":
        return f"Your function did not answer within {seconds:g} seconds. Is there an endless loop?", "time"
    if died == "memory":
        return "Your function takes too much memory, all its processes together.", "memory"
    if died == "disk":
        return "Your function fills the disk.", "disk"
    if died:
        return (
            "Your function ended its process: by leaving it, closing its files, a crash, or too much memory.",
            "crash",
        )
    error = reply.report["error"]
    kind, message = error["type"], (error["message"].strip().splitlines() or [""])[0]
    where = _where(error)
    if kind == "NotImplementedError" and "code" in error and kind in (error["code"] or kind):
        return "Not implemented yet.", "not implemented"
    if error.get("missing"):
        return message, "missing"
    if kind == "ModuleNotFoundError" and error.get("module") == "solution":
        return (
            "Your notebook calls `solution`, but there is no solution.py beside it. Hand in both.",
            "no solution.py",
        )
    if kind == "ModuleNotFoundError":
        return (
            f"Your code imports {error.get('module')}, which is not there when it is graded. "
            "One file is graded, and torch is all it needs.",
            "import",
        )
    if kind in ("SyntaxError", "IndentationError", "TabError"):
        return f"Your file is not valid Python: {message}{where}.", "syntax"
    if kind == "NameError":
        return f"Your function uses a name that is not defined: {message}{where}.", "NameError"
    slip = _slip(kind, message, error.get("code", ""))
    if slip:
        return f"{slip}{where}.", kind
    if kind == "TypeError" and re.search(r"positional argument|unexpected keyword", message):
        return f"Your function does not take the arguments of the sheet: {message}.", "wrong signature"
    if kind == "MemoryError" or "allocate memory" in message:
        return f"Your function asks for too much memory{where}.", "memory"
    text = f"{kind}: {message}".rstrip(": .")
    return f"Your function stops with {text}{where}.", kind


def _slip(kind, message, code):
    """A sentence, without its end, for an exception whose text would not help; or None."""
    missing = re.fullmatch(r"module 'solution' has no attribute '(\w+)'", message)
    if missing:
        return f"solution.py has no `{missing[1]}`"
    if kind == "TypeError" and code and re.search(r"positional argument|unexpected keyword", message):
        return f"Your code calls a function with other arguments than it takes: {message}"
    if "multiplied" in message and re.search(r"\b[VW](\.T|\.mT|\.t\(\))\s*@", code):
        return "Here images are the rows of x, so it is `x @ V` and `z @ W`, and nothing is transposed"
    if re.search(r"\b(torch\.)?(max|maximum)\(", code) and re.search(r"max(imum)?\(\)", message):
        return "`torch.max` can't compare a tensor with a number. Use `torch.relu` or `clamp`"
    if kind in ("RuntimeError", "TypeError") and ("numpy()" in message or "np." in code):
        return f"NumPy can't be differentiated. Use the functions of torch ({message.rstrip('.')})"
    return None


def _where(error):
    if not error.get("code"):
        return ""
    line = f" (line {error['line']}: " if "line" in error else " ("
    return f"{line}`{error['code']}`)"
