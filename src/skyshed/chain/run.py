"""What a finished run of the chain knows, at once or by tiles."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from skyshed.background import Background2D
from skyshed.chain.background import ExposureMesh, background_of
from skyshed.chain.request import IMAGE, Request
from skyshed.chain.tiles_table import tiles_table
from skyshed.images.window import Window
from skyshed.output.table_parts import PlainTable
from skyshed.parameters import Parameters
from skyshed.segmentation import SegmentationImage

if TYPE_CHECKING:
    from astropy.table import QTable

__all__ = ["IMAGES", "Run", "dtype_of_chain"]

#: The images of a run that `Run.read` has windows of, and what they are.
IMAGES = {
    "data": "the image without its background",
    "convolved_data": "the image that sources were detected and shaped on, NaN where masked",
    "error": "the total 1-sigma error of each pixel",
    "mask": "True for the pixels that were left out",
    "background": "the background that was subtracted",
    "background_rms": "the noise that was measured in the background",
    "threshold": "what a pixel of the convolved data must exceed to belong to a source; of a "
    "matched filter there is none",
    "noise": "the noise of the background, as it was given or measured",
}


class Run(ABC):
    """The sources of a request, and the images that they were measured on.

    Attributes
    ----------
    request : Request
        What was asked for.
    parameters : Parameters
        The parameters that were used.
    """

    request: Request
    parameters: Parameters

    @abstractmethod
    def mesh(self, name: str = IMAGE) -> ExposureMesh:
        """Return the background of one of the exposures."""

    @abstractmethod
    def read(self, name: str, window: Window) -> Any:
        """Return a window of one of the `IMAGES`, where the chain has worked."""

    @property
    @abstractmethod
    def segmentation(self) -> SegmentationImage:
        """The label of each pixel."""

    @property
    @abstractmethod
    def table(self) -> "QTable":
        """One row per source."""

    @property
    @abstractmethod
    def catalog(self) -> Any:
        """The catalog of the sources; `None` if there is none."""

    @property
    @abstractmethod
    def detection_cat(self) -> Any:
        """The catalog that positions, shapes and apertures come from, if it is another."""

    @abstractmethod
    def tile_rows(self) -> list[dict[str, Any]]:
        """Return one row per tile, plain numbers by the names of columns."""

    @property
    def tiles(self) -> "QTable":
        """One row per tile, as a table."""
        return tiles_table(self.tile_rows(), self.request.unit)

    @property
    def n_tiles(self) -> int:
        """How many tiles there are."""
        return 1

    @abstractmethod
    def parts(self) -> Iterator[PlainTable]:
        """Yield the table in parts of any number of rows, which know their places in it."""

    @abstractmethod
    def ellipses(self) -> Iterator[tuple[Any, Any]]:
        """Yield, for each part, labels and Kron ellipses: rows ``x, y, a, b, theta`` (degrees)."""

    @property
    @abstractmethod
    def xp(self) -> Any:
        """The array namespace of the images."""

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the images: integers became float64."""
        return dtype_of_chain(self.request.exposure.image.dtype)

    def dtype_of(self, name: str) -> np.dtype:
        """Return the dtype of one of the `IMAGES`."""
        if name in ("error", "threshold"):  # the user's own noise may have another
            found: np.dtype = self.read(name, Window(0, 1, 0, 1)).dtype
            return found
        detection_cat = self.request.detection_cat
        if name == "convolved_data" and detection_cat is not None:
            found = detection_cat.frame.data.dtype
            return found
        if name == "convolved_data":
            return dtype_of_chain(self.request.exposures[self.request.detected_on].image.dtype)
        return np.dtype(bool) if name == "mask" else self.dtype

    def read_masked(self, window: Window) -> Any:
        """Return a window of the image without its background, NaN where masked."""
        data = self.read("data", window)
        if not self.has_mask:
            return data
        mask = self.read("mask", window)
        return self.xp.where(mask, data.dtype.type(np.nan), data)

    @property
    def rows_per_read(self) -> int | None:
        """How many rows to read at a time where all are read; `None` if it does not matter."""
        return None

    @property
    def has_mask(self) -> bool:
        """Whether any pixel was left out."""
        ny, nx = self.request.shape
        return self.mesh().n_unmasked < ny * nx

    @property
    def growth(self) -> Any:
        """The curve of growth of the stars; `None` where there is none, or none was asked for."""
        return None

    def noted(self) -> dict[str, str]:
        """Return what the record has of what was measured of the whole image."""
        found = {} if self.growth is None else self.growth.record()
        square = self.mesh().correlation
        if square.size:
            middle = len(square) // 2
            across, down = square[middle, middle + 1], square[middle + 1, middle]
            found["noise_correlation"] = f"{across:.3f} along x, {down:.3f} along y"
        return found

    def background2d(self, name: str = IMAGE) -> Background2D:
        """Return the background of one of the exposures, as a mesh and as maps."""
        request = self.request
        return background_of(
            self.mesh(name).mesh, request.shape, request.box_size, self.dtype, self.xp,
            self.parameters,
        )  # fmt: skip


def dtype_of_chain(dtype: np.dtype) -> np.dtype:
    """Return the dtype that the chain computes an image of ``dtype`` in."""
    single = dtype.kind == "f" and dtype.itemsize <= 4
    return np.dtype(np.float32 if single else np.float64)
