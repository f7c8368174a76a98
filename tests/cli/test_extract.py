"""The command line: what it writes, and one clear line for whatever it cannot do."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable

import skyshed
from skyshed import Parameters, extract
from skyshed.catalog.registry import public_columns, required
from skyshed.catalog.table import DEFAULT_COLUMNS
from skyshed.cli import main
from skyshed.output.catalogs import read_catalog
from tests.pipeline_field import SHAPE, make_field, make_wcs, same_tables


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an image, its companions, and files that are none."""
    folder = tmp_path_factory.mktemp("cli")
    image, header = make_field(), make_wcs().to_header()
    header["BUNIT"] = "nJy"
    quality = np.zeros(SHAPE, np.int32)
    quality[10:30, 10:30], quality[60:80, 60:80] = 1, 8
    hdus = [
        fits.PrimaryHDU(),
        fits.ImageHDU(image, header, name="SCI"),
        fits.ImageHDU(np.full(SHAPE, 4.0, np.float32), name="WHT"),
        fits.ImageHDU(np.full(SHAPE, 0.5, np.float32), name="RMS"),
        fits.ImageHDU(quality, name="DQ"),
        fits.ImageHDU(np.zeros((3, 4), np.float32), name="SMALL"),
    ]
    fits.HDUList(hdus).writeto(folder / "field.fits")
    whole = (folder / "field.fits").read_bytes()
    (folder / "half.fits").write_bytes(whole[:60000])
    (folder / "text.fits").write_text("hello")
    (folder / "good.toml").write_text("nsigma = 4\n[deblending]\ndeblend = false\n")
    (folder / "bad.toml").write_text("nsgima = 4\n")
    (folder / "file").touch()
    return folder


def run(folder, *arguments, out="out"):
    """Extract the field with further arguments; return the status and the catalog."""
    out = folder / out
    status = main(["extract", str(folder / "field.fits"), "--out", str(out), *arguments])
    catalogs = list(out.glob("catalog.*")) if status == 0 else []
    return status, read_catalog(catalogs[0]) if catalogs else None


@pytest.mark.parametrize("format", ["fits", "ecsv", "parquet"])
def test_extract_writes_what_the_function_finds(folder, capsys, format):
    status, table = run(folder, "--format", format, "--zero-point", "31.4", out=format)
    assert status == 0
    found = extract(folder / "field.fits", zero_point=31.4)
    assert same_tables(table, found.table)
    assert {"kron_mag", "kron_magerr", "segment_mag", "name"} <= set(table.colnames)
    assert Parameters(**table.meta["parameters"]) == found.parameters
    assert table.meta["record"]["input"] == str(folder / "field.fits")
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.splitlines()[0] == f"{len(table)} sources in"
    assert shown.out.splitlines()[-4].startswith("background ")  # the summary: see test_logs.py
    for line in shown.out.splitlines()[1:-4]:
        assert os.path.getsize(line.strip()) > 0
    labels = fits.getdata(folder / format / "segmentation.fits")
    assert np.array_equal(labels, found.segmentation.data)


def test_every_parameter_is_an_option_and_comes_back(folder):
    values = {
        "scale_weight": True, "weight_threshold": 1e-4, "mask_bits": (0, 3), "renumber": True,
        "saturation": 5e4, "exposure_time": 30.0, "box_size": (32, 48), "filter_size": 5,
        "filter_threshold": 1.5, "exclude_percentile": 50.0, "clip_sigma": 2.5,
        "clip_maxiters": None, "bkg_estimator": "median", "bkgrms_estimator": "mad",
        "background_passes": 2, "background_growth": 4.5, "background_nsigma": 1.2,
        "noise_nsigma": 1.8, "background_fwhm": 3.5, "correlated_noise": False,
        "aperture_center": "centroid_win", "aperture_correction": False,
        "kernel": None, "filter": "convolution", "template_fwhm": (), "significance": None,
        "threshold": None, "threshold_type": "global", "max_npixels": 5000,
        "contrast_method": "basin", "deblend_npixels": 9, "deblend_on": "data", "max_markers": 50,
        "kernel_fwhm": 2.5, "kernel_size": 7, "nsigma": 3.0, "npixels": 7, "connectivity": 4,
        "deblend": False, "nlevels": 16, "contrast": 0.01, "mode": "sinh", "localbkg_width": 12,
        "apermask_method": "mask", "kron_params": (2.0, 1.0, 0.5), "fluxfrac_radii": (0.2, 0.8),
        "aperture_radii": (3.0, 5.5), "effective_gain": 2.0, "zero_point": -2.5,
        "zero_point_system": "Vega", "calibrate": False,
        "columns": ("label", "kron_flux", "derived"), "designation": None, "n_threads": 2,
    }  # fmt: skip
    assert set(values) == {each.name for each in dataclasses.fields(Parameters)}
    arguments = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            arguments.append(option if value else option.replace("--", "--no-"))
        else:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value or "none")
            arguments += [option, text]
    companions = ["--weight", f"{folder}/field.fits[WHT]", "--mask", f"{folder}/field.fits[DQ]"]
    status, table = run(folder, *companions, *arguments, "--no-preview", out="all")
    assert status == 0
    assert Parameters(**table.meta["parameters"]) == Parameters(**values)
    assert "aperture_5p5_mag" in table.colnames
    assert not (folder / "all" / "preview.png").exists()


