import torch


def _double(*tensors):
    return [t.to(torch.float64) for t in tensors]


def get_objective_term(x, V, W, b, a):
    x, V, W, b, a = _double(x, V, W, b, a)
    x_hat = torch.relu(x @ V + b) @ W + a
    return (x - x_hat).pow(2).sum(dim=-1).mean()


def reconstruct(x, V, W, b, a):
    dtype = x.dtype
    x, V, W, b, a = _double(x, V, W, b, a)
    x_hat = torch.relu(x @ V + b) @ W + a
    return x_hat.to(dtype).reshape(-1, 28, 28)


def anomaly_score(x, reconstruction):
    x, reconstruction = _double(x, reconstruction)
    return (x - reconstruction).pow(2).sum(dim=-1)
