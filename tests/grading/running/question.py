"""One question to a function of a submission."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Question:
    """A call that is asked for.

    Attributes:
        function: its name in the submission.
        arrays: the arguments, float32, passed by position as fresh tensors.
        differentiate: whether the sum of what it returns is differentiated, as training does.
        echo: whether the arguments, as they are after the call, come back with the answer.
        trace: whether what torch computes on the way comes back, too.
        stand_in: instead of one call there are many, in each of which one expression of the function has this
            value, float32; all results come back as what is traced.
    """

    function: str
    arrays: tuple[np.ndarray, ...]
    differentiate: bool = False
    echo: bool = False
    trace: bool = False
    stand_in: np.ndarray | None = None
