"""How the reconstructions come back as images: Exercise 2 of the sheet."""

import numpy as np

from ..steps import Step

# Tables are easier to read than what a formatter makes of them.
# fmt: off

layout = Step("layout", "pixels", "r", lambda r: r.reshape(-1, 28, 28), "r.reshape(-1, 28, 28)")
_SHAPE = "They should have shape [N, 28, 28]."
layout.many("{}", (
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
))

# fmt: on
