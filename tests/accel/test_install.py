"""What installing replaces, what it leaves alone, and that uninstalling restores all of it."""

import copy
import importlib
import importlib.metadata
import importlib.util
import inspect
import pickle
import sys
import warnings
from types import ModuleType

import astropy.convolution
import numpy as np
import photutils
import photutils.aperture
import photutils.background
import photutils.psf
import photutils.segmentation
import pytest

import skyshed
from skyshed import accel

SWAPPED = {
    "photutils.segmentation": (
        "SegmentationImage", "SourceCatalog", "SourceFinder", "deblend_sources", "detect_sources",
        "detect_threshold",
    ),
    "photutils.background": (
        "Background2D", "BiweightLocationBackground", "BkgIDWInterpolator", "BkgZoomInterpolator",
        "LocalBackground", "MADStdBackgroundRMS", "MMMBackground", "MeanBackground",
        "MedianBackground", "ModeEstimatorBackground", "SExtractorBackground", "StdBackgroundRMS",
    ),
    "astropy.convolution": ("convolve",),
}  # fmt: skip
#: Where else they are found.
MODULES = {
    "SegmentationImage": "photutils.segmentation.core",
    "SourceCatalog": "photutils.segmentation.catalog",
    "SourceFinder": "photutils.segmentation.finder",
    "detect_sources": "photutils.segmentation.detect",
    "deblend_sources": "photutils.segmentation.deblend",
    "Background2D": "photutils.background.background_2d",
    "LocalBackground": "photutils.background.local_background",
    "MedianBackground": "photutils.background.core",
    "convolve": "astropy.convolution.convolve",
}
EVERY = [(package, name) for package, names in SWAPPED.items() for name in names]
ORIGINALS = {name: getattr(importlib.import_module(p), name) for p, name in EVERY}
LABELS = np.array([[0, 1, 1, 0, 0], [0, 1, 0, 0, 2], [0, 0, 0, 2, 2]])


def snapshot():
    """All that installing may touch: modules, and the names in every module."""
    return {
        name: (id(module), {n: id(v) for n, v in vars(module).items()})
        for name, module in sys.modules.items()
        if isinstance(module, ModuleType) and name.partition(".")[0] in ("photutils", "astropy")
    }


def test_uninstalling_restores_every_name_of_every_module():
    accel.install()
    accel.uninstall()  # whatever is imported for it is there now
    before, path = snapshot(), list(sys.meta_path)
    tables = dict(importlib.import_module("copyreg").dispatch_table)
    bases = skyshed.NoDetectionsWarning.__bases__
    accel.install()
    assert snapshot() != before
    assert sys.meta_path != path
    accel.uninstall()
    assert snapshot() == before
    assert sys.meta_path == path
    assert importlib.import_module("copyreg").dispatch_table == tables
    assert skyshed.NoDetectionsWarning.__bases__ == bases
    accel.uninstall()


@pytest.mark.parametrize(("package", "name"), EVERY)
def test_names_are_replaced_in_packages_and_by_their_old_paths(installed, package, name):
    module = importlib.import_module(package)
    for place in (module, sys.modules[MODULES.get(name, package)]):
        stand_in = getattr(place, name)
        assert stand_in is not ORIGINALS[name]
        assert inspect.unwrap(stand_in, stop=lambda f: f is ORIGINALS[name]) is ORIGINALS[name]
    assert stand_in.__name__ == name
    assert stand_in.__doc__ == ORIGINALS[name].__doc__
    assert inspect.signature(stand_in) == inspect.signature(ORIGINALS[name])


