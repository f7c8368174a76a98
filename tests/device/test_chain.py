"""The whole chain on the device: the host's answer, and nothing image-sized comes back unasked."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits

import skyshed
from skyshed.cli import main
from tests.device import scenes, standin
from tests.pipeline_field import make_wcs

SETTINGS = {"box_size": 30, "npixels": 5, "nsigma": 1.5, "localbkg_width": 10}
#: A field for what has been seen on a larger one: some 40 sources.
SMALL = {"seed": 11, "shape": (110, 120), "n": 50}


def same(there, here):
    """Check two extractions: labels to the bit, numbers to what sums of float32 images allow."""
    np.testing.assert_array_equal(there.segmentation.to_host().data, here.segmentation.data)
    assert there.table.colnames == here.table.colnames
    for name in here.table.colnames:
        expected = scenes.plain(here.table[name])
        if expected.dtype.kind == "f":
            scenes.close(there.table[name], here.table[name], 1e-5 * (1 + np.abs(expected)), name)
            assert getattr(there.table[name], "unit", None) == getattr(
                here.table[name], "unit", None
            )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_device_image_gives_the_table_of_the_host(cupy, dtype):
    data, mask = scenes.spoiled(scenes.image(11, dtype=dtype))
    given = cupy.asarray(data)
    options = {
        **SETTINGS, "wcs": make_wcs(), "effective_gain": 2.0, "aperture_radii": (3.0,),
        "fluxfrac_radii": (0.5,), "zero_point": 25.0,
    }  # fmt: skip
    there = skyshed.extract(given, mask=cupy.asarray(mask), **options)
    here = skyshed.extract(data, mask=mask, **options)
    assert len(here.table) > 50
    same(there, here)
    for name in ("data", "convolved_data", "error", "mask", "background", "background_rms"):
        assert isinstance(getattr(there, name)[:], cupy.ndarray), name
        assert isinstance(getattr(there.to_host(), name)[:], np.ndarray), name
        with pytest.raises(TypeError, match="is on a GPU, and is not copied to the host by itself"):
            np.asarray(getattr(there, name))
    assert isinstance(there.segmentation.data, cupy.ndarray)
    np.testing.assert_array_equal(given.get(), data)


@pytest.mark.parametrize("noise", ["weight", "rms"])
def test_companions_on_the_device(cupy, noise):
    data = scenes.image(12, shape=(120, 130), n=40)
    companion = np.full(data.shape, 0.25 if noise == "weight" else 2.0, np.float32)
    companion[:10, :10] = 0
    options = {**SETTINGS, "scale_weight": noise == "weight"}
    given = {noise: cupy.asarray(companion), "error": cupy.asarray(companion + 1)}
    there = skyshed.extract(cupy.asarray(data), **given, **options)
    same(there, skyshed.extract(data, **{noise: companion}, error=companion + 1, **options))


@pytest.mark.parametrize("combine", ["snr", "chi2", "mean"])
def test_several_bands_and_a_second_pass_on_the_device(cupy, combine):
    data, mask = scenes.spoiled(scenes.image(**SMALL))
    bands = {"g": data, "r": 2 * data}
    options = {
        **SETTINGS, "combine": combine, "background_passes": 2, "background_growth": 2,
        "background_nsigma": 1.2, "noise_nsigma": 2.0, "background_fwhm": 3.0, "wcs": make_wcs(),
        "zero_point": 25.0,
    }  # fmt: skip
    given = {name: cupy.asarray(image) for name, image in bands.items()}
    there = skyshed.extract_bands(given, mask=cupy.asarray(mask), **options)
    here = skyshed.extract_bands(bands, mask=mask, **options)
    assert len(here.table) > 20
    assert isinstance(there["r"].data[:], cupy.ndarray)
    same(there, here)


def test_colors_of_bands_on_the_device(cupy):
    rng = np.random.default_rng(3)
    data = scenes.image(seed=11, shape=(150, 160), n=12)
    bands = {band: data + rng.normal(0, data.std() / 20, data.shape) for band in "gr"}
    options = {
        "box_size": 30, "background_passes": 2, "background_growth": 2.0, "zero_point": 25.0,
        "psf_fwhm": {"g": 3.0, "r": 4.0}, "aperture_radii": (4.0,), "effective_gain": 5.0,
    }  # fmt: skip
    given = {band: cupy.asarray(image) for band, image in bands.items()}
    there = skyshed.extract_bands(given, **options)
    here = skyshed.extract_bands(bands, **options)
    errors = [np.asarray(here.table[f"kron_magerr_matched_{band}"]) for band in "gr"]
    assert not np.allclose(here.table["kron_colorerr_g_r"].value, np.hypot(*errors), equal_nan=True)
    same(there, here)


def test_a_background_that_is_given_on_the_device(cupy):
    data = scenes.image(**SMALL)
    level = np.full_like(data, np.median(data))
    there = skyshed.extract(cupy.asarray(data), background=cupy.asarray(level), **SETTINGS)
    here = skyshed.extract(data, background=level, **SETTINGS)
    same(there, here)
    there = skyshed.extract(cupy.asarray(data), background=float(level[0, 0]), **SETTINGS)
    same(there, skyshed.extract(data, background=float(level[0, 0]), **SETTINGS))


def test_bits_saturation_and_labels_of_floats_on_the_device(cupy, tmp_path):
    data = scenes.image(12, shape=(120, 130), n=40)
    bits = np.random.default_rng(4).integers(0, 1 << 15, data.shape, dtype=np.int16)
    saturation = float(np.percentile(data, 99.5))
    here = skyshed.extract(data, quality=bits, saturation=saturation, **SETTINGS)
    assert 0 < np.sum(here.table["flags"] & (1 << 30) > 0) < len(here.table)
    given = {"quality": cupy.asarray(bits), "saturation": saturation, **SETTINGS}
    there = skyshed.extract(cupy.asarray(data), **given)
    fits.writeto(tmp_path / "image.fits", data)
    fits.writeto(tmp_path / "bits.fits", bits)
    given["quality"] = tmp_path / "bits.fits"
    of_file = skyshed.extract(tmp_path / "image.fits", device="cuda", **given)
    for found in (there, of_file):
        same(found, here)
        for name in ("quality_or", "quality_and", "flags"):
            assert found.table[name].tolist() == here.table[name].tolist(), name
    labels = here.segmentation.data.astype(np.float32)
    again = skyshed.extract(cupy.asarray(data), segmentation=cupy.asarray(labels), **SETTINGS)
    same(again, skyshed.extract(data, segmentation=labels, **SETTINGS))


def test_an_empty_field(cupy):
    data = np.random.default_rng(3).normal(10, 1, (90, 90)).astype(np.float32)
    with pytest.warns(skyshed.NoDetectionsWarning):
        there = skyshed.extract(cupy.asarray(data), nsigma=20, box_size=30)
    assert len(there.table) == 0
    assert isinstance(there.segmentation.data, cupy.ndarray)
    assert there.catalog is None


def write_image(path, unit="Jy"):
    data = scenes.image(13, shape=(120, 130), n=40)
    header = make_wcs().to_header()
    header["BUNIT"] = unit
    fits.writeto(path, data, header)
    return data


def test_a_file_is_uploaded_once(counted, tmp_path):
    data = write_image(tmp_path / "image.fits")
    with standin.ledger() as ledger:
        there = skyshed.extract(tmp_path / "image.fits", device="cuda", **SETTINGS)
    large = [e for e in ledger.events if e.kind in ("upload", "download") and e.nbytes >= data.size]
    assert [(e.kind, e.nbytes) for e in large] == [("upload", data.nbytes)]
    here = skyshed.extract(tmp_path / "image.fits", **SETTINGS)
    same(there, here)
    assert there.table["kron_flux"].unit == u.Jy
    back = skyshed.extract(counted.asarray(data), device="cpu", **SETTINGS)
    assert isinstance(back.data[:], np.ndarray)


@pytest.mark.usefixtures("counted")
def test_each_of_many_files_is_computed_on_the_device_and_read_ahead(tmp_path):
    paths = [tmp_path / name for name in ("a.fits", "absent.fits", "b.fits", "c.fits")]
    for path in paths[:1] + paths[2:]:
        data = write_image(path)
    with standin.ledger() as ledger:
        outcomes = list(skyshed.extract_each(paths, device="cuda", **SETTINGS))
    # The columns of the last two, which are worked on together, come to the host together.
    large = [
        e for e in ledger.events if e.kind in ("upload", "download") and e.nbytes >= 2 * data.size
    ]
    assert [(e.kind, e.nbytes) for e in large] == [("upload", data.nbytes)] * 3
    assert [outcome.error is None for outcome in outcomes] == [True, False, True, True]
    here = skyshed.extract(paths[0], **SETTINGS)
    for outcome in outcomes[:1] + outcomes[2:]:
        same(outcome.extraction, here)


def test_where_to_compute_is_checked():
    with pytest.raises(
        ValueError, match="device must be None, 'cpu', 'cuda', or 'auto', got 'gpu'"
    ):
        skyshed.extract(np.zeros((9, 9)), device="gpu")


def test_cuda_without_cupy_is_explained(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ImportError, match=r"needs CuPy.*pip install 'skyshed\[cuda13\]'"):
        skyshed.extract(np.ones((9, 9)), device="cuda")
    with pytest.raises(ImportError, match=r"needs CuPy.*pip install 'skyshed\[cuda13\]'"):
        skyshed.extract_each([np.ones((9, 9))], device="cuda")


def test_the_command_computes_on_the_device(counted, tmp_path, capsys):
    write_image(tmp_path / "image.fits")
    arguments = ["extract", str(tmp_path / "image.fits"), "--box-size=30", "--format=ecsv"]
    with standin.ledger() as ledger:
        status = main([*arguments, "--regions", "--out", str(tmp_path / "there"), "--device=cuda"])
    assert status == 0, capsys.readouterr().err
    assert ledger.total.own_launches > 10
    assert main([*arguments, "--regions", "--out", str(tmp_path / "here")]) == 0
    for name in ("there", "here"):
        assert (tmp_path / name / "preview.png").stat().st_size > 1000
    labels = [fits.getdata(tmp_path / name / "segmentation.fits") for name in ("there", "here")]
    np.testing.assert_array_equal(*labels)
    main(["info"])
    assert "--device cuda: stand-in for a GPU" in capsys.readouterr().out


WAYS = [
    {"significance": 5.0},
    {"threshold_type": "global", "max_npixels": 60},
    {"threshold": 6.0, "kernel": ((1, 2, 1), (2, 5, 2), (1, 3, 1))},
    {"filter": "matched", "deblend_on": "data", "deblend_npixels": 3},
    {"filter": "matched", "template_fwhm": (2, 5), "significance": 5.0, "max_markers": 3},
]


@pytest.mark.filterwarnings("ignore::skyshed.DeblendWarning")
@pytest.mark.parametrize("way", WAYS)
def test_other_ways_to_detect_and_deblend_on_the_device(cupy, way):
    data, mask = scenes.spoiled(scenes.image(**SMALL))
    noise = (2 + (np.indices(data.shape)[1] > 80)).astype(np.float32)
    options = {**SETTINGS, **way, "columns": ("default", "parent", "X_IMAGE", "MAG_APER")}
    given = {"rms": cupy.asarray(noise), "mask": cupy.asarray(mask)}
    there = skyshed.extract(cupy.asarray(data), **given, **options)
    here = skyshed.extract(data, rms=noise, mask=mask, **options)
    assert len(here.table) > 10
    same(there, here)


def test_sources_of_several_scales_on_the_device(cupy):
    data, mask = scenes.spoiled(scenes.image(**SMALL))
    there = skyshed.detect_multiscale(
        cupy.asarray(data), (2.0, 6.0), 6, 5, error=cupy.asarray(np.full_like(data, 2)),
        mask=cupy.asarray(mask), background_scale=12,
    )  # fmt: skip
    here = skyshed.detect_multiscale(
        data, (2.0, 6.0), 6, 5, error=2.0, mask=mask, background_scale=12
    )
    assert here.nlabels > 10
    np.testing.assert_array_equal(there.to_host().data, here.data)
    np.testing.assert_array_equal(there.info["template"], here.info["template"])
    scenes.close(there.info["significance"], here.info["significance"], 1e-4, "significance")
