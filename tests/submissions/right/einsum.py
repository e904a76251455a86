import torch as th
from torch import einsum


def get_objective_term(x, V, W, b, a):
    hidden = einsum("np,ph->nh", x, V) + b[None, :]
    hidden = hidden * (hidden > 0)
    out = einsum("nh,hp->np", hidden, W) + a[None, :]
    residual = out - x
    return einsum("np,np->", residual, residual) / len(x)


def reconstruct(x, V, W, b, a):
    hidden = einsum("np,ph->nh", x, V) + b[None, :]
    hidden = hidden * (hidden > 0)
    out = einsum("nh,hp->np", hidden, W) + a[None, :]
    return th.stack([row.reshape(28, 28) for row in out])


def anomaly_score(x, reconstruction):
    d = x - reconstruction
    return einsum("np,np->n", d, d)
