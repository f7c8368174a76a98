"""What `import skyshed` promises: names at hand, nothing loaded early, peers never needed."""

import ast
import importlib
import importlib.metadata
import re
import site
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import skyshed
from skyshed.kernels import cubins
from skyshed.kernels.cubins import PTX
from skyshed.kernels.native import available_levels

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src/skyshed").rglob("*.py"))
#: Test and benchmark dependencies: what the package is compared with.
ORACLES = ("photutils", "sep", "skimage")
#: Needed by some functions only, or slow to load.
LATE = (
    "matplotlib", "pyarrow", "pandas", "tqdm", "cupy", "dask", "rasterio", "shapely",
    "regions", "cdshealpix",
)  # fmt: skip


def run_python(code, *options):
    """Run ``code`` in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, *options, "-W", "error::SyntaxWarning", "-c", code],
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


#: What a command on one image does not import: it was a third of its time at 2048 x 2048 pixels.
NOT_FOR_ONE_IMAGE = (
    "psutil", "dask", "zarr", "matplotlib", "pyarrow", "PIL", "asdf", "astropy.nddata",
    "skyshed.extraction.each", "skyshed.extraction.batch", "skyshed.extraction.bands",
    "skyshed.extraction.turns",
    "skyshed.chain.bands", "skyshed.mosaic.run", "skyshed.output.preview", "skyshed.output.parquet",
)  # fmt: skip
#: What it imports for a WCS alone, as astropy.wcs does: `astropy.table` takes half of the time.
FOR_A_WCS = ("astropy.wcs", "astropy.coordinates", "astropy.table", "astropy.time", "yaml")


@pytest.mark.parametrize("has_wcs", [False, True])
def test_a_command_imports_what_one_image_needs(tmp_path, has_wcs):
    image = np.random.default_rng(1).normal(10, 1, (128, 128)).astype(np.float32)
    image[30:34, 60:64] += 50
    header = fits.Header()
    if has_wcs:
        header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CDELT1=-1e-4, CDELT2=1e-4)
    fits.writeto(tmp_path / "image.fits", image, header)
    words = ["extract", f"{tmp_path}/image.fits", "--out", f"{tmp_path}/out", "--no-preview"]
    shown = run_python(
        "import sys\nfrom skyshed.cli import main\n"
        f"assert main({[*words, '--quiet', '--nsigma', '5']!r}) == 0\nprint(*sys.modules)"
    )
    loaded = set(shown.split())
    assert sorted(loaded & set(NOT_FOR_ONE_IMAGE)) == []
    assert (loaded & set(FOR_A_WCS) != set()) is has_wcs
    # Each is half a millisecond.
    assert len([name for name in loaded if name.startswith("skyshed")]) <= 263


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


def test_nothing_is_installed_that_nothing_imports():
    """Of the dependencies and of what users' extras bring; the toolkit's parts are CuPy's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    listed = list(project["dependencies"])
    for name in extras.keys() - {
        "device-test", "browser-test", "test", "drop-in", "clients", "docs", "readers"
    }:  # fmt: skip
        listed += extras[name]
    wanted = {re.match(r"[\w-]+", one)[0] for one in listed} - {"skyshed"}
    assert {"numpy", "cupy-cuda13x", "zarr"} <= wanted
    modules = {"pillow": "PIL", "cupy-cuda12x": "cupy", "cupy-cuda13x": "cupy"}
    for name in sorted(wanted - {"cuda-toolkit"}):
        module = modules.get(name, name.replace("-", "_"))
        used = re.compile(rf"""\b(?:import|from) {module}\b|["']{module}[."']""")
        assert any(used.search(path.read_text()) for path in SOURCES), name


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


#: One level of instructions stands for all: the compiler takes half of the time of this file.
LEVEL = available_levels()[-1]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    code = f"from scikit_build_core.build import build_sdist; print(build_sdist({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        # Python 3.11 has filters since 3.11.4.
        archive.extractall(
            folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {})
        )
    return folder / built.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def wheel_file(tmp_path_factory, sdist):
    """A wheel built from nothing but the source distribution."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index",
            f"--config-settings=cmake.define.SKYSHED_LEVELS={LEVEL}",
            "--config-settings=cmake.define.SKYSHED_CUBINS=ON",
            f"--config-settings=cmake.define.SKYSHED_ARCHITECTURES={PTX}",
            "-w", str(folder), str(sdist),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(wheel_file):
    """The names in the wheel."""
    with zipfile.ZipFile(wheel_file) as archive:
        return set(archive.namelist())


def test_the_wheel_is_one_for_all_pythons_of_a_platform(wheel_file):
    _, _, python, abi, platform = wheel_file.stem.split("-")
    assert (python, abi) == ("py3", "none")
    assert platform != "any"


def test_the_wheel_holds_the_compiled_kernels(wheel):
    libraries = {name for name in wheel if name.startswith("skyshed/kernels/lib/")}
    assert {Path(name).stem for name in libraries} == {f"skyshed-{LEVEL}", f"cuda-{PTX}"}


def test_the_wheel_holds_the_gpus_programs(wheel_file, tmp_path):
    """All of them, compiled from the text and with the options that the package knows."""
    with zipfile.ZipFile(wheel_file) as archive:
        archive.extract(f"skyshed/kernels/lib/cuda-{PTX}.zip", tmp_path)
    built = cubins.store(PTX, tmp_path / "skyshed" / "kernels" / "lib")
    assert [program for program in cubins.programs() if built.code(program) is None] == []


def test_the_wheel_works(wheel_file, tmp_path):
    """The chain runs from the built artefact alone, and finds what the source tree finds."""
    with zipfile.ZipFile(wheel_file) as archive:
        archive.extractall(tmp_path)
    code = """
import skyshed
from skyshed.datasets import make_100gaussians_image
found = skyshed.extract(make_100gaussians_image(), box_size=50)
print(skyshed.__file__, found.segmentation.nlabels, found.segmentation.data.sum())
"""
    # Without site: an editable install would come first.
    paths = [str(tmp_path), *site.getsitepackages()]
    place, *installed = run_python(f"import sys; sys.path[:0] = {paths}\n{code}", "-S").split()
    assert Path(place).is_relative_to(tmp_path)
    _, *here = run_python(code).split()
    assert installed == here


def test_the_source_distribution_holds_what_its_tests_need(sdist):
    for name in ("pyproject.toml", "native/CMakeLists.txt", "tests/conftest.py", "LICENSE"):
        assert (sdist / name).is_file()
    assert not list(sdist.rglob("*.so"))


def test_the_wheel_holds_every_file_of_the_package(wheel):
    files = {path for path in (ROOT / "src/skyshed").rglob("*") if path.is_file()}
    expected = {str(path.relative_to(ROOT / "src")) for path in files if _is_source(path)}
    assert expected <= wheel
    assert {"skyshed/py.typed", "skyshed/__init__.pyi"} <= wheel


def _is_source(path):
    if path.parent == ROOT / "src/skyshed/kernels/lib":
        return False
    return "__pycache__" not in path.parts and not path.name.startswith(".")


def test_the_wheel_holds_nothing_but_the_package(wheel):
    for name in wheel:
        assert name.startswith(("skyshed/", f"skyshed-{skyshed.__version__}.dist-info/"))
        assert not name.endswith((".pyc", ".nbc", ".nbi"))


def test_every_folder_of_modules_is_a_package():
    for path in SOURCES:
        assert (path.parent / "__init__.py").exists(), path.parent
