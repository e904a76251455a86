import torch

SIDE = 28
PIXELS = SIDE * SIDE


def get_objective_term(x, V, W, b, a):
    z = (x.mm(V) + b).clamp_min(0.0)
    xhat = z.mm(W) + a
    return torch.mean(torch.norm(x - xhat, dim=1) ** 2)


def reconstruct(x, V, W, b, a):
    z = (x.mm(V) + b).clamp_min(0.0)
    xhat = z.mm(W) + a
    assert xhat.shape[1] == PIXELS
    return xhat.reshape((-1, SIDE, SIDE))


def anomaly_score(x, reconstruction):
    # the root is monotone, so the ranking stays the same
    return torch.linalg.vector_norm(x - reconstruction, dim=1)
