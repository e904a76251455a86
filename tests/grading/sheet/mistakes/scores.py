"""The scores, from images and reconstructions on: Exercise 3 of the sheet."""

import numpy as np

from ..steps import Step
from .loss import DIFFERENCES, ONE_OF_THEM, SQUARES
from .numerics import cross_entropy, norm

# Tables are easier to read than what a formatter makes of them.
# fmt: off

score_pixels = Step("score_pixels", "shape", "e", lambda e: e.sum(1), "e.sum(1)")
_ONE = "There should be one number for each image, [N]."
_ORDER = ("error", "own")  # what can't be seen where no number belongs to an image
score_pixels.mistake("not summed", lambda e: e, "e",
    f"Your scores are one for each pixel. The sheet sums over the pixels of an image. {_ONE}")
score_pixels.mistake("wrong axis", lambda e: e.sum(0), "e.sum(0)",
    f"Your scores are reduced over the images, the wrong axis. {_ONE}", hides=_ORDER)
score_pixels.mistake("wrong axis, mean", lambda e: e.mean(0), "e.mean(0)",
    f"Your scores are reduced over the images, the wrong axis. {_ONE}", hides=_ORDER)
score_pixels.mistake("whole batch", lambda e: e.sum(), "e.sum()",
    f"Your function gives one score for the whole batch. {_ONE}", hides=_ORDER)
score_pixels.mistake("mean of the batch", lambda e: e.sum(1).mean(), "e.sum(1).mean()",
    f"Your function gives one score for the whole batch. {_ONE}", hides=_ORDER)
score_pixels.mistake("mean of all", lambda e: e.mean(), "e.mean()",
    f"Your function gives one score for the whole batch. {_ONE}", hides=_ORDER)

score_pixels.mistake("first image", lambda e: e.sum(1)[0], "e.sum(1)[0]",
    f"Your function gives the score of the first image only. Is there a `return` inside a loop? {_ONE}")
score_pixels.mistake("first image alone", lambda e: e.sum(1)[:1], "e.sum(1)[:1]",
    f"Your function gives the score of the first image only. Is there a `return` inside a loop? {_ONE}")

score = Step("score", "error", "x, r, over", lambda x, r, over: over((x - r) ** 2), "over((x - r) ** 2)")
score.many(f"Your score {{}}. {SQUARES}", (
    *DIFFERENCES,
    ("relative to x̂", lambda x, r, over: over((x - r) ** 2) / over(r**2),
     "over((x - r) ** 2) / over(r ** 2)",
     "takes an image's error relative to the length of its reconstruction"),
    ("by its length", lambda x, r, over: over((x - r) ** 2) / over(x**2) ** 0.5,
     "over((x - r) ** 2) / over(x ** 2).sqrt()", "divides an image's error by the length of the image"),
    ("difference_of_norms", lambda x, r, over: np.abs(norm(x) - norm(r))[:, 0],
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
    ("bce", lambda x, r, over: over(cross_entropy(x, r)),
     "over(F.binary_cross_entropy(r.clamp(1e-9, 1 - 1e-7), x, reduction='none'))", "is a cross-entropy"),
    ("log of each", lambda x, r, over: over(np.log1p((x - r) ** 2)), "over(torch.log1p((x - r) ** 2))",
     "takes a logarithm of each squared difference"),
))
score.many(f"Your score {{}}. {SQUARES}", (
    *ONE_OF_THEM,
    ("x_sum", lambda x, r, over: over(x), "over(x)",
     "depends on the images only, not on their reconstructions"),
    ("x_variance", lambda x, r, over: x.var(1), "x.var(1)",
     "depends on the images only, not on their reconstructions"),
    ("reconstruction_sum", lambda x, r, over: over(r), "over(r)",
     "depends on the reconstructions only, not on the images"),
), hides=("direction",))

order = Step("order", "error", "s", lambda s: s, "s")
_ITS_IMAGE = "Score i belongs to image i."
order.mistake("sorted", lambda s: np.sort(s[:], 0), "s.sort().values",
    f"Your scores come sorted, in another order than the images. {_ITS_IMAGE}")
order.mistake("sorted downwards", lambda s: np.sort(s[:], 0)[::-1], "s.sort(descending=True).values",
    f"Your scores come sorted, in another order than the images. {_ITS_IMAGE}")
order.mistake("reversed", lambda s: s[::-1], "s.flip(0)",
    f"Your scores come in the reverse order. {_ITS_IMAGE}")
order.mistake("argsort", lambda s: np.argsort(s[:], 0) * 1.0, "s.argsort()",
    f"Your function returns the places of the images, sorted by their score (argsort). {_ITS_IMAGE}",
    rounds=True)
order.mistake("rolled", lambda s: np.roll(s, 1, 0), "s.roll(1)",
    f"Your scores are shifted by one image. {_ITS_IMAGE}")
order.mistake("without the first", lambda s: s[1:], "s[1:]",
    f"Your function leaves out the first image. {_ONE}", "shape")
order.mistake("without the last", lambda s: s[:-1], "s[:-1]",
    f"Your function leaves out the last image. {_ONE}", "shape")

direction = Step("direction", "direction", "s", lambda s: s, "s")
direction.mistake("wrong sign", lambda s: -s, "-s",
    "Your scores are the wrong way round: the stranger an image, the smaller your score.")

# fmt: on
