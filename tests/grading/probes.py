"""The inputs that submissions are tried on."""

import functools
from dataclasses import dataclass

import numpy as np

STEP = 0.05  # for central differences; codes keep this far from the ReLU's kink


@dataclass(frozen=True)
class Model:
    """A batch and parameters: float32 arrays x [N, 784], V [784, h], W [h, 784], b [h], a [784]."""

    arrays: list[np.ndarray]

    @property
    def h(self):
        return len(self.arrays[3])

    @property
    def exact(self):
        """The same numbers in float64, for the formulas."""
        return [array.astype(np.float64) for array in self.arrays]


class Probes:
    """All probes for one seed.

    Attributes:
        main: models for the values; none has 64 images or 32 hidden units. The second reconstructs
            its images well, so that a small term added to the loss shows; the last has one image.
        smooth: a model without codes near the ReLU's kink, and with units on and off, for gradients.
        images, reconstructions: [N, 784] in [0, 1], whose squared errors all differ clearly.
        pairs: images and reconstructions, [N, 784]: the first two have one squared error, spread
            differently over the pixels, the next two a larger one, and so on up to some hundreds;
            differences go beyond 1, and reconstructions below 0 and above 1.
    """

    def __init__(self, seed: int = 0):
        self.seed = seed
        random = np.random.default_rng(seed)
        self._rest = np.random.default_rng(seed + 1_000_000)
        self.main = [_model(random, N, h) for N, h in ((7, 5), (2, 9), (5, 3), (1, 4))]
        self.main[1] = _fitting(random, self.main[1])
        self.smooth = _model(random, 3, 4)
        while not _is_smooth(self.smooth):
            self.smooth = _model(random, 3, 4)
        self.images, self.reconstructions = _score_probe(random)
        self.pairs = _pairs_probe(random)

    @functools.cached_property
    def usual(self) -> list[Model]:
        """Models with 64 images and 32 hidden units, for code that knows no other size."""
        return [_model(self._rest, 64, 32) for _ in range(3)]

    @functools.cached_property
    def square(self) -> list[Model]:
        """Models with h = 784, for code that mixes its arguments up."""
        return [_model(self._rest, 3, 784) for _ in range(2)]


def _model(random, N, h):
    """Codes of which about half are zero and some are large, reconstructions below 0 and above 1."""
    x = random.uniform(0, 1, (N, 784))
    V, b = random.normal(0, 4 / 28, (784, h)), random.normal(0, 1.5, h)
    W, a = random.normal(0, 0.5 / h**0.5, (h, 784)), random.uniform(-0.5, 1, 784)
    return Model([array.astype(np.float32) for array in (x, V, W, b, a)])


def _is_smooth(model):
    x, V, _, b, _ = model.exact
    codes = x @ V
    mixed = all((c > 0).any() and (c < 0).any() for c in (codes, codes + b))
    return mixed and np.abs(codes + b).min() >= 4 * STEP


def _fitting(random, model):
    """The model with images and parameters changed so that the reconstructions come close."""
    x, V, W, b, a = model.arrays
    x = 0.5 + 0.25 * (x[:1] - 0.5) + random.uniform(-0.15, 0.15, x.shape)
    a = x.mean(0) + random.uniform(-0.1, 0.1, a.shape)
    return Model([array.astype(np.float32) for array in (x, V, 0.15 * W, b, a)])


def _score_probe(random, N=24):
    """Errors grow from 0.5 to 27, by a fifth from image to image, spread over few pixels or many, in both directions."""
    x = 0.5 + random.uniform(-0.5, 0.5, (N, 784)) * random.uniform(0.3, 1, (N, 1))
    target = random.permutation(0.5 * 1.19 ** np.arange(N))
    difference = np.zeros_like(x)
    for i in range(N):
        count = random.integers(int(target[i] / 0.04) + 8, 784)
        chosen = random.choice(784, count, replace=False)
        size = random.uniform(0.2, 1, count) ** random.choice([0.2, 1, 3])
        difference[i, chosen] = size * np.sqrt(target[i] / (size**2).sum())
    upward = np.array([0.02, 0.5, 0.98])[np.arange(N) % 3, None]
    sign = np.where(random.uniform(size=x.shape) < upward, 1, -1)
    moved = x + sign * difference
    moved = np.where((moved < 0) | (moved > 1), x - sign * difference, moved)
    return x.astype(np.float32), moved.astype(np.float32)


def _pairs_probe(random, levels=9):
    """Errors from 0.1 to 300, each once in few pixels and once in all."""
    x = random.uniform(0, 1, (2 * levels, 784))
    difference = np.zeros_like(x)
    for i, error in enumerate(np.repeat(np.geomspace(0.1, 300, levels), 2)):
        count = 784 if i % 2 else max(20, int(error / 2.5))
        chosen = random.choice(784, count, replace=False)
        size = random.normal(0, 1, count)
        difference[i, chosen] = size * np.sqrt(error / (size**2).sum())
    return x.astype(np.float32), (x.astype(np.float32) + difference).astype(np.float32)
