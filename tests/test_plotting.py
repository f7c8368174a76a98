"""Drawings on matplotlib axes."""

import sys

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from skyshed.plotting import plot_ellipses


def test_ellipses_are_added_to_the_axes_in_order():
    ax = Figure().subplots()
    patches = plot_ellipses([1, 5], [2, 6], [3, 4], [1, 2], [0, 45], ax=ax, origin=(1, 1))
    assert ax.patches[:] == patches
    assert [patch.center for patch in patches] == [(0, 1), (4, 5)]
    assert [(patch.width, patch.height, patch.angle) for patch in patches] == [
        (6, 2, 0),
        (8, 4, 45),
    ]


def test_they_are_outlines_unless_asked_otherwise():
    ax = Figure().subplots()
    (outline,) = plot_ellipses([1], [2], [3], [1], [0], ax=ax, edgecolor="blue")
    (filled,) = plot_ellipses([1], [2], [3], [1], [0], ax=ax, fill=True)
    assert not outline.get_fill()
    assert filled.get_fill()
    assert outline.get_edgecolor()[:3] == (0, 0, 1)


def test_what_is_not_finite_is_left_out():
    ax = Figure().subplots()
    patches = plot_ellipses([1, np.nan, 3], [1, 2, 3], [2, 2, np.inf], [1, 1, 1], [0, 0, 0], ax=ax)
    assert len(patches) == len(ax.patches) == 1
    assert plot_ellipses([], [], [], [], [], ax=ax) == []


def test_the_current_axes_are_the_default():
    figure = pyplot.figure()
    try:
        ax = figure.subplots()
        (patch,) = plot_ellipses([1], [2], [3], [1], [0])
        assert patch.axes is ax
    finally:
        pyplot.close(figure)


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # importing it raises ImportError
    with pytest.raises(ImportError, match=r"matplotlib.*skyshed\[plot\]"):
        plot_ellipses([1], [2], [3], [1], [0])
