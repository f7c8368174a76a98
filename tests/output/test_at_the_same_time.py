"""The map of labels is written in bands while the table is."""

import threading

import numpy as np

from skyshed import extract
from skyshed.output import segmentation_map, write
from tests.pipeline_field import make_field

#: Seconds until what should happen at the same time is taken not to.
PATIENCE = 300


def test_labels_come_in_bands_while_the_table_is_written(tmp_path, monkeypatch):
    found = extract(make_field(), n_threads=1)
    ny, nx = found.shape
    bands, table, labels = [], threading.Event(), threading.Event()
    window, stream = segmentation_map._window, write.stream_catalog

    def reading(read, y0, y1, x0, x1):
        bands.append((y0, y1))
        labels.set()
        if len(bands) > 1:  # the map is not done before the table has begun
            assert table.wait(PATIENCE)
        return window(read, y0, y1, x0, x1)

    def writing(*args, **options):
        table.set()
        assert labels.wait(PATIENCE)  # nor the table before the map has
        return stream(*args, **options)

    monkeypatch.setattr(segmentation_map, "STRIPE", 40 * nx)
    monkeypatch.setattr(segmentation_map, "_window", reading)
    monkeypatch.setattr(write, "stream_catalog", writing)
    found.write(tmp_path, preview=False)
    assert bands == [(y, min(y + 40, ny)) for y in range(0, ny, 40)]
    assert len(bands) > 2
    assert np.array_equal(
        np.asarray(extract(make_field(), n_threads=1).segmentation.data), found.segmentation.data
    )
