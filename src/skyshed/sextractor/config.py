"""SExtractor's ``default.sex`` and ``default.param``, as parameters and arguments.

The keywords are those of SExtractor 2.25 (https://sextractor.readthedocs.io, "Using SExtractor").
What has no counterpart is said, one line for each.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from skyshed.chain.sextractor_columns import NOT_MEASURED, SURFACES, is_sextractor
from skyshed.parameters import Parameters

__all__ = ["Translation", "read_config", "read_names", "translate"]

#: Keywords that say nothing about what is found: files, talk, memory, what CLASS_STAR needs.
SILENT = {
    "CATALOG_NAME", "VERBOSE_TYPE", "HEADER_SUFFIX", "WRITE_XML", "XML_NAME", "XSL_URL",
    "MEMORY_OBJSTACK", "MEMORY_PIXSTACK", "MEMORY_BUFSIZE", "FITS_UNSIGNED", "FILTER_NAME",
    "WEIGHT_IMAGE", "FLAG_TYPE", "GAIN_KEY", "SATUR_KEY", "BACKPHOTO_THICK", "BACK_VALUE",
    "PIXEL_SCALE", "SEEING_FWHM", "STARNNW_NAME", "PSF_NAME", "PSF_NMAX", "PATTERN_TYPE",
    "SOM_NAME", "CHECKIMAGE_NAME", "THRESH_TYPE", "PHOT_AUTOAPERS", "ASSOC_DATA",
    "ASSOC_PARAMS", "ASSOCCOORD_TYPE", "ASSOC_RADIUS", "ASSOC_TYPE", "ASSOCSELEC_TYPE",
    "RESCALE_WEIGHTS", "INTERP_MAXXLAG", "INTERP_MAXYLAG", "MAG_GAMMA", "CLEAN_PARAM",
}  # fmt: skip
#: Keywords without a counterpart: the value at which nothing is lost, and what is.
LOST = {
    "CATALOG_TYPE": ("", "the catalog is FITS, or what --format says"),
    "DETECT_TYPE": ("CCD", "photographic plates are not measured"),
    "FILTER_THRESH": ("", "all pixels are filtered"),
    "CLEAN": ("N", "detections in the wings of others are kept"),
    "WEIGHT_GAIN": ("Y", "the gain is the same everywhere"),
    "PHOT_PETROPARAMS": ("2.0,3.5", "see the columns for Petrosian fluxes"),
    "BACK_FILTTHRESH": ("0.0", "all boxes are filtered; filter_threshold refers to their level"),
    "BACK_PEARSON": ("2.5", "the mode is 2.5 median - 1.5 mean"),
    "INTERP_TYPE": ("NONE", "pixels without weight are left out, and interpolated by convolution"),
    "CHECKIMAGE_TYPE": ("NONE", "the map of labels is written; other images are not"),
}
#: Weights, by WEIGHT_TYPE: the argument that takes the image.
WEIGHTS = {"MAP_RMS": "rms", "MAP_VAR": "variance", "MAP_WEIGHT": "weight"}
MASKS = {"NONE": "none", "BLANK": "mask", "CORRECT": "correct"}
#: Peaks of so many pixels are enough for SExtractor (MAXDEBAREA of its sources).
DEBLEND_AREA = 3


@dataclass
class Translation:
    """What a configuration asks for.

    Attributes
    ----------
    parameters : `~skyshed.Parameters`
        Those of the chain; what the configuration does not say is the preset ``"sextractor"``.
    inputs : dict of str to object
        Arguments of `skyshed.extract`: images of weights, the background, ...
    notes : list of str
        A line for each keyword or column that cannot be followed.
    """

    parameters: Parameters
    inputs: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_config(
    path: str | os.PathLike[str], has_card: Callable[[str], bool] | None = None
) -> Translation:
    r"""Read a configuration of SExtractor and the files that it names.

    Parameters
    ----------
    path : path
        Such as ``default.sex``. Files that it names are looked for where the process is, as
        SExtractor does, and then beside it.
    has_card : callable, optional
        Whether the header of the image has a card: GAIN_KEY and SATUR_KEY count where it does. If
        `None`, GAIN and SATUR_LEVEL count.

    Raises
    ------
    ValueError
        If a keyword is unknown or has a value that is not allowed; the message names it.
    OSError
        If a file cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skyshed.sextractor import read_config
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "default.sex"
    >>> _ = path.write_text("DETECT_THRESH 2.5  # sigma\nCLEAN Y\nPHOT_APERTURES 5,8\n")
    >>> asked = read_config(path)
    >>> asked.parameters.nsigma, asked.parameters.aperture_radii
    (2.5, (2.5, 4.0))
    >>> asked.notes
    ['CLEAN Y: detections in the wings of others are kept']
    """
    config: dict[str, list[str]] = {}
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            words = line.partition("#")[0].replace(",", " ").split()
            if words:
                config[words[0].upper()] = words[1:]
    try:
        return translate(config, os.path.dirname(os.path.abspath(path)), has_card)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_names(path: str | os.PathLike[str]) -> list[str]:
    """Return the names in a list of columns, such as ``default.param``."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = (line.partition("#")[0].strip() for line in file)
        return [line.partition("(")[0].strip() for line in lines if line]


