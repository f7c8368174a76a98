"""The newer names mean the guide's."""

import inspect

import pytest

import skyshed
from skyshed.names import ATTRIBUTES, KEYWORDS, accept_aliases, both_names, canonical_attribute


@accept_aliases
def detect(data, npixels, nlevels=32, *, n_threads=None):
    """Return the arguments."""
    return data, npixels, nlevels, n_threads


def test_an_alias_means_the_canonical_keyword():
    assert detect(1, n_pixels=5) == (1, 5, 32, None)
    assert detect(1, 5, n_levels=8, nproc=2) == (1, 5, 8, 2)
    assert detect(1, 5, n_processes=3) == (1, 5, 32, 3)
    assert detect(data=1, npixels=5, nlevels=4, n_threads=7) == (1, 5, 4, 7)


@pytest.mark.parametrize(
    ("args", "kwargs", "both"),
    [
        ((1, 5), {"n_pixels": 5}, "'npixels' and its alias 'n_pixels'"),
        ((1,), {"npixels": 5, "n_pixels": 5}, "'npixels' and its alias 'n_pixels'"),
        ((1, 5, 8), {"n_levels": 8}, "'nlevels' and its alias 'n_levels'"),
        ((1, 5), {"nproc": 1, "n_threads": 1}, "'n_threads' and its alias 'nproc'"),
        ((1, 5), {"nproc": 1, "n_processes": 1}, "'n_threads' and its alias"),
    ],
)
def test_both_names_at_once_are_refused(args, kwargs, both):
    with pytest.raises(TypeError, match=rf"detect\(\) got {both}"):
        detect(*args, **kwargs)


def test_an_alias_of_a_keyword_that_the_function_lacks_is_unexpected():
    with pytest.raises(TypeError, match="unexpected keyword argument 'n_sigma'"):
        detect(1, 5, n_sigma=3)


def test_the_wrapper_shows_the_functions_own_signature_and_the_aliases():
    parameters = inspect.signature(detect).parameters
    assert list(parameters)[:4] == ["data", "npixels", "nlevels", "n_threads"]
    assert set(parameters).difference(list(parameters)[:4]) == {
        "n_pixels", "n_levels", "nproc", "n_processes",
    }  # fmt: skip
    assert all(each.kind is each.KEYWORD_ONLY for each in list(parameters.values())[4:])
    assert str(parameters["n_levels"]) == "n_levels=nlevels"
    assert (detect.__name__, detect.__doc__) == ("detect", "Return the arguments.")


def test_a_call_that_was_bound_with_all_defaults_is_the_same_call():
    # astropy's support_nddata and others bind arguments to the signature.
    bound = inspect.signature(detect).bind(1, 5, n_threads=3)
    bound.apply_defaults()
    assert detect(*bound.args, **bound.kwargs) == (1, 5, 32, 3)


def test_aliases_come_before_other_keywords():
    @accept_aliases
    def draw(npixels, **kwargs):
        return npixels, kwargs

    assert list(inspect.signature(draw).parameters) == ["npixels", "n_pixels", "kwargs"]
    assert draw(n_pixels=5, color="red") == (5, {"color": "red"})


@pytest.mark.parametrize(
    ("of", "names"),
    [
        (skyshed.SourceFinder, {"npixels", "n_pixels", "nlevels", "n_levels", "n_threads"}),
        (skyshed.SourceCatalog, {"segment_img", "segmentation_image", "aperture_mask_method"}),
        (skyshed.detect_threshold, {"nsigma", "n_sigma"}),
        (skyshed.Background2D, {"bkgrms_estimator", "bkg_rms_estimator"}),
    ],
)
def test_pipelines_find_photutils_names_in_the_signature(of, names):
    # jwst 3.0.0: {k: v for k, v in keywords if k in inspect.signature(SourceFinder).parameters}
    assert names <= set(inspect.signature(of).parameters)


def test_a_message_gives_both_names_of_a_keyword():
    assert both_names("segment_img") == "segment_img/segmentation_image"
    assert both_names("n_threads") == "n_threads/nproc/n_processes"
    assert both_names("data") == "data"


class Image:
    """A class with the canonical names."""

    nlabels = 3

    def __init__(self):
        self.npixels = 5

    def __getattr__(self, name):
        return canonical_attribute(self, name)


def test_an_attribute_alias_means_the_canonical_attribute():
    assert Image().n_labels == 3
    assert Image().n_pixels == 5


@pytest.mark.parametrize("name", ["n_lables", "data_masked", "__wrapped__"])
def test_other_attributes_are_missing(name):
    with pytest.raises(AttributeError, match=f"'Image' object has no attribute '{name}'"):
        getattr(Image(), name)


def test_no_alias_is_itself_canonical():
    for table in (KEYWORDS, ATTRIBUTES):
        assert not table.keys() & table.values()
