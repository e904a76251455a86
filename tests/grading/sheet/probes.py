"""The inputs that submissions are tried on."""

import functools
from dataclasses import dataclass

import numpy as np

from .batch import Batch
from .simple import Simple

SEED = 0  # of the students' check; the grader draws anew for each run


@dataclass(frozen=True)
class Questions:
    """What is asked of a function.

    Attributes:
        values: batches whose answers have to be explained, all of them by the same mistakes.
        sizes: batches of other sizes, where the answers have to follow.
    """

    values: tuple[Batch, ...]
    sizes: tuple[Batch, ...]


class Probes:
    """All probes for one seed."""

    def __init__(self, seed: int = SEED):
        self.seed = seed
        self._random = np.random.default_rng(seed)
        self._large = _large(self._random)
        self.models, self.pairs = self._models(), self._pairs()

    def _another_random(self, place):
        # Of its own, since threads ask for what is drawn late in any order.
        return np.random.default_rng((self.seed, place))

    def questions(self, arguments: tuple[str, ...]) -> Questions:
        """The questions for a function with these arguments."""
        return self.models if "V" in arguments else self.pairs

    def _models(self):
        """The first is smooth and telling, the second has codes close to the ReLU's kink, the third
        reconstructs its images well, so that a small term added to the loss shows; the last has another
        size."""
        random = self._random
        first = _model(random, 7, 5)
        while not _is_telling(first):
            first = _model(random, 7, 5)
        fitting = _fitting(random, _model(random, 7, 5))
        values = (first, _near_the_kink(_model(random, 7, 5)), fitting, _model(random, 2, 9))
        return Questions(values, (_model(random, 1, 4), self._large))

    def _pairs(self):
        random = self._random
        spread, fine, large = _spread(random, 24), _spread(random, 24, 4, 4.3), _spread(random, 130)
        single = Batch({name: array[:1] for name, array in _spread(random, 2).arrays.items()})
        return Questions((spread, fine, _equal_pairs(random), large), (single,))

    def usual(self, arguments: tuple[str, ...]) -> tuple[Batch, ...]:
        """Batches with 64 images and 32 hidden units, for code that knows no other size."""
        return self._usual_models if "V" in arguments else self._usual_pairs

    @functools.cached_property
    def _usual_models(self):
        random = self._another_random(1)
        return tuple(_model(random, 64, 32) for _ in range(2))

    @functools.cached_property
    def _usual_pairs(self):
        random = self._another_random(2)
        return tuple(_spread(random, 64) for _ in range(2))

    def particular(self, arguments: tuple[str, ...]) -> dict[str, tuple[Batch, ...]]:
        """Pairs of batches for code that takes these sizes only, {"N = 64": …}; the most general first."""
        usual, values = self.usual(arguments), self.questions(arguments).values
        if "V" not in arguments:
            return {"N = 64": usual, "N = 1": (values[0].of([0]), values[-1].of([0]))}
        random = self._another_random(5)
        sizes = {"N = 64": ((64, 5), (64, 9)), "h = 32": ((7, 32), (2, 32)), "N = 1": ((1, 5), (1, 9))}
        found = {size: tuple(_model(random, N, h) for N, h in some) for size, some in sizes.items()}
        return found | {"N = 64, h = 32": usual}

    @functools.cached_property
    def square(self) -> tuple[Batch, ...]:
        """Batches with h = 784, for code that mixes its arguments up."""
        random = self._another_random(3)
        return tuple(_model(random, 3, 784) for _ in range(2))

    @functools.cached_property
    def training(self) -> tuple[Batch, ...]:
        """A large batch, then three steps as Adam makes them: the parameters move a little, all of them.

        The last two have the same images: what is kept for a tensor shows there.
        """
        random = self._another_random(4)
        first, images = _model(random, 3, 9), _images(random, 3)
        x, W, a = (first.arrays[name] for name in "xWa")
        x[:, :9], W[:, :9], a[:9] = 0, 0, 0  # pixels without an error, where a root has no slope
        steps = [first]
        for _ in range(2):
            moved = {
                name: array + random.choice(np.float32([-0.01, 0.01]), array.shape)
                for name, array in steps[-1].arrays.items()
            }
            steps.append(Batch(moved | {"x": images}))
        return self._large, *steps

    @functools.cached_property
    def simple(self) -> Simple:
        """Such that isolate a step of the network."""
        return Simple(self.models.values)


