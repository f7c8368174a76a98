"""Cutouts of the pixels in apertures, as columns."""

from typing import Any

import numpy as np

from skyshed.aperture.column import Column
from skyshed.aperture.value_columns import ValueColumns
from skyshed.namespace import to_host

__all__ = ["CutoutColumns"]


class CutoutColumns(ValueColumns):
    """The pixels of each aperture, in the box clipped to the image."""

    def _cutouts(self, method: str, pick: Any) -> list[Any]:
        """Return masked arrays of what ``pick`` makes of tables of pixels."""
        boxes, cutouts = self._clipped_boxes, []
        sides = np.maximum(boxes[:, 1::2] - boxes[:, ::2], 0)
        for block in self._blocks(method):
            tables = (pick(block), block.used, block.y.astype(int), block.x.astype(int))
            for side, row, used, y, x in zip(
                sides[block.rows].tolist(), *(to_host(each) for each in tables), strict=True
            ):
                if not all(side):
                    cutouts.append(np.ma.masked_array([np.nan], mask=[False]))
                    continue
                values, out = np.zeros(side), np.ones(side, bool)
                values[y[used], x[used]], out[y[used], x[used]] = row[used], False
                cutouts.append(np.ma.masked_array(values, mask=out))
        return cutouts

    @Column
    def data_cutout(self) -> Any:
        """The pixels whose centre is inside: masked arrays of the box clipped to the image."""
        return self._cutouts("center", lambda block: block.values)

    @Column
    def data_sum_cutout(self) -> Any:
        """The pixels times their weights by ``sum_method``, as `data_cutout`."""
        return self._cutouts(self.sum_method, lambda block: block.values * block.weights)

    @Column
    def error_sum_cutout(self) -> Any:
        """The errors times the weights by ``sum_method``; `None` without ``error``."""
        if self._images.error is None:
            return np.full(self.n_positions, None)
        return self._cutouts(self.sum_method, lambda block: block.errors * block.weights)
