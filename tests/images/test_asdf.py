"""Images of ASDF files, such as Roman's, are read by windows, whatever tags the files have."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.cli import main
from skyshed.exceptions import ImageWarning
from skyshed.images import Window, open_image
from skyshed.images.asdf import AsdfSource
from skyshed.images.asdf_blocks import blocks_in
from skyshed.output.catalogs import read_catalog
from tests.images.files import stars, tan
from tests.mosaic.fields import by_tiles, same_tables
from tests.pipeline_field import used

asdf = pytest.importorskip("asdf")

WINDOW = Window(30, 90, 10, 70)
#: Tags of Roman's data models and of units, as the files have them; no package here knows them.
TAGS = {
    b"roman:\n": b"roman: !<asdf://stsci.edu/datamodels/roman/tags/wfi_image-1.4.0>\n",
    b"telescope: ROMAN": b"telescope: !<asdf://stsci.edu/datamodels/roman/tags/telescope-1.0.0>"
    b" ROMAN",
}  # fmt: skip


def tree(**changes):
    planes = {
        "data": stars(), "err": np.full((120, 120), 2, "f4"), "dq": np.zeros((120, 120), "u4"),
        "var_poisson": np.ones((120, 120), "f4"), "context": np.zeros((2, 120, 120), "u4"),
    }  # fmt: skip
    meta = {
        "telescope": "ROMAN", "exposure": {"exposure_time": 30.0, "type": "WFI_IMAGE"},
        "photometry": {"conversion_megajanskys": 0.5}, "zero": 26.5,
    }  # fmt: skip
    return {"roman": {**planes, "meta": meta, **changes}}


def written(path, content=None, **how):
    asdf.AsdfFile(content or tree()).write_to(path, **how)
    raw = path.read_bytes()
    for old, new in TAGS.items():
        raw = raw.replace(old, new)
    path.write_bytes(raw)
    return str(path)


@pytest.fixture
def path(tmp_path):
    return written(tmp_path / "r0000101_cal.asdf")


@pytest.mark.parametrize("how", ["plain", "zlib", "bzp2", "padded"])
def test_every_plane_has_its_pixels(tmp_path, how):
    options = {"pad_blocks": True} if how == "padded" else {}
    options |= {"all_array_compression": how} if how in ("zlib", "bzp2") else {}
    path = written(tmp_path / "a.asdf", **options)
    planes = tree()["roman"]
    for given, hdu, name in (
        (path, None, "data"), (f"{path}[roman.data]", None, "data"), (f"{path}[err]", None, "err"),
        (path, "dq", "dq"), (f"{path}[roman.dq]", None, "dq"),
    ):  # fmt: skip
        source = open_image(given, hdu=hdu).image
        assert source.windowed is (how not in ("zlib", "bzp2"))
        assert source.dtype == planes[name].dtype
        assert np.array_equal(source.read(WINDOW), planes[name][WINDOW.slices])
        assert source.read(WINDOW).dtype.isnative
        again = pickle.loads(pickle.dumps(source))
        assert np.array_equal(again.read(WINDOW), planes[name][WINDOW.slices])


def test_a_file_is_told_by_its_content(tmp_path, path):
    renamed = tmp_path / "image.fits"
    renamed.write_bytes((tmp_path / "r0000101_cal.asdf").read_bytes())
    assert isinstance(open_image(renamed).image, AsdfSource)
    fits.writeto(tmp_path / "image.asdf", stars())
    assert open_image(tmp_path / "image.asdf").image.number == 0


def test_big_endian_transposed_and_inline_arrays_are_read(tmp_path):
    image = np.arange(12.0).reshape(3, 4)
    content = {"big": image.astype(">f4"), "turned": np.asfortranarray(image), "part": image[:, 1:]}
    path = written(tmp_path / "a.asdf", content)
    for name, expected in content.items():
        source = open_image(f"{path}[{name}]").image
        assert np.array_equal(source.read(source.everything), expected)
    path = written(tmp_path / "b.asdf", {"small": image}, all_array_storage="inline")
    assert np.array_equal(open_image(path).image.read(Window(1, 3, 0, 4)), image[1:])


def test_planes_are_companions_at_once_and_by_tiles(path):
    given = {"error": f"{path}[err]", "mask": f"{path}[dq]", "quality": f"{path}[dq]"}
    found = extract(path, **given)
    planes = tree()["roman"]
    expected = extract(planes["data"], error=planes["err"], mask=planes["dq"], quality=planes["dq"])
    assert same_tables(found.table, expected.table)
    assert same_tables(by_tiles(path, (64, 64), companions=given).table, expected.table)
    record = found.record
    assert (record["input"], record["input_array"]) == (path, "roman.data")
    assert (record["mask_array"], record["error_array"]) == ("roman.dq", "roman.err")
    assert {"input_size", "input_date", "mask_date"} <= record.keys()


def test_numbers_of_the_tree_are_cards(path):
    found = extract(
        path,
        zero_point="meta.zero",
        effective_gain=2.0,
        exposure_time="roman.meta.exposure.exposure_time",
    )
    assert (used(found).zero_point, used(found).exposure_time) == (26.5, 30.0)
    with pytest.raises(ValueError, match=r"META\.GAIN, and the header of .* has no such card"):
        extract(path, zero_point="meta.gain")


def test_what_is_not_there_or_not_clear_is_refused_with_what_there_is(tmp_path, path):
    with pytest.raises(
        ValueError, match=r"no image wht: it has roman.data \(120 x 120\), roman.dq"
    ):
        open_image(f"{path}[wht]")
    with pytest.raises(ValueError, match="error is the image itself"):
        extract(path, error=path)
    two = written(tmp_path / "two.asdf", {"a": {"x": stars()}, "b": {"x": stars()}})
    with pytest.raises(ValueError, match=r"several images: name one of a.x .*, b.x"):
        open_image(two)
    with pytest.raises(ValueError, match="several images x"):
        open_image(f"{two}[x]")
    none = written(tmp_path / "none.asdf", {"a": 1, "b": np.ones(3)})
    with pytest.raises(ValueError, match="holds no image"):
        open_image(none)


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_a_file_that_is_cut_off_is_refused(tmp_path, path, share):
    raw = (tmp_path / "r0000101_cal.asdf").read_bytes()
    short = tmp_path / "short.asdf"
    short.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(OSError, match=r"short\.asdf"):  # noqa: PT012 - where is not promised
        for name in ("data", "err", "dq", "var_poisson"):
            source = open_image(f"{short}[{name}]").image
            source.read(source.everything)
    assert len(blocks_in(path)) == 5


@pytest.mark.parametrize("change", [b"shape: [96, 64]", b"offset: 64, shape: [64, 64]",
                                    b"offset: -4, shape: [64, 64]"])  # fmt: skip
def test_an_array_beyond_its_block_is_refused(tmp_path, change):
    """What is there are the header and the pixels of the next block."""
    planes = {"sci": np.ones((64, 64), "f4"), "err": np.full((64, 64), 7777, "f4")}
    path = tmp_path / "a.asdf"
    asdf.AsdfFile(planes).write_to(path)
    raw = path.read_bytes()
    shape = b"shape: [64, 64]"
    assert raw.count(shape) == 2
    path.write_bytes(raw.replace(shape, change.replace(b", shape", b"\n  shape")))
    with pytest.raises(OSError, match=r"a\.asdf\[sci\]: .* pixels of 4 bytes .* 16384 bytes"):
        open_image(f"{path}[sci]")


def test_a_window_that_a_file_lacks_is_told_before_it_is_read(tmp_path, path):
    raw = (tmp_path / "r0000101_cal.asdf").read_bytes()
    source = open_image(path).image
    assert source.lacks(source.everything) == ""
    (tmp_path / "r0000101_cal.asdf").write_bytes(raw[: source.begins + 4 * 120 * 60])
    assert source.lacks(Window(0, 60, 0, 120)) == ""
    assert "it is cut off" in source.lacks(Window(0, 61, 0, 1))
    with pytest.raises(
        OSError, match=r"image \(.*\) cannot be read: .* bytes of the file are need"
    ):
        extract(path)


def test_units_are_read_where_the_file_says_them(tmp_path):
    path = written(tmp_path / "a.asdf", {"data": "placeholder"})
    image = stars()
    asdf.AsdfFile({"data": {"value": image, "unit": "DN / s"}}).write_to(tmp_path / "a.asdf")
    raw = (tmp_path / "a.asdf").read_bytes()
    raw = raw.replace(b"data:\n", b"data: !<tag:stsci.edu:asdf/unit/quantity-1.1.0>\n")
    raw = raw.replace(b"unit: DN / s", b"unit: !<tag:stsci.edu:asdf/unit/unit-1.0.0> DN / s")
    (tmp_path / "a.asdf").write_bytes(raw)
    source = open_image(path).image
    assert str(source.unit) == "DN / s"
    assert np.array_equal(source.read(WINDOW), image[WINDOW.slices])


def test_the_command_reads_it(tmp_path, path):
    out = tmp_path / "out"
    assert main(
        ["extract", path, "--error", f"{path}[err]", "--mask", f"{path}[dq]", "--no-preview",
         "-q", "--out", str(out)]
    ) == 0  # fmt: skip
    planes = tree()["roman"]
    expected = extract(planes["data"], error=planes["err"], mask=planes["dq"])
    assert same_tables(read_catalog(out / "catalog.fits"), expected.table)


def with_wcs(path):
    """Write a file with a WCS of gwcs, as the tree of a file without the package has it."""
    wcs = b"    wcs: !<tag:stsci.edu:gwcs/wcs-1.4.0>\n      name: x\n      steps: []\n"
    raw = path.read_bytes().replace(b"  meta:\n", b"  meta:\n" + wcs)
    path.write_bytes(raw)
    return str(path)


def test_a_wcs_without_gwcs_is_left_out_with_a_word(tmp_path, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "gwcs" else find(name)
    )
    written(tmp_path / "a.asdf")
    path = with_wcs(tmp_path / "a.asdf")
    with pytest.warns(ImageWarning, match="its WCS needs gwcs, .* pip install gwcs"):
        found = extract(path)
    assert (len(found.table), found.wcs) == (9, None)


def test_a_wcs_of_gwcs_gives_positions(tmp_path):
    gwcs = pytest.importorskip("gwcs")
    pytest.importorskip("asdf_astropy")
    from astropy.modeling import models
    from astropy.wcs import WCS

    header = tan()
    shift = models.Shift(-59.5) & models.Shift(-59.5)
    scale = models.Scale(-2e-4) & models.Scale(2e-4)
    turn = models.RotateNative2Celestial(150.0, 2.0, 180.0)
    from astropy import coordinates, units
    from gwcs import coordinate_frames

    sky = coordinate_frames.CelestialFrame(reference_frame=coordinates.ICRS(), unit=("deg", "deg"))
    pixels = coordinate_frames.Frame2D(name="detector", unit=(units.pix, units.pix))
    wcs = gwcs.WCS(
        shift | scale | models.Pix2Sky_TAN() | turn, input_frame=pixels, output_frame=sky
    )
    content = tree()
    content["roman"]["meta"]["wcs"] = wcs
    path = written(tmp_path / "a.asdf", content)
    found = extract(path)
    expected = WCS(header).pixel_to_world(found.table["xcentroid"], found.table["ycentroid"])
    assert len(found.table) == 9
    assert found.table["sky_centroid"].separation(expected).arcsec.max() < 1e-6
    assert same_tables(by_tiles(path, (64, 64)).table, found.table)


def test_asdf_is_loaded_by_files_of_its_own_only():
    code = "import sys, skyshed.images; assert not {'asdf', 'yaml', 'gwcs'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_to_install_is_said(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "asdf.util", None)
    with pytest.raises(ImportError, match=r"needs asdf, .* pip install 'skyshed\[asdf\]'"):
        open_image(path)
