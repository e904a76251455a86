import torch


def get_objective_term(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    return ((x - x_hat) ** 2).sum(1).mean()


def reconstruct(x, V, W, b, a):
    return (torch.relu(x @ V + b) @ W + a).view(-1, 28, 28)


def anomaly_score(x, reconstruction):
    raise ValueError("a line of the message\n" * 1_000_000)
