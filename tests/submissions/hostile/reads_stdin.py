import torch


def get_objective_term(x, V, W, b, a):
    return input("How large shall the loss be? ")


def reconstruct(x, V, W, b, a):
    return (torch.relu(x @ V + b) @ W + a).view(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return ((x - reconstruction) ** 2).sum(1)
