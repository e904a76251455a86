"""How much the notebook's detectors depend on the random start: python tests/benchmark_detectors.py [SEEDS]

Prints the mean AUC over ten digits, and its spread over SEEDS (5) seeds, about 8 s for each. They are
the figures that the end of the notebook quotes.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.benchmark_training import notebook_names


def main():
    names = notebook_names("train_dataset", "test_dataset", "batch_size", "digits")
    detect, mean_auc = names["detect"], names["mean_auc"]
    sets = names["train_dataset"], names["test_dataset"]
    out_of_focus = [names["blur"](dataset) for dataset in sets]
    means = []
    for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else 5):
        plain, fair = detect(*sets, seed=seed).swapaxes(0, 1)
        _, blurred = detect(*out_of_focus, seed=seed).swapaxes(0, 1)
        means.append([mean_auc(scores) for scores in (plain, fair, blurred)])
        print(f"seed {seed}:", *(f"{mean:.2f}" for mean in means[-1]), flush=True)
    for name, values in zip(("plain", "fair", "blurred and fair"), np.transpose(means), strict=True):
        print(f"{name}: {values.mean():.2f} ± {values.std(ddof=len(values) > 1):.2f}")


if __name__ == "__main__":
    main()
