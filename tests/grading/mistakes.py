"""The sheet's formulas, and every known mistake, declared once.

The three functions at the end read as on the sheet; `at[step]` is the right way to do a step, or a known
mistake. To teach the grader a new mistake, add one call of `mistake` below its step: its name, what it
computes in NumPy, the same as a student writes it in torch, and a sentence for its author. The search, the
points, the counts and a test follow from it. Sources: the sheet's Exercises 1, 2 and 3.
"""

import math

import numpy as np

from .steps import Step

_erf = np.vectorize(math.erf)


def _sigmoid(t):
    return 1 / (1 + np.exp(-t))


def _softmax(t, axis=1):
    e = np.exp(t - t.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def _stretched(t, axis=None):
    return (t - t.min(axis, keepdims=True)) / np.ptp(t, axis=axis, keepdims=True)


def _norm(t):
    return np.sqrt((t**2).sum(1, keepdims=True))


def _cross_entropy(x, p):
    return -(x * np.maximum(np.log(p), -100) + (1 - x) * np.maximum(np.log(1 - p), -100))


def _smooth_l1(d):
    return np.where(np.abs(d) < 1, d**2 / 2, np.abs(d) - 0.5)


# Tables are easier to read than what a formatter makes of them.
# fmt: off

# ---------------------------------------------------------------- the images that are given

given = Step("given images", "error", "x", lambda x: x, "x")
fed = Step("input", "hidden", "x", lambda x: x, "x")

for name, compute, torch, words in (
    ("divided by 255", lambda x: x / 255, "x / 255", "divided by 255"),
    ("times 255", lambda x: x * 255, "x * 255", "multiplied by 255"),
    ("inverted", lambda x: 1 - x, "1 - x", "inverted"),
    ("to [-1, 1]", lambda x: 2 * x - 1, "2 * x - 1", "moved to [-1, 1]"),
    ("less a half", lambda x: x - 0.5, "x - 0.5", "shifted by 0.5"),
    ("centred", lambda x: x - x.mean(), "x - x.mean()", "centred"),
    ("each centred", lambda x: x - x.mean(1, keepdims=True), "x - x.mean(1, keepdim=True)", "centred"),
    ("standardised", lambda x: (x - x.mean()) / x.std(ddof=1), "(x - x.mean()) / x.std()", "standardised"),
    ("each standardised", lambda x: (x - x.mean(1, keepdims=True)) / x.std(1, ddof=1, keepdims=True),
     "(x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)", "standardised"),
    ("stretched", _stretched, "(x - x.min()) / (x.max() - x.min())", "stretched to [0, 1]"),
    ("by its maximum", lambda x: x / x.max(), "x / x.max()", "divided by their maximum"),
    ("of length 1", lambda x: x / _norm(x), "F.normalize(x)", "brought to length 1"),
    ("rounded", np.round, "x.round()", "rounded"),
):
    sentence = f"Your function works with images that are {words}. The sheet takes them as they are."
    given.mistake(name, compute, torch, sentence)
    sentence = f"Your encoder gets images that are {words}. The sheet's takes them as they are."
    fed.mistake(name, compute, torch, sentence)

# ---------------------------------------------------------------- encoder and decoder

roles = Step("weights", "hidden", "V, W, b, a", lambda V, W, b, a: (V, W, b, a), "V, W, b, a")
_ORDER = "(The order of the parameters is x, V, W, b, a.)"
_ROWS = "With images as rows, no matrix needs to be transposed."
roles.mistake("tied decoder", lambda V, W, b, a: (V, V.T, b, a), "V, V.T, b, a",
    "Your decoder uses the encoder's weights V, transposed. The sheet gives the decoder weights of its "
    "own, W.", "output")
roles.mistake("tied encoder", lambda V, W, b, a: (W.T, W, b, a), "W.T, W, b, a",
    "Your encoder uses the decoder's weights W, transposed. The sheet's encoder uses V.")
roles.mistake("swapped", lambda V, W, b, a: (W.T, V.T, b, a), "W.T, V.T, b, a",
    "You have swapped the roles of V and W (and transposed them to make the shapes fit). V is the encoder, "
    "W the decoder.")
roles.mistake("mixed up biases", lambda V, W, b, a: (V, W, a, b), "V, W, a, b",
    f"You have mixed up the biases: b belongs to the encoder and a to the decoder. {_ORDER}", "encoder_bias")
roles.mistake("mixed up weights", lambda V, W, b, a: (W, V, b, a), "W, V, b, a",
    f"You have mixed up the weights: V belongs to the encoder and W to the decoder. {_ORDER}")
roles.mistake("mixed up layers", lambda V, W, b, a: (W, V, a, b), "W, V, a, b",
    f"You have mixed up encoder and decoder: V and b encode, W and a decode. {_ORDER}")
roles.mistake("encoder transposed", lambda V, W, b, a: (V.T, W, b, a), "V.T, W, b, a",
    f"Your encoder transposes V. {_ROWS}")
roles.mistake("decoder transposed", lambda V, W, b, a: (V, W.T, b, a), "V, W.T, b, a",
    f"Your decoder transposes W. {_ROWS}", "output")
roles.mistake("both transposed", lambda V, W, b, a: (V.T, W.T, b, a), "V.T, W.T, b, a",
    f"You transpose V and W. {_ROWS}")
roles.mistake("|V|", lambda V, W, b, a: (np.abs(V), W, b, a), "V.abs(), W, b, a",
    "Your encoder uses the absolute values of V. The sheet takes V as it is.")
roles.mistake("|W|", lambda V, W, b, a: (V, np.abs(W), b, a), "V, W.abs(), b, a",
    "Your decoder uses the absolute values of W. The sheet takes W as it is.", "output")
roles.mistake("|b|", lambda V, W, b, a: (V, W, np.abs(b), a), "V, W, b.abs(), a",
    "Your encoder uses the absolute values of b. The sheet takes b as it is.", "encoder_bias")
roles.mistake("|a|", lambda V, W, b, a: (V, W, b, np.abs(a)), "V, W, b, a.abs()",
    "Your decoder uses the absolute values of a. The sheet takes a as it is.", "output")

activation = Step("activation", "hidden", "t", lambda t: np.maximum(t, 0), "torch.relu(t)")
_RELU = "The sheet applies max(0, ·) to the hidden layer."
activation.mistake("none", lambda t: t, "t",
    f"Your hidden layer has no activation, so the whole network is linear. {_RELU}")
activation.mistake("min", lambda t: np.minimum(t, 0), "t.clamp(max=0)",
    f"Your hidden layer keeps the negative values and drops the positive ones. {_RELU}")
for name, compute, torch, words in (
    ("sigmoid", _sigmoid, "torch.sigmoid(t)", "a sigmoid"),
    ("hard sigmoid", lambda t: np.clip(t / 6 + 0.5, 0, 1), "F.hardsigmoid(t)", "a hard sigmoid"),
    ("log sigmoid", lambda t: -np.logaddexp(-t, 0), "F.logsigmoid(t)", "the logarithm of a sigmoid"),
    ("tanh", np.tanh, "torch.tanh(t)", "tanh"),
    ("hard tanh", lambda t: np.clip(t, -1, 1), "F.hardtanh(t)", "values clipped to [-1, 1]"),
    *(
        (
            f"leaky_{slope:g}",
            lambda t, slope=slope: np.where(t > 0, t, slope * t),
            f"F.leaky_relu(t, {slope:g})",
            f"a leaky ReLU (slope {slope:g}), which lets negative values through",
        )
        for slope in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5)
    ),
    ("elu", lambda t: np.where(t > 0, t, np.expm1(np.minimum(t, 0))), "F.elu(t)", "an ELU"),
    ("selu",
     lambda t: 1.0507009873554805 * np.where(t > 0, t, 1.6732632423543772 * np.expm1(np.minimum(t, 0))),
     "F.selu(t)", "a SELU"),
    ("mish", lambda t: t * np.tanh(np.logaddexp(t, 0)), "F.mish(t)", "Mish"),
    ("gelu", lambda t: t * (1 + _erf(t / np.sqrt(2))) / 2, "F.gelu(t)", "a GELU"),
    ("gelu_tanh", lambda t: t * (1 + np.tanh(np.sqrt(2 / np.pi) * (t + 0.044715 * t**3))) / 2,
     "F.gelu(t, approximate='tanh')", "a GELU"),
    ("silu", lambda t: t * _sigmoid(t), "F.silu(t)", "a SiLU"),
    ("hard swish", lambda t: t * np.clip(t / 6 + 0.5, 0, 1), "F.hardswish(t)", "a hard swish"),
    ("softplus", lambda t: np.logaddexp(t, 0), "F.softplus(t)", "a softplus, the smooth cousin of the ReLU"),
    ("softsign", lambda t: t / (1 + np.abs(t)), "F.softsign(t)", "a softsign"),
    ("softmax", _softmax, "F.softmax(t, dim=1)", "a softmax"),
    ("softmax of the batch", lambda t: _softmax(t, 0), "F.softmax(t, dim=0)", "a softmax over the batch"),
    ("abs", np.abs, "t.abs()", "the absolute value"),
    ("square", lambda t: t**2, "t ** 2", "the square"),
    ("squared relu", lambda t: np.maximum(t, 0) ** 2, "torch.relu(t) ** 2", "the square of a ReLU"),
    ("relu of -t", lambda t: np.maximum(-t, 0), "torch.relu(-t)", "a ReLU of the negative values"),
    ("relu6", lambda t: np.clip(t, 0, 6), "F.relu6(t)", "a ReLU that is cut off above"),
    ("clip01", lambda t: np.clip(t, 0, 1), "t.clamp(0, 1)", "values clipped to [0, 1]"),
    ("clip at 1", lambda t: np.maximum(t, 1), "t.clamp(min=1)", "a maximum with 1 instead of 0"),
    ("step", lambda t: (t > 0) * 1.0, "(t > 0) * 1.0", "a step, 0 or 1"),
    ("exp", np.exp, "torch.exp(t)", "the exponential function"),
    ("sin", np.sin, "torch.sin(t)", "the sine"),
):
    activation.mistake(name, compute, torch, f"Your hidden layer uses {words}. {_RELU}")

