"""How measurements are declared and evaluated."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

from skyshed.catalog import registry
from skyshed.catalog.registry import SEGMENT, Column, Results, column, measurement


@pytest.fixture
def families(monkeypatch):
    """A registry of its own: positions, and fluxes that need them and a radius."""
    for name in ("MEASUREMENTS", "COLUMNS", "ALIASES"):
        monkeypatch.setattr(registry, name, {})
    calls = []

    @measurement(Column("x", alias="x_new"), Column("y"), geometry=True, reach=SEGMENT)
    def position(frame):
        calls.append("position")
        return frame + 1, frame + 2

    @measurement(Column("flux", unit="data"), reach=SEGMENT)
    def flux(frame, x, radius):
        calls.append("flux")
        return frame * x * radius

    @measurement(Column("ratio"))
    def ratio(flux, y):
        calls.append("ratio")
        return flux / y

    return calls


FRAME = np.arange(3.0)


def test_columns_of_one_measurement_cost_one_call(families):
    results = Results({"frame": FRAME, "radius": 2})
    np.testing.assert_array_equal(results["ratio"], FRAME * (FRAME + 1) * 2 / (FRAME + 2))
    assert results["x"] is results["x"]
    assert results["frame"] is FRAME
    assert families == ["position", "flux", "ratio"]


def test_other_inputs_measure_only_what_depends_on_them(families):
    results = Results({"frame": FRAME, "radius": 2})
    wide = results.with_inputs(radius=5)
    np.testing.assert_allclose(wide["ratio"] / 5, results["ratio"] / 2, rtol=1e-15)
    assert wide["x"] is results["x"]
    assert families.count("position") == 1
    assert families.count("flux") == 2
    assert results.with_inputs(radius=5) is wide


def test_selections_keep_what_was_measured(families):
    results = Results({"frame": FRAME, "radius": 2})
    _ = results["x"]
    some = results.take(np.array([2, 0]), frame=FRAME[[2, 0]])
    np.testing.assert_array_equal(some["x"], [3, 1])
    np.testing.assert_array_equal(some["flux"], results["flux"][[2, 0]])
    assert families == ["position", "flux", "flux"]


def test_geometry_comes_from_the_detection(families):
    detection = Results({"frame": FRAME + 10, "radius": 1})
    results = Results({"frame": FRAME, "radius": 2}, detection)
    assert results["x"] is detection["x"]
    np.testing.assert_array_equal(results["flux"], FRAME * (FRAME + 11) * 2)
    some = results.take(np.array([1]), frame=FRAME[[1]])
    np.testing.assert_array_equal(some["x"], detection["x"][[1]])
    np.testing.assert_array_equal(results.with_inputs(radius=4)["x"], detection["x"])


def test_results_for_other_inputs_go_with_those_they_were_made_from(families):
    results = Results({"frame": FRAME, "radius": 2})
    wide = results.with_inputs(radius=5)
    gone = weakref.ref(results)
    gc.disable()
    try:
        del results
        assert gone() is None
    finally:
        gc.enable()
    np.testing.assert_array_equal(wide["flux"], FRAME * (FRAME + 1) * 5)


def test_copies_and_pickles_keep_what_was_measured(families):
    results = Results({"frame": FRAME, "radius": 2})
    results.with_inputs(radius=5)
    _ = results["x"]
    for other in (copy.deepcopy(results), pickle.loads(pickle.dumps(results))):
        np.testing.assert_array_equal(other["x"], results["x"])
        np.testing.assert_array_equal(other.with_inputs(radius=5)["flux"], FRAME * (FRAME + 1) * 5)
    assert families.count("position") == 1


def test_a_column_is_found_by_either_name(families):
    assert column("x_new") is column("x")
    assert column("flux").unit == "data"
    with pytest.raises(KeyError):
        column("flux_new")


def test_a_column_is_declared_once(families):
    with pytest.raises(ValueError, match="column 'x' is already measured elsewhere"):

        @measurement(Column("x"))
        def again(radius):
            return radius


def test_a_measurement_has_a_name_of_its_own(families):
    with pytest.raises(ValueError, match="a measurement called 'flux' is already registered, in"):

        @measurement(Column("brightness"))
        def flux(radius):
            return radius


def test_a_measurement_of_images_says_how_far_it_reads(families):
    with pytest.raises(ValueError, match="measurement 'wide' is given the frame, and must say how"):

        @measurement(Column("wide_flux"))
        def wide(frame, x, y, radius):
            return frame

    assert "wide" not in registry.MEASUREMENTS
    assert "wide_flux" not in registry.COLUMNS


def test_a_missing_input_is_named(families):
    with pytest.raises(KeyError, match="'radius' is neither an input that was given nor a reg"):
        _ = Results({"frame": FRAME})["flux"]


def test_a_measurement_must_return_what_it_declares(families):
    @measurement(Column("a"), Column("b"), reach=SEGMENT)
    def two(frame):
        return (frame,)

    with pytest.raises(ValueError, match="zip"):
        _ = Results({"frame": FRAME})["a"]


def test_every_registered_measurement_can_be_fed():
    """Everything a measurement needs is an input of the catalog or another column."""
    import skyshed.catalog  # noqa: F401 - fills the registry

    inputs = {"frame", "sources", "provenance", "n_threads", "wcs", "kron_params", "localbkg_width",
              "apermask_method", "radius", "fraction", "noise_correlation",
              "smoothed_noise"}  # fmt: skip
    for entry in registry.MEASUREMENTS.values():
        assert set(entry.needs) <= inputs | set(registry.COLUMNS), entry.name
        assert all(each.description for each in entry.columns), entry.name
