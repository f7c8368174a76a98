"""Objects that a user has can be pickled and copied, and are then the same."""

import copy
import pickle

import numpy as np
import pytest

import skyshed
from tests.pipeline_field import make_field, same_tables

SETTINGS = {"nsigma": 3.0, "box_size": 32}

WAYS = {
    "pickle": lambda given: pickle.loads(pickle.dumps(given)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


def made_in(folder):
    data = make_field()
    whole = skyshed.extract(data, **SETTINGS)
    return {
        "background": (skyshed.Background2D(data, 32), lambda each: each.background),
        "extraction": (whole, lambda each: each.data[:]),
        "tiles": (skyshed.extract(data, workspace=folder, **SETTINGS), lambda each: each.data[:]),
        "catalog": (whole.catalog, lambda each: each.kron_flux),
        "labels": (whole.segmentation, lambda each: each.data),
        "local": (skyshed.LocalBackground(3, 6), lambda each: each(data, 40.0, 50.0)),
        "finder": (skyshed.SourceFinder(5, progress_bar=False), lambda each: each(data, 40.0).data),
        "parameters": (whole.parameters, lambda each: each.to_toml()),
    }


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    return made_in(tmp_path_factory.mktemp("tiles"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "name",
    ["background", "extraction", "tiles", "catalog", "labels", "local", "finder",
     "parameters"],
)  # fmt: skip
def test_objects_are_the_same_when_they_come_back(objects, name, way):
    given, look = objects[name]
    back = WAYS[way](given)
    assert type(back) is type(given)
    np.testing.assert_array_equal(look(back), look(given))
    if name in ("extraction", "tiles"):
        assert same_tables(back.table, given.table)
        assert back.record == given.record