@pytest.mark.usefixtures("installed")
def test_packages_have_all_that_they_have_without():
    for package in SWAPPED:
        module = importlib.import_module(package)
        parent, _, child = package.rpartition(".")
        assert getattr(importlib.import_module(parent), child) is module
        names = set(vars(vars(module)["_skyshed_accel"]))
        assert names <= set(dir(module))
        assert all(hasattr(module, name) for name in names)
        scope = {}
        exec(f"from {package} import *", scope)
        for name in SWAPPED[package]:
            assert scope[name] is getattr(module, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is made, and deprecated since 3.1, by the original
        assert "label" in photutils.segmentation.catalog.DEFAULT_COLUMNS


@pytest.mark.usefixtures("installed")
def test_other_modules_of_photutils_keep_their_own_names():
    for module in (photutils.psf.photometry, photutils.background.background_2d):
        held = {id(v) for v in vars(module).values()}
        assert id(photutils.background.LocalBackground) not in held or (
            module is photutils.background.background_2d
        )
    # Those that are imported later, too.
    del sys.modules["photutils.psf.photometry"]
    again = importlib.import_module("photutils.psf.photometry")
    assert again.LocalBackground is ORIGINALS["LocalBackground"]


@pytest.fixture
def user(monkeypatch):
    """A module that was imported before, and holds photutils' names."""
    module = ModuleType("a_users_module")
    exec(
        "import photutils.segmentation as segmentation\n"
        "from photutils.segmentation import detect_sources as find, SourceCatalog\n"
        "from astropy.convolution import convolve\n"
        "def count(data):\n"
        "    return find(data, 0.5, 3).n_labels\n",
        vars(module),
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_modules_that_were_imported_before_get_the_new_names(user, receipt):
    before = {name: id(value) for name, value in vars(user).items()}
    accel.install()
    try:
        assert user.find is photutils.segmentation.detect_sources
        assert user.segmentation is photutils.segmentation
        assert user.convolve is astropy.convolution.convolve
        assert user.count(np.ones((5, 5))) == 1
        assert receipt.calls["detect_sources"].skyshed == 1
    finally:
        accel.uninstall()
    assert {name: id(value) for name, value in vars(user).items()} == before
    assert user.count(np.ones((5, 5))) == 1
    assert receipt.calls["detect_sources"].skyshed == 1


def test_what_is_held_where_nobody_looks_is_the_original_after_uninstalling(receipt):
    accel.install()
    held = [photutils.segmentation.detect_sources, photutils.segmentation.SegmentationImage]
    accel.uninstall()
    segments = held[0](np.ones((5, 5)), 0.5, 3)
    assert type(segments) is ORIGINALS["SegmentationImage"]
    assert type(held[1](LABELS)) is ORIGINALS["SegmentationImage"]
    assert receipt.calls == {}


@pytest.mark.usefixtures("installed")
def test_objects_of_either_library_are_instances_of_the_class_that_stands_there():
    stand_in = photutils.segmentation.SegmentationImage
    ours, theirs = stand_in(LABELS), ORIGINALS["SegmentationImage"](LABELS)
    assert type(ours) is skyshed.SegmentationImage
    for segments in (ours, theirs):
        assert isinstance(segments, stand_in)
        assert isinstance(segments, ORIGINALS["SegmentationImage"])
        assert not isinstance(segments, photutils.segmentation.SourceCatalog)
    assert issubclass(skyshed.SegmentationImage, stand_in)
    assert issubclass(ORIGINALS["SegmentationImage"], stand_in)
    assert not issubclass(dict, stand_in)
    # photutils' own functions, and those that use the names, take them.
    aperture = photutils.aperture.CircularAperture((2.0, 1.0), r=1.5)
    assert aperture.do_photometry(np.ones(LABELS.shape))[0][0] > 0
    assert skyshed.SegmentationImage(LABELS).to_photutils().__class__.__module__ == (
        "photutils.segmentation.core"
    )


def test_a_derived_class_derives_from_photutils_and_is_noted(installed, field):
    class Finder(photutils.segmentation.SourceFinder):
        def __call__(self, data, threshold):
            segments = super().__call__(data, threshold)
            again = photutils.segmentation.SourceFinder.__call__(self, data, threshold)
            np.testing.assert_array_equal(segments.data, again.data)
            return segments

    assert Finder.__bases__ == (ORIGINALS["SourceFinder"],)
    assert issubclass(Finder, photutils.segmentation.SourceFinder)
    segments = Finder(5, progress_bar=False)(field, 5.0)
    assert type(segments) is ORIGINALS["SegmentationImage"]
    assert list(installed.derived.values()) == ["SourceFinder"]
    assert "SourceFinder" not in installed.calls

    class Level(photutils.background.BackgroundBase):  # of which programs are meant to derive
        def calc_background(self, data, axis=None, masked=False):
            return np.nanmean(data, axis=axis)

    level = photutils.background.Background2D(field, 50, bkg_estimator=Level())
    assert isinstance(level, skyshed.Background2D)


@pytest.mark.parametrize("name", ["SegmentationImage", "SourceCatalog", "MedianBackground"])
def test_objects_of_photutils_can_be_pickled_and_unpickled(name):
    segments = ORIGINALS["SegmentationImage"](LABELS)
    theirs = {
        "SegmentationImage": segments,
        "SourceCatalog": ORIGINALS["SourceCatalog"](np.ones(LABELS.shape), segments),
        "MedianBackground": ORIGINALS["MedianBackground"](),
    }[name]
    written = pickle.dumps(theirs)
    accel.install()
    try:
        ways = [pickle.loads(written), pickle.loads(pickle.dumps(theirs))]
        ways += [copy.copy(theirs), copy.deepcopy(theirs)]
        assert pickle.loads(pickle.dumps(photutils.segmentation.SourceFinder))
    finally:
        accel.uninstall()
    assert all(type(each) is ORIGINALS[name] for each in ways)


@pytest.mark.usefixtures("installed")
def test_objects_of_skyshed_are_unpickled_where_nothing_is_installed(field):
    finder = photutils.segmentation.SourceFinder(5, progress_bar=False)
    segments = finder(field, 5.0)
    catalog = photutils.segmentation.SourceCatalog(field, segments)
    background = photutils.background.Background2D(field, 50)
    local = photutils.background.LocalBackground(5, 9)
    written = pickle.dumps((finder, segments, catalog, background, local))
    accel.uninstall()
    finder, segments, catalog, background, local = pickle.loads(written)
    np.testing.assert_array_equal(finder(field, 5.0).data, segments.data)
    assert len(catalog.to_table()) == len(catalog)
    assert background.background.shape == field.shape
    assert np.isfinite(local(field, 50, 60))


@pytest.mark.usefixtures("installed")
def test_attributes_set_on_a_module_reach_the_original_and_those_on_a_class_are_refused():
    module = photutils.segmentation.detect
    module.a_new_name = 5
    assert vars(module)["_skyshed_accel"].a_new_name == 5
    del vars(module)["_skyshed_accel"].a_new_name
    with pytest.raises(AttributeError, match=r"'kron_flux' can't be set.*skyshed\.SourceCatalog"):
        photutils.segmentation.SourceCatalog.kron_flux = 1


@pytest.mark.usefixtures("installed")
def test_warnings_are_those_that_programs_filter_and_catch():
    from photutils.utils.exceptions import NoDetectionsWarning

    with pytest.warns(NoDetectionsWarning):
        assert photutils.segmentation.detect_sources(np.zeros((5, 5)), 1.0, 5) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error", NoDetectionsWarning)
        with pytest.raises(NoDetectionsWarning):
            photutils.segmentation.detect_sources(np.zeros((5, 5)), 1.0, 5)


def test_without_photutils_or_with_an_old_one_installing_says_what_to_do(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.3.0")
    with pytest.raises(ImportError, match=r"photutils 3 or newer, photutils 2\.3\.0.*\[accel\]"):
        accel.install()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"not installed: pip install 'skyshed\[accel\]'"):
        accel.install()


class Notebook:
    """IPython, as an extension sees it."""

    def __init__(self):
        self.user_ns = {}


def test_in_a_notebook_names_of_earlier_cells_are_replaced_and_restored():
    notebook = Notebook()
    exec("from photutils.segmentation import SourceCatalog", notebook.user_ns)
    accel.load_ipython_extension(notebook)
    try:
        assert notebook.user_ns["SourceCatalog"] is photutils.segmentation.SourceCatalog
        assert notebook.user_ns["SourceCatalog"] is not ORIGINALS["SourceCatalog"]
        exec("from astropy.convolution import convolve", notebook.user_ns)
    finally:
        accel.unload_ipython_extension(notebook)
    assert notebook.user_ns["SourceCatalog"] is ORIGINALS["SourceCatalog"]
    assert notebook.user_ns["convolve"] is ORIGINALS["convolve"]


def test_ipython_loads_the_extension():
    interactive = pytest.importorskip("IPython.core.interactiveshell")
    shell = interactive.InteractiveShell()
    shell.run_cell("from photutils.segmentation import detect_sources")
    shell.run_line_magic("load_ext", "skyshed.accel")
    try:
        assert shell.user_ns["detect_sources"] is photutils.segmentation.detect_sources
        assert shell.user_ns["detect_sources"] is not ORIGINALS["detect_sources"]
    finally:
        shell.run_line_magic("unload_ext", "skyshed.accel")
    assert shell.user_ns["detect_sources"] is ORIGINALS["detect_sources"]
