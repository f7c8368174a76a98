"""What was found in several bands; what `skyshed.extract_bands` returns."""

from typing import TYPE_CHECKING, Any

import numpy as np

from skyshed.background import Background2D
from skyshed.chain.bands import BandsRun
from skyshed.chain.request import MATCHED
from skyshed.extraction.result import Extraction, map_layers
from skyshed.extraction.summary import ImageNoise
from skyshed.extraction.views import ImageView
from skyshed.images.window import Window
from skyshed.namespace import to_host
from skyshed.notebook import card, picture_of, quietly, sampled
from skyshed.output.run_record import run_record
from skyshed.parameters import OF_A_BAND, Parameters

if TYPE_CHECKING:
    from skyshed.output.page import MapLayer, PixelLayer

__all__ = ["Band", "BandsExtraction"]


class BandsExtraction(Extraction):
    """The sources of several bands; what `skyshed.extract_bands` returns.

    It is an `~skyshed.extraction.Extraction` of the combination that sources were detected on:
    ``data``, ``convolved_data``, ``error`` and ``mask`` are its images, ``detection_cat`` its
    catalog, and ``write`` writes its map with the table of all bands. ``found["g"]`` is one of the
    bands. Images are made anew when they are read: keep the files of the bands as long as the
    result is used.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import extract_bands
    >>> image = np.random.default_rng(1).normal(10, 1, (128, 128))
    >>> image[30:34, 60:64] += 50
    >>> found = extract_bands({"g": image, "r": 2 * image}, nsigma=5)
    >>> found, found.bands
    (<BandsExtraction: 1 source in 2 bands of 128 x 128 pixels>, ('g', 'r'))
    >>> found["r"].data[30:34, 60:64].shape
    (4, 4)
    """

    _run: BandsRun

    def __init__(
        self, run: BandsRun, record: dict[str, str] | None = None, host: bool = False
    ) -> None:
        # The record has the numbers of each band, with its name.
        origin = run.request.origin()
        own = {key: text for key, text in origin.items() if key not in OF_A_BAND}
        super().__init__(run, record or run_record(own), host)

    def __repr__(self) -> str:
        n, (ny, nx) = self.segmentation.nlabels, self.shape
        return (
            f"<{type(self).__name__}: {n} source{'' if n == 1 else 's'} in {len(self.bands)} "
            f"band{'' if len(self.bands) == 1 else 's'} of {ny} x {nx} pixels>"
        )

    @property
    def bands(self) -> tuple[str, ...]:
        """The names of the bands."""
        return tuple(self._run.request.of_band)

    def __getitem__(self, band: str) -> "Band":
        if band not in self.bands:
            raise KeyError(f"{band!r} is no band: there are {', '.join(self.bands)}")
        return Band(self._run, band, self._host)

    @property
    def background2d(self) -> Background2D:
        """That of the combination: level 0, and its noise."""
        return super().background2d

    @property
    def catalog(self) -> Any:
        """The catalog of the combination; that of a band is ``found[band].catalog``."""
        return self.detection_cat

    @property
    def parameters(self) -> Parameters:
        """The parameters that were used, as they were given.

        Numbers of a band (zero point, gain, bits of the mask, ...) are among them where one was
        given for all bands; those that differ are in `record`, as ``g_zero_point``.
        """
        return super().parameters

    @property
    def unit(self) -> Any:
        """The unit of the combination, which has none."""
        return None

    def noises(self) -> list[ImageNoise]:
        """Return what a summary says of each band."""
        found = []
        for name in self.bands:
            background, request = self[name].background2d, self._run.request
            calibration = request.calibration_of(name)
            found.append(
                ImageNoise(
                    float(background.background_median),
                    float(background.background_rms_median),
                    str(self[name].unit or ""),
                    self._run.mesh(name).noise_factor,
                    None if calibration is None else calibration.zero_point,
                    name,
                )
            )
        return found

    def _title(self) -> str:
        """Return what a report of this is called."""
        return f"bands {', '.join(self.bands)}"

    def _pixel_layers(self) -> "list[PixelLayer]":
        """Return the combination, and each band."""
        from skyshed.output.page import PixelLayer

        noise = float(self.background2d.background_rms_median)
        layers = [PixelLayer("combination", self._masked, noise)]
        for name in self.bands:
            band = self[name]
            noise = float(band.background2d.background_rms_median)
            layers.append(PixelLayer(f"band {name}", band.masked, noise, str(band.unit or "")))
        return layers

    def _map_layers(self) -> "list[MapLayer]":
        """Return background and noise of each band."""
        return [
            layer
            for name in self.bands
            for layer in map_layers(self[name].background2d, self[name].unit, f" of band {name}")
        ]

    def to_host(self) -> "BandsExtraction":
        """Return the same with NumPy images, copied when they are read."""
        return BandsExtraction(self._run, self.record, host=True)


class Band:
    """One of the bands of a `BandsExtraction`.

    Parameters
    ----------
    run : BandsRun
        The finished run.
    name : str
        The band.
    host : bool
        Whether images are brought to the host.
    """

    def __init__(self, run: BandsRun, name: str, host: bool = False) -> None:
        self._run, self.name, self._host = run, name, host

    def __repr__(self) -> str:
        return f"<Band {self.name}>"

    @quietly
    def _repr_html_(self) -> str:
        shape = self._run.request.shape
        unit = "" if self.unit is None else f" {self.unit}"
        noise = float(self.background2d.background_rms_median)
        facts = [("image", f"{shape[1]} x {shape[0]} pixels"), ("noise", f"{noise:.4g}{unit}")]
        pixels, which = sampled(self.masked, shape, False)
        return card(f"band {self.name}", facts, picture_of(pixels), which)

    @property
    def data(self) -> ImageView:
        """The band without its background, shape (ny, nx)."""
        return self._view("data")

    @property
    def matched_data(self) -> ImageView | None:
        """The same in the seeing of the worst band, shape (ny, nx); `None` without ``psf_fwhm``."""
        if not self._run.request.matching:
            return None
        return self._view("data", MATCHED)

    @property
    def error(self) -> ImageView:
        """The total 1-sigma error of each pixel, shape (ny, nx)."""
        return self._view("error")

    @property
    def mask(self) -> ImageView:
        """True for the pixels that were left out, shape (ny, nx)."""
        return self._view("mask")

    @property
    def background(self) -> ImageView:
        """The background that was subtracted, shape (ny, nx)."""
        return self._view("background")

    @property
    def background_rms(self) -> ImageView:
        """The noise that was measured in the background, shape (ny, nx)."""
        return self._view("background_rms")

    @property
    def background2d(self) -> Background2D:
        """The background, as a mesh and as maps."""
        return self._run.background_of(self.name)

    @property
    def unit(self) -> Any:
        """The unit of the band, or `None`."""
        return self._run.request.exposures[self.name].unit

    @property
    def catalog(self) -> Any:
        """The `~skyshed.SourceCatalog` of the band, made when asked for; `None` without sources."""
        return self._run.catalog_of(self.name)

    def masked(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window of the band without its background, NaN where masked, where it is."""
        window = Window(y0, y1, x0, x1)
        data, mask = (self._run.read_of(self.name, name, window) for name in ("data", "mask"))
        return self._run.xp.where(mask, data.dtype.type(np.nan), data)

    def _view(self, name: str, way: str = "") -> ImageView:
        band = f"{self.name}{way}"

        def read(window: Window) -> Any:
            pixels = self._run.read_of(band, name, window)
            return to_host(pixels) if self._host else pixels

        return ImageView(read, self._run.request.shape, self._run.dtype_of(name, band))
