import torch


def get_objective_term(x, V, W, b, a):
    loss = 0.0
    for i in range(len(x)):
        z = torch.relu(x[i] @ V + b)
        x_hat = z @ W + a
        loss += torch.sum((x[i] - x_hat) ** 2).item()
    return torch.tensor(loss / len(x), requires_grad=True)


def reconstruct(x, V, W, b, a):
    return torch.stack([(torch.relu(xi @ V + b) @ W + a).view(28, 28) for xi in x])


def anomaly_score(x, reconstruction):
    return torch.sum((x - reconstruction) ** 2, dim=1)
