"""The sheet's formulas, and every known mistake, declared once.

The three functions below read as on the sheet; `at[step]` is the right way to do a step, or a known mistake.
To teach the grader a new mistake, add one call of `mistake` below its step: its name, what it computes in
NumPy, the same as a student writes it in torch, and a sentence for its author; in `hides`, the criteria that
nobody can see behind it. The search, the points, the counts and a test follow from it. Sources: the sheet's
Exercises 1, 2 and 3.
"""

from .images import layout
from .loss import average, error, factor, pixels
from .network import activation, code, decoder_bias, encoder_bias, encoder_input, inputs, output, weights
from .scores import direction, order, score, score_pixels


def forward(at, x, V, W, b, a):
    V, W, b, a = at[weights](V, W, b, a)
    z = at[code](at[encoder_bias](at[activation], at[encoder_input](x) @ V, b))
    return at[decoder_bias](at[output], z @ W, a)


def get_objective_term(at, x, V, W, b, a):
    x = at[inputs](x)
    errors = at[error](x, forward(at, x, V, W, b, a), at[pixels])
    return at[factor](at[average](errors, b))


def reconstruct(at, x, V, W, b, a):
    return at[layout](forward(at, x, V, W, b, a))


def anomaly_score(at, x, reconstruction):
    scores = at[score](x, reconstruction, at[score_pixels])
    return at[direction](at[order](scores))


FORMULAS = {1: get_objective_term, 2: reconstruct, 3: anomaly_score}
