import torch


def get_objective_term(x, V, W, b, a):
    z = torch.relu(x @ V + b)
    return ((x - z @ W - a) ** 2).sum(1).mean()


def reconstruct(x, V, W, b, a):
    z = torch.relu(x @ V + b)
    imgs = z @ W + a
    return imgs.view(-1, 28, 28).transpose(1, 2)


def anomaly_score(x, reconstruction):
    return ((x - reconstruction) ** 2).sum(1)