def test_aliases_are_options_too(folder):
    options = ["--n-sigma", "4", "--n-pixels", "9", "--nproc", "1", "--local-bkg-width", "9"]
    status, table = run(folder, *options, "--no-preview", out="alias")
    assert status == 0
    used = Parameters(**table.meta["parameters"])
    assert (used.nsigma, used.npixels, used.n_threads, used.localbkg_width) == (4, 9, 1, 9)


def test_options_go_before_the_configuration_file(folder):
    config = ["--config", str(folder / "good.toml"), "--no-preview"]
    used = Parameters(**run(folder, *config, out="config")[1].meta["parameters"])
    assert (used.nsigma, used.deblend) == (4, False)
    status, table = run(folder, *config, "--nsigma", "5", "--deblend", out="config")
    used = Parameters(**table.meta["parameters"])
    assert (status, used.nsigma, used.deblend) == (0, 5, True)
    again = ["--config", str(folder / "config" / "parameters.toml"), "--no-preview"]
    assert same_tables(run(folder, *again, out="again")[1], table)


def test_companions_reach_the_chain(folder):
    field = folder / "field.fits"
    for arguments, options in (
        (["--rms", f"{field}[RMS]"], {"rms": np.full(SHAPE, 0.5, np.float32)}),
        (["--weight", f"{field}[WHT]"], {"weight": np.full(SHAPE, 4.0, np.float32)}),
        (["--error", f"{field}[RMS]"], {"error": np.full(SHAPE, 0.5, np.float32)}),
        (["--mask", f"{field}[DQ]"], {"mask": fits.getdata(field, "DQ")}),
        (
            ["--mask", f"{field}[DQ]", "--mask-bits", "0x8"],
            {"mask": fits.getdata(field, "DQ") == 8},
        ),
        (["--hdu", "RMS", "--weight", f"{field}[WHT]"], None),
    ):
        status, table = run(folder, *arguments, "--no-preview", "--quiet", out="companions")
        assert status == 0
        if options is None:
            assert len(table) == 0
        else:
            assert same_tables(table, extract(field, **options).table)


def test_quiet_says_nothing_and_warnings_are_single_lines(folder, capsys):
    few = ["--nsigma", "100000", "--no-preview"]
    assert run(folder, *few, out="none")[0] == 0
    shown = capsys.readouterr()
    assert shown.err.startswith("skyshed: warning: No sources were found")
    assert shown.err.count("\n") == 1
    assert shown.out.startswith("0 sources in\n")
    assert run(folder, *few, "--quiet", out="none")[0] == 0
    assert capsys.readouterr() == ("", "")


