"""A window of an exposure with its background, and what is made of both: see `Prepared`."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from skyshed.background.window import BackgroundWindow
from skyshed.catalog.noise_factors import SmoothedNoise
from skyshed.chain.columns import needs_background
from skyshed.chain.smoothing import (
    convolved,
    detection_limit,
    detection_significance,
    kernel_of,
    limit_of_each_pixel,
    sigmas_of_flat_light,
)
from skyshed.frame import Lazy
from skyshed.images.exposure import Planes
from skyshed.images.window import Window
from skyshed.namespace import array_namespace
from skyshed.noise import calc_total_error
from skyshed.parameters import Parameters

__all__ = ["Parts", "Prepared", "counts_per_unit"]


@dataclass(frozen=True, eq=False)
class Parts:
    """An image without its background, and its noise, at the pixels that sources are measured on.

    Attributes
    ----------
    data, noise : arrays, shape (ny, nx)
        What other pixels hold is not said.
    finite : bool
        Whether all of the data there are finite, or masked.
    mask : array of bool, shape (ny, nx), or None
        Which pixels are masked.
    """

    data: Any
    noise: Any
    finite: bool
    mask: Any


@dataclass(eq=False)
class Prepared:
    """A window of an exposure with its background.

    What is quickly made from the image and the mesh of its background is made when it is needed:
    at no time are all images of the chain in memory.

    Attributes
    ----------
    planes : Planes
        The window, its noise absolute.
    background : BackgroundWindow or BackgroundStack
        The background there.
    parameters : Parameters
        Those of the chain.
    convolved : array, shape (ny, nx), or None
        The window without its background, convolved for detection; `None` where nothing is
        detected or shaped on it, and once shapes have been measured.
    global_noise : float
        One noise for the whole exposure.
    significance : array, shape (ny, nx), or None
        What a matched filter detects on, from `convolve` until sources are detected.
    limit : array, shape (ny, nx), or None
        The threshold where it is a multiple of the noise of the convolved image, likewise.
    noise_correlation : tuple of tuple of float, or None
        Of the noise of its pixels, where it was measured.
    n_images : int
        How many equal images these are, one below the other.
    smoothed_noise : SmoothedNoise or None
        Of a band that was convolved, where the correlation of its noise was measured: the errors of
        pixels are their noise before, without that of sources.
    parts : Parts or None
        What was made of it at those pixels only that are measured.
    """

    planes: Planes
    background: Any
    parameters: Parameters
    convolved: Any = None
    global_noise: float = np.nan
    significance: Any = None
    limit: Any = None
    noise_correlation: tuple[tuple[float, ...], ...] | None = None
    n_images: int = 1
    smoothed_noise: SmoothedNoise | None = None
    parts: "Parts | None" = None

    @property
    def smooth(self) -> bool:
        """Whether the image is convolved at all."""
        return kernel_of(self.parameters) is not None

    def without_background(self) -> tuple[Any, Any]:
        """Return the image without its background, and the background where columns need it."""
        if self.parts is not None:
            return self.parts.data, None
        needed = needs_background(self.parameters.columns)
        if self.planes.subtracted:
            return self.planes.data, self.planes.level if needed else None
        if self.convolved is not None and not self.smooth and not needed:
            return self.convolved, None
        if not needed:
            difference = self._difference()
            if difference is not None:
                return difference, None
        level = self.level()
        if needed or level is self.planes.level:
            return self.planes.data - level, level if needed else None
        # The map of the background is nobody else's: it can hold the difference.
        return np.subtract(self.planes.data, level, out=level), None

    def _difference(self) -> Any:
        """Return the image without its background, made in one pass; `None` if it can't be."""
        if self.planes.level is not None or not isinstance(self.background, BackgroundWindow):
            return None
        return self.background.add_without(None, self.planes.data)

    def add_significance(self, total: Any, squared: bool, lost: Any) -> Any:
        """Add the image over its noise, or the square of that, to a sum; 0 where it is masked.

        Parameters
        ----------
        total : array, shape (ny, nx), or None
            The sum, which is written to; `None` for the first term.
        squared : bool
            Whether the square is added.
        lost : array of uint8, shape (ny, nx), or None
            How often nothing was added, which is written to; `None` where that is never.

        Returns
        -------
        total, lost : array, and array or None
            The same after it; `None` where this can't be done in one pass over memory.
        """
        planes, background = self.planes, self.background
        given = planes.level is not None or planes.rms is not None
        if given or not isinstance(background, BackgroundWindow):
            return None
        masked, on_host = planes.unmarked or planes.mask is not None, background.xp is np
        if masked and lost is None:
            lost = background.xp.zeros(planes.data.shape, dtype=np.uint8)
        counted = lost if masked and on_host else None
        total = background.add_without(total, planes.data, planes.mask, True, squared, counted)
        if total is None:
            return None
        if masked and not on_host:
            lost += planes.mask.view(np.uint8)
        return total, lost

    def mark(self) -> None:
        """Mask pixels that are not finite, where that is not done yet."""
        self.planes = self.planes.marked()

    def make_parts(self, runs: Any, out: tuple[Any, Any], marked: Any) -> None:
        """Make the image without its background, and its noise, at some pixels only, if possible.

        Parameters
        ----------
        runs, out, marked
            See `skyshed.background.window.BackgroundWindow.subtract_in_runs`; what is ``marked`` is
            the mask then, of planes that have none yet.
        """
        planes, background = self.planes, self.background
        given = any(each is not None for each in (planes.level, planes.rms, planes.error))
        if given or not isinstance(background, BackgroundWindow):
            return
        marked = marked if planes.unmarked else None
        finite = background.subtract_in_runs(planes.data, planes.mask, runs, out, marked)
        if finite is not None:
            self.parts = Parts(*out, finite, marked if planes.unmarked else planes.mask)

    def level(self) -> Any:
        """Return the background of each pixel."""
        return self.background.background if self.planes.level is None else self.planes.level

    def noise(self) -> Any:
        """Return the noise of the background of each pixel."""
        if self.parts is not None:
            return self.parts.noise
        rms = self.planes.rms
        if rms is None:
            return self.background.background_rms
        return array_namespace(rms=rms).ascontiguousarray(rms)

    def threshold(self) -> Any:
        """Return what a pixel of a source must exceed in the image that it is `detected_on`."""
        parameters = self.parameters
        if self.limit is not None:
            return self.limit
        everywhere: float | None = parameters.threshold
        if parameters.filter == "matched":
            everywhere = detection_limit(parameters)
        elif everywhere is None and parameters.threshold_type == "global":
            everywhere = self.global_noise * sigmas_of_flat_light(parameters)
        if everywhere is not None:
            return self.background.xp.asarray(everywhere, dtype=self.background.dtype)
        rms = self.planes.rms
        if rms is not None:  # one number may stand for all pixels
            return parameters.nsigma * (rms if any(rms.strides) else rms[:1, :1].reshape(()))
        noise = self.noise()
        # The map of the noise is nobody else's.
        noise *= noise.dtype.type(parameters.nsigma)
        return noise

    def surface_threshold(self) -> Any:
        """Return the threshold as an image in the unit of the data.

        It is what a pixel of the convolved image must exceed. Of a matched filter, which compares
        significances, it is the flat light that in even noise is as significant as asked for.
        """
        parameters = self.parameters
        if parameters.filter == "matched":
            noise = self.noise()
            return noise * noise.dtype.type(sigmas_of_flat_light(parameters))
        if parameters.threshold is None and parameters.threshold_type == "map":
            if parameters.significance is None:
                noise = self.noise()
                return noise * noise.dtype.type(parameters.nsigma)
            return limit_of_each_pixel(self.noise(), self.planes.mask, parameters)
        everywhere = parameters.threshold
        if everywhere is None:
            everywhere = self.global_noise * sigmas_of_flat_light(parameters)
        background, (height, width) = self.background, self.window.shape
        shape = self.n_images * height, width
        return background.xp.full(shape, everywhere, dtype=background.dtype)

    def surface_threshold_in(self, window: Window, halo: int) -> Any:
        """Return `surface_threshold` in a window of this one, as in all of it."""
        around = window.grown(halo, self.background.shape)
        part = self.without_images()
        where = around.within(self.window)
        xp = self.background.xp

        def cut(plane: Any) -> Any:
            return None if plane is None else xp.ascontiguousarray(plane[where])

        planes = replace(part.planes, mask=cut(part.planes.mask), rms=cut(part.planes.rms))
        part = replace(part, planes=planes, background=self.background.at(*around.bounds))
        return part.surface_threshold()[window.within(around)]

    @property
    def has_error(self) -> bool:
        """Whether the total error is one of the planes, so that it takes no memory of its own."""
        planes = self.planes
        return planes.error is not None or (planes.rms is not None and not self._counts_per_unit)

    def total_error(self, data: Any) -> Any:
        """Return the total error of each pixel; ``data`` is the image without its background."""
        if self.planes.error is not None:
            return self.planes.error
        gain = self._counts_per_unit
        return calc_total_error(data, self.noise(), gain) if gain else self.noise()

    @property
    def _counts_per_unit(self) -> float | None:
        """Counts in a unit of the data, by which the light of sources adds to the total error."""
        return None if self.smoothed_noise is not None else counts_per_unit(self.parameters)

    def lazy_threshold(self) -> Any:
        """Return `surface_threshold`, to be made when it is needed, and not kept."""
        return Lazy(self.without_images().surface_threshold, keep=False)

    def without_images(self) -> "Prepared":
        """Return what noise and threshold are made from: it keeps no other image in memory."""
        planes = replace(self.planes, data=None, level=None, error=None)
        return replace(self, planes=planes, convolved=None, significance=None, limit=None)

    def lazy_error(self, data: Any) -> Any:
        """Return the total error of each pixel, to be made when it is needed; as `total_error`."""
        if self.planes.error is not None:
            return self.planes.error
        # What makes it must not keep the image with its background in memory.
        return Lazy(partial(self.without_images().total_error, data))

    @property
    def window(self) -> Window:
        """The pixels of the image that these are."""
        return Window(*self.background.window)

    def convolve(self, detect: bool = False) -> None:
        """Make the image that sources are deblended and shaped on; and what they are detected by.

        Without ``detect`` that is left out where it is not the same.
        """
        data, parameters = self.without_background()[0], self.parameters
        self.convolved = convolved(data, self.planes.mask, parameters, self.n_images)
        if not detect:
            return
        if parameters.filter == "matched":
            self.significance = detection_significance(
                data, self.noise(), self.planes.mask, parameters
            )
        elif parameters.significance is not None and parameters.threshold_type == "map":
            self.limit = limit_of_each_pixel(self.noise(), self.planes.mask, parameters)

    @property
    def detected_on(self) -> Any:
        """The image that pixels of sources are above the threshold in, once it is made."""
        return self.convolved if self.significance is None else self.significance

    def end_detection(self) -> None:
        """Let go what nothing but the detection needs."""
        self.significance = self.limit = None

    def deblended_on(self) -> Any:
        """Return the image that peaks of sources are looked for in, once it is convolved."""
        if self.parameters.deblend_on == "convolved":
            return self.convolved
        return self.without_background()[0]

    def cut(self, window: Window) -> "Prepared":
        """Return a window of this one."""
        xp, where = self.background.xp, window.within(self.window)
        smooth, significance, limit = (
            None if image is None else xp.ascontiguousarray(image[where])
            for image in (self.convolved, self.significance, self.limit)
        )
        return replace(
            self, planes=self.planes.cut(where), background=self.background.at(*window.bounds),
            convolved=smooth, significance=significance, limit=limit, parts=None,
        )  # fmt: skip


def counts_per_unit(parameters: Parameters) -> float | None:
    """Return the gain, times the exposure time of data that are per second."""
    gain, time = parameters.effective_gain, parameters.exposure_time
    if not isinstance(gain, float):
        return None
    return gain * time if isinstance(time, float) else gain