encoder_bias = Step("encoder_bias", "encoder_bias", "act, t, b", lambda act, t, b: act(t + b), "act(t + b)")
_BIAS_BEFORE = "The sheet adds b to xV before the ReLU, inside the maximum."
encoder_bias.mistake("missing", lambda act, t, b: act(t), "act(t)",
    f"Your encoder leaves out its bias b. {_BIAS_BEFORE}")
encoder_bias.mistake("after", lambda act, t, b: act(t) + b, "act(t) + b",
    f"Your encoder adds its bias b after the activation. {_BIAS_BEFORE}")
encoder_bias.mistake("subtracted", lambda act, t, b: act(t - b), "act(t - b)",
    f"Your encoder subtracts its bias b. {_BIAS_BEFORE}")
encoder_bias.mistake("subtracted from", lambda act, t, b: act(b - t), "act(b - t)",
    "Your encoder subtracts xV from its bias b. The sheet adds them.", "hidden")
encoder_bias.mistake("twice", lambda act, t, b: act(t + b) + b, "act(t + b) + b",
    f"Your encoder adds its bias b twice. {_BIAS_BEFORE}")
encoder_bias.mistake("halved", lambda act, t, b: act(t + b / 2), "act(t + b / 2)",
    f"Your encoder adds half of its bias b. {_BIAS_BEFORE}")
