import torch


def forward(x, V, W, b, a):
    z = torch.sigmoid(x @ V + b)
    return z @ W + a


def get_objective_term(x, V, W, b, a):
    return torch.mean(torch.sum((x - forward(x, V, W, b, a)) ** 2, 1))


def reconstruct(x, V, W, b, a):
    return forward(x, V, W, b, a).reshape(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return torch.sum((x - reconstruction) ** 2, 1)
