"""The sheet's formulas in NumPy float64, and every known mistake as a switch.

A setting maps switches to options, {"activation": "sigmoid"}; what is not in it is right. So {} is
the sheet's formula, and `settings(k)` are all formulas with k mistakes.

To add a mistake, add a `Mistake` to one of the lists, and what it computes to the table or function
that reads its switch (for scores: to `scores`, and its sentence to `SCORE_SENTENCES`). Then put an
example into tests/submissions/wrong and its verdict into expected.json; the tests say what is missing.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

D = 784


@dataclass(frozen=True)
class Mistake:
    """A way to get a formula wrong.

    Attributes:
        part: the part of the rubric that it costs, as in "hidden".
        sentence: what it is, for its author.
    """

    switch: str
    option: str
    part: str
    sentence: str


_RELU = "The sheet applies max(0, ·) to the hidden layer."
_LINEAR = "The sheet's output layer is linear: nothing is applied after the decoder."
_SUM = (
    "The sheet sums the squared differences over the pixels of an image and averages over the N images only."
)


def _activation(option, name):
    return Mistake("activation", option, "hidden", f"Your hidden layer uses {name}. {_RELU}")


def _output(option, what):
    return Mistake("output", option, "output", f"Your output layer {what}. {_LINEAR}")


FORWARD_MISTAKES = (
    Mistake(
        "activation",
        "none",
        "hidden",
        f"Your hidden layer has no activation, so the whole network is linear. {_RELU}",
    ),
    _activation("sigmoid", "a sigmoid"),
    _activation("tanh", "tanh"),
    _activation("leaky_0.01", "a leaky ReLU (slope 0.01), which lets negative values through"),
    _activation("leaky_0.1", "a leaky ReLU (slope 0.1), which lets negative values through"),
    _activation("leaky_0.2", "a leaky ReLU (slope 0.2), which lets negative values through"),
    _activation("leaky_0.05", "a leaky ReLU (slope 0.05), which lets negative values through"),
    _activation("leaky_0.3", "a leaky ReLU (slope 0.3), which lets negative values through"),
    _activation("elu", "an ELU"),
    _activation("selu", "a SELU"),
    _activation("mish", "Mish"),
    _activation("gelu", "a GELU"),
    _activation("gelu_tanh", "a GELU"),
    _activation("silu", "a SiLU"),
    _activation("softplus", "a softplus, the smooth cousin of the ReLU"),
    _activation("softmax", "a softmax"),
    _activation("abs", "the absolute value"),
    _activation("square", "the square"),
    _activation("relu6", "a ReLU that is cut off above"),
    _activation("clip01", "values clipped to [0, 1]"),
    Mistake("activation", "min", "hidden", f"Your hidden layer keeps the negative values and drops the positive ones. {_RELU}"),
    Mistake("encoder_bias", "missing", "encoder_bias", "Your encoder leaves out its bias b. The sheet adds b to xV before the ReLU."),
    Mistake("encoder_bias", "after", "encoder_bias", "Your encoder adds its bias b after the activation. The sheet adds it before, inside the maximum."),
    Mistake("encoder_bias", "subtracted", "encoder_bias", "Your encoder subtracts its bias b. The sheet adds it."),
    Mistake("decoder_bias", "missing", "output", "Your decoder leaves out its bias a. The sheet adds a to every reconstruction."),
    Mistake("decoder_bias", "subtracted", "output", "Your decoder subtracts its bias a. The sheet adds it."),
    Mistake("decoder_bias", "before", "output", "Your decoder adds its bias a after the output activation; there should be no such activation at all."),
    Mistake("weights", "tied_decoder", "output", "Your decoder uses the encoder's weights V, transposed. The sheet gives the decoder weights of its own, W."),
    Mistake("weights", "tied_encoder", "hidden", "Your encoder uses the decoder's weights W, transposed. The sheet's encoder uses V."),
    Mistake("weights", "swapped", "hidden", "You have swapped the roles of V and W (and transposed them to make the shapes fit). V is the encoder, W the decoder."),
    _output("relu", "applies a ReLU, so no pixel can be negative"),
    _output("sigmoid", "applies a sigmoid, which squeezes the pixels into (0, 1)"),
    _output("tanh", "applies tanh"),
    _output("clamp", "clips the pixels to [0, 1]"),
    _output("round", "rounds the pixels"),
    _output("clamp_round", "clips the pixels to [0, 1] and rounds them"),
    _output("softmax", "applies a softmax"),
    _output("times_255", "multiplies the pixels by 255"),
    _output("bytes", "turns the pixels into whole numbers from 0 to 255"),
    _output("min_max", "stretches the pixels of each image to [0, 1]"),
)  # fmt: skip

LOSS_MISTAKES = (
    Mistake("norm", "l1", "error", "Your loss takes the absolute value of the differences. The sheet squares them."),
    Mistake("norm", "signed", "error", "Your loss adds up the differences as they are, so that positive and negative ones cancel. The sheet squares them first."),
    Mistake("norm", "root", "error", "Your loss uses the norm of the difference itself: it takes a square root for each image. The sheet's error is the norm squared."),
    Mistake("norm", "root_whole", "error", "Your loss takes one norm, with its square root, over the whole batch. The sheet's error is the squared norm of each image."),
    Mistake("norm", "root_whole_by_N", "error", "Your loss takes one norm, with its square root, over the whole batch. The sheet's error is the squared norm of each image."),
    Mistake("norm", "square_of_sum", "error", "Your loss squares the sum of the differences, so that positive and negative ones cancel. The sheet squares each difference first, then sums."),
    Mistake("norm", "max", "error", "Your loss uses only the largest difference of each image. The sheet sums the squares of all of them."),
    Mistake("norm", "smooth_l1", "error", "Your loss is the smooth L1 (Huber) loss. The sheet squares the differences."),
    Mistake("norm", "bce", "error", "Your loss is the binary cross-entropy. The sheet uses squared differences."),
    Mistake("norm", "bce_logits", "error", "Your loss is the binary cross-entropy. The sheet uses squared differences."),
    Mistake("pixels", "mean", "error", f"Your loss is 784 times too small: it averages over the pixels as well. {_SUM}"),
    Mistake("batch", "sum", "average", f"Your loss grows with the batch: it adds up the images' errors. {_SUM}"),
    Mistake("batch", "first", "average", "Your loss looks at the first image of the batch only. The sheet averages over all N."),
    Mistake("batch", "last", "average", "Your loss looks at the last image of the batch only. The sheet averages over all N."),
    Mistake("batch", "by_64", "average", "Your loss always divides by 64. Not every batch has 64 images: divide by the number of images in this one."),
    Mistake("batch", "by_pixels", "average", "Your loss divides by the number of pixels instead of the number of images N."),
    Mistake("batch", "by_hidden", "average", "Your loss divides by the number of hidden units instead of the number of images N."),
    Mistake("batch", "by_N_twice", "average", "Your loss divides by the number of images twice."),
    Mistake("batch", "max", "average", "Your loss takes the largest error of the batch. The sheet averages over all N images."),
    Mistake("batch", "median", "average", "Your loss takes the median over the images. The sheet takes their mean."),
    Mistake("factor", "half", "error", "Your loss is half as large as it should be: there is a factor 1/2 that the sheet does not have."),
    Mistake("factor", "double", "error", "Your loss is twice as large as it should be."),
    Mistake("factor", "root", "error", "Your loss takes a square root of the average in the end. The sheet does not."),
    Mistake("factor", "negative", "error", "Your loss has the wrong sign: minimising it would make the error large."),
)  # fmt: skip

# Arguments in the wrong order: their shapes fit only where h = 784.
ORDER_MISTAKES = (
    Mistake("order", "biases", "encoder_bias", "You have mixed up the biases: b belongs to the encoder and a to the decoder. (The order of the parameters is x, V, W, b, a.)"),
    Mistake("order", "weights", "hidden", "You have mixed up the weights: V belongs to the encoder and W to the decoder. (The order of the parameters is x, V, W, b, a.)"),
    Mistake("order", "all", "hidden", "You have mixed up encoder and decoder: V and b encode, W and a decode. (The order of the parameters is x, V, W, b, a.)"),
    Mistake("order", "encoder_transposed", "hidden", "Your encoder transposes V. With images as rows, no matrix needs to be transposed."),
    Mistake("order", "decoder_transposed", "output", "Your decoder transposes W. With images as rows, no matrix needs to be transposed."),
    Mistake("order", "both_transposed", "hidden", "You transpose V and W. With images as rows, no matrix needs to be transposed."),
)  # fmt: skip

# Any other number in the place of N, or in front: found as a ratio that is the same for every batch.
CONSTANT_MISTAKES = (
    Mistake("batch", "by_constant", "average", "Your loss always divides by {:g}. Divide by the number of images in the batch instead."),
    Mistake("factor", "constant", "error", "Your loss is {:g} times the sheet's: there is a constant factor too many."),
)  # fmt: skip

PENALTY = Mistake("penalty", "parameters", "error", "Your loss adds something that does not depend on the images, such as a penalty on the weights. The sheet's loss is the reconstruction error alone.")  # fmt: skip

MISTAKES = {(m.switch, m.option): m for m in (*FORWARD_MISTAKES, *LOSS_MISTAKES, *ORDER_MISTAKES)}


def settings(k: int, mistakes=FORWARD_MISTAKES) -> list[dict]:
    """All settings with k of these mistakes, at most one for each switch."""
    found = []
    for chosen in itertools.combinations(mistakes, k):
        setting = {mistake.switch: mistake.option for mistake in chosen}
        needs_output = setting.get("decoder_bias") == "before"
        if len(setting) == k and not (needs_output and "output" not in setting):
            found.append(setting)
    return found


def reconstruction(arguments, setting) -> np.ndarray:
    """x̂ [N, 784] for (x, V, W, b, a)."""
    x, V, W, b, a = arguments
    order = setting.get("order")
    if order in ("biases", "all"):
        a, b = b, a
    if order in ("weights", "all"):
        V, W = W, V
    if order in ("encoder_transposed", "both_transposed"):
        V = V.T
    if order in ("decoder_transposed", "both_transposed"):
        W = W.T
    encoder, decoder = {
        None: (V, W),
        "tied_decoder": (V, V.T),
        "tied_encoder": (W.T, W),
        "swapped": (W.T, V.T),
    }[setting.get("weights")]
    activate = _ACTIVATIONS[setting.get("activation", "relu")]
    bias = setting.get("encoder_bias")
    pre = x @ encoder + {None: b, "missing": 0, "after": 0, "subtracted": -b}[bias]
    z = activate(pre) + (b if bias == "after" else 0)
    bias = setting.get("decoder_bias")
    out = z @ decoder + {None: a, "missing": 0, "before": 0, "subtracted": -a}[bias]
    return _OUTPUTS[setting.get("output", "none")](out) + (a if bias == "before" else 0)


class Objective:
    """The losses of one batch of reconstructions, under any setting.

    Args:
        x, x_hat: images and reconstructions, [N, 784].
        h: the number of hidden units.
    """

    def __init__(self, x, x_hat, h):
        self.x, self.x_hat, self.h = x, x_hat, h
        self._scores = {}

    def __call__(self, setting) -> float:
        key = setting.get("norm"), setting.get("pixels")
        if key not in self._scores:
            self._scores[key] = self._score(*key)
        value = _BATCHES[setting.get("batch")](self._scores[key], self.h)
        if key[0] in ("root_whole", "root_whole_by_N") and ("batch" in setting or "pixels" in setting):
            return np.nan  # there is nothing left to reduce
        with np.errstate(invalid="ignore"):
            return float(_FACTORS[setting.get("factor")](value))

    def _score(self, norm, pixels):
        """Per image, before the batch is reduced."""
        errors = _ERRORS[norm](self.x, self.x_hat)
        if norm == "max":
            return errors.max(1)
        scores = errors.mean(1) if pixels == "mean" else errors.sum(1)
        if norm == "root":
            return np.sqrt(scores)
        if norm == "square_of_sum":
            return scores**2
        if norm == "root_whole":
            return np.full(len(scores), np.sqrt(scores.sum()))
        if norm == "root_whole_by_N":
            return np.full(len(scores), np.sqrt(scores.sum()) / len(scores))
        return scores


def scores(x, x_hat) -> dict[str, np.ndarray]:
    """For images and reconstructions [N, 784]: the right score of each, [N], and those of known mistakes."""
    difference = x - x_hat
    squared = (difference**2).sum(1)
    return {
        "right": squared,
        "l1": np.abs(difference).sum(1),
        "max": np.abs(difference).max(1),
        "signed": difference.sum(1),
        "abs_of_sum": np.abs(difference.sum(1)),
        "x_only": (x**2).sum(1),
        "x_sum": x.sum(1),
        "x_variance": x.var(1),
        "reconstruction_only": (x_hat**2).sum(1),
        "reconstruction_sum": x_hat.sum(1),
        "relative": squared / (x**2).sum(1),
        "cosine": -(x * x_hat).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(x_hat, axis=1),
        "product": (x * x_hat).sum(1),
        "difference_of_norms": np.abs(np.linalg.norm(x, axis=1) - np.linalg.norm(x_hat, axis=1)),
        "variance": difference.var(1),
        "bce": _cross_entropy(x, x_hat).sum(1),
    }


SCORE_SENTENCES = {
    "l1": "Your score adds up absolute differences. The sheet's score is the squared error; the two order images differently.",
    "max": "Your score uses only the largest difference of an image. The sheet's score sums the squares of all of them.",
    "signed": "Your score adds up the differences as they are, so that positive and negative ones cancel. The sheet squares them first.",
    "abs_of_sum": "Your score squares (or takes the absolute value of) the sum of the differences. The sheet squares each difference first, then sums.",
    "x_only": "Your score depends on the image only, not on its reconstruction.",
    "x_sum": "Your score depends on the image only, not on its reconstruction.",
    "x_variance": "Your score depends on the image only, not on its reconstruction.",
    "reconstruction_only": "Your score depends on the reconstruction only, not on the image.",
    "reconstruction_sum": "Your score depends on the reconstruction only, not on the image.",
    "relative": "Your score divides the squared error by the squared norm of the image. The sheet does not.",
    "cosine": "Your score is the angle between image and reconstruction. The sheet's score is their squared distance.",
    "product": "Your score is the product of image and reconstruction. The sheet's score is their squared distance.",
    "difference_of_norms": "Your score compares the norms of image and reconstruction. The sheet's score is the squared norm of their difference.",
    "variance": "Your score is the variance of the differences, so a constant error goes unnoticed. The sheet's score is the sum of their squares.",
    "bce": "Your score is a cross-entropy. The sheet's score is the squared error.",
}  # fmt: skip


def _sigmoid(t):
    return 1 / (1 + np.exp(-t))


def _softmax(t):
    e = np.exp(t - t.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


_erf = np.vectorize(math.erf)


def _cross_entropy(x, p):
    with np.errstate(all="ignore"):
        return -(x * np.maximum(np.log(p), -100) + (1 - x) * np.maximum(np.log(1 - p), -100))


def _smooth_l1(x, x_hat):
    t = np.abs(x - x_hat)
    return np.where(t < 1, t**2 / 2, t - 0.5)


_ACTIVATIONS = {
    "relu": lambda t: np.maximum(t, 0),
    "none": lambda t: t,
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "leaky_0.01": lambda t: np.where(t > 0, t, 0.01 * t),
    "leaky_0.1": lambda t: np.where(t > 0, t, 0.1 * t),
    "leaky_0.2": lambda t: np.where(t > 0, t, 0.2 * t),
    "leaky_0.05": lambda t: np.where(t > 0, t, 0.05 * t),
    "leaky_0.3": lambda t: np.where(t > 0, t, 0.3 * t),
    "selu": lambda t: (
        1.0507009873554805 * np.where(t > 0, t, 1.6732632423543772 * np.expm1(np.minimum(t, 0)))
    ),
    "mish": lambda t: t * np.tanh(np.logaddexp(t, 0)),
    "elu": lambda t: np.where(t > 0, t, np.expm1(np.minimum(t, 0))),
    "gelu": lambda t: t * (1 + _erf(t / np.sqrt(2))) / 2,
    "gelu_tanh": lambda t: t * (1 + np.tanh(np.sqrt(2 / np.pi) * (t + 0.044715 * t**3))) / 2,
    "silu": lambda t: t * _sigmoid(t),
    "softplus": lambda t: np.logaddexp(t, 0),
    "softmax": _softmax,
    "abs": np.abs,
    "square": lambda t: t**2,
    "relu6": lambda t: np.clip(t, 0, 6),
    "clip01": lambda t: np.clip(t, 0, 1),
    "min": lambda t: np.minimum(t, 0),
}

_OUTPUTS = {
    "none": lambda t: t,
    "relu": lambda t: np.maximum(t, 0),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "clamp": lambda t: np.clip(t, 0, 1),
    "round": np.round,
    "clamp_round": lambda t: np.round(np.clip(t, 0, 1)),
    "softmax": _softmax,
    "times_255": lambda t: t * 255,
    "bytes": lambda t: np.floor(np.clip(t, 0, 1) * 255),
    "min_max": lambda t: (t - t.min(1, keepdims=True)) / np.maximum(np.ptp(t, axis=1, keepdims=True), 1e-12),
}

_ERRORS = {
    None: lambda x, x_hat: (x - x_hat) ** 2,
    "l1": lambda x, x_hat: np.abs(x - x_hat),
    "signed": lambda x, x_hat: x - x_hat,
    "root": lambda x, x_hat: (x - x_hat) ** 2,
    "square_of_sum": lambda x, x_hat: x - x_hat,
    "root_whole": lambda x, x_hat: (x - x_hat) ** 2,
    "root_whole_by_N": lambda x, x_hat: (x - x_hat) ** 2,
    "max": lambda x, x_hat: np.abs(x - x_hat),
    "smooth_l1": _smooth_l1,
    "bce": _cross_entropy,
    "bce_logits": lambda x, x_hat: np.logaddexp(x_hat, 0) - x * x_hat,
}

_BATCHES = {
    None: lambda s, h: s.mean(),
    "sum": lambda s, h: s.sum(),
    "first": lambda s, h: s[0],
    "last": lambda s, h: s[-1],
    "by_64": lambda s, h: s.sum() / 64,
    "by_pixels": lambda s, h: s.sum() / D,
    "by_hidden": lambda s, h: s.sum() / h,
    "by_N_twice": lambda s, h: s.mean() / len(s),
    "max": lambda s, h: s.max(),
    "median": lambda s, h: np.sort(s)[(len(s) - 1) // 2],  # as torch.median
}

_FACTORS = {
    None: lambda value: value,
    "half": lambda value: value / 2,
    "double": lambda value: value * 2,
    "root": np.sqrt,
    "negative": lambda value: -value,
}
