"""What is asked of the chain: the same for an image at once and for its tiles."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skyshed.cached import cached_property
from skyshed.chain.association import Association
from skyshed.chain.combination import Combination
from skyshed.chain.smoothing import halo_of
from skyshed.images.exposure import Exposure
from skyshed.images.photometry import Calibration
from skyshed.images.pixels import RefusedError
from skyshed.images.region import cut
from skyshed.images.source import ImageSource
from skyshed.images.window import Window
from skyshed.namespace import array_namespace
from skyshed.parameters import Parameters
from skyshed.segmentation import SegmentationImage

__all__ = ["DETECTION", "IMAGE", "MATCHED", "KnownLabels", "Request", "spelled"]

#: The exposures of a request, by the arguments of `skyshed.extract` that they are given as.
IMAGE, DETECTION = "image", "detection_image"
#: What follows the name of a band that is matched to the seeing of the worst one.
MATCHED = ":matched"
#: What is measured on such a band, which differs from the band in its seeing only.
FLUXES_ONLY = ("label", "segment_flux", "segment_fluxerr", "kron_flux", "kron_fluxerr", "derived")


@dataclass(frozen=True, eq=False)
class KnownLabels:
    """Sources that were found before: a label for each pixel.

    Attributes
    ----------
    source : ImageSource
        The labels; 0 is no source.
    mask : ImageSource or None
        True for pixels that belong to no source whatever their label.
    segmentation : SegmentationImage or None
        The image of labels that the user gave, if it is one in memory.
    """

    source: ImageSource
    mask: ImageSource | None = None
    segmentation: SegmentationImage | None = None

    def read(self, window: Window) -> Any:
        """Return the labels of a window, in the dtype of the source.

        Raises
        ------
        ValueError
            If one is negative, or more than int32 holds.
        """
        labels = self.source.read(window)
        xp = array_namespace(segmentation=labels)
        largest = np.iinfo(np.int32).max
        if self.source.blank is not None:
            labels = xp.where(labels == self.source.blank, labels.dtype.type(0), labels)
        if self.segmentation is None:  # whose labels were checked when it was made
            for extreme in (int(xp.min(labels)), int(xp.max(labels))):
                if not 0 <= extreme <= largest:
                    advice = (
                        "make sure that it is a map of labels" if extreme < 0 else
                        "set renumber (--renumber), which numbers them anew"
                    )  # fmt: skip
                    raise RefusedError(
                        "segmentation must hold labels from 0, which is no source, to "
                        f"{largest}; it has {extreme}: {advice}"
                    )
        if self.mask is not None:
            labels = xp.where(xp.asarray(self.mask.read(window)) != 0, labels.dtype.type(0), labels)
        return labels


@dataclass(frozen=True, eq=False)
class Request:
    """Images, parameters and what is known beforehand.

    Attributes
    ----------
    exposures : mapping of str to Exposure
        The ``image`` with its companions, on which fluxes are measured; and the
        ``detection_image``, if there is another image for positions, shapes and apertures.
    parameters : Parameters
        The parameters of the chain.
    known : KnownLabels or None
        The sources to be measured; `None` if they are to be detected.
    detection_cat : SourceCatalog or None
        A catalog in memory that positions, shapes and apertures are taken from.
    noted : mapping of str to str
        What the record has to say besides: the cards that parameters come from.
    asked : mapping of str to object
        Parameters whose values the files gave: what the user gave for them.
    of_band : mapping of str to Parameters
        Of several bands, which the exposures are then, those that fluxes are measured with.
    combination : Combination or None
        What the image is made of that sources of several bands are detected and shaped on.
    matching : mapping of str to array
        Of several bands, if they are matched: the kernel that brings each to the seeing of the
        worst.
    association : Association or None
        A list of positions that sources are matched against.
    """

    exposures: Mapping[str, Exposure]
    parameters: Parameters
    known: KnownLabels | None = None
    detection_cat: Any = None
    noted: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    of_band: Mapping[str, Parameters] = field(default_factory=dict)
    combination: Combination | None = None
    matching: Mapping[str, Any] = field(default_factory=dict)
    association: Association | None = None

    @property
    def exposure(self) -> Exposure:
        """The image on which fluxes are measured, with its companions; the first of bands."""
        return self.exposures[next(iter(self.of_band), IMAGE)]

    @property
    def detected_on(self) -> str:
        """The name of the exposure that sources are detected and shaped on."""
        made = self.combination is not None
        return DETECTION if made or DETECTION in self.exposures else IMAGE

    def parameters_of(self, name: str) -> Parameters:
        """Return the parameters that an exposure is measured with."""
        band = self.band_of(name)
        if band not in self.of_band:
            return self.parameters
        own = self.of_band[band]
        if own.n_threads != self.parameters.n_threads:
            own = own.replace(n_threads=self.parameters.n_threads)
        if band == name:
            return own
        return own.replace(columns=FLUXES_ONLY, fluxfrac_radii=(), designation=None)

    @property
    def measured(self) -> tuple[str, ...]:
        """What fluxes are measured on: the image, or each band and, if asked for, it matched."""
        if not self.of_band:
            return (IMAGE,)
        ways = ("", MATCHED) if self.matching else ("",)
        return tuple(f"{band}{way}" for band in self.of_band for way in ways)

    def band_of(self, name: str) -> str:
        """Return the name of the exposure that a band, matched or not, is."""
        return name.removesuffix(MATCHED) if self.matching else name

    @property
    def compares_noise(self) -> bool:
        """Whether the noise of bands that follow each other is compared, for errors of colors."""
        return len(self.of_band) > 1 and bool(self.matching) and self.parameters.correlated_noise

    def unit_of(self, name: str) -> Any:
        """Return the unit that a catalog of an exposure is in."""
        if self.combination is None:
            return self.unit
        return None if name == DETECTION else self.exposures[self.band_of(name)].unit

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the images."""
        return self.exposure.shape

    @property
    def unit(self) -> Any:
        """The unit of the image, or None; a combination of bands has none."""
        return self.exposure.unit if self.combination is None else None

    @cached_property
    def wcs(self) -> Any:
        """The WCS of the images: that of the image or, if it has none, of what goes with it."""
        candidates = [each.wcs for each in self.exposures.values()]
        if self.known is not None:
            candidates.insert(1, self.known.source.wcs)
        return next((each for each in candidates if each is not None), None)

    @property
    def has_quality(self) -> bool:
        """Whether bits of a quality plane are asked for."""
        return "quality" in self.exposure.companions

    @property
    def calibration(self) -> Calibration | None:
        """What the unit of the image is in flux densities: what is given goes before its header."""
        return None if self.of_band else self.calibration_of(IMAGE)

    def calibration_of(self, name: str) -> Calibration | None:
        """Return the same of one of the exposures."""
        name = self.band_of(name)
        parameters = self.parameters_of(name)
        zero_point = parameters.zero_point
        known = self.exposures[name].calibration  # None where a zero point is given
        if known is not None or not isinstance(zero_point, float):
            return known
        if parameters.zero_point_system != "AB":
            return None
        card = f"{name}_zero_point_card" if self.of_band else "zero_point_card"
        said = self.noted.get(card, f"zero_point = {zero_point:g}")
        return Calibration.of_zero_point(zero_point, f"{said}, AB, as given")

    def zero_point_of(self, name: str) -> float | None:
        """Return the magnitude of a flux of one unit in an exposure, in any system, if known."""
        given = self.parameters_of(name).zero_point
        if isinstance(given, float):
            return given
        calibration = self.calibration_of(name)
        return None if calibration is None else float(calibration.zero_point)

    @property
    def halo(self) -> int:
        """How many pixels beyond its edge a convolved window depends on."""
        return halo_of(self.parameters)

    @property
    def box_size(self) -> tuple[int, int]:
        """Height and width of the boxes of the background."""
        height, width = np.minimum(self.parameters.box_size, self.shape).tolist()
        return height, width

    def with_threads(self, n_threads: int | None) -> "Request":
        """Return the same of so many threads, which also read its images."""
        exposures = {
            name: replace(exposure, n_threads=n_threads)
            for name, exposure in self.exposures.items()
        }
        parameters = self.parameters
        if parameters.n_threads != n_threads:
            parameters = parameters.replace(n_threads=n_threads)
        return replace(self, exposures=exposures, parameters=parameters)

    def cut(self, window: Window) -> "Request":
        """Return the same of a window of all images; a detection catalog is left out."""
        exposures = {name: exposure.cut(window) for name, exposure in self.exposures.items()}
        known = self.known
        if known is not None:
            mask = None if known.mask is None else cut(known.mask, window)
            known = KnownLabels(cut(known.source, window), mask)
        return replace(self, exposures=exposures, known=known, detection_cat=None)

    def sources(self) -> dict[str, ImageSource]:
        """Return every image that takes part, by the name of its argument; of bands as
        in ``weight['g']``.
        """
        everything = {}
        for name, exposure in self.exposures.items():
            everything[f"bands[{name!r}]" if name in self.of_band else name] = exposure.image
            if exposure.own_mask is not None:
                everything[f"mask of {name}" if self.of_band else f"{name}_mask"] = (
                    exposure.own_mask
                )
            for own, source in exposure.companions.items():
                of_detection = f"detection_{own}" if name == DETECTION else own
                everything[f"{own}[{name!r}]" if self.of_band else of_detection] = source
        if self.known is not None:
            everything["segmentation"] = self.known.source
        return everything

    def origin(self) -> dict[str, Any]:
        """Return where the images come from, for the record."""
        origin = self.exposure.image.origin()
        others = {name: self.exposures[name].image for name in self.exposures if name != IMAGE}
        if self.known is not None:
            others["segmentation"] = self.known.source
        others |= self.exposure.companions
        if DETECTION in self.exposures and not self.of_band:
            of_detection = self.exposures[DETECTION].companions
            others |= {f"detection_{name}": source for name, source in of_detection.items()}
        for band in self.of_band:
            companions = self.exposures[band].companions
            others |= {f"{band}_{each}": source for each, source in companions.items()}
        for name, source in others.items():
            origin |= {key.replace("input", name): value for key, value in source.origin().items()}
        for name, exposure in self.exposures.items():
            if exposure.said is not None and (name == IMAGE or self.of_band):
                own = "" if name == IMAGE else f"{name}_"
                origin |= {f"{own}{key}": text for key, text in exposure.said.record.items()}
        if self.exposure.wcs_file is not None:
            origin["wcs"] = os.path.abspath(self.exposure.wcs_file)
        if self.calibration is not None:
            origin |= self.calibration.record()
        used = {name: spelled(getattr(self.parameters, name)) for name in self.asked}
        return {**origin, **self.noted, **used}

    def as_asked(self, parameters: Parameters) -> Parameters:
        """Return parameters as the user gave them, so that they hold for other images, too.

        What a file says of itself, and what a name of a card or bit means there, is in the record.
        """
        return parameters.replace(**self.asked)

    def files(self) -> dict[str, str]:
        """Return the files that images are read from, and the arguments that they were given as."""
        files = {file: name for name, source in self.sources().items() for file in source.files}
        wcs_file = self.exposure.wcs_file
        return files if wcs_file is None else {**files, wcs_file: "wcs"}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "wcs"}


def spelled(value: Any) -> str:
    """Write a value of a parameter for the record."""
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):  # a kernel
        return f"{len(value)} x {len(value[0])} numbers"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
