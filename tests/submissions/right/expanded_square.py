import math
import torch
from torch import Tensor as T
# everything with tensor methods, the square expanded: |x|^2 - 2 x.xhat + |xhat|^2 (in float64, else it cancels)
def fwd(x: T, *, V: T, W: T, b: T, a: T) -> T: return x.matmul(V).add(b).relu().matmul(W).add(a)
def get_objective_term(x, V, W, b, a):
    y = fwd(x, V=V, W=W, b=b, a=a).double(); t = x.double()
    return (t.mul(t).sum() - 2 * t.mul(y).sum() + y.mul(y).sum()).div(x.size(0)).float()
def reconstruct(x, V, W, b, a):
    n = int(math.isqrt(x.size(1))); return fwd(x, V=V, W=W, b=b, a=a).reshape(-1, n, n)
def anomaly_score(x, reconstruction):
    return x.sub(reconstruction).pow(2).sum(1).tolist() and x.sub(reconstruction).pow(2).sum(1).sqrt().mul(10).add(3)
