"""The registry describes its columns truly: units, needs, and what changes them."""

import importlib.util
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest

from skyshed import SourceCatalog, detect_sources
from skyshed.catalog.registry import (
    ALIASES,
    COLUMNS,
    close_columns,
    public_columns,
    required,
)
from tests.pipeline_field import SHAPE, make_field, make_wcs

NAMES = [column.name for column in public_columns()]


def _make_columns():
    path = Path(__file__).parents[2] / "docs/make_columns.py"
    spec = importlib.util.spec_from_file_location("make_columns", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FOLLOWS = _make_columns().follows


def _inputs():
    data = make_field().astype(float) - 21
    labels = detect_sources(data, 4.0, 6)
    given = {"error": 1.2, "background": 20.0, "convolved_data": 0.9, "threshold": 4.0}
    rng = np.random.default_rng(1)
    images = {name: value + 0.05 * rng.random(SHAPE) for name, value in given.items()}
    images["convolved_data"] = data * images["convolved_data"] + 0.1
    return data, labels, {**images, "wcs": make_wcs()}


@pytest.fixture(scope="module")
def inputs():
    return _inputs()


def plain(values):
    if hasattr(values, "icrs"):
        values = np.column_stack([values.icrs.ra.deg, values.icrs.dec.deg])
    return np.asarray(getattr(values, "value", values))


def equal(first, second):
    """Whether two arrays are the same to the bit; NaN equals NaN."""
    return np.array_equal(first, second, equal_nan=first.dtype.kind == "f")


def is_nothing(values):
    """Whether no source has a value."""
    values = plain(values)
    if values.dtype == object:
        return all(value is None for value in values.ravel())
    return values.dtype.kind == "f" and bool(np.isnan(values).all())


@pytest.fixture(scope="module")
def catalogs(inputs):
    """Catalogs of everything, and of everything but one input."""
    data, labels, optional = inputs
    leave_out = [None, *optional]
    return {
        name: SourceCatalog(data, labels, **{k: v for k, v in optional.items() if k != name})
        for name in leave_out
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_column_needs_what_it_says(catalogs, name):
    assert not is_nothing(getattr(catalogs[None], name))
    for argument in ("error", "background", "wcs", "threshold"):
        without = getattr(catalogs[argument], name)
        assert is_nothing(without) == (argument in required(name)), argument


CHANGES = {
    "convolved_data": {},
    "localbkg_width": {"localbkg_width": 12},
    "apermask_method": {"apermask_method": "none"},
    "kron_params": {"kron_params": (1.5, 1.0)},
}


@pytest.fixture(scope="module")
def changed(inputs, catalogs):
    data, labels, optional = inputs
    made = {key: SourceCatalog(data, labels, **optional, **new) for key, new in CHANGES.items()}
    made["convolved_data"] = catalogs["convolved_data"]
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_column_follows_nothing_else(catalogs, changed, name):
    before = plain(getattr(catalogs[None], name))
    for argument, catalog in changed.items():
        same = equal(before, plain(getattr(catalog, name)))
        assert same or argument in FOLLOWS(name), argument


def test_what_columns_are_said_to_follow_changes_some(catalogs, changed):
    for argument, catalog in changed.items():
        said = [name for name in NAMES if argument in FOLLOWS(name)]
        moved = [
            name
            for name in said
            if not equal(plain(getattr(catalogs[None], name)), plain(getattr(catalog, name)))
        ]
        assert len(moved) >= min(3, len(said)) > 0, argument


@pytest.mark.parametrize("name", NAMES)
def test_a_column_is_described_in_full(name):
    column = COLUMNS[name][0]
    assert column.description.endswith(".")
    assert column.description[0].isupper() or column.description[0] in "(xy1"
    assert len(column.description) > 10
    if column.unit not in ("", "data", "sky"):
        u.Unit(column.unit)
    assert column.unit != "" or not column.name.endswith("_flux")


def test_names_and_aliases_are_one_each():
    assert not set(ALIASES) & set(COLUMNS)
    assert len(ALIASES) == sum(bool(column.alias) for column, _ in COLUMNS.values())


def test_near_names_are_found_under_both_spellings():
    assert close_columns("kron_fluss")[0] == "kron_flux"
    assert "x_centroid" in close_columns("x_centroids")
    assert close_columns("defaults", ("default", "all"))[0] == "default"
    assert close_columns("zzzzzz") == []
