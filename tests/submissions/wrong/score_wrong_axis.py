import torch


def get_objective_term(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    return torch.sum((x - x_hat) ** 2, dim=1).mean()


def reconstruct(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    img = (x_hat.clamp(0, 1) * 255).to(torch.uint8)
    return img.reshape(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return torch.sum((x - reconstruction) ** 2, dim=0)
