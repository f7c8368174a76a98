"""DS9 regions: every Kron ellipse where DS9 draws it."""

import re

import numpy as np

from skyshed.catalog import kron_ellipses
from skyshed.output.ds9 import HEAD, region_lines


def test_regions_are_the_kron_ellipses_counted_from_one(rich, tmp_path):
    catalog = rich.catalog
    rich.write(tmp_path, preview=False, regions=True)
    text = (tmp_path / "kron.reg").read_text(encoding="ascii")
    assert text == HEAD + region_lines(*kron_ellipses(catalog))
    lines = text.splitlines()
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


def test_no_sources_give_no_regions(empty, tmp_path):
    empty.write(tmp_path, preview=False, regions=True)
    assert (tmp_path / "kron.reg").read_text(encoding="ascii") == HEAD
    assert len(HEAD.splitlines()) == 3
