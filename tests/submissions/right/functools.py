import operator
from functools import partial, reduce

import torch


def compose(*fs):
    return reduce(lambda f, g: lambda v: g(f(v)), fs)


def affine(v, M, c):
    return operator.add(operator.matmul(v, M), c)


def chain(V, W, b, a):
    return compose(partial(affine, M=V, c=b), torch.relu, partial(affine, M=W, c=a))


def get_objective_term(x, V, W, b, a):
    errors = compose(chain(V, W, b, a), partial(torch.sub, x), torch.square, partial(torch.sum, dim=1))
    return torch.mean(errors(x))


def reconstruct(x, V, W, b, a):
    return compose(chain(V, W, b, a), partial(torch.reshape, shape=(len(x), 28, 28)))(x)


def anomaly_score(x, reconstruction):
    # reduce over the 784 columns
    return reduce(operator.add, ((x[:, j] - reconstruction[:, j]) ** 2 for j in range(x.shape[1])))
