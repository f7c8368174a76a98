"""An image with everything that goes with it: what the chain starts from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import astropy.units as u
import numpy as np

from skyshed.arguments import as_image, as_mask, is_path
from skyshed.images.arrays import ArraySource
from skyshed.images.bit_planes import check_mask_bits, check_quality, is_bad, numbered
from skyshed.images.given_background import open_background
from skyshed.images.given_wcs import given_wcs
from skyshed.images.headers import split_path
from skyshed.images.joined import warn_of_scales
from skyshed.images.mask_bits import bits_of
from skyshed.images.masked import MaskedSource, with_own_mask
from skyshed.images.noise_planes import NOISE_PLANES, check_meaning, noise_of
from skyshed.images.open import OpenedImage, open_image
from skyshed.images.pairing import open_paired
from skyshed.images.photometry import (
    Calibration,
    Evidence,
    calibration_of,
    photometric_cards,
    warn_of_no_calibration,
)
from skyshed.images.reading import reading_with
from skyshed.images.region import as_region, cut
from skyshed.images.registration import check_same_pixels
from skyshed.images.said import Said
from skyshed.images.source import ImageSource
from skyshed.images.taken import taken_as
from skyshed.images.wcs import ExactWCS, region_wcs
from skyshed.images.window import Window
from skyshed.namespace import array_namespace, is_device_array, like, to_device, to_host

__all__ = ["COMPANIONS", "Exposure", "Planes", "nothing_good", "open_exposure"]

#: What goes with an image, by the names of the arguments of `skyshed.extract`, and the power of the
#: image's unit that each is in; planes of bits have none.
COMPANIONS = {**NOISE_PLANES, "background": 1, "error": 1, "mask": None, "quality": None}

#: What a plane of bits is where it is masked itself: all bits, or none. Of others nothing is known.
MASKED = {"mask": -1, "quality": 0}


@dataclass(frozen=True, eq=False)
class Planes:
    """A window of an exposure as plain arrays of one shape, on one device, in one unit.

    Attributes
    ----------
    data : array of float32 or float64, shape (ny, nx)
        The image. It may share memory with the user's: it is not written to.
    mask : array of bool or None
        True for pixels to leave out: masked, not finite, or without weight.
    rms : array of float32 or float64, or None
        The noise of the background of each pixel, where the user gave it.
    relative : bool
        Whether ``rms`` is right only up to a factor.
    error : array of float32 or float64, or None
        The total error of each pixel, where the user gave it.
    name : str
        That of the exposure.
    level : array of the dtype of ``data``, or None
        The background of each pixel, where the user gave it.
    subtracted : bool
        Whether the background has been subtracted: ``level`` is 0 then.
    unmarked : bool
        Whether pixels that are not finite are not yet in ``mask``; see `marked`.
    """

    data: Any
    mask: Any = None
    rms: Any = None
    relative: bool = False
    error: Any = None
    name: str = "image"
    level: Any = None
    subtracted: bool = False
    unmarked: bool = False

    def marked(self) -> "Planes":
        """Return the planes with a mask that covers what is not finite."""
        if not self.unmarked:
            return self
        xp = array_namespace(data=self.data)
        mask = _union([_not_finite(self.data, xp)], xp)
        return replace(self, mask=mask, unmarked=False)

    def on_device(self, device: str | None) -> "Planes":
        """Return the planes on the ``device`` ('cpu' or 'cuda'), each copied at most once."""
        if device is None:
            return self
        move = {"cpu": to_host, "cuda": to_device}[device]
        names = ("data", "mask", "rms", "error", "level")
        return replace(self, **{name: move(getattr(self, name)) for name in names})

    def cut(self, window: tuple[slice, slice]) -> "Planes":
        """Return a part of the planes; all but the image are copied to be contiguous."""

        def part(plane: Any) -> Any:
            if plane is None:
                return None
            return array_namespace(plane=plane).ascontiguousarray(plane[window])

        return replace(
            self, data=None if self.data is None else self.data[window], mask=part(self.mask),
            rms=part(self.rms), error=part(self.error), level=part(self.level),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Exposure:
    """An image and its companions, any of which may be larger than memory.

    Attributes
    ----------
    image : ImageSource
        The image.
    companions : mapping of str to ImageSource
        Some of `COMPANIONS`.
    own_mask : ImageSource or None
        What the image itself masks.
    name : str
        The argument that it was given as, for messages.
    mask_bits : tuple of int or None
        Bits of an integer mask that count; `None` for all.
    scale_weight : bool
        Whether weights are right up to a factor only.
    device : {None, 'cpu', 'cuda'}
        Where windows are brought to.
    wcs : object or None
        The celestial WCS.
    factors : mapping of str to float
        What the values of a companion are multiplied by to be in the image's unit.
    weight_threshold : float or None
        The least weight that counts, in the unit that weights are stored in.
    named_bits : mapping of str to int
        Those of ``mask_bits`` that were given by name.
    saturation : float or None
        The value from which a pixel of the image is saturated.
    said : Said or None
        What is said of the product that the image is, if it is one.
    calibration : Calibration or None
        What the image's unit is in flux densities, where that is said.
    wcs_file : str or None
        The file that the WCS was given as.
    n_threads : int or None
        Threads that decode pixels of files; `None` for all cores.
    """

    image: ImageSource
    companions: Mapping[str, ImageSource] = field(default_factory=dict)
    own_mask: ImageSource | None = None
    name: str = "image"
    mask_bits: tuple[int, ...] | None = None
    scale_weight: bool = False
    device: str | None = None
    wcs: Any = None
    factors: Mapping[str, float] = field(default_factory=dict)
    weight_threshold: float | None = None
    named_bits: Mapping[str, int] = field(default_factory=dict)
    saturation: float | None = None
    said: Said | None = None
    calibration: Calibration | None = None
    wcs_file: str | None = None
    n_threads: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the whole image."""
        return self.image.shape

    @property
    def unit(self) -> Any:
        """The unit of the image, or None."""
        return self.image.unit

    @property
    def relative(self) -> bool:
        """Whether the noise is known only up to a factor."""
        return self.scale_weight and "weight" in self.companions

    def cut(self, window: Window) -> "Exposure":
        """Return a window of the image with its companions, as an exposure."""
        own_mask = None if self.own_mask is None else cut(self.own_mask, window)
        companions = {name: cut(source, window) for name, source in self.companions.items()}
        return replace(
            self, image=cut(self.image, window), companions=companions, own_mask=own_mask,
            wcs=region_wcs(self.wcs, window),
        )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "wcs": ExactWCS(self.wcs)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({**state, "wcs": state["wcs"].wcs})

    def read(self, window: Window | None = None, marked: bool = True) -> Planes:
        """Return a window; its mask is None where all pixels are good.

        Parameters
        ----------
        window : Window, optional
            `None` for the whole image.
        marked : bool, optional
            Whether to look for pixels that are not finite. Otherwise it may be left to the caller,
            where these are the only ones that are masked, on the host.

        Raises
        ------
        OSError
            If a file cannot be read there.
        """
        with reading_with(self.n_threads):
            return self._read(self.image.everything if window is None else window, marked)

    def _read(self, window: Window, looks: bool) -> Planes:
        pixels, marked = self.image.read_marked(window, self.device)
        xp = array_namespace(**{self.name: pixels})
        data = as_image(pixels, self.name, xp)
        if not looks and marked is None and xp is np and self._is_alone:
            return Planes(data, name=self.name, unmarked=True)
        bad = [_not_finite(data, xp) if marked is None else marked]
        masks = [each for each in (self.own_mask, self.companions.get("mask")) if each is not None]
        bad += [self._bad_pixels(mask, window, data, xp) for mask in masks]
        rms = None
        for name in NOISE_PLANES:
            if name in self.companions:
                plane = self._stored(name, window, data, xp)
                threshold = self.weight_threshold if name == "weight" else None
                rms = noise_of(name, plane, self.factors.get(name, 1.0), threshold)
                bad.append(rms == 0)
        error = self._companion("error", window, data, xp)
        level = self._companion("background", window, data, xp)
        if level is not None:
            bad.append(~xp.isfinite(level))
            level = level.astype(data.dtype, copy=False)
        planes = Planes(data, _union(bad, xp), rms, self.relative, error, self.name, level)
        return planes.on_device(self.device)

    @property
    def _is_alone(self) -> bool:
        """Whether nothing but the image says which of its pixels are good, on the host."""
        others = set(self.companions) - {"quality"}
        return self.own_mask is None and not others and self.device != "cuda"

    def quality_at(self, window: Window, pixel: Any) -> Any:
        """Return the bits of some pixels of a window, int64 and NumPy's; blank ones have none.

        ``pixel`` are flat indices in the window.
        """
        source = self.companions["quality"]
        plane = source.read(window)
        where = like(pixel, plane) if is_device_array(plane) else to_host(pixel)
        return numbered(to_host(plane.reshape(-1)[where]), source.blank)

    def _companion(self, name: str, window: Window, data: Any, xp: Any) -> Any:
        """Return a companion in the image's unit, beside the image."""
        if name not in self.companions:
            return None
        values = self._stored(name, window, data, xp)
        factor = self.factors.get(name, 1.0)
        return values if factor == 1.0 else values * values.dtype.type(factor)

    def _stored(self, name: str, window: Window, data: Any, xp: Any) -> Any:
        """Return a companion in its own unit, beside the image."""
        return as_image(like(self.companions[name].read(window), data), name, xp)

    def _bad_pixels(self, mask: ImageSource, window: Window, data: Any, xp: Any) -> Any:
        """Return a mask or quality plane as booleans."""
        values = xp.asarray(like(mask.read(window), data))
        bad = is_bad(values, self.mask_bits, mask.blank)
        return as_mask(bad, "mask", xp, shape=data.shape, like="image")


