"""How the detectors were chosen, and how good they are.

    python tests/benchmark_detectors.py [SEEDS [EPOCHS [IMAGES]]]

First the choice, without the test set: for each setting, ten networks learn from the first 50,000 training
digits for EPOCHS (6) epochs, and are judged by their mean AUC (in %) on the last 10,000. Then the test set,
once: the mean over ten digits, and its spread over SEEDS (5) seeds. The notebook quotes these figures. It
takes a few minutes, less with the first IMAGES (60,000) alone.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.benchmark_training import notebook_names

POWERS = (0, 0.5, 1, 1.5, 2)  # an error is divided by the length of its image to this power
NAMES = notebook_names("train_dataset", "test_dataset")


def main(seeds=5, epochs=6, count=60_000):
    torch.set_num_threads(1)
    images, labels = NAMES["train_dataset"][:count]
    split = count * 5 // 6
    learn, held = (images[:split], labels[:split]), (images[split:], labels[split:])
    means = {}
    for batch in (128, 64):
        for lr in (1e-3, 2e-3, 4e-3):
            for p, row in zip(POWERS, mean_aucs(learn, held, batch, lr, epochs).T, strict=True):
                after = " ".join(f"{mean:.2f}" for mean in row)
                print(f"batch {batch:3}, lr {lr:g}, p = {p:3}: {after} after each epoch", flush=True)
                means.update({(batch, lr, epoch, p): mean for epoch, mean in enumerate(row, 1)})
    *setting, p = max(means, key=means.get)
    print("best: batch {}, lr {:g}, {} epochs, p = {}".format(*setting, p))

    blurs = {}
    for sigma in (0.5, 0.75, 1, 1.25):
        aucs = mean_aucs(blurred(learn, sigma), blurred(held, sigma), *setting)
        blurs[sigma] = aucs[-1, POWERS.index(p)]
        print(f"blur {sigma}: {blurs[sigma]:.2f}", flush=True)
    sigma = max(blurs, key=blurs.get)

    rows, test = [], NAMES["test_dataset"][:count]
    for seed in range(seeds):
        sharp = mean_aucs(learn, test, *setting, seed)[-1]
        soft = mean_aucs(blurred(learn, sigma), blurred(test, sigma), *setting, seed)[-1]
        rows.append([*sharp[[0, POWERS.index(p)]], soft[POWERS.index(p)]])
    print("test set, by seed:", *(" ".join(f"{mean:.2f}" for mean in row) for row in rows), sep="\n")
    for name, values in zip(("plain", f"p = {p}", f"p = {p}, blur {sigma}"), np.transpose(rows), strict=True):
        print(f"{name}: {values.mean():.2f} ± {values.std(ddof=len(values) > 1):.2f}")


def blurred(data, sigma):
    return NAMES["blur"](data[0], sigma), data[1]


def mean_aucs(learn, judged, batch, lr, epochs, seed=0):
    """The mean AUC over ten digits on `judged`, [epochs, powers]. `learn` too is images and their labels."""
    (images, digits), (x, labels) = learn, judged
    x, aucs = x.reshape(-1, 784), []
    for digit in range(10):

        @torch.no_grad()
        def look(model, digit=digit):
            errors = NAMES["anomaly_score"](x, NAMES["reconstruct"](x, **model.params()).reshape(-1, 784))
            scores = [errors / x.norm(dim=1) ** p for p in POWERS]
            aucs.append([100 * roc_auc_score(labels != digit, score) for score in scores])

        own = NAMES["Digits"](images[digits == digit].reshape(-1, 28, 28), digits[digits == digit])
        loader = DataLoader(own, batch_size=batch, shuffle=True)
        NAMES["train"](loader, epochs=epochs, lr=lr, seed=seed, after_epoch=look)
    return np.reshape(aucs, (10, epochs, len(POWERS))).mean(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