encoder_bias.mistake("doubled", lambda act, t, b: act(t + 2 * b), "act(t + 2 * b)",
    f"Your encoder adds its bias b twice. {_BIAS_BEFORE}")
encoder_bias.mistake("multiplied", lambda act, t, b: act(t * b), "act(t * b)",
    f"Your encoder multiplies by its bias b. {_BIAS_BEFORE}")
encoder_bias.mistake("averaged", lambda act, t, b: act(t + b.mean()), "act(t + b.mean())",
    f"Your encoder adds the mean of b to all units. {_BIAS_BEFORE}")
encoder_bias.mistake("summed", lambda act, t, b: act(t + b.sum()), "act(t + b.sum())",
    f"Your encoder adds the sum of b to all units. {_BIAS_BEFORE}")

code = Step("code", "hidden", "z", lambda z: z, "z")
for name, compute, torch, words in (
    ("doubled", lambda z: 2 * z, "2 * z", "doubles the hidden units"),
    ("halved", lambda z: z / 2, "z / 2", "halves the hidden units"),
    ("by h", lambda z: z / z.shape[1], "z / z.shape[1]", "divides the hidden units by their number"),
    ("of length 1", lambda z: z / np.maximum(_norm(z), 1e-12), "F.normalize(z)",
     "brings the hidden layer to length 1"),
    ("tanh", np.tanh, "torch.tanh(z)", "applies tanh after the ReLU"),
    ("sigmoid", _sigmoid, "torch.sigmoid(z)", "applies a sigmoid after the ReLU"),
    ("softmax", _softmax, "F.softmax(z, dim=1)", "applies a softmax after the ReLU"),
    ("plus 1", lambda z: z + 1, "z + 1", "adds 1 to the hidden units"),
    ("centred", lambda z: z - z.mean(1, keepdims=True), "z - z.mean(1, keepdim=True)",
     "centres the hidden layer"),
    ("mean of the batch", lambda z: z.mean(0) + 0 * z, "z.mean(0).expand_as(z)",
     "averages the hidden units over the batch"),
    ("root", np.sqrt, "z.sqrt()", "takes roots of the hidden units"),
):
    code.mistake(
        name, compute, torch, f"Your function {words}. The sheet's z is max(0, xV + b), nothing else."
    )

output = Step("output", "output", "t", lambda t: t, "t")
_LINEAR = "The sheet's output layer is linear: nothing is applied after the decoder."
for name, compute, torch, words in (
    ("relu", lambda t: np.maximum(t, 0), "torch.relu(t)", "applies a ReLU, so no pixel can be negative"),
    ("leaky", lambda t: np.where(t > 0, t, 0.01 * t), "F.leaky_relu(t)", "applies a leaky ReLU"),
    ("sigmoid", _sigmoid, "torch.sigmoid(t)", "applies a sigmoid, which squeezes the pixels into (0, 1)"),
    ("tanh", np.tanh, "torch.tanh(t)", "applies tanh"),
    ("softplus", lambda t: np.logaddexp(t, 0), "F.softplus(t)", "applies a softplus"),
    ("clamp", lambda t: np.clip(t, 0, 1), "t.clamp(0, 1)", "clips the pixels to [0, 1]"),
    ("clamp above", lambda t: np.minimum(t, 1), "t.clamp(max=1)", "clips the pixels at 1"),
    ("clamp to [-1, 1]", lambda t: np.clip(t, -1, 1), "t.clamp(-1, 1)", "clips the pixels to [-1, 1]"),
    ("softmax", _softmax, "F.softmax(t, dim=1)", "applies a softmax"),
    ("abs", np.abs, "t.abs()", "takes absolute values"),
    ("square", lambda t: t**2, "t ** 2", "squares the pixels"),
    ("times 255", lambda t: t * 255, "t * 255", "multiplies the pixels by 255"),
    ("divided by 255", lambda t: t / 255, "t / 255", "divides the pixels by 255"),
    ("doubled", lambda t: t * 2, "2 * t", "doubles the pixels"),
    ("halved", lambda t: t / 2, "t / 2", "halves the pixels"),
    ("negated", lambda t: -t, "-t", "has a minus in front"),
    ("to [-1, 1]", lambda t: 2 * t - 1, "2 * t - 1", "moves the pixels to [-1, 1]"),
    ("inverted", lambda t: 1 - t, "1 - t", "inverts the pixels"),
    ("plus a half", lambda t: t + 0.5, "t + 0.5", "adds 0.5 to the pixels"),
    ("min_max", lambda t: _stretched(t, 1), "(t - t.amin(1, True)) / (t.amax(1, True) - t.amin(1, True))",
     "stretches the pixels of each image to [0, 1]"),
    ("min_max of the batch", _stretched, "(t - t.min()) / (t.max() - t.min())",
     "stretches the pixels of the batch to [0, 1]"),
    ("of length 1", lambda t: t / _norm(t), "F.normalize(t)", "brings each image to length 1"),
    ("by its maximum", lambda t: t / t.max(1, keepdims=True), "t / t.amax(1, True)",
     "divides each image by its largest pixel"),
    ("by the maximum", lambda t: t / t.max(), "t / t.max()", "divides by the largest pixel of the batch"),
    ("centred", lambda t: t - t.mean(1, keepdims=True), "t - t.mean(1, keepdim=True)", "centres each image"),
    ("standardised", lambda t: (t - t.mean()) / t.std(ddof=1), "(t - t.mean()) / t.std()",
     "standardises the pixels"),
):
    output.mistake(name, compute, torch, f"Your output layer {words}. {_LINEAR}")