def open_exposure(
    image: Any,
    *,
    name: str = "image",
    hdu: int | str | tuple[str, int] | None = None,
    weight: Any = None,
    rms: Any = None,
    variance: Any = None,
    background: Any = None,
    error: Any = None,
    mask: Any = None,
    quality: Any = None,
    wcs: Any = None,
    region: Any = None,
    mask_bits: tuple[int | str, ...] | None = None,
    scale_weight: bool = False,
    weight_threshold: float | None = None,
    device: str | None = None,
    profile: str | None = "plain",
    calibrate: bool = False,
    prefix: str = "",
) -> Exposure:
    """Open an image and its companions; nothing but headers is read.

    Parameters
    ----------
    image, hdu, weight, rms, variance, background, error, mask, quality, wcs, region, device
    profile
        See `skyshed.extract`; ``image`` may be one that is open, with its own mask and error.
    name : str, optional
        What messages call the image.
    mask_bits, scale_weight, weight_threshold
        See `skyshed.Parameters`.
    calibrate : bool, optional
        Whether to find out what the unit is in flux densities.
    prefix : str, optional
        What the names of companions begin with in messages.

    Raises
    ------
    ValueError
        If shapes, units or places on the sky differ, it is not known which image of a file belongs
        to the image, a plane is a variance, weight or noise and was given as another, more than one
        of these is given, ``wcs`` gives no positions on the sky, ``region`` is not in the image,
        there is no pixel, a bit of the mask has no such name, or ``weight_threshold`` is given
        without a weight.
    TypeError
        If an image holds no numbers, ``wcs`` is none, ``mask_bits`` is given for a mask that has no
        bits, ``quality`` has none, or some images are NumPy arrays and others CuPy arrays.
    OSError
        If a file cannot be read.
    """
    noise = {"weight": weight, "rms": rms, "variance": variance}
    _refuse_two({f"{prefix}{each}": value for each, value in noise.items()})
    opened = image if isinstance(image, OpenedImage) else open_image(image, name, hdu)
    main, own_mask, own_error = opened
    given = {
        each: value
        for each, value in {**noise, "error": error, "mask": mask, "quality": quality}.items()
        if value is not None and value is not np.ma.nomask
    }
    companions = {
        each: with_own_mask(
            open_paired(value, f"{prefix}{each}", main), f"{prefix}{each}", MASKED.get(each, np.nan)
        )
        for each, value in given.items()
    }
    if background is not None:
        companions["background"] = open_background(background, main)
    if "quality" in companions:
        companions["quality"] = companions["quality"].as_bits()
    if own_error is not None:
        companions.setdefault("error", own_error)
    _check_arrays({name: main, **{f"{prefix}{each}": one for each, one in companions.items()}})
    masks = {} if own_mask is None else {f"the mask of {name}": own_mask}
    wcs_file = split_path(wcs)[0] if is_path(wcs) else None
    wcs = _wcs_given(wcs, main)
    named_companions = {f"{prefix}{each}": source for each, source in companions.items()}
    for each, source in {**masks, **named_companions}.items():
        # That of the header, as theirs are, also where a better one is given.
        of_image = wcs if main.wcs is None else main.wcs
        check_same_pixels(source.shape, source.wcs, each, main.shape, of_image)
        _refuse_itself(source, each, main)
    if 0 in main.shape:
        raise nothing_good(name)
    said = None
    taken = taken_as(profile, main, image, given, mask_bits)
    if taken is not None:  # its planes have the image's pixels by what they are
        main, own_mask, said = taken.image, taken.own_mask or own_mask, taken.said
        companions |= taken.companions
        mask_bits, scale_weight = taken.mask_bits, scale_weight or taken.relative
    if weight_threshold is not None and "weight" not in companions:
        raise ValueError(
            f"weight_threshold is given as {weight_threshold:g}, and no weight is: give weight, or "
            "leave weight_threshold out"
        )
    if "mask" in companions:
        companions["mask"] = companions["mask"].as_mask()
    own_mask = None if own_mask is None else own_mask.as_mask()
    for plane in (own_mask, companions.get("mask")):
        if plane is not None:
            check_mask_bits(plane, mask_bits)
    if "quality" in companions:
        check_quality(companions["quality"])
    bits, named = bits_of(mask_bits, companions.get("mask", own_mask), main)
    factors = {
        each: _factor(source, f"{prefix}{each}", main, power)
        for each, source in companions.items()
        if (power := COMPANIONS[each]) is not None
    }
    wcs = main.wcs if wcs is None else wcs
    calibration = None
    if warn_of_scales(main):
        if said is not None and "zero_point" in said.parameters:
            said = said.without("zero_point", "it is not that of all parts")
    elif calibrate:
        calibration, said = _calibrated(main, wcs, said)
    exposure = Exposure(
        main, companions, own_mask, name, bits, scale_weight, device, wcs, factors,
        weight_threshold, named, said=said, calibration=calibration, wcs_file=wcs_file,
    )  # fmt: skip
    return exposure if region is None else exposure.cut(as_region(region, main.shape))


