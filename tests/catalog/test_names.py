"""Every public name of the catalogs of photutils 3.1.1 and of the guide exists in skyshed."""

import inspect
from pathlib import Path

import numpy as np
import pytest

from skyshed import SourceCatalog
from skyshed.catalog.registry import COLUMNS
from skyshed.names import KEYWORDS

#: What photutils names as its own default and skyshed as another: see docs/differences.md.
DEFAULTS = {"n_threads": None}
#: Families of columns that photutils does not have.
OWN_FAMILIES = tuple(
    f"skyshed.catalog.{name}" for name in ("dilated", "growth", "position_errors", "total")
)


@pytest.fixture(scope="module")
def stored():
    with np.load(Path(__file__).parents[1] / "oracle" / "catalog_names.npz") as file:
        return {name: file[name].tolist() for name in file.files}


def same(one, other):
    """Whether two values of attributes are the same, NaN included."""
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "ra"):
        return same(one.ra.deg, other.ra.deg) and same(one.dec.deg, other.dec.deg)
    if isinstance(one, np.ndarray):
        equal_nan = one.dtype.kind == "f"
        return type(one) is type(other) and np.array_equal(one, other, equal_nan=equal_nan)
    return one == other or repr(one) == repr(other)


def test_every_name_of_photutils_3_is_there(stored, catalog_of):
    catalog = catalog_of("full")
    assert [name for name in stored["names"] if not hasattr(catalog, name)] == []
    assert set(stored["properties"]) <= set(catalog.properties)
    for name in stored["properties"]:
        value = getattr(catalog, name)
        assert len(value) == len(catalog), name


def test_every_name_of_the_guide_gives_what_photutils_3s_does(stored, catalog_of):
    catalog = catalog_of("full")
    for guide, new in zip(stored["old"], stored["new"], strict=True):
        assert same(getattr(catalog, guide), getattr(catalog, new)), guide


def test_every_column_has_both_names(stored, catalog_of):
    """Where photutils has the column at all: plain positions in degrees are ours."""
    renamed = dict(zip(stored["old"], stored["new"], strict=True))
    for name, (column, _) in COLUMNS.items():
        if column.public:
            ours = name in ("inertia_tensor", "parent", "ra", "dec", "sky_pixel_area")
            ours |= COLUMNS[name][1].function.__module__ in OWN_FAMILIES
            assert (column.alias or name) in stored["properties"] or ours
            assert renamed.get(name, column.alias or name) == (column.alias or name)


def test_methods_take_photutils_parameters_and_have_its_defaults(stored):
    for method, listed in zip(stored["methods"], stored["parameters"], strict=True):
        ours = inspect.signature(getattr(SourceCatalog, method, None) or alias(method)).parameters
        theirs = [each.partition("=")[::2] for each in split(listed)]
        for name, default in theirs:
            mine = ours[KEYWORDS[name] if KEYWORDS.get(name) in ours else name]
            if mine.name in DEFAULTS:
                assert mine.default is DEFAULTS[mine.name]
            elif default:
                assert repr(mine.default) == default, (method, name)
            else:
                kind = mine.kind is mine.VAR_KEYWORD
                assert mine.default is mine.empty or kind, (method, name)


def alias(method):
    """The method that an alias stands for."""
    from skyshed.names import ATTRIBUTES

    return getattr(SourceCatalog, ATTRIBUTES[method])


def split(listed):
    """Split parameters at the commas that are in no parentheses."""
    parts, depth = [""], 0
    for character in listed:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def test_a_scalar_catalog_has_scalars_under_every_name(stored, catalog_of):
    catalog = catalog_of("full")
    one = catalog[3]
    for name in stored["properties"]:
        if name != "labels":
            assert same(getattr(one, name), getattr(catalog, name)[3]), name
