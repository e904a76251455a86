import torch


def get_objective_term(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    loss = ((x - x_hat) ** 2).sum(1).mean()
    loss.backward()
    return loss


def reconstruct(x, V, W, b, a):
    return (torch.relu(x @ V + b) @ W + a).reshape(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return ((x - reconstruction) ** 2).sum(1)
