"""Every parameter of the chain: its default, unit, meaning and check, in one place.

The command line's options, the keys of a configuration file, the parameters that outputs record and
the documentation are all made from this dataclass. Light on purpose: no NumPy, no astropy.
"""

import difflib
import json
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Unpack

from skyshed.names import KEYWORDS, accept_aliases
from skyshed.notebook import quietly, table_of_rows
from skyshed.parameters.overrides import Overrides
from skyshed.parameters.presets import PRESETS
from skyshed.parameters.validators import (
    Bits,
    CardOr,
    Choice,
    Designation,
    Flag,
    Integer,
    Kernel,
    Kind,
    Number,
    Optional,
    Several,
    Text,
)

__all__ = ["Parameters", "canonical_keys", "worded"]

#: Parameters of the Gaussian that a kernel takes the place of.
GAUSSIAN = ("kernel_fwhm", "kernel_size")


def _parameter(default: Any, group: str, kind: Kind, about: str, unit: str = "") -> Any:
    """Declare a parameter; what the metadata say feeds the help, the checks and the outputs."""
    return field(
        default=default, metadata={"group": group, "kind": kind, "about": about, "unit": unit}
    )


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The parameters of the chain from an image to its catalog.

    Each is checked on construction. photutils 3's spellings (``n_sigma``, ``n_pixels``, ...) are
    accepted; attributes have the guide's names.

    Raises
    ------
    ValueError
        If a value is not allowed; the message names the parameter and says what is.
    TypeError
        If a parameter does not exist, or is given under two names.

    Examples
    --------
    >>> from skyshed import Parameters
    >>> parameters = Parameters(nsigma=2.0, n_pixels=10)
    >>> parameters.npixels, parameters.box_size
    (10, 64)
    """

    scale_weight: bool = _parameter(
        False,
        "inputs",
        Flag(),
        "weights are relative: scale their noise to the noise measured in the image",
    )
    weight_threshold: float | None = _parameter(
        None,
        "inputs",
        Optional(Number(0)),
        "pixels of lower weight are masked, in the unit of the weights as given; none takes all "
        "above 0",
    )
    mask_bits: tuple[int | str, ...] | None = _parameter(
        None,
        "inputs",
        Optional(Bits()),
        "bits of an integer mask that reject a pixel, such as 0,3-5, 0x39 or, where the header "
        "names them, SAT,CR; none takes all",
    )
    saturation: float | str | None = _parameter(
        None,
        "inputs",
        Optional(CardOr(Number())),
        "value of the image, background included, from which a pixel is saturated, or the card "
        "that has it, such as SATURATE; their sources get a flag",
        "data",
    )
    renumber: bool = _parameter(
        False,
        "inputs",
        Flag(),
        "number the labels of segmentation anew, from 1 in their order: they may be of any size",
    )
    box_size: int | tuple[int, int] = _parameter(
        64,
        "background",
        Several(Integer(), (2,), single=True),
        "size of the boxes of the background mesh, one number or ny,nx",
        "pix",
    )
    filter_size: int | tuple[int, int] = _parameter(
        3,
        "background",
        Several(Integer(odd=True), (2,), single=True),
        "window of the median filter over the mesh, one odd number or ny,nx",
        "boxes",
    )
    filter_threshold: float | None = _parameter(
        None,
        "background",
        Optional(Number()),
        "filter only boxes above this value; none filters all",
        "data",
    )
    exclude_percentile: float = _parameter(
        10.0,
        "background",
        Number(0, 100),
        "a box with more than this share of masked or clipped pixels is interpolated",
        "%",
    )
    clip_sigma: float = _parameter(
        3.0, "background", Number(0, above=True), "clipping limit of the pixels of a box", "sigma"
    )
    clip_maxiters: int | None = _parameter(
        10, "background", Optional(Integer()), "most rounds of clipping; none goes on to the end"
    )
    bkg_estimator: str = _parameter(
        "sextractor",
        "background",
        Choice(("sextractor", "median", "mean", "mode", "mmm", "biweight")),
        "how the background of a box is estimated",
    )
    bkgrms_estimator: str = _parameter(
        "std",
        "background",
        Choice(("std", "mad", "biweight")),
        "how the noise of a box is estimated",
    )
    background_passes: int = _parameter(
        1,
        "background",
        Choice((1, 2)),
        "2 measures the background again, without the sources that the first one lets be found",
    )
    background_growth: float = _parameter(
        10.0,
        "background",
        Number(0),
        "how far segments are grown to be left out of the second pass",
        "pix",
    )
    background_nsigma: float | None = _parameter(
        None,
        "background",
        Optional(Number(0, above=True)),
        "nsigma of the segments that are left out of the second pass; none takes the threshold of "
        "the detection",
        "sigma",
    )
    noise_nsigma: float | None = _parameter(
        None,
        "background",
        Optional(Number(0, above=True)),
        "of segments that are found to be left out of the second pass, only pixels above this many "
        "sigma are left out of the noise as well; none leaves out whole segments",
        "sigma",
    )
    background_fwhm: float | None = _parameter(
        None,
        "background",
        Optional(Number(0, above=True)),
        "FWHM of a Gaussian: the second pass measures the level on the image smoothed by it, to "
        "which undetected sources add less, and with background_nsigma what is left out is found "
        "on that image, too; none does not smooth",
        "pix",
    )
    correlated_noise: bool = _parameter(
        True,
        "background",
        Flag(),
        "a second pass measures how the noise of pixels is correlated, and errors are those of "
        "sums over such pixels",
    )
    kernel_fwhm: float | None = _parameter(
        3.0,
        "convolution",
        Optional(Number(0)),
        "FWHM of the Gaussian that detection convolves with; 0 or none does not convolve",
        "pix",
    )
    kernel_size: int | None = _parameter(
        5,
        "convolution",
        Optional(Integer(0, odd=True)),
        "width of the kernel, odd; 0 or none does not convolve",
        "pix",
    )
    kernel: str | tuple[tuple[float, ...], ...] | None = _parameter(
        None,
        "convolution",
        Optional(Kernel()),
        "kernel in place of the Gaussian, as sources look in the image: a FITS image, or a text "
        "such as SExtractor's .conv",
    )
    filter: str = _parameter(
        "convolution",
        "convolution",
        Choice(("convolution", "matched")),
        "matched detects on the significance, each pixel weighted by its noise",
    )
    template_fwhm: tuple[float, ...] = _parameter(
        (),
        "convolution",
        Several(Number(0, above=True)),
        "FWHM of Gaussian templates of a matched filter, of which the most significant counts in "
        "each pixel; none takes the kernel",
        "pix",
    )
    nsigma: float = _parameter(
        1.5,
        "detection",
        Number(0, above=True),
        "detection threshold above the background, in units of the noise before convolution",
        "sigma",
    )
    significance: float | None = _parameter(
        None,
        "detection",
        Optional(Number(0, above=True)),
        "threshold in units of the noise after convolution, in place of nsigma",
        "sigma",
    )
    threshold: float | None = _parameter(
        None,
        "detection",
        Optional(Number()),
        "threshold above the background in the unit of the data, in place of nsigma",
        "data",
    )
    threshold_type: str = _parameter(
        "map",
        "detection",
        Choice(("map", "global")),
        "nsigma and significance refer to the noise of each pixel, or to one for the whole image",
    )
    npixels: int = _parameter(
        5, "detection", Integer(), "least number of connected pixels of a source", "pix"
    )
    max_npixels: int | None = _parameter(
        None,
        "detection",
        Optional(Integer()),
        "most connected pixels of a source before deblending; none sets no limit",
        "pix",
    )
    connectivity: int = _parameter(
        8, "detection", Choice((4, 8)), "pixels touch at edges (4) or at corners too (8)"
    )
    deblend: bool = _parameter(True, "deblending", Flag(), "split sources that overlap")
    nlevels: int = _parameter(32, "deblending", Integer(), "number of deblending thresholds")
    contrast: float = _parameter(
        0.001, "deblending", Number(0, 1), "least share of the flux that makes a peak a source"
    )
    mode: str = _parameter(
        "exponential",
        "deblending",
        Choice(("exponential", "linear", "sinh")),
        "spacing of the deblending thresholds",
    )
    contrast_method: str = _parameter(
        "basin",
        "deblending",
        Choice(("basin", "saddle")),
        "flux that contrast refers to: all of a peak's pixels, or what is above its saddle",
    )
    deblend_npixels: int | None = _parameter(
        None,
        "deblending",
        Optional(Integer()),
        "least number of connected pixels of a peak; none is npixels",
        "pix",
    )
    deblend_on: str = _parameter(
        "convolved",
        "deblending",
        Choice(("convolved", "data")),
        "peaks are looked for in the convolved image, or in the data as they are",
    )
    max_markers: int | None = _parameter(
        200,
        "deblending",
        Optional(Integer()),
        "sources with more peaks are deblended with mode linear; none sets no limit",
    )
    localbkg_width: int = _parameter(
        0, "measurement", Integer(0), "width of the local background annulus; 0 takes none", "pix"
    )
    apermask_method: str = _parameter(
        "correct",
        "measurement",
        Choice(("correct", "mask", "none")),
        "what apertures do about pixels of neighbours",
    )
    kron_params: tuple[float, ...] = _parameter(
        (2.5, 1.4, 0.0),
        "measurement",
        Several(Number(0, above=True), (2, 3), rest=Number(0)),
        "Kron apertures: scale, least Kron radius, least circular radius (pix)",
    )
    fluxfrac_radii: tuple[float, ...] = _parameter(
        (0.5,),
        "measurement",
        Several(Number(0, 1, above=True)),
        "fractions of the Kron flux whose radii are measured",
    )
    aperture_radii: tuple[float, ...] = _parameter(
        (), "measurement", Several(Number(0, above=True)), "radii of circular apertures", "pix"
    )
    aperture_center: str = _parameter(
        "centroid",
        "measurement",
        Choice(("centroid", "centroid_win")),
        "where these apertures are: at the centroid, or at that of a Gaussian window, which is "
        "better for stars",
    )
    aperture_correction: bool = _parameter(
        False,
        "measurement",
        Flag(),
        "add fluxes of all light, total_flux and aperture_..._total_flux, by how the light of the "
        "image's stars grows with the radius",
    )
    effective_gain: float | str | None = _parameter(
        None,
        "measurement",
        Optional(CardOr(Number(0))),
        "counts per unit of the data, for Poisson noise, or the card that has it, such as GAIN; "
        "none or 0 leaves that out",
    )
    exposure_time: float | str | None = _parameter(
        None,
        "measurement",
        Optional(CardOr(Number(0, above=True))),
        "of data that are per second: effective_gain is multiplied by it; or the card that has it, "
        "such as EXPTIME",
        "s",
    )
    zero_point: float | str | None = _parameter(
        None,
        "measurement",
        Optional(CardOr(Number())),
        "magnitude of a flux of one unit of the data, or the card that has it, such as MAGZERO; "
        "none gives no magnitudes",
        "mag",
    )
    zero_point_system: str | None = _parameter(
        None,
        "measurement",
        Optional(Choice(("AB", "Vega"))),
        "system of zero_point: AB gives flux densities in uJy and AB magnitudes (kron_abmag), Vega "
        "magnitudes (kron_mag), none instrumental ones",
    )
    calibrate: bool = _parameter(
        True,
        "measurement",
        Flag(),
        "flux densities in uJy and AB magnitudes where the header says what the unit of the data "
        "is, and no zero_point is given",
    )
    columns: tuple[str, ...] | None = _parameter(
        None,
        "catalog",
        Optional(Several(Text())),
        "columns of the catalog, in their order, such as name,ra,dec,kron_abmag or default,gini; "
        "all for all; none is the usual set",
    )
    designation: str | None = _parameter(
        "SKYSHED Jhhmmss.ss+ddmmss.s",
        "catalog",
        Optional(Designation()),
        "pattern of the sources' IAU-style names, given where there is a WCS; none gives no names",
    )
    n_threads: int | None = _parameter(
        None, "computing", Optional(Integer()), "threads to use; none takes all available cores"
    )  # fmt: skip

    def __post_init__(self) -> None:
        for each in fields(self):
            value = each.metadata["kind"].check(getattr(self, each.name), each.name)
            object.__setattr__(self, each.name, value)
        if self.columns == ():
            raise ValueError(
                "columns must name at least one column, got none: give None for the usual ones "
                "('none' on the command line)"
            )
        self._check_kernel()
        self._check_threshold()
        self._check_smoothing()
        if self.max_npixels is not None and self.max_npixels < self.npixels:
            raise ValueError(
                f"max_npixels = {self.max_npixels} is less than npixels = {self.npixels}, so that "
                "no source fits: make one larger, or the other smaller"
            )

    def _check_smoothing(self) -> None:
        """Refuse to smooth over more than a box, of which nothing would be left."""
        fwhm, box = self.background_fwhm, self.box_size
        size = min(box) if isinstance(box, tuple) else box
        if fwhm is not None and fwhm > size:
            raise ValueError(
                f"background_fwhm = {fwhm:g} is more than box_size = {box}: the level of "
                "a box is that of its own pixels; make it smaller, about the seeing"
            )

    def _check_kernel(self) -> None:
        """Refuse a kernel beside a Gaussian."""
        for name in GAUSSIAN if self.kernel is not None else ():
            value = getattr(self, name)
            if value is not None and value != getattr(type(self), name):
                raise ValueError(
                    f"{name} = {value:g} is of a Gaussian, and kernel = {self.kernel!r} would take "
                    "its place: leave one of them out"
                )

    def _check_threshold(self) -> None:
        """Refuse two thresholds at once, and what a matched filter cannot do."""
        if self.threshold is not None and self.significance is not None:
            raise ValueError(
                f"threshold = {self.threshold:g} and significance = {self.significance:g} both say "
                "what a source must exceed: give one of them"
            )
        limits = {name: getattr(self, name) for name in ("background_nsigma", "noise_nsigma")}
        given = [name for name, value in limits.items() if value is not None]
        if self.background_passes > 1 and self.template_fwhm and given:
            shown = " and ".join(f"{name} = {limits[name]:g}" for name in given)
            options = " ".join(f"--{name.replace('_', '-')} none" for name in given)
            raise ValueError(
                f"{shown} {'is' if len(given) == 1 else 'are'} in units of the noise before "
                f"convolution, and the templates of template_fwhm = {self.template_fwhm} smooth it "
                f"differently: give {', '.join(f'{name}=None' for name in given)} ({options}) "
                "instead, also where a preset has them; the second pass then leaves out the "
                "segments that the significance finds"
            )
        if self.filter != "matched":
            if self.template_fwhm:
                raise ValueError(
                    f"template_fwhm = {self.template_fwhm} is for filter='matched', got "
                    f"filter={self.filter!r}: give filter='matched', too"
                )
            return
        if self.threshold is not None or self.threshold_type != "map":
            name = "threshold" if self.threshold is not None else "threshold_type"
            raise ValueError(
                f"{name} = {getattr(self, name)!r} does not go with filter='matched', which "
                "detects on the significance of each pixel: leave it out"
                + ("" if name == "threshold" else ", or give threshold_type='map'")
            )
        if self.template_fwhm and self.significance is None:
            raise ValueError(
                "significance must be given with template_fwhm: nsigma is in units of the noise "
                "before convolution, and templates smooth it differently"
            )

    def replace(self, **changes: Unpack[Overrides]) -> "Parameters":
        """Return the parameters with some of them changed; either spelling is accepted.

        A Gaussian that is asked for (``kernel_fwhm``, ``kernel_size``) takes the place of a
        ``kernel``, and a ``kernel`` that of a Gaussian.

        Raises
        ------
        TypeError
            If a parameter does not exist, or is given under two names.
        ValueError
            If a value is not allowed.

        Examples
        --------
        >>> from skyshed import Parameters
        >>> Parameters().replace(n_sigma=3).nsigma
        3.0
        """
        if not changes:
            return self
        return replace(self, **_with_one_kernel(canonical_keys(changes)))

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values, which YAML, TOML and JSON can hold.

        ``Parameters(**parameters.to_dict())`` are the same parameters.

        Examples
        --------
        >>> from skyshed import Parameters
        >>> Parameters().to_dict()["kron_params"]
        [2.5, 1.4, 0.0]
        """
        return {name: _listed(getattr(self, name)) for name in (each.name for each in fields(self))}

    @quietly
    def _repr_html_(self) -> str:
        values = self.to_dict()
        return table_of_rows(
            "Parameters", ("group", "name", "value", "default", "unit", "meaning"),
            (
                (
                    each.metadata["group"], each.name, worded(values[each.name]),
                    worded(each.default), each.metadata["unit"], each.metadata["about"],
                )
                for each in fields(self)
            ),
        )  # fmt: skip

    def to_toml(self) -> str:
        """Return the parameters as a configuration file, with a comment for each.

        Examples
        --------
        >>> from skyshed import Parameters
        >>> print(Parameters(nsigma=2).to_toml().splitlines()[0])
        [inputs]
        """
        lines: list[str] = []
        group = ""
        values = self.to_dict()
        for each in fields(self):
            if each.metadata["group"] != group:
                group = each.metadata["group"]
                lines += [""] * bool(lines) + [f"[{group}]"]
            unit = f" [{each.metadata['unit']}]" if each.metadata["unit"] else ""
            lines.append(f"# {each.metadata['about']}{unit}")
            value = values[each.name]
            # TOML has no null.
            spelled = json.dumps("none" if value is None else value, ensure_ascii=False)
            lines.append(f"{each.name} = {spelled}")
        return "\n".join(lines) + "\n"

    @classmethod
    def preset(cls, name: str, **changes: Unpack[Overrides]) -> "Parameters":
        """Return parameters to begin with, some of them changed.

        Parameters
        ----------
        name : {"recommended", "crowded", "photutils", "sextractor"}
            What we recommend for most images, or for crowded fields of stars; what photutils' guide
            does, or SExtractor without a configuration.
        **changes
            As for `replace`.

        Raises
        ------
        ValueError, TypeError
            If there is no such preset, or as `replace`.

        Examples
        --------
        >>> from skyshed import Parameters
        >>> Parameters.preset("sextractor", nsigma=3).contrast
        0.005
        """
        known = Choice(tuple(PRESETS)).check(name, "preset")
        return cls(**{**PRESETS[known], **_with_one_kernel(canonical_keys(changes))})

    @classmethod
    def from_toml(cls, path: Any, base: "Parameters | None" = None) -> "Parameters":
        r"""Read a configuration file: keys as here, flat or in tables named after their group.

        What it does not say is as in ``base``, or the default.

        Raises
        ------
        ValueError
            If the file is not TOML, or has a key or value that is not allowed; the message names
            the file.
        OSError
            If the file cannot be read.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from skyshed import Parameters
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "deep.toml"
        >>> _ = path.write_text("[detection]\nnsigma = 1.2\n")
        >>> Parameters.from_toml(path).nsigma
        1.2
        """
        import tomllib

        try:
            with open(path, "rb") as file:
                return (base or cls()).replace(**_flatten(tomllib.load(file)))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: {error}") from None


