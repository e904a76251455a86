"""The network: the images, the encoder and the decoder. Sources: the sheet's section *The model*."""

import numpy as np

from ..steps import Step
from .numerics import erf, norm, sigmoid, softmax, stretched

# Tables are easier to read than what a formatter makes of them.
# fmt: off

inputs = Step("inputs", "error", "x", lambda x: x, "x")
encoder_input = Step("encoder_input", "hidden", "x", lambda x: x, "x")

_SCALES = (
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
    ("stretched", stretched, "(x - x.min()) / (x.max() - x.min())", "stretched to [0, 1]"),
    ("by its maximum", lambda x: x / x.max(), "x / x.max()", "divided by their maximum"),
    ("of length 1", lambda x: x / norm(x), "F.normalize(x)", "brought to length 1"),
    ("rounded", np.round, "x.round()", "rounded"),
)
inputs.many("Your function works with images that are {}. The sheet takes them as they are.", _SCALES)
encoder_input.many("Your encoder gets images that are {}. The sheet's takes them as they are.", _SCALES)


weights = Step("weights", "hidden", "V, W, b, a", lambda V, W, b, a: (V, W, b, a), "V, W, b, a")
_ORDER = "(The order of the parameters is x, V, W, b, a.)"
_ROWS = "With images as rows, no matrix needs to be transposed."
weights.mistake("tied decoder", lambda V, W, b, a: (V, V.T, b, a), "V, V.T, b, a",
    "Your decoder uses the encoder's weights V, transposed. The sheet gives the decoder weights of its "
    "own, W.", "output")
weights.mistake("tied encoder", lambda V, W, b, a: (W.T, W, b, a), "W.T, W, b, a",
    "Your encoder uses the decoder's weights W, transposed. The sheet's encoder uses V.")
weights.mistake("swapped", lambda V, W, b, a: (W.T, V.T, b, a), "W.T, V.T, b, a",
    "You have swapped the roles of V and W (and transposed them to make the shapes fit). V is the encoder, "
    "W the decoder.")
weights.mistake("mixed up biases", lambda V, W, b, a: (V, W, a, b), "V, W, a, b",
    f"You have mixed up the biases: b belongs to the encoder and a to the decoder. {_ORDER}", "encoder_bias")
weights.mistake("mixed up weights", lambda V, W, b, a: (W, V, b, a), "W, V, b, a",
    f"You have mixed up the weights: V belongs to the encoder and W to the decoder. {_ORDER}")
weights.mistake("mixed up layers", lambda V, W, b, a: (W, V, a, b), "W, V, a, b",
    f"You have mixed up encoder and decoder: V and b encode, W and a decode. {_ORDER}")
weights.mistake("V twice", lambda V, W, b, a: (V, V, b, a), "V, V, b, a",
    f"Your decoder uses the encoder's weights V. The sheet's decoder uses W. {_ORDER}", "output")
weights.mistake("W twice", lambda V, W, b, a: (W, W, b, a), "W, W, b, a",
    f"Your encoder uses the decoder's weights W. The sheet's encoder uses V. {_ORDER}")
weights.mistake("b twice", lambda V, W, b, a: (V, W, b, b), "V, W, b, b",
    f"Your decoder adds the encoder's bias b. The sheet's decoder adds a. {_ORDER}", "output")
weights.mistake("a twice", lambda V, W, b, a: (V, W, a, a), "V, W, a, a",
    f"Your encoder adds the decoder's bias a. The sheet's encoder adds b. {_ORDER}", "encoder_bias")
weights.mistake("encoder transposed", lambda V, W, b, a: (V.T, W, b, a), "V.T, W, b, a",
    f"Your encoder transposes V. {_ROWS}")
weights.mistake("decoder transposed", lambda V, W, b, a: (V, W.T, b, a), "V, W.T, b, a",
    f"Your decoder transposes W. {_ROWS}", "output")
weights.mistake("both transposed", lambda V, W, b, a: (V.T, W.T, b, a), "V.T, W.T, b, a",
    f"You transpose V and W. {_ROWS}")
weights.mistake("|V|", lambda V, W, b, a: (np.abs(V), W, b, a), "V.abs(), W, b, a",
    "Your encoder uses the absolute values of V. The sheet takes V as it is.")
weights.mistake("|W|", lambda V, W, b, a: (V, np.abs(W), b, a), "V, W.abs(), b, a",
    "Your decoder uses the absolute values of W. The sheet takes W as it is.", "output")
weights.mistake("|b|", lambda V, W, b, a: (V, W, np.abs(b), a), "V, W, b.abs(), a",
    "Your encoder uses the absolute values of b. The sheet takes b as it is.", "encoder_bias")
weights.mistake("|a|", lambda V, W, b, a: (V, W, b, np.abs(a)), "V, W, b, a.abs()",
    "Your decoder uses the absolute values of a. The sheet takes a as it is.", "output")

activation = Step("activation", "hidden", "t", lambda t: np.maximum(t, 0), "torch.relu(t)")
_RELU = "The sheet applies max(0, ·) to the hidden layer."
activation.mistake("none", lambda t: t, "t",
    f"Your hidden layer has no activation, so the whole network is linear. {_RELU}")
activation.mistake("min", lambda t: np.minimum(t, 0), "t.clamp(max=0)",
    f"Your hidden layer keeps the negative values and drops the positive ones. {_RELU}")