def translate(
    config: Mapping[str, list[str]],
    folder: str = "",
    has_card: Callable[[str], bool] | None = None,
) -> Translation:
    """Return what a configuration asks for; see `read_config`.

    ``config`` has the words of each keyword.

    Examples
    --------
    >>> from skyshed.sextractor import translate
    >>> translate({"BACK_SIZE": ["64", "32"], "MAG_ZEROPOINT": ["25"]}).parameters.box_size
    (32, 64)
    """
    reader = _Reader(config, folder, has_card or (lambda _: False))
    return reader.translated()


@dataclass
class _Reader:
    """One configuration as it is translated."""

    config: Mapping[str, list[str]]
    folder: str
    has_card: Callable[[str], bool]
    own: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def translated(self) -> Translation:
        """Translate all of it."""
        for step in (
            self._detection, self._filter, self._deblending, self._weights, self._photometry,
            self._background, self._columns, self._association,
        ):  # fmt: skip
            step()
        for keyword, words in self.config.items():
            if keyword in LOST:
                harmless, lost = LOST[keyword]
                no = harmless == "N" and not self._yes(keyword)
                if not no and not _equal(words, harmless.split(",")):
                    self.notes.append(f"{keyword} {','.join(words)}: {lost}")
            elif keyword not in SILENT and keyword not in self._read:
                self.notes.append(f"{keyword} {','.join(words)}: is no keyword that is known here")
        return Translation(Parameters.preset("sextractor", **self.own), self.inputs, self.notes)

    def __post_init__(self) -> None:
        self._read: set[str] = set()

    def _words(self, keyword: str) -> list[str]:
        self._read.add(keyword)
        return list(self.config.get(keyword, ()))

    def _word(self, keyword: str, default: str) -> str:
        words = self._words(keyword)
        return words[0].upper() if words else default

    def _yes(self, keyword: str) -> bool:
        """Whether a keyword says yes: its first letter counts, and without it all do."""
        return not self._word(keyword, "Y").startswith("N")

    def _numbers(self, keyword: str) -> list[float]:
        words = self._words(keyword)
        try:
            return [float(word) for word in words]
        except ValueError:
            raise ValueError(f"{keyword} must be numbers, got {' '.join(words)}") from None

    def _file(self, name: str) -> str:
        """Return where a file is that the configuration names."""
        beside = os.path.join(self.folder, name)
        return beside if not os.path.exists(name) and os.path.exists(beside) else name

    def _detection(self) -> None:
        if numbers := self._numbers("DETECT_MINAREA"):
            self.own["npixels"] = int(numbers[0])
        if numbers := self._numbers("DETECT_MAXAREA"):
            self.own["max_npixels"] = int(numbers[0]) or None
        least = self.own.get("npixels", 5)
        self.own["deblend_npixels"] = min(max(least, 1), DEBLEND_AREA)
        if numbers := self._numbers("DETECT_THRESH"):
            if len(numbers) > 1:
                raise ValueError(
                    "DETECT_THRESH in magnitudes per square arcsecond is not understood: give it "
                    "in sigma, or THRESH_TYPE ABSOLUTE"
                )
            absolute = self._word("THRESH_TYPE", "RELATIVE") == "ABSOLUTE"
            self.own["threshold" if absolute else "nsigma"] = numbers[0]
        analysis = self._numbers("ANALYSIS_THRESH")
        if analysis and analysis != self._numbers("DETECT_THRESH"):
            self.notes.append(
                f"ANALYSIS_THRESH {analysis[0]:g}: shapes are measured on the pixels detected"
            )
        if numbers := self._numbers("NTHREADS"):
            self.own["n_threads"] = int(numbers[0]) or None

    def _filter(self) -> None:
        if not self._yes("FILTER"):
            self.own |= {"kernel": None, "kernel_fwhm": None}
        elif words := self._words("FILTER_NAME"):
            self.own["kernel"] = self._file(words[0])

    def _deblending(self) -> None:
        if numbers := self._numbers("DEBLEND_NTHRESH"):
            self.own["nlevels"] = int(numbers[0])
        if numbers := self._numbers("DEBLEND_MINCONT"):
            self.own["contrast"] = numbers[0]

    def _weights(self) -> None:
        kinds = [word.upper() for word in self._words("WEIGHT_TYPE")]
        images = self._words("WEIGHT_IMAGE")
        rescale = self._yes("RESCALE_WEIGHTS")
        # Of two, the first belongs to the detection image.
        prefixes = [""] if len(kinds) < 2 else ["detection_", ""]
        for prefix, kind in zip(prefixes, kinds, strict=False):
            if kind in WEIGHTS and not images:
                raise ValueError(f"WEIGHT_TYPE {kind} needs WEIGHT_IMAGE: name its image, or NONE")
            if kind in WEIGHTS:
                self.inputs[f"{prefix}{WEIGHTS[kind]}"] = self._file(images.pop(0))
                self.own["threshold_type"] = "map"
                self.own["scale_weight"] = rescale or kind == "MAP_WEIGHT"
            elif kind == "BACKGROUND":
                self.own["threshold_type"] = "map"
            elif kind != "NONE":
                raise ValueError(f"WEIGHT_TYPE {kind} is not known")
        if numbers := self._numbers("WEIGHT_THRESH"):
            self.own["weight_threshold"] = numbers[0]
        if words := self._words("FLAG_IMAGE"):
            if not self._asks_for("IMAFLAGS_ISO"):
                return
            self.inputs["quality"] = self._file(words[0])
            if self._word("FLAG_TYPE", "OR") != "OR":
                self.notes.append(f"FLAG_TYPE {self._word('FLAG_TYPE', '')}: bits are joined by OR")

    def _photometry(self) -> None:
        if numbers := self._numbers("PHOT_APERTURES"):
            self.own["aperture_radii"] = tuple(each / 2 for each in numbers)
        if numbers := self._numbers("PHOT_FLUXFRAC"):
            self.own["fluxfrac_radii"] = tuple(numbers)
        if numbers := self._numbers("PHOT_AUTOPARAMS"):
            scale, least = numbers[0], numbers[1] if len(numbers) > 1 else 3.5
            if not scale > 0:
                raise ValueError(f"PHOT_AUTOPARAMS must begin with a number above 0, got {scale:g}")
            circles = self._numbers("PHOT_AUTOAPERS")
            smallest = circles[1] / 2 if len(circles) > 1 else 0.0
            self.own["kron_params"] = (scale, max(least / scale, 1e-6), smallest)
        if word := self._word("MASK_TYPE", ""):
            if word not in MASKS:
                raise ValueError(f"MASK_TYPE {word} must be one of {', '.join(MASKS)}")
            self.own["apermask_method"] = MASKS[word]
        if numbers := self._numbers("MAG_ZEROPOINT"):
            self.own["zero_point"] = numbers[0]
        for name, keyword, level in (
            ("effective_gain", "GAIN_KEY", "GAIN"), ("saturation", "SATUR_KEY", "SATUR_LEVEL"),
        ):  # fmt: skip
            card, numbers = self._word(keyword, ""), self._numbers(level)
            if card and self.has_card(card):
                self.own[name] = card
            elif numbers:
                self.own[name] = numbers[0] or None

    def _background(self) -> None:
        for keyword, name in (("BACK_SIZE", "box_size"), ("BACK_FILTERSIZE", "filter_size")):
            if numbers := self._numbers(keyword):
                sizes = tuple(int(each) for each in numbers[::-1])  # width, height
                self.own[name] = sizes[0] if len(sizes) == 1 else sizes
        if self._word("BACK_TYPE", "AUTO") == "MANUAL":
            values = self._numbers("BACK_VALUE") or [0.0]
            self.inputs["background"] = values[-1]
        local = self._word("BACKPHOTO_TYPE", "GLOBAL") == "LOCAL"
        thick = self._numbers("BACKPHOTO_THICK") or [24.0]
        self.own["localbkg_width"] = int(thick[0]) if local else 0

    def _names(self) -> list[str]:
        words = self._words("PARAMETERS_NAME")
        return read_names(self._file(words[0])) if words else []

    def _asks_for(self, name: str) -> bool:
        return name in self._names()

    def _columns(self) -> None:
        names = self._names()
        flags = "quality" in self.inputs
        known = [
            each for each in names if is_sextractor(each) and (flags or each != "IMAFLAGS_ISO")
        ]
        association = ("NUMBER_ASSOC", "VECTOR_ASSOC")
        for name in names:
            if name in association:
                if not self._words("ASSOC_NAME"):
                    self.notes.append(f"{name}: is left out without ASSOC_NAME")
            elif name == "IMAFLAGS_ISO" and not flags:
                self.notes.append(f"{name}: is left out without FLAG_IMAGE")
            elif name not in known:
                near = NOT_MEASURED.get(name)
                self.notes.append(f"{name}: is not measured{f'; {near}' if near else ''}")
        scale = self._numbers("PIXEL_SCALE")
        if any(scale) and any(name in SURFACES for name in known):
            self.notes.append(f"PIXEL_SCALE {scale[0]:g}: surface brightnesses are by the WCS")
        if known:
            self.own["columns"] = tuple(known)

    def _association(self) -> None:
        words = self._words("ASSOC_NAME")
        if not words or not (self._asks_for("NUMBER_ASSOC") or self._asks_for("VECTOR_ASSOC")):
            return  # as SExtractor: nothing is matched unless its columns are asked for
        from skyshed.sextractor.association import read_association

        places = [int(each) for each in self._numbers("ASSOC_PARAMS")] or [2, 3, 4]
        data = [int(each) for each in self._numbers("ASSOC_DATA")] or [2, 3, 4]
        self.inputs["association"] = read_association(
            self._file(words[0]), places, data,
            radius=(self._numbers("ASSOC_RADIUS") or [2.0])[0],
            kind=self._word("ASSOC_TYPE", "NEAREST").lower(),
            select=self._word("ASSOCSELEC_TYPE", "MATCHED").lower().removeprefix("-"),
            world=self._word("ASSOCCOORD_TYPE", "PIXEL") == "WORLD",
        )  # fmt: skip


def _equal(words: list[str], others: list[str]) -> bool:
    """Whether words are the same, numbers by value."""

    def plain(word: str) -> Any:
        try:
            return float(word)
        except ValueError:
            return word.upper()

    return [plain(each) for each in words] == [plain(each) for each in others]
