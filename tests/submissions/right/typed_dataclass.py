from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

IMAGE_SHAPE: Final[tuple[int, int]] = (28, 28)


@dataclass(frozen=True)
class Parameters:
    V: Tensor
    W: Tensor
    b: Tensor
    a: Tensor

    def hidden(self, x: Tensor) -> Tensor:
        return (x @ self.V + self.b).relu()

    def forward(self, x: Tensor) -> Tensor:
        return self.hidden(x) @ self.W + self.a


def get_objective_term(x: Tensor, V: Tensor, W: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Average squared L2 reconstruction error of the batch."""
    p = Parameters(V, W, b, a)
    n: int = x.shape[0]
    return (1.0 / n) * sum((x - p.forward(x)).square().sum(dim=1))


def reconstruct(x: Tensor, V: Tensor, W: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Reconstructed images, shape [N, 28, 28]."""
    return Parameters(V, W, b, a).forward(x).reshape(-1, *IMAGE_SHAPE)


def anomaly_score(x: Tensor, reconstruction: Tensor) -> Tensor:
    """Squared reconstruction error, shape [N]."""
    return (x - reconstruction).square().sum(dim=1)
