"""From several bands of the same pixels to one table: `extract_bands`."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import astropy.units as u

from skyshed.arguments import check_choice, check_flag, is_path
from skyshed.chain.band_columns import check_endings
from skyshed.chain.columns import check_columns
from skyshed.chain.combination import METHODS, Combination
from skyshed.chain.derived import derived_columns
from skyshed.chain.request import DETECTION, IMAGE, MATCHED, Request, spelled
from skyshed.extraction.bands_result import BandsExtraction
from skyshed.extraction.device import check_device, gpus_of, on_first
from skyshed.extraction.entry import open_request, run_request
from skyshed.extraction.given import open_labels
from skyshed.extraction.plan import Resources, make_plan
from skyshed.extraction.reprojected import reprojected
from skyshed.extraction.seeing import Seeing, seeing_of
from skyshed.images.exposure import Exposure
from skyshed.images.region import as_region
from skyshed.images.registration import check_same_pixels
from skyshed.namespace import on_its_device
from skyshed.parameters import OF_A_BAND, Parameters, canonical_keys

__all__ = ["PER_BAND", "extract_bands", "open_bands"]

#: Arguments that are one for all bands, or a mapping of one for each.
PER_BAND = (
    "hdu", "weight", "rms", "variance", "background", "error", "mask", "quality", "wcs", "profile",
)  # fmt: skip
#: Names of bands end names of columns, in every format.
NAME = re.compile(r"[A-Za-z0-9]\w*", re.ASCII)


@on_its_device
def extract_bands(
    bands: Mapping[str, Any],
    *,
    detect: Sequence[str] | str | None = None,
    combine: str = "snr",
    psf_fwhm: Mapping[str, float] | None = None,
    psf_beta: float | None = None,
    psf: Mapping[str, Any] | None = None,
    segmentation: Any = None,
    reproject: bool = False,
    hdu: Any = None,
    weight: Any = None,
    rms: Any = None,
    variance: Any = None,
    background: Any = None,
    error: Any = None,
    mask: Any = None,
    quality: Any = None,
    wcs: Any = None,
    profile: Any = None,
    region: Any = None,
    parameters: Parameters | None = None,
    progress: bool | None = False,
    device: str | None = None,
    memory: int | str | None = None,
    workspace: Any = None,
    scheduler: Any = None,
    restart: bool = False,
    **overrides: Any,
) -> BandsExtraction:
    """Detect sources on a combination of bands, and measure them in each, in one table.

    Positions, shapes and apertures are measured once, on the combination; fluxes in the same
    apertures of every band (forced photometry). Bands are read one after the other. Images that do
    not fit into memory are worked on tile by tile, with the same result bit by bit.

    Parameters
    ----------
    bands : mapping of str to image, each of shape (ny, nx)
        The bands, of the same pixels, by the names that columns get. Each is anything that
        `skyshed.extract` takes.
    detect : sequence of str, or str, optional
        The bands to detect on, also as one text, ``"r,i"``; all if `None`.
    combine : {"snr", "chi2", "mean"}, optional
        How these are combined in each pixel, of the bands that have it: ``"snr"`` is the sum of
        data / noise over the square root of their number; ``"chi2"`` the root of the sum of (data
        / noise)**2 (Szalay, Connolly & Szokoly 1999, AJ 117, 68), less its mean and in units of its
        standard deviation without sources; ``"mean"`` the mean weighted by 1 / noise**2, on the
        scale of the first band, which needs ``zero_point`` or headers that say what all units are,
        or else equal units. The threshold ``nsigma`` is in units of the noise of the combination.
    psf_fwhm : mapping of str to float, optional
        The seeing of each band: the FWHM of its stars in pixels. Each band is measured once more,
        convolved with the kernel that brings it to the worst seeing, for colors: segment, Kron
        and aperture fluxes and magnitudes with names that end in ``_matched_g``. Where both have
        magnitudes, the colors of bands that follow each other are in the table, too:
        ``kron_color_g_r``, ``kron_colorerr_g_r``, ``aperture_3_color_g_r``, ... With
        ``correlated_noise`` errors hold what the kernel does to the noise, and those of colors
        leave out noise that both bands have in common; else they are those of sums over the bands
        as they are.
    psf_beta : float, optional
        The exponent of the Moffat profiles that have these widths, ``(1 + r**2 / a**2)**-beta``;
        ``inf`` for Gaussians. 3.5 if `None`: between 2.5 and 4.8, which stars in the atmosphere
        have, colors in circles of one FWHM are right to 0.04 mag then where seeing of 3.5 and 5
        pixels is matched, and wrong by 0.06 to 0.11 mag by Gaussians.
    psf : mapping of str to image, optional
        The same by images of the PSF of each band, both sizes odd, in the pixels of the band: each
        is convolved with the kernel that makes its PSF that of the worst seeing, the smoothest one
        that fits (Boucaud et al. 2016, A&A 596, A63). Of a band that ``reproject`` resamples, it
        and ``psf_fwhm`` are in the pixels of the first band.
    segmentation : SegmentationImage, or image of int, optional
        The label of each pixel: these sources are measured, and none are detected.
    reproject : bool, optional
        Whether a band on another grid is brought to the pixels of the first, by the package
        reproject (the extra ``reproject``), so that sums over apertures stay what they are. It is
        then in memory as a whole, whatever ``memory`` says (some 200 bytes for each pixel while it
        is resampled), and has no ``saturated`` flags. Otherwise it is refused.
    hdu, weight, rms, variance, background, error, mask, quality, wcs, profile : optional
        As in `skyshed.extract`: a mapping has one for each band, which may lack bands; anything
        else is for all.
    region, parameters, progress, device, memory, workspace, scheduler, restart
        As in `skyshed.extract`; ``region`` is in the pixels of the first band.
    **overrides
        Single parameters, which go before ``parameters``, under either spelling. Of
        ``zero_point``, ``effective_gain``, ``exposure_time``, ``saturation`` and others that belong
        to a band's own numbers, a mapping has one for each band.

    Returns
    -------
    found : `~skyshed.extraction.BandsExtraction`
        The table, the segmentation image, and the images of each band and of the combination. In
        the table, columns of positions and shapes have their usual names; those of band ``g`` end
        in ``_g``: ``kron_flux_g``, ``kron_fluxerr_g``, ``segment_flux_g``, ``flags_g``, ... Radii
        of ``fluxfrac_radii`` are those of the combination, unless ``columns`` names them. Where a
        band has less than half of a segment's pixels, its numbers are NaN; ``coverage_g`` is the
        share that it has, and ``flags_g`` has ``masked_pixels`` or ``all_masked``.

    Raises
    ------
    ValueError
        If an argument is not allowed, a band is on another grid of pixels, or bands cannot be
        brought to one scale.
    TypeError
        If ``bands`` is no mapping, or a parameter does not exist.
    ImportError, OSError, TileError
        See `skyshed.extract`.

    Warns
    -----
    NoDetectionsWarning, ImageWarning, CrowdedWarning
        See `skyshed.extract`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import extract_bands
    >>> rng = np.random.default_rng(1)
    >>> g, r = rng.normal(10, 1, (2, 128, 128))
    >>> g[30:34, 60:64] += 20
    >>> r[30:34, 60:64] += 50
    >>> found = extract_bands({"g": g, "r": r}, nsigma=5, zero_point={"g": 25.0, "r": 26.0})
    >>> row, = found.table
    >>> print(f"{row['kron_flux_r'] / row['kron_flux_g']:.1f}")
    2.4
    """
    if workspace is not None and not is_path(workspace):
        raise TypeError(f"workspace must be the path of a folder or None, got {workspace!r}")
    if progress is not None:
        progress = check_flag(progress, "progress")
    request = open_bands(
        bands, detect=detect, combine=combine, psf_fwhm=psf_fwhm, psf_beta=psf_beta, psf=psf,
        segmentation=segmentation, reproject=reproject, hdu=hdu, weight=weight, rms=rms,
        variance=variance, background=background, error=error, mask=mask, quality=quality, wcs=wcs,
        profile=profile, region=region, parameters=parameters, device=device, **overrides,
    )  # fmt: skip
    del bands, weight, rms, variance, background, error, mask, quality, segmentation
    check_device(device, scheduler)
    resources = Resources(memory, workspace, scheduler, restart, gpus=gpus_of(device))
    with on_first(resources.gpus):
        found = run_request(request, make_plan(request, resources), resources, progress)
    assert isinstance(found, BandsExtraction)
    return found


def open_bands(
    bands: Mapping[str, Any],
    *,
    detect: Sequence[str] | str | None = None,
    combine: str = "snr",
    psf_fwhm: Mapping[str, float] | None = None,
    psf_beta: float | None = None,
    psf: Mapping[str, Any] | None = None,
    segmentation: Any = None,
    reproject: bool = False,
    region: Any = None,
    parameters: Parameters | None = None,
    device: str | None = None,
    **options: Any,
) -> Request:
    """Open all bands with all that goes with them.

    Nothing but headers is read, except of PSFs and of bands that are resampled. The arguments and
    errors are those of `extract_bands`.
    """
    names = _names(bands)
    combine = check_choice(combine, "combine", METHODS)
    chosen = _chosen(detect, names)
    seeing = seeing_of(names, psf_fwhm, psf_beta, psf)
    check_endings([*names, *(f"{name}{MATCHED}" for name in names if seeing)])
    if parameters is not None and not isinstance(parameters, Parameters):
        raise TypeError(f"parameters must be skyshed.Parameters, got {type(parameters).__name__}")
    companions = {name: options.pop(name, None) for name in PER_BAND}
    overrides = canonical_keys(options)
    for name, value in overrides.items():
        if isinstance(value, Mapping) and name not in OF_A_BAND:
            raise ValueError(
                f"{name} is one for all bands, got a mapping; {', '.join(OF_A_BAND)} may be given "
                "for each"
            )
    reproject, requests = check_flag(reproject, "reproject"), {}
    for name in names:
        own = _of(name, names, {**companions, **overrides})
        requests[name] = open_request(
            bands[name], name=name, parameters=parameters, device=device, one_of_several=True,
            # Of another grid, all pixels may be needed for those of the region in the first.
            region=None if reproject and name != names[0] else region, **own,
        )  # fmt: skip
    first, moved = requests[names[0]], {}
    for name, each in requests.items():
        if not reproject:
            _check_grid(name, each, names[0], first)
        elif name != names[0]:
            exposure = _on_grid(each.exposure, first.exposure, region)
            if exposure is None:
                exposure, moved[f"{name}_reprojected"] = reprojected(
                    each.exposure, name, first.exposure, names[0]
                )
            requests[name] = replace(each, exposures={IMAGE: exposure})
    exposures = {name: each.exposure for name, each in requests.items()}
    known = None
    if segmentation is not None:
        known = open_labels(segmentation, first.exposure, region, first.parameters.renumber)
    of_band = {name: each.parameters for name, each in requests.items()}
    request = Request(
        exposures, first.parameters.replace(**OF_A_BAND), known,
        noted=_noted(requests, chosen, combine, seeing, psf or {}) | moved,
        asked=_in_common(requests), of_band=of_band, combination=Combination(chosen, combine),
        matching=seeing.kernels(first.shape),
    )  # fmt: skip
    if request.parameters.aperture_correction:
        raise ValueError(
            "aperture_correction must be False for several bands, got True: stars tell it of one "
            "image; leave it out, also of a preset, or extract the band by itself, with "
            "detection_image"
        )
    has_quality = any(each.has_quality for each in requests.values())
    has_wcs = request.wcs is not None
    possible = {  # in any of the bands
        column
        for name in request.of_band
        for column in derived_columns(
            request.parameters_of(name), has_wcs, request.calibration_of(name) is not None
        )
    }
    check_columns(request.parameters.columns, has_wcs, has_quality, possible)
    if combine != "mean":
        return request
    return _scaled(request, chosen, {name for name in chosen if f"{name}_reprojected" in moved})


def _in_common(requests: Mapping[str, Request]) -> dict[str, Any]:
    """Return those numbers of a band that were given and are the same for all bands."""
    given = [each.as_asked(each.parameters) for each in requests.values()]
    values = {name: getattr(given[0], name) for name in OF_A_BAND}
    return {
        name: value for name, value in values.items()
        if value != OF_A_BAND[name] and all(getattr(each, name) == value for each in given)
    }  # fmt: skip


def _noted(
    requests: Mapping[str, Request],
    chosen: Sequence[str],
    combine: str,
    seeing: Seeing,
    psf: Mapping[str, Any],
) -> dict[str, str]:
    """Return what the record has to say: what was combined, and the numbers of each band."""
    noted = {"combine": combine, "detect": ",".join(chosen)}
    noted |= {f"{band}_psf_fwhm": str(fwhm) for band, fwhm in seeing.widths.items()}
    if seeing.widths:
        noted["psf_beta"] = str(seeing.beta)
    noted |= {
        f"{band}_psf": os.path.abspath(given) if is_path(given) else "an image in memory"
        for band, given in psf.items()
    }
    for band, request in requests.items():
        noted |= {f"{band}_{key}": text for key, text in request.noted.items()}
        for name, default in OF_A_BAND.items():
            value = getattr(request.parameters, name)
            if value != default:
                noted[f"{band}_{name}"] = spelled(value)
    return noted


def _names(bands: Any) -> list[str]:
    """Return the names of the bands."""
    if not isinstance(bands, Mapping):
        raise TypeError(
            f"bands must be a mapping of names to images, got {type(bands).__name__}: give "
            "{'g': 'g.fits', 'r': 'r.fits'}, or one image to skyshed.extract"
        )
    if not bands:
        raise ValueError("bands is empty: give at least one image with its name")
    for name in bands:
        if not isinstance(name, str) or not NAME.fullmatch(name) or name in (IMAGE, DETECTION):
            raise ValueError(
                f"bands: {name!r} can't be the name of a band, which ends names of columns: it "
                f"must be letters, digits and _, and not {IMAGE!r} or {DETECTION!r}"
            )
    return list(bands)


def _chosen(detect: Any, names: Sequence[str]) -> tuple[str, ...]:
    """Return the bands to detect on."""
    if detect is None:
        return tuple(names)
    if isinstance(detect, str):
        wanted = [each.strip() for each in detect.split(",")]
    elif isinstance(detect, Sequence) and not isinstance(detect, bytes):
        wanted = list(detect)
    else:
        raise TypeError(f"detect must be a list of names of bands, or None, got {detect!r}")
    unknown = [each for each in wanted if each not in names]
    if unknown or not wanted:
        raise ValueError(
            f"detect must name bands, of {', '.join(names)}; got "
            f"{', '.join(map(repr, unknown)) or 'none'}"
        )
    if len(set(wanted)) < len(wanted):
        raise ValueError(f"detect names a band twice: {', '.join(wanted)}")
    return tuple(wanted)


def _of(band: str, names: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is given for one of the bands."""
    own = {}
    for option, value in options.items():
        if not isinstance(value, Mapping) or _is_header(value):
            own[option] = value
            continue
        unknown = [each for each in value if each not in names]
        if unknown:
            raise ValueError(
                f"{option} is given for {', '.join(map(repr, unknown))}, which is no band: there "
                f"are {', '.join(names)}"
            )
        if band in value:
            own[option] = value[band]
    return own


