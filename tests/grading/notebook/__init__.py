"""What the sheet's cells use."""

from .check import check
from .reload import reload_on_change
from .show import progress, show_figure, show_table

__all__ = ["check", "progress", "reload_on_change", "show_figure", "show_table"]
