"""``extract --each``: every image as a run of its own would leave it, and a report about all."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable

import skyshed
from skyshed import Parameters, extract
from skyshed.cli import main
from skyshed.cli.each import SOME_FAILED
from skyshed.extraction import plan as planning
from skyshed.output.catalogs import read_catalog
from tests.pipeline_field import SHAPE, make_field, make_wcs, same_tables

QUICK = ["--no-preview", "--n-threads", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three fields with companions, in two folders, and files that are none."""
    folder = tmp_path_factory.mktemp("each")
    (folder / "other").mkdir()
    header = make_wcs().to_header()
    for seed, name in enumerate(("a.fits", "b.fits", "other/a.fits")):
        image = make_field(seed)
        hdus = [
            fits.PrimaryHDU(image, header),
            fits.ImageHDU((image > 40).astype(np.uint8), name="DQ"),
        ]
        fits.HDUList(hdus).writeto(folder / name)
        rms = np.full(SHAPE, 1 + 0.1 * seed, np.float32)
        fits.writeto(folder / name.replace(".fits", ".rms.fits"), rms)
    fits.writeto(folder / "unit.fits", make_field(), fits.Header({**header, "BUNIT": "Jy"}))
    fits.writeto(folder / "dark.fits", np.random.default_rng(1).normal(0, 1, SHAPE), header)
    (folder / "text.fits").write_text("hello")
    (folder / "names.txt").write_text(
        f"# two fields\n\n  {folder}/a.fits\n   # and\n{folder}/other/a.fits  \n"
    )
    (folder / "none.txt").write_text("# none\n\n")
    return folder


def run(folder, *arguments, out="out"):
    """Extract images of the folder; return the status and where the results are."""
    given = [argument.replace("{f}", str(folder)) for argument in arguments]
    status = main(["extract", "--each", *given, "--out", str(folder / out), *QUICK])
    return status, folder / out


def report_of(out):
    """Return the rows of a report as dicts; what is masked is None."""
    table = QTable.read(out / "report.ecsv")
    return [
        {name: None if row[name] is np.ma.masked else row[name] for name in table.colnames}
        for row in table
    ]


def test_results_are_those_of_separate_runs(folder, capsys):
    images = ["{f}/a.fits", "{f}/b.fits", "{f}/other/a.fits"]
    options = ["--zero-point", "25", "--regions", "--format", "ecsv"]
    status, out = run(folder, *images, *options, out="several")
    assert status == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    names = ("a", "b", "a-2")
    for name, image in zip(names, images, strict=True):
        path = image.replace("{f}", str(folder))
        alone = folder / "alone" / name
        assert main(["extract", path, "--out", str(alone), *options, *QUICK]) == 0
        files = sorted(os.listdir(alone))
        assert sorted(os.listdir(out / name)) == files
        mine, other = (read_catalog(each / "catalog.ecsv") for each in (out / name, alone))
        assert len(mine) > 20
        assert same_tables(mine, other)
        assert mine.meta["parameters"] == other.meta["parameters"]
        assert mine.meta["record"]["input"] == path
        assert np.array_equal(
            fits.getdata(out / name / "segmentation.fits"),
            fits.getdata(alone / "segmentation.fits"),
        )
        for file in ("kron.reg", "parameters.toml"):
            assert (out / name / file).read_bytes() == (alone / file).read_bytes()
        assert f"{path}: {len(mine)} sources in {out / name}\n" in shown.out
    assert f"3 of 3 images done, 0 failed:\n  {out}/report.ecsv\n" in shown.out
    assert sorted(os.listdir(out)) == sorted([*names, "report.ecsv"])


def test_a_bad_image_is_a_row_of_the_report_and_status_3(folder, capsys):
    images = ["{f}/absent.fits", "{f}/a.fits", "{f}/text.fits", "{f}/b.fits[DQ]", "{f}/b.fits[9]"]
    status, out = run(folder, *images, out="bad")
    assert status == SOME_FAILED == 3
    rows = report_of(out)
    assert [row["image"] for row in rows] == [image.replace("{f}", str(folder)) for image in images]
    assert [row["status"] for row in rows] == ["failed", "done", "failed", "done", "failed"]
    assert [row["hdu"] for row in rows] == [-1, 0, -1, 1, -1]
    assert [row["folder"] for row in rows] == [None, "a", None, "b-DQ", None]
    assert rows[1]["n_sources"] == len(read_catalog(out / "a" / "catalog.fits")) > 20
    assert rows[1]["error"] is None
    assert rows[1]["seconds"] > 0
    assert sorted(os.listdir(out)) == ["a", "b-DQ", "report.ecsv"]
    shown = capsys.readouterr()
    assert [line for line in shown.err.splitlines() if "skyshed: error" in line] == [
        f"skyshed: error: {row['error']}" for row in rows if row["status"] == "failed"
    ]
    assert f"{folder}/absent.fits: there is no such file" in rows[0]["error"]
    assert "2 of 5 images done, 3 failed:" in shown.out


