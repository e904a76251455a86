import torch


def get_objective_term(x, V, W, b, a):
    N = x.shape[0]
    ones = torch.ones(N, 1)
    # append the bias as one more row of the matrix
    Vb = torch.cat([V, b.reshape(1, -1)])
    Wa = torch.cat([W, a.reshape(1, -1)])
    z = torch.max(torch.cat([x, ones], 1) @ Vb, torch.tensor(0.))
    x_hat = torch.cat([z, ones], 1) @ Wa
    return torch.sum(torch.square(x_hat - x)) / N


def reconstruct(x, V, W, b, a):
    ones = torch.ones(x.shape[0], 1)
    z = torch.max(torch.cat([x, ones], 1) @ torch.cat([V, b[None]]), torch.tensor(0.))
    return (torch.cat([z, ones], 1) @ torch.cat([W, a[None]])).view(-1, 28, 28)


def anomaly_score(x, reconstruction):
    # the logarithm makes the histogram easier to read and keeps the order
    return torch.log1p(torch.sum((x - reconstruction) ** 2, dim=1))
