"""What `import skyshed` promises: names at hand, nothing loaded early, peers never needed."""

import ast
import importlib
import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import skyshed

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src/skyshed").rglob("*.py"))
#: Test and benchmark dependencies: what the package is compared with.
ORACLES = ("photutils", "sep", "skimage")
#: Needed by some functions only, or slow to load.
LATE = (
    "matplotlib", "pyarrow", "pandas", "numba", "tqdm", "cupy", "dask", "rasterio", "shapely",
    "regions",
)  # fmt: skip


def run_python(code):
    """Run ``code`` in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_after(code):
    """The top-level packages that ``code`` loads in a fresh interpreter."""
    shown = run_python(
        f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    )
    return set(shown.split())


@pytest.mark.parametrize("name", skyshed.__all__)
def test_every_public_name_is_there_and_documented(name):
    thing = getattr(skyshed, name)
    if name == "__version__":
        return
    assert getattr(thing, "__name__", name) == name
    assert thing.__module__.startswith("skyshed.")
    assert thing.__doc__
    assert name in dir(skyshed)
    assert name in importlib.import_module(thing.__module__).__all__


@pytest.mark.parametrize("name", sorted(set(dir(skyshed)) - set(skyshed.__all__)))
def test_modules_are_found_by_name(name):
    assert getattr(skyshed, name) is importlib.import_module(f"skyshed.{name}")


def test_modules_that_mirror_photutils_are_attributes():
    assert {"background", "segmentation", "convolution", "datasets"} < set(dir(skyshed))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'detect_stars'"):
        _ = skyshed.detect_stars


def test_a_misspelt_name_is_answered_by_the_right_one():
    code = "import skyshed; skyshed.detect_source"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Did you mean: 'detect_sources'?" in done.stderr


def stub():
    """Names and modules that the stub imports, and its ``__all__``."""
    tree = ast.parse((ROOT / "src/skyshed/__init__.pyi").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports if node.module for alias in node.names}
    modules = {alias.name for node in imports if not node.module for alias in node.names}
    (listed,) = (
        ast.literal_eval(node.value) for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    )  # fmt: skip
    return names, modules, set(listed)


def test_the_stub_and_the_package_have_the_same_names():
    names, modules, listed = stub()
    assert listed == set(skyshed.__all__) == {*names, "__version__"}
    assert set(dir(skyshed)) == listed | modules


@pytest.mark.parametrize("package", ["segmentation", "background"])
def test_a_module_has_what_that_of_photutils_has(package):
    theirs = importlib.import_module(f"photutils.{package}")
    ours = importlib.import_module(f"skyshed.{package}")
    names = {name for name in dir(theirs) if callable(getattr(theirs, name))}
    assert len(names) > 5
    assert names <= set(ours.__all__)
    assert names <= set(dir(ours))
    for name in names:
        assert getattr(ours, name) is getattr(skyshed, name)


def test_what_photutils_has_can_be_imported_from_segmentation_alone():
    names = (
        "SEGMENTATION_FLAGS, Segment, SegmentationImage, SourceCatalog, SourceFinder, "
        "deblend_sources, decode_segmentation_flags, detect_sources, detect_threshold, "
        "make_2dgaussian_kernel"
    )
    run_python(f"from skyshed.segmentation import {names}")
    run_python("from skyshed.segmentation import *; SourceFinder")
    run_python("from skyshed.catalog import SourceCatalog")


def test_what_lives_above_segmentation_is_loaded_when_it_is_used():
    loaded = run_python("import skyshed.segmentation, sys; print(*sys.modules)").split()
    assert "skyshed.catalog" not in loaded
    with pytest.raises(AttributeError, match=r"'skyshed\.segmentation' has no attribute 'detect'"):
        _ = skyshed.segmentation.detect


def test_the_version_is_that_of_the_installed_package():
    assert skyshed.__version__ == importlib.metadata.version("skyshed")


def test_importing_the_package_loads_no_library():
    loaded = loaded_after("import skyshed")
    assert sorted(loaded & {"numpy", "scipy", "astropy", *ORACLES, *LATE}) == []
    # `typing` alone takes as long to import as all that is needed.
    assert "typing" not in loaded


def test_importing_every_public_name_loads_no_late_library():
    names = ", ".join(name for name in skyshed.__all__ if name != "__version__")
    loaded = loaded_after(f"from skyshed import {names}, datasets, plotting")
    assert sorted(loaded & {*ORACLES, *LATE}) == []


def test_the_command_line_starts_without_numpy():
    loaded = loaded_after("import skyshed.cli")
    assert sorted(loaded & {"numpy", "scipy", "astropy", *ORACLES, *LATE}) == []


def test_no_module_imports_an_oracle_when_loaded():
    """Only a function may: photutils objects are made for the user who has photutils."""
    for path in SOURCES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            else:
                continue
            assert not {module.partition(".")[0] for module in modules} & set(ORACLES), path


def test_the_chain_runs_without_oracles_and_extras():
    code = f"""
import sys
for name in {ORACLES + ("matplotlib", "pyarrow", "pandas", "rasterio", "shapely", "regions")!r}:
    sys.modules[name] = None  # importing it raises ImportError
import skyshed
from skyshed.datasets import make_100gaussians_image
data = make_100gaussians_image()
bkg = skyshed.Background2D(data, 50)
data -= bkg.background
convolved = skyshed.convolve(data, skyshed.make_2dgaussian_kernel(3.0, size=5))
finder = skyshed.SourceFinder(npixels=10, progress_bar=False)
segm = finder(convolved, 1.5 * bkg.background_rms)
table = skyshed.SourceCatalog(data, segm, convolved_data=convolved).to_table()
print(len(table))
"""
    assert run_python(code).split() == ["94"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names in a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_file_of_the_package(wheel):
    files = {path for path in (ROOT / "src/skyshed").rglob("*") if path.is_file()}
    expected = {str(path.relative_to(ROOT / "src")) for path in files if _is_source(path)}
    assert expected <= wheel
    assert {"skyshed/py.typed", "skyshed/__init__.pyi"} <= wheel


def _is_source(path):
    return "__pycache__" not in path.parts and not path.name.startswith(".")


def test_the_wheel_holds_nothing_but_the_package(wheel):
    for name in wheel:
        assert name.startswith(("skyshed/", f"skyshed-{skyshed.__version__}.dist-info/"))
        assert not name.endswith((".pyc", ".nbc", ".nbi"))


def test_every_folder_of_modules_is_a_package():
    for path in SOURCES:
        assert (path.parent / "__init__.py").exists(), path.parent