for name, compute, torch, words in (
    ("round", np.round, "t.round()", "rounds the pixels"),
    ("clamp_round", lambda t: np.round(np.clip(t, 0, 1)), "t.clamp(0, 1).round()",
     "clips the pixels to [0, 1] and rounds them"),
    ("bytes", lambda t: np.floor(np.clip(t, 0, 1) * 255), "(t.clamp(0, 1) * 255).floor()",
     "turns the pixels into whole numbers from 0 to 255"),
):
    output.mistake(name, compute, torch, f"Your output layer {words}. {_LINEAR}", rounds=True)
output.mistake("scaled", lambda t, c: c * t, "0.8 * t",
    "Your output layer multiplies the pixels by {c:g}. " + _LINEAR, fitted=float)

decoder_bias = Step("decoder_bias", "output", "out, t, a", lambda out, t, a: out(t + a), "out(t + a)")
_ADDED = "The sheet adds a to every reconstruction, once."
decoder_bias.mistake("missing", lambda out, t, a: out(t), "out(t)",
    f"Your decoder leaves out its bias a. {_ADDED}")
decoder_bias.mistake("subtracted", lambda out, t, a: out(t - a), "out(t - a)",
    f"Your decoder subtracts its bias a. {_ADDED}")
decoder_bias.mistake("subtracted from", lambda out, t, a: out(a - t), "out(a - t)",
    f"Your decoder subtracts zW from its bias a. {_ADDED}")
decoder_bias.mistake("halved", lambda out, t, a: out(t + a / 2), "out(t + a / 2)",
    f"Your decoder adds half of its bias a. {_ADDED}")
decoder_bias.mistake("doubled", lambda out, t, a: out(t + 2 * a), "out(t + 2 * a)",
    f"Your decoder adds its bias a twice. {_ADDED}")
decoder_bias.mistake("multiplied", lambda out, t, a: out(t * a), "out(t * a)",
    f"Your decoder multiplies by its bias a. {_ADDED}")
decoder_bias.mistake("averaged", lambda out, t, a: out(t + a.mean()), "out(t + a.mean())",
    f"Your decoder adds the mean of a to all pixels. {_ADDED}")
decoder_bias.mistake("after", lambda out, t, a: out(t) + a, "out(t) + a",
    "Your decoder adds its bias a after the output activation; there should be no such activation at all.")

# ---------------------------------------------------------------- the loss

pixels = Step("pixels", "error", "e", lambda e: e.sum(1), "e.sum(1)")
_SUM = (
    "The sheet sums the squared differences over the pixels of an image and averages over the N images only."
)
pixels.mistake("mean", lambda e: e.mean(1), "e.mean(1)",
    f"Your loss is 784 times too small: it averages over the pixels as well. {_SUM}")
pixels.mistake("not summed", lambda e: e, "e", f"Your loss does not sum over the pixels of an image. {_SUM}")

