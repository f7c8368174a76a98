"""DS9 regions: every Kron ellipse where DS9 draws it."""

import re

import numpy as np

from skyshed.output.ds9 import kron_regions


def test_regions_are_the_kron_ellipses_counted_from_one(rich):
    catalog = rich.catalog
    lines = kron_regions(catalog).splitlines()
    assert lines[:3] == ["# Region file format: DS9", "global color=green", "image"]
    assert len(lines) == 3 + len(rich.table)
    scale = catalog.kron_params[0]
    for line, row, radius in zip(lines[3:], rich.table, catalog.kron_radius.value, strict=True):
        shape, numbers, label = re.fullmatch(r"(\w+)\(([^)]*)\) # text=\{(\d+)\}", line).groups()
        x, y, *axes = map(float, numbers.split(","))
        assert int(label) == row["label"]
        assert np.allclose([x - 1, y - 1], [row["xcentroid"], row["ycentroid"]], atol=1e-4)
        if shape == "ellipse":
            sigmas = [row["semimajor_sigma"].value, row["semiminor_sigma"].value]
            assert np.allclose(axes[:2], scale * radius * np.array(sigmas), atol=1e-4)
            assert abs(axes[2] - row["orientation"].value) < 1e-4
        else:
            assert shape == "point"
            assert np.isnan(radius)
    assert sum(line.startswith("ellipse") for line in lines) > 30


def test_no_sources_give_no_regions(empty):
    assert len(kron_regions(empty.catalog).splitlines()) == 3