FIELD, OUT = "{f}/field.fits", ["--out", "{f}/refused"]
EXTRACT = ["extract", FIELD, *OUT]
REFUSED = {
    "nothing": ([], "required: COMMAND"),
    "command": (["extrct"], "invalid choice: 'extrct'"),
    "no image": (["extract", *OUT], "required: IMAGE"),
    "no folder": (["extract", FIELD], "required: --out"),
    "option": (
        [*EXTRACT, "--nsgima", "3"],
        "unrecognized arguments: --nsgima 3; did you mean --nsigma? (see skyshed extract --help)",
    ),
    "abbreviation": ([*EXTRACT, "--nsig", "3"], "unrecognized arguments: --nsig 3"),
    "format": ([*EXTRACT, "--format", "xlsx"], "invalid choice: 'xlsx'"),
    "number": ([*EXTRACT, "--nsigma", "many"], "nsigma must be a number above 0; got 'm"),
    "range": ([*EXTRACT, "--contrast", "2"], "contrast must be a number of at least 0"),
    "choice": ([*EXTRACT, "--mode", "log"], "mode must be 'exponential', 'linear', or"),
    "bits": ([*EXTRACT, "--mask-bits", "3-1"], "mask_bits must be bit numbers from 0"),
    "column": (
        [*EXTRACT, "--columns", "label,kron_fluks"],
        "'kron_fluks' is no column of the catalog; did you mean 'kron_flux'",
    ),
    "far column": ([*EXTRACT, "--columns", "zzz"], "'zzz' is no column of the catalog; `skyshed c"),
    "absent": (["extract", "{f}/absent.fits", *OUT], "absent.fits: there is no such file"),
    "folder": (["extract", "{f}", *OUT], "cannot be read"),
    "no FITS": (["extract", "{f}/text.fits", *OUT], "text.fits: cannot be read as FITS"),
    "truncated": (["extract", "{f}/half.fits", *OUT], "it is cut off, or NAXIS is wrong"),
    "HDU number": ([*EXTRACT, "--hdu", "9"], "has no HDU 9: it has 0 PRIMARY"),
    "HDU name": (["extract", FIELD + "[ERR]", *OUT], "has no HDU ERR"),
    "empty HDU": ([*EXTRACT, "--hdu", "0"], "holds no image"),
    "HDU twice": (["extract", FIELD + "[SCI]", *OUT, "--hdu", "1"], "the HDU is given twice"),
    "shape": ([*EXTRACT, "--weight", FIELD + "[SMALL]"], "weight must have the same"),
    "mask file": ([*EXTRACT, "--mask", "{f}/no.fits"], "no.fits: there is no such file"),
    "two noises": (
        [*EXTRACT, "--rms", FIELD + "[RMS]", "--weight", FIELD + "[WHT]"],
        "give one of them",
    ),
    "float mask": (
        [*EXTRACT, "--mask", FIELD + "[WHT]", "--mask-bits", "0"],
        "mask must hold integers",
    ),
    "all masked": ([*EXTRACT, "--mask", FIELD + "[WHT]"], "no pixel of the image"),
    "toml key": ([*EXTRACT, "--config", "{f}/bad.toml"], "'nsgima' is no parameter: did"),
    "toml file": ([*EXTRACT, "--config", "{f}/no.toml"], "no.toml"),
    "toml text": ([*EXTRACT, "--config", "{f}/text.fits"], "text.fits: "),
    "output": (["extract", FIELD, "--out", "{f}/file"], "files cannot be written there"),
    "output below": (["extract", FIELD, "--out", "{f}/file/x"], "files cannot be written there"),
    "simulate": (["simulate"], "required: OUT.fits"),
    "simulate shape": (["simulate", "{f}/s.fits", "--shape", "0", "5"], "--shape: must be"),
    "simulate seed": (["simulate", "{f}/s.fits", "--seed", "-1"], "--seed: "),
    "simulate density": (["simulate", "{f}/s.fits", "--density", "nan"], "--density: must be"),
    "simulate output": (["simulate", "{f}/file/s.fits"], "files cannot be written there"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_one_line_and_status_2(folder, capsys, case):
    arguments, message = REFUSED[case]
    assert main([argument.replace("{f}", str(folder)) for argument in arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("skyshed: error: ")
    assert shown.err.count("\n") == 1
    assert message in shown.err


def test_nothing_is_written_for_a_refused_image(folder):
    assert main(["extract", str(folder / "half.fits"), "--out", str(folder / "nothing")]) == 2
    assert not (folder / "nothing").exists()


def test_debug_shows_where(folder):
    with pytest.raises(FileNotFoundError):
        main(["extract", str(folder / "absent.fits"), "--out", str(folder / "out"), "--debug"])


@pytest.mark.parametrize(
    ("raised", "status", "message"),
    [
        (KeyboardInterrupt(), 130, "skyshed: interrupted\n"),
        (
            MemoryError("Unable to allocate 3 TiB"),
            2,
            "error: not enough memory: Unable to allocate",
        ),
        (
            RuntimeError("two\nlines"),
            1,
            "error: internal error, please report it: RuntimeError: two",
        ),
    ],
)
def test_what_breaks_is_one_line_too(folder, capsys, monkeypatch, raised, status, message):
    def break_down(*_, **__):
        raise raised

    monkeypatch.setattr("skyshed.extraction.entry.run_request", break_down)
    assert run(folder, out="broken")[0] == status
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_simulate_writes_a_field_that_extract_reads(tmp_path, capsys):
    path = tmp_path / "new" / "field.fits"
    assert main(["simulate", str(path), "--shape", "150", "200", "--seed", "4"]) == 0
    assert "sources on 150 x 200 pixels in" in capsys.readouterr().out
    with fits.open(path) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "MASK", "TRUTH"]
        assert hdus[0].data.shape == hdus["MASK"].data.shape == (150, 200)
        assert len(hdus["TRUTH"].data) > 10
        assert np.array_equal(np.isnan(hdus[0].data), hdus["MASK"].data == 1)
        expected = skyshed.datasets.make_survey_image((150, 200), seed=4)
        assert np.array_equal(hdus[0].data, expected.data, equal_nan=True)
    first = path.read_bytes()
    assert main(["simulate", str(path), "--shape", "90", "90"]) == 2
    assert "field.fits exists: name another file, or give --overwrite" in capsys.readouterr().err
    assert path.read_bytes() == first
    again = ("--shape", "150", "200", "--seed", "4", "--overwrite", "-q")
    assert main(["simulate", str(path), *again]) == 0
    assert path.read_bytes() == first
    assert main(["extract", str(path), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    table = read_catalog(tmp_path / "out" / "catalog.fits")
    assert len(table) > 3
    assert "sky_centroid" in table.colnames
    assert capsys.readouterr() == ("", "")


def test_columns_are_listed_by_the_command_and_by_the_option(folder, capsys):
    assert main(["columns"]) == 0
    listed = capsys.readouterr().out
    assert main(["extract", "--columns", "help"]) == 0
    assert capsys.readouterr() == (listed, "")
    shown = {line.split()[0]: line for line in listed.splitlines() if line}
    for column in public_columns():
        assert column.description in shown[column.name]
        assert column.alias in shown[column.name]
    assert shown["sky_centroid_err"].split()[1:3] == ["arcsec", "error,wcs"]
    assert "label" in shown


#: Options without which columns are added to those that are asked for.
NOTHING_ADDED = ["--fluxfrac-radii", "", "--designation", "none", "--no-calibrate"]
#: The usual set, with windowed centroids, and plain positions beside those on the sky.
SKY = DEFAULT_COLUMNS.index("sky_centroid") + 1
WINDOWED = ("xcentroid_win", "ycentroid_win", "xcentroid_win_err", "ycentroid_win_err")
DEFAULT = (
    *DEFAULT_COLUMNS[: SKY - 1],
    *WINDOWED,
    "sky_centroid",
    "ra",
    "dec",
    *DEFAULT_COLUMNS[SKY:],
)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("x_centroid, gini,label", ["x_centroid", "gini", "label"]),
        ("label,gini,default", ["label", "gini", *(n for n in DEFAULT if n != "label")]),
    ],
)
def test_columns_are_chosen_by_name_alias_and_group(folder, asked, expected):
    options = [
        "--columns",
        asked,
        "--fluxfrac-radii",
        "",
        "--designation",
        "none",
        "--no-calibrate",
    ]
    status, table = run(folder, *options, "--no-preview", "--quiet", out="columns")
    assert status == 0
    assert table.colnames == expected


def test_all_columns_can_be_had_and_written(folder):
    options = [
        "--columns",
        "all",
        "--fluxfrac-radii",
        "",
        "--designation",
        "none",
        "--no-calibrate",
    ]
    status, table = run(folder, *options, "--no-preview", "--quiet", out="every")
    assert status == 0
    assert table.colnames == ["label", *(column.name for column in public_columns())]
    assert np.isfinite(table["background_mean"]).all()
    found = extract(make_field(), columns=("all",), fluxfrac_radii=())
    lost = {column.name for column in public_columns() if "wcs" in required(column.name)}
    assert set(found.table.colnames) == {"label", *(c.name for c in public_columns())} - lost


def test_info_says_what_there_is(capsys):
    assert main(["info"]) == 0
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert shown["skyshed"] == skyshed.__version__
    assert shown["numpy"] == np.__version__
    assert {"astropy", "scipy", "python", "cores", "kernels", "devices", "system"} <= set(shown)
    assert "CPU" in shown["devices"]


def test_info_survives_a_broken_cupy(tmp_path):
    (tmp_path / "cupy.py").write_text("raise OSError('libcuda.so.1: cannot open')")
    done = command("info", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "CPU (CuPy sees no device: libcuda.so.1: cannot open)" in done.stdout


def command(*arguments, **environment):
    """Run the real command."""
    return subprocess.run(
        [sys.executable, "-m", "skyshed", *arguments],
        capture_output=True, text=True, env={**os.environ, **environment}, check=False,
    )  # fmt: skip


def test_the_real_command_exits_as_it_should(folder):
    done = command("--version")
    assert (done.returncode, done.stdout) == (0, f"skyshed {skyshed.__version__}\n")
    done = command("extract", str(folder / "half.fits"), "--out", str(folder / "real"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("skyshed: error: ")
    assert done.stderr.count("\n") == 1
    done = command("extract", str(folder / "field.fits"), "--out", str(folder / "real"))
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in (folder / "real").iterdir()) == [
        "catalog.fits", "parameters.toml", "preview.png", "segmentation.fits",
    ]  # fmt: skip


def test_help_names_every_option_and_its_default(capsys):
    assert main(["extract", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for each in dataclasses.fields(Parameters):
        assert (
            f"--{each.name.replace('_', '-')} " in shown
            or f"--{each.name.replace('_', '-')}," in shown
        )
        assert each.metadata["about"] in shown
    assert "in units of the noise before convolution [1.5 sigma]" in shown


def test_help_loads_no_library():
    code = (
        "import sys; from skyshed.cli import main; main(['extract', '--help']); "
        "print(sorted({'numpy', 'astropy', 'scipy'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.fixture
def product(tmp_path):
    """The path of a file of SDSS' structure."""
    header = make_wcs().to_header()
    header.update({"ORIGIN": "SDSS", "TELESCOP": "2.5m", "BUNIT": "nanomaggy"})
    fits.writeto(tmp_path / "a.fits", make_field(), header)
    return tmp_path / "a.fits"


def test_extract_says_which_product_it_took_the_image_for(product, capsys):
    out = product.parent / "out"
    command_line = ["extract", str(product), "--out", str(out), "--no-preview"]
    assert main(command_line) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("sdss-frame: SDSS, corrected frame; by ORIGIN = SDSS")
    assert "  zero point: 22.5 mag (AB), by the unit" in shown
    assert "kron_abmag" in read_catalog(out / "catalog.fits").colnames
    record = dict(fits.getdata(out / "catalog.fits", "RECORD"))
    assert record["profile"].startswith("sdss-frame")
    assert main([*command_line, "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_the_report_of_several_images_says_which_products_they_were(product):
    plain, lost = product.parent / "plain.fits", product.parent / "lost.fits"
    fits.writeto(plain, make_field())
    out = product.parent / "out"
    command_line = ["extract", "--each", str(product), str(plain), str(lost), "--out", str(out)]
    assert main([*command_line, "--no-preview", "--quiet"]) == 3
    profiles = QTable.read(out / "report.ecsv")["profile"]
    assert profiles[:2].tolist() == ["sdss-frame", "plain"]
    assert profiles[2] is np.ma.masked


def test_as_overrules_what_headers_say(product, capsys):
    out = product.parent / "out"
    command_line = ["extract", str(product), "--out", str(out), "--no-preview"]
    assert main([*command_line, "--as", "plain"]) == 0
    assert "sdss-frame" not in capsys.readouterr().out
    assert "profile" not in dict(fits.getdata(out / "catalog.fits", "RECORD"))
    assert main([*command_line, "--as", "sdss"]) == 2
    assert "profile must be one of plain, " in capsys.readouterr().err
    assert main([*command_line, "--each", "--as", "plain"]) == 0


def test_info_says_what_an_image_is(product, capsys):
    assert main(["info", str(product)]) == 0
    shown = capsys.readouterr().out
    assert "in nmgy, with positions on the sky" in shown
    assert "sdss-frame: SDSS, corrected frame" in shown
    fits.writeto(product.parent / "b.fits", make_field())
    assert main(["info", str(product.parent / "b.fits")]) == 0
    shown = capsys.readouterr().out
    assert "without a unit, without positions on the sky" in shown
    assert "no product that is known" in shown
    assert main(["info", str(product.parent / "absent.fits")]) == 2
