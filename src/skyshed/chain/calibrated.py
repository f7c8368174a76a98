"""Fluxes as magnitudes and flux densities."""

from typing import Any

import astropy.units as u
import numpy as np

from skyshed.catalog.table import add_column
from skyshed.chain.derived import calibrated_columns, magnitude_columns
from skyshed.images.photometry import Calibration

__all__ = ["add_flux_densities", "add_magnitudes", "magnitudes", "told_of"]

#: 2.5 / ln(10): the error of a magnitude over the relative error of its flux.
MAGNITUDES_PER_E_FOLD = 2.5 / np.log(10)


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
    for column, values in zip(calibrated_columns(name), (flux, error), strict=False):
        add_column(table, column, calibration.microjansky * _plain(values) << u.uJy)
    add_magnitudes(table, name, flux, error, calibration.zero_point, "AB")


def add_magnitudes(
    table: Any, name: str, flux: Any, error: Any, zero_point: float, system: str | None
) -> None:
    """Add a flux, and its error, to a table as magnitudes in one system, which the columns name.

    Those of the AB system are called so, others ``_mag``: no table has a flux in two systems.

    Examples
    --------
    >>> from astropy.table import QTable
    >>> from skyshed.chain.calibrated import add_magnitudes
    >>> table = QTable()
    >>> add_magnitudes(table, "kron", [100.0], [1.0], 25.0, "Vega")
    >>> add_magnitudes(table, "segment", [100.0], [1.0], 25.0, "AB")
    >>> table.colnames
    ['kron_mag', 'kron_magerr', 'segment_abmag', 'segment_abmagerr']
    >>> table["kron_mag"].info.description
    'Vega magnitude of the kron flux; NaN where that is not positive.'
    """
    columns = magnitude_columns(name, system)
    for column, values in zip(columns, magnitudes(flux, error, zero_point), strict=True):
        add_column(table, column, values)


def told_of(table: Any, calibration: Calibration | None) -> Any:
    """Return a table whose metadata say what its flux densities and AB magnitudes come from."""
    if calibration is not None:
        table.meta.update(calibration.record())
    return table


def _plain(values: Any) -> Any:
    """Return numbers without their unit."""
    return np.asarray(getattr(values, "value", values), np.float64)
