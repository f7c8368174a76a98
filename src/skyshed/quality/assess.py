"""Inject sources into an image, extract them, and compare."""

import os
import warnings
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import QTable, Table, vstack

from skyshed.arguments import check_positive_integer
from skyshed.chain.columns import spelled_out
from skyshed.extraction import extract
from skyshed.images.said import PLAIN
from skyshed.parameters import Parameters
from skyshed.quality.inject import draw, light_of
from skyshed.quality.matching import match
from skyshed.quality.report import write_quality
from skyshed.quality.scores import middle, pull_width, spread

__all__ = ["Quality", "assess"]

#: Sources are injected from this many times fainter to this many times brighter than a star of 5
#: sigma in a circle of a radius of one FWHM.
FAINTER, BRIGHTER, SIGNIFICANT = 4.0, 300.0, 5.0
#: Bins of flux per factor of ten.
BINS_PER_DEX = 4
#: Profiles end at this part of the noise: what is beyond it changes no measurement.
FAINTEST = 0.02
#: Rounds of injection, at most.
MOST_ROUNDS = 50
#: The full width at half maximum of a Moffat PSF of exponent 3, over its half-light radius.
FWHM_PER_RADIUS = 1.584
#: Stars that the FWHM is measured of have at least this significance, and there are so many.
STARS_ABOVE, FEWEST_STARS = 50.0, 5
#: The columns that are compared, whichever are asked for.
COMPARED = ("xcentroid", "ycentroid", "kron_flux", "kron_fluxerr")
#: The share of sources among which the narrowest range of half-light radii is that of stars.
LOCUS = 0.1


@dataclass(frozen=True, eq=False)
class Quality:
    """How good the catalog of an image is; what `assess` returns.

    Attributes
    ----------
    bins : `~astropy.table.QTable`
        One row for each kind of source and bin of flux: the middle ``flux`` and ``magnitude`` (of
        ``zero_point``, or of a flux of 1 at 0), ``n`` injected, ``completeness``; of the sources
        found, for each flux of the table the median of measured / true (``kron_ratio``), its spread
        (``kron_spread``) and the width of its pulls (``kron_pull``: 1 where errors are right); the
        spread of positions in pixels (``x_spread``) and the width of their pulls (``x_pull``).
    purity : `~astropy.table.QTable`
        For each bin of Kron flux, detections in the image, ``n``, and in the image mirrored at its
        background, ``n_false``, and the purity, ``1 - n_false / n``.
    injected : `~astropy.table.QTable`
        One row for each injected source: what it is, whether it was ``found``, and what was
        measured.
    facts : dict
        The limits (fluxes of stars found in 50 % and 90 % of cases), the PSF's FWHM, the noise,
        seed and rounds.
    """

    bins: Any
    purity: Any
    injected: Any
    facts: dict[str, Any]

    def write(self, folder: str | os.PathLike[str], picture: bool = True) -> list[Path]:
        """Write ``quality.ecsv``, ``purity.ecsv``, ``injected.ecsv``, and ``quality.png``.

        Raises
        ------
        ImportError
            If a picture is wanted and matplotlib is not installed.
        """
        return write_quality(self, Path(folder), picture)

    def __str__(self) -> str:
        facts = "\n".join(f"{key}: {value}" for key, value in self.facts.items())
        return f"{facts}\n\n" + "\n".join(self.bins.pformat(max_lines=-1, max_width=-1))


