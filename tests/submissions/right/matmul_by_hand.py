import torch


def mult(A, B):
    # [N, k] times [k, m], one column of the result after the other
    columns = []
    for j in range(B.shape[1]):
        columns.append((A * B[:, j]).sum(dim=1))
    return torch.stack(columns, dim=1)


def mult_outer(A, B):
    # the same, as a sum of outer products
    result = torch.zeros(A.shape[0], B.shape[1])
    for k in range(B.shape[0]):
        result = result + A[:, k].unsqueeze(1) * B[k].unsqueeze(0)
    return result


def get_objective_term(x, V, W, b, a):
    z = mult(x, V) + b
    z = (z + z.abs()) / 2          # = max(0, z)
    x_hat = mult_outer(z, W) + a
    total = 0
    for error in (x - x_hat) ** 2:
        total = total + error.sum()
    return total / x.shape[0]


def reconstruct(x, V, W, b, a):
    z = mult(x, V) + b
    z = (z + z.abs()) / 2
    x_hat = mult_outer(z, W) + a
    rows = [x_hat[:, 28 * r:28 * (r + 1)] for r in range(28)]
    return torch.stack(rows, dim=1)


def anomaly_score(x, reconstruction):
    score = torch.zeros(x.shape[0])
    for p in range(784):
        score += (x[:, p] - reconstruction[:, p]) ** 2
    return score