def _wcs_given(wcs: Any, image: ImageSource) -> Any:
    """Return the WCS that is given for an image, as an object or as a file; `None` for none."""
    if is_path(wcs):
        from skyshed.images.wcs_files import wcs_of_file

        wcs = wcs_of_file(wcs, image)
    return None if wcs is None else given_wcs(wcs, image.shape)


def _refuse_two(noise: Mapping[str, Any]) -> None:
    """Refuse several planes that say the noise of the background."""
    given = [name for name, value in noise.items() if value is not None]
    if len(given) > 1:
        raise ValueError(
            f"{' and '.join(given[:2])} both say the noise of the background: give one of them"
        )


def _calibrated(
    main: ImageSource, wcs: Any, said: Said | None
) -> tuple[Calibration | None, Said | None]:
    """Return what the unit is in flux densities, and what is used of what the product says.

    It is that of the whole image: that of a region of it is the same.
    """
    known = None if said is None else said.calibration
    if said is not None and said.doubt:
        warn_of_no_calibration(main.label, said.doubt)
        return None, said
    evidence = Evidence(main.unit, photometric_cards(main.header), wcs, main.shape)
    calibration = calibration_of(evidence, main.label, known)
    if said is not None and known is not None and calibration is None:
        said = said.without("zero_point", "the header contradicts it")
    return calibration, said