def assess(
    image: Any,
    *,
    psf_fwhm: float | None = None,
    n_sources: int = 1000,
    star_fraction: float = 0.5,
    seed: int | None = None,
    parameters: Parameters | None = None,
    **options: Any,
) -> Quality:
    """Inject sources of known flux and shape into an image, and see what is made of them.

    Stars and exponential disks, blurred by a Moffat PSF, are added at random places in several
    rounds, with the Poisson noise of their light where ``effective_gain`` is known; each image is
    extracted as the image itself. An injected source is found if a detection is within a FWHM of it
    and the image had no brighter one there. Nothing is known of the noise's correlation when a
    source is drawn: that of the image stays as it is.

    Parameters
    ----------
    image : image, shape (ny, nx)
        As of `skyshed.extract`.
    psf_fwhm : float, optional
        Full width at half maximum of the PSF, in pixels; that of the stars of the image if `None`.
    n_sources : int, optional
        Sources to inject, at least; as many as have room go into an image at a time.
    star_fraction : float, optional
        The fraction of stars among them.
    seed : int, optional
        Of the random numbers; drawn if `None`, and told in ``facts``.
    parameters : Parameters, optional
        Those of the extraction.
    **options
        As of `skyshed.extract`: ``mask``, ``weight``, ``nsigma``, ... Nothing is taken of a product
        of an observatory by itself: give its planes.

    Returns
    -------
    quality : Quality

    Raises
    ------
    ValueError
        If the PSF is not given and too few stars tell it, an argument is out of range, or sources
        would be known beforehand (``segmentation``, ``detection_image``); and as `skyshed.extract`
        does.

    Examples
    --------
    >>> from skyshed.quality import assess
    >>> from skyshed.datasets import make_survey_image
    >>> image = make_survey_image((256, 256), seed=4)
    >>> found = assess(image.data, mask=image.mask, psf_fwhm=3.5, n_sources=60, seed=1)
    >>> bool(found.bins["completeness"][-1] > 0.5), found.facts["psf_fwhm"]
    (True, 3.5)
    """
    check_positive_integer(n_sources, "n_sources")
    if not 0 <= star_fraction <= 1:
        raise ValueError(f"star_fraction must be from 0 to 1, got {star_fraction!r}")
    if psf_fwhm is not None and not 0 < psf_fwhm < np.inf:
        raise ValueError(f"psf_fwhm must be a number of pixels above 0, got {psf_fwhm!r}")
    options = _checked(options, parameters)
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
    parameters, options = _measuring(parameters or Parameters(), options)
    before = extract(image, parameters=parameters, **{"profile": PLAIN, **options})
    if psf_fwhm is None:
        psf_fwhm = _fwhm_of_stars(before)
    # What cards of the header say is known now; arrays have no header.
    given = {name: value for name, value in options.items() if name in COMPANIONS}
    # The mask has what the image itself masks, and which bits of one count.
    settled = before.settled_parameters.replace(mask_bits=None)
    again = {"parameters": settled, **given}
    if before.mask is not None:
        again["mask"] = _plain(before.mask)
    pixels = np.asarray(_plain(before.data), float) + np.asarray(_plain(before.background), float)
    noise = float(np.median(np.asarray(_plain(before.background_rms))))
    faintest = SIGNIFICANT * noise * np.sqrt(np.pi) * psf_fwhm
    fluxes = faintest / FAINTER, faintest * BRIGHTER
    rng = np.random.default_rng(seed)
    parts: list[Table] = []
    while sum(map(len, parts)) < n_sources and len(parts) < MOST_ROUNDS:
        parts.append(_round(before, pixels, fluxes, psf_fwhm, star_fraction, noise, rng, again))
    injected = vstack(parts, metadata_conflicts="silent")
    edges = _edges(fluxes)
    zero_point = before.settled_parameters.zero_point
    zero = zero_point if isinstance(zero_point, float) else 0.0
    bins = vstack([_binned(injected, kind, edges, zero) for kind in ("star", "galaxy")])
    facts = {
        "psf_fwhm": round(float(psf_fwhm), 3), "noise": noise, "rounds": len(parts), "seed": seed,
        **{f"flux_limit_{share}": _limit(bins, share / 100) for share in (50, 90)},
    }  # fmt: skip
    purity = _purity(before, pixels, edges, again)
    return Quality(QTable(bins), purity, QTable(injected), facts)


#: Images that go with the image, and go with the injected ones, too.
COMPANIONS = ("weight", "rms", "variance", "background", "error", "device")
#: Columns that are compared with the truth: they are measured beside those that are named.
COMPARED = ("xcentroid", "ycentroid", "kron_flux", "kron_fluxerr")


