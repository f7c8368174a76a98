"""What the chain found, and what it was made from."""

import os
from dataclasses import dataclass, field, replace
from typing import Any

from astropy.table import QTable

from skyshed.frame import Frame
from skyshed.namespace import is_device_array, to_host
from skyshed.parameters import Parameters
from skyshed.segmentation import SegmentationImage

__all__ = ["Extraction"]


@dataclass(frozen=True, eq=False, repr=False)
class Extraction:
    """The sources of an image; what `skyshed.extract` returns.

    Images are plain arrays, in ``unit``: NumPy arrays, or CuPy arrays if the chain ran on a GPU.

    Attributes
    ----------
    table : `~astropy.table.QTable`
        One row per source.
    catalog : `~skyshed.SourceCatalog` or None
        All other measurements; `None` if there is no source.
    segmentation : `~skyshed.SegmentationImage`
        The label of each pixel.
    data : array, shape (ny, nx)
        The image without its background.
    convolved_data : array, shape (ny, nx)
        The image that shapes were measured on, and that sources were detected on if they were,
        NaN where masked; ``data`` where not convolved. That of the detection image, if there is
        one.
    error : array, shape (ny, nx)
        The total error of each pixel.
    mask : array of bool, shape (ny, nx), or None
        True for the pixels that were left out.
    background2d : `~skyshed.Background2D`
        The background, as a mesh and as maps.
    parameters : `~skyshed.Parameters`
        The parameters that were used.
    record : dict of str
        Versions, date and input.
    unit : `~astropy.units.UnitBase` or None
        The unit of the images.
    wcs : object or None
        The celestial WCS.
    detection_cat : `~skyshed.SourceCatalog` or None
        The catalog of the detection image, from which positions and shapes come.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skyshed import extract
    >>> image = np.random.default_rng(1).normal(10, 1, (128, 128))
    >>> image[30:34, 60:64] += 50
    >>> found = extract(image, nsigma=5)
    >>> found
    <Extraction: 1 source in 128 x 128 pixels>
    >>> sorted(path.name for path in found.write(tempfile.mkdtemp(), format="ecsv", preview=False))
    ['catalog.ecsv', 'parameters.toml', 'segmentation.fits']
    """

    table: QTable
    catalog: Any
    segmentation: SegmentationImage
    data: Any
    detected_on: Frame
    error: Any
    mask: Any
    background2d: Any
    parameters: Parameters
    record: dict[str, str] = field(default_factory=dict)
    unit: Any = None
    wcs: Any = None
    detection_cat: Any = None

    def __repr__(self) -> str:
        n, (ny, nx) = len(self.table), self.data.shape
        return f"<Extraction: {n} source{'' if n == 1 else 's'} in {ny} x {nx} pixels>"

    @property
    def convolved_data(self) -> Any:
        """The image that sources were detected on, NaN where masked, shape (ny, nx).

        It is ``data`` where that is not convolved, and else made anew each time: keep it in a
        variable.
        """
        return self.detected_on.shape_data

    @property
    def background(self) -> Any:
        """The background that was subtracted, shape (ny, nx)."""
        return self.background2d.background

    @property
    def background_rms(self) -> Any:
        """The noise that was measured in the background, shape (ny, nx)."""
        return self.background2d.background_rms

    def to_host(self) -> "Extraction":
        """Return the same with NumPy images; itself where they are. The catalog stays on a GPU."""
        if not is_device_array(self.data):
            return self
        images = {name: to_host(getattr(self, name)) for name in ("data", "error", "mask")}
        segmentation = self.segmentation.to_host()
        smooth = self.convolved_data
        smooth = None if smooth is self.data else to_host(smooth)
        detected_on = Frame(images["data"], segmentation.data, smooth)
        return replace(self, **images, detected_on=detected_on, segmentation=segmentation)

    def write(
        self,
        folder: str | os.PathLike,
        format: str = "fits",
        *,
        compress: bool = False,
        preview: bool = True,
        regions: bool = False,
        map_format: str = "fits",
    ) -> list[Any]:
        """Write everything into a folder; see `skyshed.output.write.write_extraction`.

        Parameters
        ----------
        folder : path
            Where to; it is made if need be, and files of earlier runs are replaced.
        format : {"fits", "ecsv", "parquet"}, optional
            Of the catalog.
        compress : bool, optional
            Whether to compress the segmentation image by tiles (RICE).
        preview : bool, optional
            Whether to draw ``preview.png``; this needs matplotlib.
        regions : bool, optional
            Whether to write the Kron ellipses as DS9 regions.
        map_format : {"fits", "zarr"}, optional
            Of the segmentation image; Zarr is compressed, in chunks.

        Returns
        -------
        paths : list of `~pathlib.Path`
            The files written.

        Raises
        ------
        OSError
            If the folder cannot be written to.
        ImportError
            If a format needs a package that is not installed; the message says which.
        """
        from skyshed.output.write import write_extraction

        return write_extraction(
            self.to_host(), folder, format, compress=compress, preview=preview, regions=regions,
            map_format=map_format,
        )  # fmt: skip