def _is_header(value: Any) -> bool:
    """Whether a mapping is a FITS header, which a WCS may be given as."""
    return hasattr(value, "cards")


def _on_grid(exposure: Exposure, first: Exposure, region: Any) -> Exposure | None:
    """Return the region of a band whose pixels are those of the first's; `None` if they are not."""
    try:
        if region is not None:
            exposure = exposure.cut(as_region(region, exposure.shape))
        check_same_pixels(exposure.shape, exposure.wcs, "band", first.shape, first.wcs)
    except ValueError:
        return None
    return exposure


def _check_grid(name: str, each: Request, other: str, first: Request) -> None:
    """Refuse a band whose pixels are not those of the first."""
    try:
        check_same_pixels(each.shape, each.wcs, name, first.shape, first.wcs)
    except ValueError as error:
        raise ValueError(
            f"bands must have the same pixels, and {name} has not those of {other} (image): "
            f"{error}. reproject=True (--reproject) resamples it, by the package reproject"
        ) from None


def _scaled(request: Request, chosen: Sequence[str], resampled: Collection[str]) -> Request:
    """Bring the bands that are combined to the scale of the first of them.

    Pixels of ``resampled`` bands are sums of their own pixels, also where their unit is one of
    surface brightness: without zero points they and others are of two kinds then.

    Raises
    ------
    ValueError
        If that is not possible.
    """
    points = [request.zero_point_of(name) for name in chosen]
    units = [request.exposures[name].unit for name in chosen]
    systems = {name: _system(request, name) for name in chosen}
    if all(point is not None for point in points):
        if len(set(systems.values())) > 1:
            said = ", ".join(f"{name} in {system}" for name, system in systems.items())
            raise ValueError(
                f"combine='mean' needs zero points in one system, got {said}: give zero_point and "
                "zero_point_system for each, or combine='snr'"
            )
        scales = tuple(float(10 ** (-0.4 * (point - points[0]))) for point in points)  # type: ignore[operator]
    elif any(point is not None for point in points):
        without = [name for name, point in zip(chosen, points, strict=True) if point is None]
        raise ValueError(
            f"combine='mean' needs the zero points of all bands or of none, and {without[0]} has "
            "none: give zero_point for each, or combine='snr'"
        )
    else:
        for name, unit in zip(chosen, units, strict=True):
            if name in resampled and unit is not None and u.rad in unit.decompose().bases:
                raise ValueError(
                    f"combine='mean' with reproject=True needs zero points of bands in units of "
                    f"surface brightness, and {name} is in {unit}: give zero_point for each, or "
                    "combine='snr'"
                )
        try:
            scales = tuple(1.0 if unit is None else float(unit.to(units[0])) for unit in units)
        except (u.UnitConversionError, AttributeError, TypeError):
            raise ValueError(
                f"combine='mean' needs bands in one unit, and they are in "
                f"{', '.join(str(unit or 'none') for unit in units)}: give zero_point for each, or "
                "combine='snr'"
            ) from None
    return replace(request, combination=Combination(tuple(chosen), "mean", scales))


def _system(request: Request, name: str) -> str:
    """Return the system of the zero point of a band; those of headers are AB."""
    own = request.of_band[name]
    return (
        (own.zero_point_system or "none that is named")
        if isinstance(own.zero_point, float)
        else "AB"
    )