def _checked(options: dict[str, Any], parameters: Parameters | None) -> dict[str, Any]:
    """Refuse options by which injected sources cannot be found; add the columns to compare."""
    for name, value in options.items():
        known = name in ("segmentation", "association") or name.startswith("detection_")
        if known and value is not None:
            raise ValueError(
                f"{name} does not go with injected sources, which it knows nothing of: leave it out"
            )
    given = [name for name in COMPANIONS[:-1] if options.get(name) is not None]
    images = [name for name in given if np.ndim(options[name]) or not _is_number(options[name])]
    if options.get("region") is not None and images:
        raise ValueError(
            f"region does not go with {', '.join(images)} here: cut the image and what goes with "
            "it beforehand, and leave region out"
        )
    columns = options.get("columns", None if parameters is None else parameters.columns)
    if columns is None:
        return options
    asked = Parameters(columns=columns).columns or ()
    return {**options, "columns": (*asked, *COMPARED)}


def _is_number(value: Any) -> bool:
    """Whether a background is one number for all pixels, or none."""
    return value == "none" or isinstance(value, (int, float))


def _plain(view: Any) -> Any:
    """Return the pixels of a view without their unit."""
    pixels = view[:]
    pixels = getattr(pixels, "value", pixels)
    return pixels.get() if hasattr(pixels, "get") else pixels


def _column(table: Any, name: str) -> Any:
    values = table[name]
    return np.asarray(getattr(values, "value", values), float)


def _fwhm_of_stars(found: Any) -> float:
    """Return the FWHM that the most frequent half-light radius of bright sources tells."""
    catalog = found.catalog
    radius = np.empty(0)
    if catalog is not None:
        flux, error, sizes = (
            np.atleast_1d(np.asarray(getattr(each, "value", each), float))
            for each in (catalog.kron_flux, catalog.kron_fluxerr, catalog.fluxfrac_radius(0.5))
        )
        good = (flux > STARS_ABOVE * error) & (catalog.kron_neighbor_share < LOCUS)
        radius = np.sort(sizes[good & np.isfinite(sizes)])
    if radius.size < FEWEST_STARS:
        raise ValueError(
            f"psf_fwhm is not given, and only {radius.size} sources of the image are bright and "
            f"undisturbed enough to tell it, fewer than {FEWEST_STARS}: give psf_fwhm (--psf-fwhm)"
        )
    width = max(FEWEST_STARS, int(LOCUS * radius.size)) - 1
    first = int(np.argmin(radius[width:] - radius[: radius.size - width]))
    return FWHM_PER_RADIUS * float(np.median(radius[first : first + width + 1]))


def _measuring(
    parameters: Parameters, options: dict[str, Any]
) -> tuple[Parameters, dict[str, Any]]:
    """Return parameters by which all columns are measured that are compared, and other options."""
    options = dict(options)
    if "columns" in options:
        parameters = parameters.replace(columns=options.pop("columns"))
    asked = spelled_out(parameters.columns, has_wcs=False)
    if parameters.columns is None or asked is None:
        return parameters, options
    lacking = [name for name in COMPARED if name not in asked]
    return parameters.replace(columns=(*parameters.columns, *lacking)), options