def _float32(**arrays):
    return Batch({name: array.astype(np.float32) for name, array in arrays.items()})


def _images(random, N):
    """Like digits: pixels in [0, 1], many of them exactly 0, some exactly 1."""
    return np.clip(random.uniform(-0.3, 1.05, (N, 784)), 0, 1).astype(np.float32)


def _model(random, N, h):
    """Codes of which about half are zero and some are large, reconstructions below 0 and above 1."""
    return _float32(
        x=_images(random, N),
        V=random.normal(0, 5 / 28, (784, h)),
        W=random.normal(0, 0.5 / h**0.5, (h, 784)),
        b=random.normal(0, 1.5, h),
        a=random.uniform(-0.5, 1, 784),
    )


def _large(random):
    """More images than in the notebook's batches, which have 128 at most."""
    batch = _model(random, 130, 66)
    x = batch.arrays["x"]
    x *= np.linspace(0.3, 1, len(x), dtype=np.float32)[:, None]  # who leaves out the last gets another loss
    return batch


def _is_telling(batch):
    """Codes far from the ReLU's kink, on both sides of it with and without b, and some above 6."""
    x, V, _, b, _ = batch.exact
    codes = x @ V
    mixed = all((c > 0).any() and (c < 0).any() for c in (b, codes, codes + b))
    return mixed and np.abs(codes + b).min() >= 0.2 and (codes + b).max() > 6.2


def _near_the_kink(batch):
    """The batch with b changed so that some codes lie close to the ReLU's kink, on both sides."""
    x, V, _, b, _ = batch.exact
    near = np.array([0.05, -0.05, 0.02])
    b[:3] = near - np.diagonal(x @ V)[:3]
    return batch.with_(b=b.astype(np.float32))


def _fitting(random, batch):
    """The batch with images and parameters changed so that the reconstructions come close."""
    x, _, W, _, a = batch.exact
    x = 0.5 + 0.25 * (x[:1] - 0.5) + random.uniform(-0.15, 0.15, x.shape)
    changed = _float32(x=x, W=0.15 * W, a=x.mean(0) + random.uniform(-0.1, 0.1, a.shape))
    return batch.with_(**changed.arrays)


def _spread(random, N, smallest=0.5, largest=27.0):
    """Images and reconstructions in [0, 1] whose errors grow from `smallest` to `largest`, the same factor
    from one to the next, spread over few pixels or many, in both directions."""
    x = 0.5 + random.uniform(-0.5, 0.5, (N, 784)) * random.uniform(0.3, 1, (N, 1))
    x[random.uniform(size=x.shape) < 0.2] = 0
    target = random.permutation(np.geomspace(smallest, largest, N))
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
    return _float32(x=x, reconstruction=moved)


def _equal_pairs(random, levels=12):
    """Errors from 0.1 to 800, each once in few pixels and once in all: two and two images have the same one.
    Differences go beyond 1, and reconstructions below 0 and above 1."""
    x = _images(random, 2 * levels)
    difference = np.zeros(x.shape)
    for i, error in enumerate(np.repeat(np.geomspace(0.1, 800, levels), 2)):
        count = 784 if i % 2 else max(20, int(error / 2.5))
        chosen = random.choice(784, count, replace=False)
        size = random.normal(0, 1, count)
        difference[i, chosen] = size * np.sqrt(error / (size**2).sum())
    return _float32(x=x, reconstruction=x + difference)
