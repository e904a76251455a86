"""The loss, from images and reconstructions on: Exercise 1 of the sheet."""

import numpy as np

from ..steps import Step
from .numerics import cross_entropy, norm, smooth_l1

# Tables are easier to read than what a formatter makes of them.
# fmt: off

pixels = Step("pixels", "error", "e", lambda e: e.sum(1), "e.sum(1)")
_SUM = (
    "The sheet sums the squared differences over the pixels of an image and averages over the N images only."
)
pixels.mistake("mean", lambda e: e.mean(1), "e.mean(1)",
    f"Your loss is 784 times too small: it averages over the pixels as well. {_SUM}")
pixels.mistake("not summed", lambda e: e, "e", f"Your loss does not sum over the pixels of an image. {_SUM}")

SQUARES = "The sheet sums the squares of the differences, as they are."
DIFFERENCES = (
    ("l1", lambda x, r, over: over(np.abs(x - r)), "over((x - r).abs())", "adds up absolute differences"),
    ("signed", lambda x, r, over: over(x - r), "over(x - r)", "adds up differences that cancel each other"),
    ("abs_of_sum", lambda x, r, over: np.abs(over(x - r)), "over(x - r).abs()",
     "sums the differences first, so that they cancel each other"),
    ("max", lambda x, r, over: np.abs(x - r).max(1), "(x - r).abs().amax(1)",
     "uses only the largest difference of an image"),
    ("sum", lambda x, r, over: over((x + r) ** 2), "over((x + r) ** 2)",
     "squares the sum x + x̂ instead of the difference x − x̂"),
    ("difference of squares", lambda x, r, over: over(x**2 - r**2), "over(x ** 2 - r ** 2)",
     "subtracts the squares of x and x̂"),
    ("product", lambda x, r, over: over(x * r), "over(x * r)", "multiplies x and x̂"),
    ("relative", lambda x, r, over: over((x - r) ** 2) / over(x**2), "over((x - r) ** 2) / over(x ** 2)",
     "takes an image's error relative to the length of the image"),
    ("power 3", lambda x, r, over: over(np.abs(x - r) ** 3), "over((x - r).abs() ** 3)",
     "takes the differences to the power of 3"),
    ("power 4", lambda x, r, over: over((x - r) ** 4), "over((x - r) ** 4)",
     "takes the differences to the power of 4"),
    ("power 1.5", lambda x, r, over: over(np.abs(x - r) ** 1.5), "over((x - r).abs() ** 1.5)",
     "takes the differences to the power of 1.5"),
    ("smooth_l1", lambda x, r, over: over(smooth_l1(x - r)),
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
     "is the spread of the differences, their variance, so that a constant error goes unnoticed"),
    ("cosine", lambda x, r, over: 1 - (x * r).sum(1) / norm(x)[:, 0] / norm(r)[:, 0],
     "1 - F.cosine_similarity(x, r)", "is the angle between x and x̂"),
)

ONE_OF_THEM = (
    ("x_only", lambda x, r, over: over(x**2), "over(x ** 2) + 0 * r.sum()",
     "depends on the images only, not on their reconstructions"),
    ("reconstruction_only", lambda x, r, over: over(r**2), "over(r ** 2)",
     "depends on the reconstructions only, not on the images"),
)

error = Step("error", "error", "x, r, over", lambda x, r, over: over((x - r) ** 2), "over((x - r) ** 2)")
error.many(f"Your loss {{}}. {SQUARES}", (
    *DIFFERENCES,
    *ONE_OF_THEM,
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
    ("bce", lambda x, r, over: over(cross_entropy(x, r)),
     "over(F.binary_cross_entropy(r, x, reduction='none'))", "is the binary cross-entropy"),
    ("bce_logits", lambda x, r, over: over(np.logaddexp(r, 0) - x * r),
     "over(F.binary_cross_entropy_with_logits(r, x, reduction='none'))", "is the binary cross-entropy"),
))

average = Step("average", "average", "e, b", lambda e, b: e.mean(0) if np.ndim(e) else e, "e.mean(0)")
_OVER_N = "The sheet averages over all N images."
average.many("{}", (
    ("vector", lambda e, b: e.reshape(len(e)), "e", f"Your loss is one error for each image. {_OVER_N}"),
    ("sum", lambda e, b: e.sum(0), "e.sum(0)",
     f"Your loss grows with the batch: it adds up the images' errors. {_OVER_N}"),
    ("first", lambda e, b: e[0], "e[0]", f"Your loss looks at the first image of the batch only. {_OVER_N}"),
    ("last", lambda e, b: e[-1], "e[-1]", f"Your loss looks at the last image of the batch only. {_OVER_N}"),
    ("not the first", lambda e, b: e[1:].sum(0) / (len(e) - 1), "e[1:].mean(0)",
     f"Your loss leaves out the first image of the batch. {_OVER_N}"),
    ("not the last", lambda e, b: e[:-1].sum(0) / (len(e) - 1), "e[:-1].mean(0)",
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
    ("variance", lambda e, b: ((e - e.mean(0)) ** 2).sum(0) / (len(e) - 1), "e.var(0)",
     "Your loss takes the variance over the images. The sheet takes their mean."),
))
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

# fmt: on
