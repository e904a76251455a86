"""What the sheet's cells use. Importing it also looks after `import solution` and where figures go."""

from . import solution_file
from .check import check
from .network import draw_network
from .show import draw_in_the_notebook, progress, show_figure, show_table

solution_file.install()
draw_in_the_notebook()

__all__ = ["check", "draw_network", "progress", "show_figure", "show_table"]
