"""The grader. What the notebook uses of it stands here; grade.py grades whole submissions."""

from .notebook import check, progress, reload_on_change, show_figure, show_table

__all__ = ["check", "progress", "reload_on_change", "show_figure", "show_table"]