def test_quiet_says_nothing_but_errors(folder, capsys):
    assert run(folder, "{f}/a.fits", "{f}/dark.fits", "--nsigma", "9", "-q", out="quiet")[0] == 0
    assert capsys.readouterr() == ("", "")
    assert run(folder, "{f}/a.fits", "{f}/absent.fits", "-q", out="quiet")[0] == SOME_FAILED
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"skyshed: error: {folder}/absent.fits: there is no such file\n"


def test_warnings_are_lines_with_the_name_of_the_image(folder, capsys):
    assert run(folder, "{f}/dark.fits", "{f}/b.fits", "--nsigma", "5000", out="dark")[0] == 0
    lines = capsys.readouterr().err.splitlines()
    start = "skyshed: warning: {}: No sources were found"
    assert len(lines) == 2
    for line, name in zip(lines, ("dark.fits", "b.fits"), strict=True):
        assert line.startswith(start.format(folder / name))


def test_a_file_of_names_stands_for_its_images(folder):
    status, out = run(folder, "{f}/b.fits", "@{f}/names.txt", out="named")
    assert status == 0
    names = [f"{folder}/b.fits", f"{folder}/a.fits", f"{folder}/other/a.fits"]
    assert [row["image"] for row in report_of(out)] == names
    assert [row["folder"] for row in report_of(out)] == ["b", "a", "a-2"]


@pytest.mark.parametrize("format", ["fits", "ecsv", "parquet"])
def test_one_table_has_the_rows_of_all_images(folder, capsys, format):
    images = ["{f}/dark.fits", "{f}/a.fits", "{f}/other/a.fits[0]"]
    options = ["--nsigma", "5", "--one-table", "--format", format]
    status, out = run(folder, *images, *options, out=f"one-{format}")
    assert status == 0
    assert sorted(os.listdir(out)) == [f"catalog.{format}", "parameters.toml", "report.ecsv"]
    table = read_catalog(out / f"catalog.{format}")
    assert table.colnames[:4] == ["image", "hdu", "hdu_name", "label"]
    assert Parameters(**table.meta["parameters"]) == Parameters(nsigma=5, n_threads=1)
    rows = report_of(out)
    assert rows[0]["n_sources"] == 0
    assert rows[1]["n_sources"] > 10
    assert sum(row["n_sources"] for row in rows) == len(table)
    for row in rows[1:]:
        assert (row["status"], row["hdu"], row["folder"]) == ("done", 0, ".")
        mine = table[table["image"] == row["image"]]
        assert (mine["hdu"] == 0).all()
        mine.remove_columns(["image", "hdu", "hdu_name"])
        assert same_tables(mine, extract(row["image"], nsigma=5, n_threads=1).table)
    assert f"{folder}/a.fits: {rows[1]['n_sources']} sources\n" in capsys.readouterr().out


def test_what_does_not_fit_into_one_table_fails_alone(folder):
    status, out = run(
        folder, "{f}/a.fits", "{f}/unit.fits", "{f}/b.fits", "--one-table", out="unlike"
    )
    assert status == SOME_FAILED
    rows = report_of(out)
    assert [row["status"] for row in rows] == ["done", "failed", "done"]
    assert "columns are not those of the first image" in rows[1]["error"]
    table = read_catalog(out / "catalog.fits")
    assert set(table["image"]) == {f"{folder}/a.fits", f"{folder}/b.fits"}


@pytest.mark.parametrize("option", ["rms", "variance"])
def test_the_noise_that_is_given_counts_for_every_image(folder, option):
    noise = folder / f"{option}.fits"
    fits.writeto(noise, np.full(SHAPE, 2, np.float32))
    status, out = run(folder, "{f}/a.fits", f"--{option}", str(noise), out=option)
    assert status == 0
    expected = extract(folder / "a.fits", n_threads=1, **{option: noise}).table
    assert same_tables(read_catalog(out / "a" / "catalog.fits"), expected)
    assert len(expected) > 10
    assert not same_tables(expected, extract(folder / "a.fits", n_threads=1).table)


