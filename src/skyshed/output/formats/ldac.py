"""FITS_LDAC, which SCAMP, PSFEx and their kin read: the catalog, and the header of its image.

What SourceExtractor measures, too, is there under its names as well, pixels counted from 1 and
flags in its bits; all columns of the catalog are there as they are.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.table import Column, QTable

from skyshed.flags import sextractor_flags
from skyshed.output.catalog_parts import FitsColumns, write_fits
from skyshed.output.fits_catalog import read_fits_catalog
from skyshed.output.fits_tables import bytes_beside, extension_bytes, file_header
from skyshed.output.formats import About
from skyshed.output.ordered_rows import OrderedRows
from skyshed.output.table_parts import PlainTable, from_plain, to_plain
from skyshed.output.wcs_hdus import wcs_hdus

__all__ = ["NAMES", "read", "write"]

#: The names of the tables: of the image's header, and of the catalog.
HEADER, OBJECTS = "LDAC_IMHEAD", "LDAC_OBJECTS"
#: Characters of a card.
CARD = 80


def _same(values: Any) -> Any:
    return values


def _from_1(values: Any) -> Any:
    """Count pixels from 1, as FITS does."""
    return _plain(values) + 1


def _squared(values: Any) -> Any:
    return _plain(values) ** 2


def _flags(values: Any) -> Any:
    return sextractor_flags(_plain(values))


#: SourceExtractor's name -> ours, what is made of it, and its unit there, if it is another.
NAMES: dict[str, tuple[str, Callable[[Any], Any], Any]] = {
    "NUMBER": ("label", _same, None),
    "X_IMAGE": ("xcentroid", _from_1, u.pix),
    "Y_IMAGE": ("ycentroid", _from_1, u.pix),
    "ERRX2_IMAGE": ("xcentroid_err", _squared, u.pix**2),
    "ERRY2_IMAGE": ("ycentroid_err", _squared, u.pix**2),
    "XWIN_IMAGE": ("xcentroid_win", _from_1, u.pix),
    "YWIN_IMAGE": ("ycentroid_win", _from_1, u.pix),
    "ERRX2WIN_IMAGE": ("xcentroid_win_err", _squared, u.pix**2),
    "ERRY2WIN_IMAGE": ("ycentroid_win_err", _squared, u.pix**2),
    "XMIN_IMAGE": ("bbox_xmin", _from_1, u.pix),
    "XMAX_IMAGE": ("bbox_xmax", _from_1, u.pix),
    "YMIN_IMAGE": ("bbox_ymin", _from_1, u.pix),
    "YMAX_IMAGE": ("bbox_ymax", _from_1, u.pix),
    "ALPHA_J2000": ("ra", _same, None),
    "DELTA_J2000": ("dec", _same, None),
    "A_IMAGE": ("semimajor_sigma", _same, None),
    "B_IMAGE": ("semiminor_sigma", _same, None),
    "THETA_IMAGE": ("orientation", _same, None),
    "ELONGATION": ("elongation", _same, None),
    "ELLIPTICITY": ("ellipticity", _same, None),
    "ISOAREA_IMAGE": ("area", _same, None),
    "FLUX_ISO": ("segment_flux", _same, None),
    "FLUXERR_ISO": ("segment_fluxerr", _same, None),
    "FLUX_AUTO": ("kron_flux", _same, None),
    "FLUXERR_AUTO": ("kron_fluxerr", _same, None),
    "MAG_AUTO": ("kron_abmag", _same, None),
    "MAGERR_AUTO": ("kron_abmagerr", _same, None),
    "FLUX_RADIUS": ("fluxfrac_radius_50", _same, None),
    "BACKGROUND": ("background_centroid", _same, None),
    "FLAGS": ("flags", _flags, None),
}


def write(path: Path, first: PlainTable, rows: OrderedRows, about: About) -> None:
    """Write a catalog; see `skyshed.output.formats`."""
    columns = FitsColumns.of(_with_their_names(first), OBJECTS)
    primary = fits.PrimaryHDU(header=file_header(about.record)).header.tostring().encode("ascii")
    before = primary + extension_bytes(_image_header(path, about))
    after = bytes_beside(about.parameters, about.record)
    write_fits(map(_with_their_names, rows), len(rows), path, columns, before, after)


def read(path: Path) -> QTable:
    """Read a catalog under our names."""
    table = read_fits_catalog(path, OBJECTS)
    # One that was asked for under such a name is the catalog's own.
    table.remove_columns(
        [
            name for name, (own, *_) in NAMES.items()
            if name in table.colnames
            and (table[name].info.description or "").startswith(_described(own))
        ]
    )  # fmt: skip
    return table


def _described(own: str) -> str:
    """Return what the description of a column that was added begins with."""
    return f"As SourceExtractor's, of {own}."


def _with_their_names(part: PlainTable) -> PlainTable:
    """Add the columns that SourceExtractor has, too, before all others."""
    ours = from_plain(part)
    table = QTable()
    for name, (own, make, unit) in NAMES.items():
        if own not in ours.colnames:
            continue
        values, info = make(ours[own]), ours[own].info
        made = make is not _same
        if not made:
            table[name] = values
        elif unit is None:
            table[name] = Column(values)
        else:
            table[name] = u.Quantity(values, unit)
        what = _described(own) if made else f"{_described(own)} {info.description or ''}".strip()
        table[name].info.description = what
        # The main identifiers and positions are ours.
        ucd = (info.meta or {}).get("ucd", "").removesuffix(";meta.main")
        table[name].info.meta = {"ucd": ucd} if ucd else None
    for name in ours.colnames:
        table[name] = ours[name]
    plain = to_plain(table)
    return PlainTable(plain.columns, plain.header, part.rows)


def _image_header(path: Path, about: About) -> Any:
    """Return the table that holds the header of the image: its shape and WCS."""
    header = fits.Header()
    header["SIMPLE"], header["BITPIX"], header["NAXIS"] = True, -32, 0
    if about.shape is not None:
        header["NAXIS"] = 2
        header["NAXIS1"], header["NAXIS2"] = about.shape[1], about.shape[0]
    cards, tables = wcs_hdus(about.wcs, path)
    if not tables:  # those of distortions have no place in it
        header.extend(cards)
    text = header.tostring(padding=False)
    cards_in_it = len(text) // CARD
    column = fits.Column(
        "Field Header Card", f"{len(text)}A", dim=f"({CARD},{cards_in_it})",
        array=np.array([[text[at : at + CARD] for at in range(0, len(text), CARD)]]),
    )  # fmt: skip
    return fits.BinTableHDU.from_columns([column], name=HEADER)


def _plain(values: Any) -> Any:
    return np.asarray(getattr(values, "value", values))
