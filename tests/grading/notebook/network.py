"""The picture of the sheet's network."""


def draw_network() -> None:
    """Draw the network of the sheet: 784 pixels to h numbers to 784 pixels, with V, b, W and a."""
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=(6.4, 2.5), layout="constrained")
    layers = ((0, 9, "x", "784 pixels"), (3, 4, "z", "h = 32 numbers:\nthe code"), (6, 9, "x̂", "784 pixels"))
    before = []
    for x, count, name, words in layers:
        heights = [0.45 * (i - (count - 1) / 2) for i in range(count)]
        ax.scatter([x] * count, heights, s=60, facecolor="white", edgecolor="black", zorder=2)
        ax.text(x, 2.2, name, ha="center", size=14)
        ax.text(x, -2.25, words, ha="center", va="top")
        for low in heights:
            for high in before:
                ax.plot([x - 3, x], [high, low], color="lightgray", linewidth=0.5, zorder=1)
        before = heights
    for x, name, words in ((1.5, "V, b", "encoder"), (4.5, "W, a", "decoder")):
        ax.text(x, 0, name, ha="center", va="center", size=14, bbox={"color": "white"})
        ax.text(x, -2.25, words, ha="center", va="top")
    ax.set(xlim=(-1, 7), ylim=(-3.2, 2.7))
    ax.axis("off")