activation.many(f"Your hidden layer uses {{}}. {_RELU}", (
    ("sigmoid", sigmoid, "torch.sigmoid(t)", "a sigmoid"),
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
    ("gelu", lambda t: t * (1 + erf(t / np.sqrt(2))) / 2, "F.gelu(t)", "a GELU"),
    ("gelu_tanh", lambda t: t * (1 + np.tanh(np.sqrt(2 / np.pi) * (t + 0.044715 * t**3))) / 2,
     "F.gelu(t, approximate='tanh')", "a GELU"),
    ("silu", lambda t: t * sigmoid(t), "F.silu(t)", "a SiLU"),
    ("hard swish", lambda t: t * np.clip(t / 6 + 0.5, 0, 1), "F.hardswish(t)", "a hard swish"),
    ("softplus", lambda t: np.logaddexp(t, 0), "F.softplus(t)", "a softplus, the smooth cousin of the ReLU"),
    ("softsign", lambda t: t / (1 + np.abs(t)), "F.softsign(t)", "a softsign"),
    ("softmax", softmax, "F.softmax(t, dim=1)", "a softmax"),
    ("softmax of the batch", lambda t: softmax(t, 0), "F.softmax(t, dim=0)", "a softmax over the batch"),
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
))

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
code.many("Your function {}. The sheet's z is max(0, xV + b), nothing else.", (
    ("doubled", lambda z: 2 * z, "2 * z", "doubles the hidden units"),
    ("halved", lambda z: z / 2, "z / 2", "halves the hidden units"),
    ("by h", lambda z: z / z.shape[1], "z / z.shape[1]", "divides the hidden units by their number"),
    ("of length 1", lambda z: z / np.maximum(norm(z), 1e-12), "F.normalize(z)",
     "brings the hidden layer to length 1"),
    ("tanh", np.tanh, "torch.tanh(z)", "applies tanh after the ReLU"),
    ("sigmoid", sigmoid, "torch.sigmoid(z)", "applies a sigmoid after the ReLU"),
    ("softmax", softmax, "F.softmax(z, dim=1)", "applies a softmax after the ReLU"),
    ("plus 1", lambda z: z + 1, "z + 1", "adds 1 to the hidden units"),
    ("centred", lambda z: z - z.mean(1, keepdims=True), "z - z.mean(1, keepdim=True)",
     "centres the hidden layer"),
    ("mean of the batch", lambda z: z.mean(0) + 0 * z, "z.mean(0).expand_as(z)",
     "averages the hidden units over the batch"),
    ("root", np.sqrt, "z.sqrt()", "takes roots of the hidden units"),
))

output = Step("output", "output", "t", lambda t: t, "t")
_LINEAR = "The sheet's output layer is linear: nothing is applied after the decoder."
output.many(f"Your output layer {{}}. {_LINEAR}", (
    ("relu", lambda t: np.maximum(t, 0), "torch.relu(t)", "applies a ReLU, so no pixel can be negative"),
    ("leaky", lambda t: np.where(t > 0, t, 0.01 * t), "F.leaky_relu(t)", "applies a leaky ReLU"),
    ("sigmoid", sigmoid, "torch.sigmoid(t)", "applies a sigmoid, which squeezes the pixels into (0, 1)"),
    ("tanh", np.tanh, "torch.tanh(t)", "applies tanh"),
    ("softplus", lambda t: np.logaddexp(t, 0), "F.softplus(t)", "applies a softplus"),
    ("clamp", lambda t: np.clip(t, 0, 1), "t.clamp(0, 1)", "clips the pixels to [0, 1]"),
    ("clamp above", lambda t: np.minimum(t, 1), "t.clamp(max=1)", "clips the pixels at 1"),
    ("clamp to [-1, 1]", lambda t: np.clip(t, -1, 1), "t.clamp(-1, 1)", "clips the pixels to [-1, 1]"),
    ("softmax", softmax, "F.softmax(t, dim=1)", "applies a softmax"),
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
    ("min_max", lambda t: stretched(t, 1), "(t - t.amin(1, True)) / (t.amax(1, True) - t.amin(1, True))",
     "stretches the pixels of each image to [0, 1]"),
    ("min_max of the batch", stretched, "(t - t.min()) / (t.max() - t.min())",
     "stretches the pixels of the batch to [0, 1]"),
    ("of length 1", lambda t: t / norm(t), "F.normalize(t)", "brings each image to length 1"),
    ("by its maximum", lambda t: t / t.max(1, keepdims=True), "t / t.amax(1, True)",
     "divides each image by its largest pixel"),
    ("by the maximum", lambda t: t / t.max(), "t / t.max()", "divides by the largest pixel of the batch"),
    ("centred", lambda t: t - t.mean(1, keepdims=True), "t - t.mean(1, keepdim=True)", "centres each image"),
    ("standardised", lambda t: (t - t.mean()) / t.std(ddof=1), "(t - t.mean()) / t.std()",
     "standardises the pixels"),
))
output.many(f"Your output layer {{}}. {_LINEAR}", (
    ("round", np.round, "t.round()", "rounds the pixels"),
    ("clamp_round", lambda t: np.round(np.clip(t, 0, 1)), "t.clamp(0, 1).round()",
     "clips the pixels to [0, 1] and rounds them"),
    ("bytes", lambda t: np.floor(np.clip(t, 0, 1) * 255), "(t.clamp(0, 1) * 255).floor()",
     "turns the pixels into whole numbers from 0 to 255"),
), rounds=True)
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

# fmt: on
