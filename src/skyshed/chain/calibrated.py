"""Fluxes as magnitudes and flux densities."""

from typing import Any

import astropy.units as u
import numpy as np

from skyshed.images.photometry import Calibration

__all__ = ["add_flux_densities", "magnitudes", "told_of"]

#: 2.5 / ln(10): the error of a magnitude over the relative error of its flux.
MAGNITUDES_PER_E_FOLD = 2.5 / np.log(10)
#: The columns that a calibrated flux adds: endings of their names, and what they are.
CALIBRATED = {
    "flux_ujy": "{} flux as a flux density.",
    "fluxerr_ujy": "1-sigma error of the {} flux as a flux density.",
    "abmag": "AB magnitude of the {} flux; NaN where that is not positive.",
    "abmagerr": "1-sigma error of the AB magnitude of the {} flux.",
}


def magnitudes(flux: Any, error: Any, zero_point: float) -> tuple[u.Quantity, u.Quantity]:
    """Return magnitudes and their errors; NaN where the flux is not positive.

    ``zero_point`` is the magnitude of a flux of 1; the error is the first order one,
    ``2.5 / ln(10) * error / flux``.

    Examples
    --------
    >>> from skyshed.chain.calibrated import magnitudes
    >>> magnitudes([100.0, -1.0], [1.0, 1.0], zero_point=25)[0]
    <Quantity [20., nan] mag>
    """
    flux, error = _plain(flux), _plain(error)
    positive = np.where(flux > 0, flux, np.nan)
    magnitude = zero_point - 2.5 * np.log10(positive)
    return magnitude << u.mag, (MAGNITUDES_PER_E_FOLD * error / positive) << u.mag


def add_flux_densities(
    table: Any, name: str, flux: Any, error: Any, calibration: Calibration
) -> None:
    """Add a flux, and its error, to a table as flux densities in uJy and as AB magnitudes.

    Examples
    --------
    >>> from astropy.table import QTable
    >>> from skyshed.chain.calibrated import add_flux_densities
    >>> from skyshed.images.photometry import Calibration
    >>> table = QTable()
    >>> add_flux_densities(table, "kron", [100.0], [1.0], Calibration(0.01, "BUNIT"))
    >>> table["kron_flux_ujy"], table["kron_abmag"]
    (<Quantity [1.] uJy>, <Quantity [23.9] mag>)
    """
    densities = [calibration.microjansky * _plain(each) << u.uJy for each in (flux, error)]
    values = (*densities, *magnitudes(flux, error, calibration.zero_point))
    for (ending, about), column in zip(CALIBRATED.items(), values, strict=True):
        table[f"{name}_{ending}"] = column
        table[f"{name}_{ending}"].info.description = about.format(name.replace("_", " "))


def told_of(table: Any, calibration: Calibration | None) -> Any:
    """Return a table whose metadata say what its flux densities and AB magnitudes come from."""
    if calibration is not None:
        table.meta.update(calibration.record())
    return table


def _plain(values: Any) -> Any:
    """Return numbers without their unit."""
    return np.asarray(getattr(values, "value", values), np.float64)
