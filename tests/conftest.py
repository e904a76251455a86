"""Thin pytest hooks: whether MNIST is there, in the header and the summary."""

from pathlib import Path

import pytest

import data

_mnist_key = pytest.StashKey[str]()


def pytest_sessionstart(session):
    config = session.config
    if _runs_notebook(config) and not hasattr(config, "workerinput"):
        config.stash[_mnist_key] = (
            "MNIST could not be had: the notebook runs on the offline sample, not compared."
            if data.load_mnist()[0].is_sample
            else "MNIST is complete: the notebook's outputs are compared."
        )


def pytest_report_header(config):
    return config.stash.get(_mnist_key, None)


def pytest_terminal_summary(terminalreporter, config):
    if _mnist_key in config.stash:
        terminalreporter.section("MNIST")
        terminalreporter.line(config.stash[_mnist_key])


def _runs_notebook(config):
    """Whether test_notebook.py is among what was asked for, before anything is collected."""
    here = Path(__file__).parent
    asked = [Path(config.invocation_params.dir, str(arg).split("::")[0]).resolve() for arg in config.args]
    return any(path in (here, here.parent, here / "test_notebook.py") for path in asked)