def test_companions_are_one_for_all_a_list_or_a_pattern(folder):
    images = ["{f}/a.fits", "{f}/b.fits", "{f}/other/a.fits"]
    paths = [image.replace("{f}", str(folder)) for image in images]
    own = [path.replace(".fits", ".rms.fits") for path in paths]
    (folder / "rms.txt").write_text("\n".join(own))
    for number, (options, given) in enumerate(
        (
            (["--rms", "{f}/b.rms.fits"], [{"rms": own[1]}] * 3),
            (["--rms", "@{f}/rms.txt"], [{"rms": each} for each in own]),
            (
                ["--rms", "{folder}/{stem}.rms.fits", "--mask", "{file}[DQ]"],
                [{"rms": o, "mask": f"{p}[DQ]"} for o, p in zip(own, paths, strict=True)],
            ),
        )
    ):
        status, out = run(folder, *images, *options, out=f"companions-{number}")
        assert status == 0
        for name, path, expected in zip(("a", "b", "a-2"), paths, given, strict=True):
            table = read_catalog(out / name / "catalog.fits")
            assert same_tables(table, extract(path, **expected).table)


def test_plan_says_what_each_image_takes_and_does_nothing(folder, capsys):
    status, out = run(folder, "{f}/a.fits", "{f}/absent.fits", "{f}/b.fits", "--plan", out="plan")
    assert status == SOME_FAILED
    assert not out.exists()
    shown = capsys.readouterr()
    assert shown.err == f"skyshed: error: {folder}/absent.fits: there is no such file\n"
    first, second = shown.out.strip().split("\n\n")
    for text, name in ((first, "a.fits"), (second, "b.fits")):
        lines = text.splitlines()
        assert lines[0] == f"{folder}/{name}"
        assert lines[1] == "image    150 x 190 pixels"
        assert [line.split()[0] for line in lines[2:6]] == ["tiles", "memory", "sources", "time"]


def test_large_images_go_by_tiles_in_workspaces_of_their_own(folder, monkeypatch):
    for name, value in (("PROCESS", 10**6), ("WRITING", 0), ("MARGIN", 8), ("LEAST_SIDE", 16)):
        monkeypatch.setattr(planning, name, value)
    images, boxes = ["{f}/a.fits", "{f}/other/a.fits"], ["--box-size", "16"]
    kept = ["--workspace", str(folder / "work")]
    for number, options in enumerate(([], kept, ["--one-table"])):
        small = ["--memory", "1.3MB", *boxes, *options]
        status, out = run(folder, *images, *small, out=f"tiled-{number}")
        assert status == 0
        if number == 2:
            together = read_catalog(out / "catalog.fits")
            assert sorted(os.listdir(out)) == ["catalog.fits", "parameters.toml", "report.ecsv"]
        for name, image in zip(("a", "a-2"), images, strict=True):
            path = image.replace("{f}", str(folder))
            if number == 2:
                table = together[together["image"] == path]
                table.remove_columns(["image", "hdu", "hdu_name"])
            else:
                table = read_catalog(out / name / "catalog.fits")
                assert len(QTable.read(out / name / "tiles.ecsv")) > 1
                assert "workspace" not in os.listdir(out / name)
            assert same_tables(table, extract(path, box_size=16, n_threads=1).table)
    assert sorted(os.listdir(folder / "work")) == ["a", "a-2"]


def test_results_that_cannot_be_written_fail_alone(folder):
    (folder / "blocked" / "a" / "catalog.fits").mkdir(parents=True)
    status, out = run(folder, "{f}/a.fits", "{f}/b.fits", out="blocked")
    assert status == SOME_FAILED
    rows = report_of(out)
    assert [row["status"] for row in rows] == ["failed", "done"]
    assert "catalog.fits" in rows[0]["error"]


@pytest.mark.parametrize("options", [[], ["--one-table"]])
def test_what_is_finished_before_an_interrupt_is_kept(folder, capsys, monkeypatch, options):
    real, runs = skyshed.extraction.batch.run_request, []

    def run_request(*arguments):
        runs.append(arguments)
        if len(runs) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr("skyshed.extraction.batch.run_request", run_request)
    name = f"interrupted-{len(options)}"
    images = ["{f}/a.fits", "{f}/b.fits", "{f}/other/a.fits"]
    status, out = run(folder, *images, *options, out=name)
    assert status == 130
    assert "skyshed: interrupted" in capsys.readouterr().err
    rows = report_of(out)
    assert [row["status"] for row in rows] == ["done", "done"]
    if options:
        assert len(read_catalog(out / "catalog.fits")) == sum(row["n_sources"] for row in rows)
        assert sorted(os.listdir(out)) == ["catalog.fits", "parameters.toml", "report.ecsv"]
    else:
        assert sorted(os.listdir(out)) == ["a", "b", "report.ecsv"]


