"""What the notebook shows: tables, figures, and a bar while something runs."""

import base64
import contextlib
import html
import io
from collections.abc import Iterable, Sequence


class Shown:
    """What Jupyter shows as HTML, and everything else as text."""

    def __init__(self, text: str, page: str):
        self._text, self._page = text, page

    def __repr__(self):
        return self._text

    def _repr_html_(self):
        return self._page


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Show a table: as HTML that scrolls on a narrow screen, or as aligned text on a terminal.

    Args:
        head: the titles of the columns; the first column is aligned left, all others right.
        rows: the cells, as text.
    """
    from IPython.display import display

    rows = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines, page = [], ""
    for first, *others in rows:
        kind = "td" if lines else "th"
        lines.append("  ".join([first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]))
        cells = (f'<{kind} style="text-align: right">{html.escape(cell)}</{kind}>' for cell in others)
        page += f'<tr><th style="text-align: left">{html.escape(first)}</th>{"".join(cells)}</tr>\n'
    page = f'<div style="overflow-x: auto"><table>\n{page}</table></div>'
    display(Shown("\n".join(lines), page))


DPI = 160  # sharp on screens of double density; shown at half the size


def is_notebook() -> bool:
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def draw_in_the_notebook() -> None:
    """Let figures go into the notebook, whatever MPLBACKEND says: there may be no window to draw in."""
    from IPython import get_ipython

    if is_notebook():
        get_ipython().run_line_magic("matplotlib", "inline")


def show_figure(alt: str) -> None:
    """Show the current figure, as `plt.show()` does, with a text for those who can't see it.

    Args:
        alt: what the figure shows, in a sentence or two.
    """
    import matplotlib.pyplot as plt
    from IPython import get_ipython
    from IPython.display import display
    from PIL import Image

    if get_ipython() is None:
        plt.show()
        return
    file, small = io.BytesIO(), io.BytesIO()
    plt.savefig(file, dpi=DPI)
    plt.close()
    colours = Image.open(file).convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE)
    colours.save(small, "PNG", optimize=True)
    image, width = base64.b64encode(small.getvalue()).decode(), colours.width // 2
    # Jupyter gives a picture no alternative text, HTML has one. The picture is for what takes no HTML.
    page = (
        f'<img width="{width}" style="max-width: 100%" alt="{html.escape(alt)}" '
        f'src="data:image/png;base64,{image}">'
    )
    bundle = {"text/html": page, "image/png": image, "text/plain": f"Figure: {alt}"}
    display(bundle, metadata={"image/png": {"width": width}}, raw=True)


_BAR = "{desc}: {percentage:3.0f}%|{bar}| {remaining} to go"


@contextlib.contextmanager
def progress(total: int, what: str):
    """A bar that can be watched while something runs, and that leaves nothing behind.

    Yields a tqdm bar: `bar.update()` after each of `total` steps, `bar.set_description(what)`.
    In a notebook it is one display that is updated in place; where nobody watches, there is none.
    """
    from tqdm import tqdm

    with last_line() as line:
        in_notebook = {"file": line, "ncols": 80, "bar_format": _BAR}
        in_script = {"leave": False, "disable": None}  # tqdm itself knows a terminal
        with tqdm(total=total, desc=what, **(in_notebook if line else in_script)) as bar:
            yield bar


@contextlib.contextmanager
def last_line():
    """In a notebook, a file whose last line is shown in a single display, until the end; else None."""
    line = _Line() if is_notebook() else None
    try:
        yield line
    finally:
        if line:
            line.write("")


class _Line:
    def __init__(self):
        from IPython.display import display

        self._display = display({"text/plain": ""}, raw=True, display_id=True)

    def write(self, text):
        if text.strip("\r\n") or not text:
            self._display.update({"text/plain": text.strip()}, raw=True)

    def flush(self):
        pass