_SQUARES = "The sheet sums the squares of the differences, as they are."
_DIFFERENCES = (
    ("l1", lambda x, r, over: over(np.abs(x - r)), "over((x - r).abs())", "adds up absolute differences"),
    ("signed", lambda x, r, over: over(x - r), "over(x - r)", "adds up differences that cancel each other"),
    ("abs_of_sum", lambda x, r, over: np.abs(over(x - r)), "over(x - r).abs()",
     "sums before it takes the absolute value, so that differences cancel each other"),
    ("max", lambda x, r, over: np.abs(x - r).max(1), "(x - r).abs().amax(1)",
     "uses only the largest difference of an image"),
    ("sum", lambda x, r, over: over((x + r) ** 2), "over((x + r) ** 2)",
     "squares the sum x + x̂ instead of the difference x − x̂"),
    ("difference of squares", lambda x, r, over: over(x**2 - r**2), "over(x ** 2 - r ** 2)",
     "subtracts the squares of x and x̂"),
    ("x_only", lambda x, r, over: over(x**2), "over(x ** 2) + 0 * r.sum()",
     "depends on the images only, not on their reconstructions"),
    ("reconstruction_only", lambda x, r, over: over(r**2), "over(r ** 2)",
     "depends on the reconstructions only, not on the images"),
    ("product", lambda x, r, over: over(x * r), "over(x * r)", "multiplies x and x̂"),
    ("relative", lambda x, r, over: over((x - r) ** 2) / over(x**2), "over((x - r) ** 2) / over(x ** 2)",
     "divides an image's error by the squared length of the image"),
    ("power 3", lambda x, r, over: over(np.abs(x - r) ** 3), "over((x - r).abs() ** 3)",
     "takes the differences to the power of 3"),
    ("power 4", lambda x, r, over: over((x - r) ** 4), "over((x - r) ** 4)",
     "takes the differences to the power of 4"),
    ("power 1.5", lambda x, r, over: over(np.abs(x - r) ** 1.5), "over((x - r).abs() ** 1.5)",
     "takes the differences to the power of 1.5"),
    ("smooth_l1", lambda x, r, over: over(_smooth_l1(x - r)),
     "over(F.smooth_l1_loss(r, x, reduction='none'))", "is the smooth L1 (Huber) loss"),
    ("log cosh", lambda x, r, over: over(np.logaddexp(x - r, r - x) - np.log(2)),
     "over(torch.log(torch.cosh(x - r)))", "is the log-cosh loss"),
    ("clipped", lambda x, r, over: over(np.clip(x - r, -1, 1) ** 2), "over((x - r).clamp(-1, 1) ** 2)",
     "clips the differences to [-1, 1]"),
    ("positive only", lambda x, r, over: over(np.maximum(x - r, 0) ** 2), "over((x - r).clamp(min=0) ** 2)",
     "looks only at pixels that are darker in x̂"),
    ("negative only", lambda x, r, over: over(np.maximum(r - x, 0) ** 2), "over((r - x).clamp(min=0) ** 2)",
     "looks only at pixels that are brighter in x̂"),
    ("weighted", lambda x, r, over: over(x * (x - r) ** 2), "over(x * (x - r) ** 2)",
     "weights the squared differences by the pixels of x"),
    ("variance", lambda x, r, over: over((x - r - (x - r).mean(1, keepdims=True)) ** 2),
     "over((x - r - (x - r).mean(1, keepdim=True)) ** 2)",
     "is the variance of the differences, so that a constant error goes unnoticed"),
    ("cosine", lambda x, r, over: 1 - (x * r).sum(1) / _norm(x)[:, 0] / _norm(r)[:, 0],
     "1 - F.cosine_similarity(x, r)", "is the angle between x and x̂"),
)

error = Step("norm", "error", "x, r, over", lambda x, r, over: over((x - r) ** 2), "over((x - r) ** 2)")
for name, compute, torch, words in (
    *_DIFFERENCES,
    ("signed other way", lambda x, r, over: over(r - x), "over(r - x)",
     "adds up differences that cancel each other"),
    ("root", lambda x, r, over: np.sqrt(over((x - r) ** 2)), "over((x - r) ** 2).sqrt()",
     "uses the norm of the difference itself: it takes a square root for each image"),
    ("root_whole", lambda x, r, over: np.sqrt(((x - r) ** 2).sum()), "torch.norm(x - r)",
     "takes one norm, with its square root, over the whole batch"),
    ("root_whole_by_N", lambda x, r, over: np.sqrt(((x - r) ** 2).sum()) / len(x),
     "torch.norm(x - r) / len(x)", "takes one norm, with its square root, over the whole batch"),
    ("square_of_sum", lambda x, r, over: over(x - r) ** 2, "over(x - r) ** 2",
     "sums before it squares, so that differences cancel each other"),
    ("bce", lambda x, r, over: over(_cross_entropy(x, r)),
     "over(F.binary_cross_entropy(r, x, reduction='none'))", "is the binary cross-entropy"),
    ("bce_logits", lambda x, r, over: over(np.logaddexp(r, 0) - x * r),
     "over(F.binary_cross_entropy_with_logits(r, x, reduction='none'))", "is the binary cross-entropy"),
):
    error.mistake(name, compute, torch, f"Your loss {words}. {_SQUARES}")

