"""The noise of each band is compared with that of the band before, as their meshes are made."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from skyshed.chain.background import Boxes, ExposureMesh
from skyshed.chain.request import Request
from skyshed.images.window import Window

__all__ = ["Compared"]


class Compared:
    """The bands of a second pass, one after the other; the boxes of one more are kept.

    Parameters
    ----------
    request : Request
        It says whether bands are compared.
    """

    def __init__(self, request: Request) -> None:
        self._wanted = request.compares_noise
        self._before: tuple[list[Boxes], Any] | None = None

    def add(self, mesh: ExposureMesh, boxes: Mapping[Window, Boxes]) -> ExposureMesh:
        """Return the mesh of the next band with the correlation with the band before.

        Parameters
        ----------
        mesh : ExposureMesh
            The mesh of the second pass.
        boxes : mapping of Window to Boxes
            What it was made from.
        """
        if not self._wanted:
            return mesh
        from skyshed.chain.noise_pairs import shared_from

        before, self._before = self._before, None
        if not mesh.correlation.size:
            return mesh
        parts = list(boxes.values())
        given = any(part.given.size for part in parts)  # and has been subtracted
        level = np.zeros_like(mesh.mesh.level) if given else mesh.mesh.level
        self._before = parts, level
        if before is None:
            return mesh
        return replace(mesh, shared=shared_from(before[0], parts, (before[1], level)))