def _round(
    before: Any, pixels: Any, fluxes: tuple[float, float], psf_fwhm: float, star_fraction: float,
    noise: float, rng: np.random.Generator, again: dict[str, Any],
) -> Table:  # fmt: skip
    """Inject once, and return what became of each source."""
    drawn = draw(pixels.shape, fluxes, psf_fwhm, star_fraction, rng)
    light = light_of(drawn, pixels.shape, psf_fwhm, FAINTEST * noise)
    gain = before.settled_parameters.effective_gain
    if isinstance(gain, float) and gain > 0:
        light += np.sqrt(np.maximum(light, 0) / gain) * rng.standard_normal(light.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the image itself were told
        after = extract((pixels + light).astype(before.data.dtype), **again)
    table, old = after.table, before.table
    x, y = (_column(table, name) for name in ("xcentroid", "ycentroid"))
    found = match(x, y, drawn.x, drawn.y, drawn.flux, psf_fwhm)
    of = found.detection_of
    was_x, was_y, was = (_column(old, name) for name in ("xcentroid", "ycentroid", "kron_flux"))
    brighter = np.zeros(len(drawn.x), bool)
    there = match(drawn.x, drawn.y, was_x, was_y, np.nan_to_num(was), psf_fwhm).source_of
    brighter[there >= 0] = was[there[there >= 0]] > drawn.flux[there >= 0]
    result = Table(
        {
            "kind": np.where(drawn.star, "star", "galaxy"), "x": drawn.x, "y": drawn.y,
            "flux": drawn.flux, "radius": drawn.radius, "axis_ratio": drawn.axis_ratio,
            "found": (of >= 0) & ~brighter,
        }
    )  # fmt: skip
    names = [name for name in table.colnames if name.endswith(("_flux", "_fluxerr"))]
    names += [name for name in ("xcentroid", "xcentroid_err") if name in table.colnames]
    names += [name for name in ("xcentroid_win", "xcentroid_win_err") if name in table.colnames]
    for name in names:
        values = _column(table, name)
        measured = np.full(len(of), np.nan)
        measured[result["found"]] = values[of[result["found"]]]
        result[name] = measured
    return result


def _edges(fluxes: tuple[float, float]) -> Any:
    """Return the edges of bins of flux."""
    low, high = np.log10(fluxes)
    return np.logspace(low, high, round((high - low) * BINS_PER_DEX) + 1)


def _binned(injected: Any, kind: str, edges: Any, zero_point: float) -> Table:
    """Return ``bins`` of `Quality` of one kind of source."""
    mine = injected[np.asarray(injected["kind"]) == kind]
    number = np.digitize(mine["flux"], edges) - 1
    totals = [name.removesuffix("_flux") for name in mine.colnames if name.endswith("_flux")]
    position = "xcentroid_win" if "xcentroid_win" in mine.colnames else "xcentroid"
    rows = []
    for k, (low, high) in enumerate(pairwise(edges)):
        part = mine[number == k]
        flux, got = float(np.sqrt(low * high)), np.asarray(part["found"], bool)
        row: dict[str, Any] = {
            "kind": kind, "magnitude": zero_point - 2.5 * np.log10(flux), "flux": flux,
            "n": len(part), "completeness": float(got.mean()) if len(part) else np.nan,
        }  # fmt: skip
        for name in totals:
            measured, true = part[f"{name}_flux"], part["flux"]
            row[f"{name}_ratio"] = middle(measured / true)
            row[f"{name}_spread"] = spread(measured / true)
            if f"{name}_fluxerr" in part.colnames:
                row[f"{name}_pull"] = pull_width(measured, true, part[f"{name}_fluxerr"])
        off = part[position] - part["x"] if position in part.colnames else np.empty(0)
        row["x_spread"] = spread(off)
        if f"{position}_err" in part.colnames:
            row["x_pull"] = pull_width(off, 0.0, part[f"{position}_err"])
        rows.append(row)
    table = Table(rows)
    for name in table.colnames:
        if table[name].dtype.kind == "f":
            table[name].info.format = ".2f" if name == "magnitude" else ".4g"
    return table


def _limit(bins: Any, share: float) -> float:
    """Return the flux at which completeness of stars, from bright to faint, falls below a share."""
    stars = bins[(np.asarray(bins["kind"]) == "star") & (np.asarray(bins["n"]) > 0)]
    log_flux, complete = np.log10(stars["flux"])[::-1], np.asarray(stars["completeness"])[::-1]
    below = np.flatnonzero(complete < share)
    if below.size == 0 or below[0] == 0:
        return np.nan
    k = below[0]
    part = (complete[k - 1] - share) / (complete[k - 1] - complete[k])
    return float(10 ** (log_flux[k - 1] + part * (log_flux[k] - log_flux[k - 1])))


def _purity(before: Any, pixels: Any, edges: Any, again: dict[str, Any]) -> QTable:
    """Count what is detected in the image and in its mirror image."""
    level = np.asarray(_plain(before.background), float)
    known = {name: value for name, value in again.items() if name != "background"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mirrored = extract((level - pixels).astype(before.data.dtype), **known, background="none")
    counts = [
        np.histogram(_column(found.table, "kron_flux"), edges)[0] for found in (before, mirrored)
    ]
    n, n_false = counts
    share = np.where(n > 0, 1 - n_false / np.maximum(n, 1), np.nan)
    flux = np.sqrt(edges[:-1] * edges[1:])
    return QTable({"flux": flux, "n": n, "n_false": n_false, "purity": share})