@pytest.mark.usefixtures("heard")
def test_a_signal_ends_the_real_command(folder, tmp_path):
    # All of them take a minute, so that the signal comes before the last, however late it is sent.
    names = [tmp_path / f"n{number}.fits" for number in range(2000)]
    for name in names:
        os.link(folder / "a.fits", name)
    (tmp_path / "names.txt").write_text("\n".join(map(str, names)))
    code = "import sys; from skyshed.cli import main; sys.exit(main(sys.argv[1:]))"
    out = tmp_path / "out"
    process = subprocess.Popen(
        [
            sys.executable, "-c", code, "extract", "--each", f"@{tmp_path}/names.txt",
            "--out", out, *QUICK,
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not (out / "report.ecsv").exists() or '"done"' not in (out / "report.ecsv").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert (process.returncode, said.splitlines()[-1]) == (130, "skyshed: interrupted")
    rows = report_of(out)
    assert 0 < len(rows) < len(names)
    for row in rows:
        assert len(read_catalog(out / row["folder"] / "catalog.fits")) == row["n_sources"]


def test_debug_shows_where_each_error_arose(folder, capsys):
    status, _ = run(folder, "{f}/absent.fits", "{f}/a.fits", "--debug", out="debug")
    assert status == SOME_FAILED
    shown = capsys.readouterr().err
    assert "Traceback (most recent call last)" in shown
    assert "FileNotFoundError" in shown


EACH = ["--each", "{f}/a.fits", "{f}/b.fits"]
REFUSED = {
    "no image": (["--each"], "required: IMAGE"),
    "no such list": (["--each", "@{f}/no.txt"], "no.txt"),
    "empty list": (["--each", "@{f}/none.txt"], "none.txt holds no name"),
    "twice": (["--each", "{f}/a.fits", "{f}/./a.fits"], "a.fits' twice"),
    "twice by a list": (["--each", "{f}/a.fits", "@{f}/names.txt"], "a.fits' twice"),
    "one table alone": (["{f}/a.fits", "--one-table"], "give --each, too"),
    "regions": ([*EACH, "--one-table", "--regions"], "--regions is about the folder"),
    "compress": ([*EACH, "--one-table", "--compress"], "--compress is about the folder"),
    "Zarr": ([*EACH, "--one-table", "--map-format", "zarr"], "--map-format is about the folder"),
    "companions": ([*EACH, "--rms", "@{f}/three.txt"], "three.txt holds 3 names and there are 2"),
    "no companions": ([*EACH, "--mask", "@{f}/no.txt"], "no.txt"),
    "pattern": ([*EACH, "--weight", "{name}.fits"], "{name} in '{name}.fits' stands for nothing"),
    "column": ([*EACH, "--columns", "zzz"], "'zzz' is no column"),
    "memory": ([*EACH, "--memory", "much"], "memory must be a number of bytes"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_for_all_is_refused_before_anything_runs(folder, capsys, case):
    (folder / "three.txt").write_text("1\n2\n3\n")
    arguments, message = REFUSED[case]
    given = [argument.replace("{f}", str(folder)) for argument in arguments]
    assert main(["extract", *given, "--out", str(folder / "refused")]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("skyshed: error: ")
    assert shown.err.count("\n") == 1
    assert message in shown.err
    assert not (folder / "refused").exists()


def test_results_never_take_the_place_of_images(folder, tmp_path, capsys):
    image = (folder / "a.fits").read_bytes()
    for name, options in (
        ("catalog.fits", ["--one-table"]),
        ("a", []),  # the folder of its results
        ("catalog/catalog.fits", []),
    ):
        out = tmp_path / name.replace("/", "-")
        path = out / name
        path.parent.mkdir(parents=True)
        path.write_bytes(image)
        assert main(["extract", "--each", str(path), "--out", str(out), *options, *QUICK]) == 2
        assert "choose another --out" in capsys.readouterr().err
        assert path.read_bytes() == image
    assert main(["extract", "--each", str(folder / "a.fits")]) == 2
    assert "required: --out" in capsys.readouterr().err


def test_without_each_several_images_are_one(folder, capsys):
    paths = [str(folder / "a.fits"), str(folder / "b.fits")]
    assert main(["extract", *paths, "--out", str(folder / "joined")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
