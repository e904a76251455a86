import torch


def encode(x, V, b):
    return (x @ V + b).clamp(min=0)


def decode(z, W, a):
    return torch.tensordot(z, W, dims=1) + a


def get_objective_term(x, V, W, b, a):
    return anomaly_score(x.view(-1, 28, 28), reconstruct(x, V, W, b, a)).mean()


def reconstruct(x, V, W, b, a):
    return decode(encode(x, V, b), W, a).reshape(len(x), 28, 28)


def anomaly_score(x, reconstruction):
    return (x - reconstruction).square().sum((1, 2))