average = Step("batch", "average", "e, b", lambda e, b: e.mean(0) if np.ndim(e) else e, "e.mean(0)")
_OVER_N = "The sheet averages over all N images."
for name, compute, torch, sentence in (
    ("vector", lambda e, b: e, "e", f"Your loss is one error for each image. {_OVER_N}"),
    ("sum", lambda e, b: e.sum(0), "e.sum(0)",
     f"Your loss grows with the batch: it adds up the images' errors. {_OVER_N}"),
    ("first", lambda e, b: e[0], "e[0]", f"Your loss looks at the first image of the batch only. {_OVER_N}"),
    ("last", lambda e, b: e[-1], "e[-1]", f"Your loss looks at the last image of the batch only. {_OVER_N}"),
    ("not the first", lambda e, b: e[1:].mean(0), "e[1:].mean(0)",
     f"Your loss leaves out the first image of the batch. {_OVER_N}"),
    ("not the last", lambda e, b: e[:-1].mean(0), "e[:-1].mean(0)",
     f"Your loss leaves out the last image of the batch. {_OVER_N}"),
    ("not the first, by N", lambda e, b: e[1:].sum(0) / len(e), "e[1:].sum(0) / len(e)",
     f"Your loss leaves out the first image of the batch. {_OVER_N}"),
    ("not the last, by N", lambda e, b: e[:-1].sum(0) / len(e), "e[:-1].sum(0) / len(e)",
     f"Your loss leaves out the last image of the batch. {_OVER_N}"),
    ("by_pixels", lambda e, b: e.sum(0) / 784, "e.sum(0) / 784",
     "Your loss divides by the number of pixels instead of the number of images N."),
    ("by_hidden", lambda e, b: e.sum(0) / len(b), "e.sum(0) / len(b)",
     "Your loss divides by the number of hidden units instead of the number of images N."),
    ("by_hidden_too", lambda e, b: e.mean(0) / len(b), "e.mean(0) / len(b)",
     "Your loss divides by the number of hidden units as well. The sheet averages over the N images only."),
    ("by_N_twice", lambda e, b: e.mean(0) / len(e), "e.mean(0) / len(e)",
     "Your loss divides by the number of images twice."),
    ("by_N-1", lambda e, b: e.sum(0) / (len(e) - 1), "e.sum(0) / (len(e) - 1)",
     "Your loss divides by N − 1. The sheet divides by the number of images N."),
    ("by_N+1", lambda e, b: e.sum(0) / (len(e) + 1), "e.sum(0) / (len(e) + 1)",
     "Your loss divides by N + 1. The sheet divides by the number of images N."),
    ("by_root_N", lambda e, b: e.sum(0) / np.sqrt(len(e)), "e.sum(0) / len(e) ** 0.5",
     "Your loss divides by the square root of N. The sheet divides by the number of images N."),
    ("times N", lambda e, b: e.sum(0) * len(e), "e.sum(0) * len(e)",
     "Your loss multiplies by the number of images N. The sheet divides by it."),
    ("max", lambda e, b: e.max(0), "e.amax(0)",
     "Your loss takes the largest error of the batch. The sheet averages over all N images."),
    ("min", lambda e, b: e.min(0), "e.amin(0)",
     "Your loss takes the smallest error of the batch. The sheet averages over all N images."),
    ("median", lambda e, b: np.sort(e, 0)[(len(e) - 1) // 2], "e.median(0).values",
     "Your loss takes the median over the images. The sheet takes their mean."),
    ("variance", lambda e, b: e.var(0, ddof=1), "e.var(0)",
     "Your loss takes the variance over the images. The sheet takes their mean."),
):
    average.mistake(name, compute, torch, sentence)
average.mistake("whole numbers", lambda e, b: np.floor(e.sum(0) / len(e)), "e.sum(0) // len(e)",
    "Your loss divides by `//`, which drops what stands after the point. Divide by `/`.", rounds=True)
average.mistake("by_constant", lambda e, b, c: e.sum(0) / c, "e.sum(0) / 50",
    "Your loss always divides by {c:g}. Divide by the number of images in the batch instead.",
    fitted=lambda scale: 1 / scale)

factor = Step("factor", "error", "v", lambda v: v, "v")
factor.mistake("half", lambda v: v / 2, "v / 2",
    "Your loss is half as large as it should be: there is a factor 1/2 that the sheet does not have.")
factor.mistake("double", lambda v: v * 2, "2 * v", "Your loss is twice as large as it should be.")
factor.mistake("root", np.sqrt, "torch.sqrt(v)",
    "Your loss takes a square root of the average in the end. The sheet does not.")
factor.mistake("square", lambda v: v**2, "v ** 2",
    "Your loss squares the average in the end. The sheet does not.")
factor.mistake("log", np.log, "torch.log(v)", "Your loss takes a logarithm in the end. The sheet does not.")
factor.mistake("negative", lambda v: -v, "-v",
    "Your loss has the wrong sign: minimising it would make the error large.")
factor.mistake("constant", lambda v, c: c * v, "0.01 * v",
    "Your loss is {c:g} times the sheet's: there is a constant factor too many.", fitted=float)

# ---------------------------------------------------------------- the images that come back

layout = Step("layout", "pixels", "r", lambda r: r.reshape(-1, 28, 28), "r.reshape(-1, 28, 28)")
_SHAPE = "They should have shape [N, 28, 28]."
for name, compute, torch, sentence, part in (
    ("flat", lambda r: r, "r", f"Your images are rows of 784 pixels. {_SHAPE}", "shape"),
    ("with a channel", lambda r: r.reshape(-1, 1, 28, 28), "r.reshape(-1, 1, 28, 28)",
     f"Your images have a channel too many, [N, 1, 28, 28]. {_SHAPE}", "shape"),
    ("with a channel at the end", lambda r: r.reshape(-1, 28, 28, 1), "r.reshape(-1, 28, 28, 1)",
     f"Your images have a channel too many, [N, 28, 28, 1]. {_SHAPE}", "shape"),
    ("images last", lambda r: r.T.reshape(28, 28, -1), "r.T.reshape(28, 28, -1)",
     f"Your images stand along the last axis, [28, 28, N]. {_SHAPE}", "shape"),
    ("columns", lambda r: r.T, "r.T", f"Your images are columns. {_SHAPE}", "shape"),
    ("first image", lambda r: r[0].reshape(28, 28), "r[0].reshape(28, 28)",
     f"Your function returns the first image only. {_SHAPE}", "shape"),
    ("first image as a batch", lambda r: r[:1].reshape(1, 28, 28), "r[:1].reshape(1, 28, 28)",
     f"Your function returns the first image only. {_SHAPE}", "shape"),
    ("without the last", lambda r: r[:-1].reshape(-1, 28, 28), "r[:-1].reshape(-1, 28, 28)",
     f"Your function leaves out the last image. {_SHAPE}", "shape"),
    ("without the first", lambda r: r[1:].reshape(-1, 28, 28), "r[1:].reshape(-1, 28, 28)",
     f"Your function leaves out the first image. {_SHAPE}", "shape"),
    ("mean image", lambda r: r.mean(0).reshape(28, 28), "r.mean(0).reshape(28, 28)",
     f"Your function averages over the images. {_SHAPE}", "shape"),
    ("squashed", lambda r: r.reshape(28, 28, -1), "r.reshape(28, 28, -1)",
     f"Your images are reshaped to [28, 28, N], which mixes their pixels up. {_SHAPE}", "shape"),
    ("transposed", lambda r: r.reshape(-1, 28, 28).transpose(0, 2, 1), "r.reshape(-1, 28, 28).mT",
     "Your images are transposed: rows and columns of pixels have changed places.", None),
    ("upside down", lambda r: r.reshape(-1, 28, 28)[:, ::-1], "r.reshape(-1, 28, 28).flip(1)",
     "Your images are upside down.", None),
    ("mirrored", lambda r: r.reshape(-1, 28, 28)[:, :, ::-1], "r.reshape(-1, 28, 28).flip(2)",
     "Your images are mirrored.", None),
    ("rotated left", lambda r: np.rot90(r.reshape(-1, 28, 28), 1, (1, 2)),
     "r.reshape(-1, 28, 28).rot90(1, (1, 2))", "Your images are rotated.", None),
    ("rotated right", lambda r: np.rot90(r.reshape(-1, 28, 28), -1, (1, 2)),
     "r.reshape(-1, 28, 28).rot90(-1, (1, 2))", "Your images are rotated.", None),
    ("rotated by 180°", lambda r: r.reshape(-1, 28, 28)[:, ::-1, ::-1], "r.reshape(-1, 28, 28).flip((1, 2))",
     "Your images are rotated.", None),
    ("mixed up", lambda r: r.T.reshape(-1, 28, 28), "r.T.reshape(-1, 28, 28)",
     "The pixels of your images are mixed up: a `reshape` where the axes had to be exchanged.", None),
    ("rolled", lambda r: np.roll(r, 1, 0).reshape(-1, 28, 28), "r.roll(1, 0).reshape(-1, 28, 28)",
     "Your images are shifted by one: image i is the reconstruction of another.", None),
    ("all the first", lambda r: r[[0] * len(r)].reshape(-1, 28, 28), "r[[0] * len(r)].reshape(-1, 28, 28)",
     "All your images are the reconstruction of the first.", None),
    ("reverse order", lambda r: r[::-1].reshape(-1, 28, 28), "r.flip(0).reshape(-1, 28, 28)",
     "Your images are in the reverse order.", None),
):
    layout.mistake(name, compute, torch, sentence, part)

# ---------------------------------------------------------------- the scores

gather = Step("pixels of a score", "shape", "e", lambda e: e.sum(1), "e.sum(1)")
_ONE = "There should be one number for each image, [N]."
gather.mistake("not summed", lambda e: e, "e",
    f"Your scores are one for each pixel. The sheet sums over the pixels of an image. {_ONE}")
gather.mistake("wrong axis", lambda e: e.sum(0), "e.sum(0)",
    f"Your scores are reduced over the images, the wrong axis. {_ONE}")
gather.mistake("wrong axis, mean", lambda e: e.mean(0), "e.mean(0)",
    f"Your scores are reduced over the images, the wrong axis. {_ONE}")
gather.mistake("whole batch", lambda e: e.sum(), "e.sum()",
    f"Your function gives one score for the whole batch. {_ONE}")
gather.mistake("mean of the batch", lambda e: e.sum(1).mean(), "e.sum(1).mean()",
    f"Your function gives one score for the whole batch. {_ONE}")
gather.mistake("mean of all", lambda e: e.mean(), "e.mean()",
    f"Your function gives one score for the whole batch. {_ONE}")

gather.mistake("first image", lambda e: e.sum(1)[0], "e.sum(1)[0]",
    f"Your function gives the score of the first image only. Is there a `return` inside a loop? {_ONE}")
gather.mistake("first image alone", lambda e: e.sum(1)[:1], "e.sum(1)[:1]",
    f"Your function gives the score of the first image only. Is there a `return` inside a loop? {_ONE}")

score = Step("score", "error", "x, r, over", lambda x, r, over: over((x - r) ** 2), "over((x - r) ** 2)")
for name, compute, torch, words in (
    *_DIFFERENCES,
    ("x_sum", lambda x, r, over: over(x), "over(x)",
     "depends on the images only, not on their reconstructions"),
    ("x_variance", lambda x, r, over: x.var(1), "x.var(1)",
     "depends on the images only, not on their reconstructions"),
    ("reconstruction_sum", lambda x, r, over: over(r), "over(r)",
     "depends on the reconstructions only, not on the images"),
    ("relative to x̂", lambda x, r, over: over((x - r) ** 2) / over(r**2),
     "over((x - r) ** 2) / over(r ** 2)",
     "divides an image's error by the squared length of its reconstruction"),
    ("by its length", lambda x, r, over: over((x - r) ** 2) / over(x**2) ** 0.5,
     "over((x - r) ** 2) / over(x ** 2).sqrt()", "divides an image's error by the length of the image"),
    ("difference_of_norms", lambda x, r, over: np.abs(_norm(x) - _norm(r))[:, 0],
     "(torch.linalg.norm(x, dim=1) - torch.linalg.norm(r, dim=1)).abs()",
     "compares the lengths of x and x̂"),
    ("median", lambda x, r, over: np.sort((x - r) ** 2, 1)[:, 391], "((x - r) ** 2).median(1).values",
     "takes the median over the pixels"),
    ("clipped reconstruction", lambda x, r, over: over((x - np.clip(r, 0, 1)) ** 2),
     "over((x - r.clamp(0, 1)) ** 2)", "clips the reconstruction to [0, 1]"),
    ("x / 255", lambda x, r, over: over((x / 255 - r) ** 2), "over((x / 255 - r) ** 2)",
     "divides the images by 255, though they lie in [0, 1] already"),
    ("x̂ / 255", lambda x, r, over: over((x - r / 255) ** 2), "over((x - r / 255) ** 2)",
     "divides the reconstructions by 255, though they are like the images already"),
    ("count", lambda x, r, over: over(np.abs(x - r) > 0.1), "over(((x - r).abs() > 0.1).float())",
     "counts the pixels with a large difference"),
    ("bce", lambda x, r, over: over(_cross_entropy(x, r)),
     "over(F.binary_cross_entropy(r.clamp(1e-9, 1 - 1e-7), x, reduction='none'))", "is a cross-entropy"),
    ("log of each", lambda x, r, over: over(np.log1p((x - r) ** 2)), "over(torch.log1p((x - r) ** 2))",
     "takes a logarithm of each squared difference"),
):
    score.mistake(name, compute, torch, f"Your score {words}. {_SQUARES}")

arrange = Step("scores", "error", "s", lambda s: s, "s")
_ITS_IMAGE = "Score i belongs to image i."
arrange.mistake("sorted", lambda s: np.sort(s[:], 0), "s.sort().values",
    f"Your scores come sorted, in another order than the images. {_ITS_IMAGE}")
arrange.mistake("sorted downwards", lambda s: np.sort(s[:], 0)[::-1], "s.sort(descending=True).values",
    f"Your scores come sorted, in another order than the images. {_ITS_IMAGE}")
arrange.mistake("reversed", lambda s: s[::-1], "s.flip(0)",
    f"Your scores come in the reverse order. {_ITS_IMAGE}")
arrange.mistake("argsort", lambda s: np.argsort(s[:], 0) * 1.0, "s.argsort()",
    f"Your function returns the places of the images, sorted by their score (argsort). {_ITS_IMAGE}",
    rounds=True)
arrange.mistake("rolled", lambda s: np.roll(s, 1, 0), "s.roll(1)",
    f"Your scores are shifted by one image. {_ITS_IMAGE}")
arrange.mistake("without the first", lambda s: s[1:], "s[1:]",
    f"Your function leaves out the first image. {_ONE}", "shape")
arrange.mistake("without the last", lambda s: s[:-1], "s[:-1]",
    f"Your function leaves out the last image. {_ONE}", "shape")

direction = Step("direction", "direction", "s", lambda s: s, "s")
direction.mistake("wrong sign", lambda s: -s, "-s",
    "Your scores are the wrong way round: the stranger an image, the smaller your score.")

# fmt: on

# ---------------------------------------------------------------- the sheet's formulas


def forward(at, x, V, W, b, a):
    V, W, b, a = at[roles](V, W, b, a)
    z = at[code](at[encoder_bias](at[activation], at[fed](x) @ V, b))
    return at[decoder_bias](at[output], z @ W, a)


def get_objective_term(at, x, V, W, b, a):
    x = at[given](x)
    errors = at[error](x, forward(at, x, V, W, b, a), at[pixels])
    return at[factor](at[average](errors, b))


def reconstruct(at, x, V, W, b, a):
    return at[layout](forward(at, x, V, W, b, a))


def anomaly_score(at, x, reconstruction):
    scores = at[score](x, reconstruction, at[gather])
    return at[direction](at[arrange](scores))


FORMULAS = {1: get_objective_term, 2: reconstruct, 3: anomaly_score}
