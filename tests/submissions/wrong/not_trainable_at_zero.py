import torch


def get_objective_term(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    distance = torch.sqrt((x - x_hat) ** 2)
    return (distance**2).sum(1).mean()


def reconstruct(x, V, W, b, a):
    return (torch.relu(x @ V + b) @ W + a).reshape(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return ((x - reconstruction) ** 2).sum(1)
