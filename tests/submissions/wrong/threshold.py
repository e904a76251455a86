import torch

THRESHOLD = 30.0


def get_objective_term(x, V, W, b, a):
    h = torch.clamp(x @ V + b, min=0)
    return torch.sum((h @ W + a - x) ** 2) / x.shape[0]


def reconstruct(x, V, W, b, a):
    h = torch.clamp(x @ V + b, min=0)
    return torch.reshape(h @ W + a, (x.shape[0], 28, 28))


def anomaly_score(x, reconstruction):
    err = torch.sum((x - reconstruction) ** 2, dim=1)
    return (err > THRESHOLD).float()