def nothing_good(name: str) -> ValueError:
    """Return the error for an image without a good pixel."""
    which = "the image" if name == "image" else name
    return ValueError(f"no pixel of {which} is good: all are masked, not finite or weightless")


def _check_arrays(sources: Mapping[str, ImageSource]) -> None:
    """Refuse arrays of which some are on the host and others on a device; files go anywhere."""
    bare = {
        name: source.source if isinstance(source, MaskedSource) else source
        for name, source in sources.items()
    }
    array_namespace(
        **{
            name: source.array
            for name, source in bare.items()
            if isinstance(source, ArraySource) and not source.unit_from_header
            and not hasattr(source.array, "dask")
        }
    )  # fmt: skip


def _refuse_itself(source: ImageSource, name: str, main: ImageSource) -> None:
    """Refuse a companion that is the image itself: the same HDU of the same file."""
    origin = source.origin()
    in_file = "input_hdu" in origin or "input_array" in origin
    of_file = in_file and origin == main.origin()
    # Of an HDUList in memory that was given twice, its own HDU is that of its name.
    of_list = (
        source.hdu is not None and source.hdu == main.hdu
        and isinstance(source, ArraySource) and isinstance(main, ArraySource)
        and isinstance(main.array, np.ndarray) and np.shares_memory(source.array, main.array)
    )  # fmt: skip
    if of_file or of_list:
        raise ValueError(f"{name} is the image itself, {source.label}: name its HDU, or its file")


def _factor(source: ImageSource, name: str, main: ImageSource, power: int) -> float:
    """Return what brings a companion to the image's unit to ``power``."""
    if name != "background":  # whose meaning is checked where it is opened
        check_meaning(source, name, power, main.unit)
    if source.unit is None:
        return 1.0
    if main.unknown_unit and main.unit is None:
        raise ValueError(
            f"{name} is in {source.unit}, and the unit of image, BUNIT = {main.unknown_unit!r}, is "
            f"not known: what {name} is in it cannot be said; correct BUNIT, or give {name} as an "
            "array, which is taken to be in the unit of image"
        )
    unit = u.dimensionless_unscaled if main.unit is None else main.unit**power
    try:
        return float(source.unit.to(unit))
    except u.UnitConversionError:
        # The headers of weight maps, and of what goes with an image without a unit, are often
        # copied from an image: a file's unit that makes no sense there says nothing.
        if source.unit_from_header and (power != 1 or main.unit is None):
            return 1.0
        raise ValueError(
            f"{name} must be in {str(unit) or 'no unit'}, as the image says; it is in {source.unit}"
        ) from None


def _not_finite(data: Any, xp: Any) -> Any:
    bad = xp.isfinite(data)
    return np.logical_not(bad, out=bad)


def _union(planes: list[Any], xp: Any) -> Any:
    """Return where any of the planes is True, None where none is anywhere."""
    total = planes[0]
    for plane in planes[1:]:
        total = total | plane
    return total if xp.any(total) else None
