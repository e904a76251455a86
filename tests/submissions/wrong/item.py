import torch


def get_objective_term(x, V, W, b, a):
    z = torch.relu(torch.matmul(x, V) + b)
    x_hat = torch.matmul(z, W) + a
    loss = ((x - x_hat) ** 2).sum(1).mean()
    return loss.item()


def reconstruct(x, V, W, b, a):
    z = torch.relu(torch.matmul(x, V) + b)
    return (torch.matmul(z, W) + a).reshape(x.shape[0], 28, 28)


def anomaly_score(x, reconstruction):
    return ((x - reconstruction) ** 2).sum(1)