def _listed(value: Any) -> Any:
    """Return a value with lists for tuples."""
    return [_listed(each) for each in value] if isinstance(value, tuple) else value


def _flatten(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a configuration file without its tables; check that each is in its own."""
    by_name: dict[str, Field[Any]] = {each.name: each for each in fields(Parameters)}
    groups = {each.metadata["group"] for each in by_name.values()}
    flat = {key: value for key, value in content.items() if not isinstance(value, Mapping)}
    for group, table in content.items():
        if not isinstance(table, Mapping):
            continue
        if group not in groups:
            raise ValueError(f"[{group}] is no table of parameters: {_meant(group, groups)}")
        for key, value in canonical_keys(table).items():
            home = by_name[key].metadata["group"]
            if home != group:
                raise ValueError(f"{key} belongs in the table [{home}], not in [{group}]")
            if key in flat:
                raise ValueError(f"{key} is given twice, also outside [{group}]")
            flat[key] = value
    return canonical_keys(flat)


def canonical_keys(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``given`` with the guide's names for keys.

    Raises
    ------
    TypeError
        If a key is no parameter, or two keys are the same parameter.
    """
    known = {each.name for each in fields(Parameters)}
    result: dict[str, Any] = {}
    for key, value in given.items():
        name = KEYWORDS.get(key, key)
        if name not in known:
            raise TypeError(f"{key!r} is no parameter: {_meant(key, known)}")
        if name in result:
            raise TypeError(f"{name!r} is given under two names: give one of them")
        result[name] = value
    return result


def _with_one_kernel(changes: dict[str, Any]) -> dict[str, Any]:
    """Let go what is to be replaced: a kernel by a Gaussian, or a Gaussian by a kernel."""
    if changes.keys() & {*GAUSSIAN}:
        return {"kernel": None, **changes}
    if changes.get("kernel") is not None:
        return {**{name: getattr(Parameters, name) for name in GAUSSIAN}, **changes}
    return changes


def _meant(word: str, known: set[str]) -> str:
    """Say what ``word`` may have been meant to be."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"


Parameters.__init__ = accept_aliases(Parameters.__init__)  # type: ignore[method-assign]


def worded(value: Any) -> str:
    """Return a value as people write it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(worded, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
