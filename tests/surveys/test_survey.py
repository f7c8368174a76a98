"""A survey has the sources of each image, says what became of each, and goes on where it was."""

import inspect
import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import skyshed
from skyshed import extract, survey
from skyshed.cli import main
from skyshed.images.pixels import RefusedError
from skyshed.mosaic.workspace import Workspace
from skyshed.parameters.companions import COMPANIONS
from skyshed.surveys import flow, run, task
from skyshed.surveys.hats import file_of
from skyshed.surveys.sky import COLUMN, Pixel
from tests.surveys.fields import SCALE, a_cluster, a_field, make_fields

pytest.importorskip("cdshealpix")
dataset = pytest.importorskip("pyarrow.dataset")
N = 6
#: Seconds until what should happen at the same time is taken not to.
PATIENCE = 300


@pytest.fixture(scope="module")
def client():
    with a_cluster() as client:
        yield client


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return make_fields(tmp_path_factory.mktemp("fields"), N)


@pytest.fixture(scope="module")
def made(paths, client, tmp_path_factory):
    """A survey of all fields, in several partitions."""
    folder = tmp_path_factory.mktemp("made") / "catalog"
    return survey(paths, folder, scheduler=client, partition_rows=30, per_task=4, n_threads=1)


def rows(folder):
    """Return all rows of a catalog, by exposure, HDU and label."""
    found = dataset.dataset(
        Path(folder) / "dataset", format="parquet", ignore_prefixes=["_"]
    ).to_table()
    keys = ("image_id", "hdu", "label")
    return found.sort_by([(key, "ascending") for key in keys])


def fits_of(*hdus):
    return fits.HDUList([fits.PrimaryHDU(), *hdus])


def test_every_image_has_the_sources_that_extract_finds(made, paths):
    found = rows(made.folder)
    assert made.n_sources == len(found) > 50
    for number, path in enumerate(paths):
        table = extract(path, n_threads=1).table
        mine = found.filter(np.array(found["image_id"]) == number)
        assert mine["label"].to_pylist() == table["label"].tolist()
        for name in ("xcentroid", "ra", "dec", "kron_flux", "flags", "name"):
            values = getattr(table[name], "value", table[name])
            assert mine[name].to_numpy().tolist() == np.asarray(values).tolist(), name
        assert set(found.column_names) - set(table.colnames) == {COLUMN, "image_id", "hdu"}


def test_the_catalog_is_partitioned_by_sky_as_hats_says(made):
    listed = (made.folder / "partition_info.csv").read_text().split()
    pixels = [Pixel(*map(int, line.split(","))) for line in listed[1:]]
    assert listed[0] == "Norder,Npix"
    assert len(pixels) > 1
    n = 0
    for pixel in pixels:
        path = made.folder / "dataset" / file_of(pixel)
        assert path.name == f"Npix={pixel.number}.parquet"
        assert path.parent.name == f"Dir={pixel.number // 10000 * 10000}"
        part = dataset.dataset(path, partitioning=None).to_table()
        index = part[COLUMN].to_numpy()
        assert (np.diff(index) >= 0).all()
        assert (index >= pixel.bounds[0]).all()
        assert (index < pixel.bounds[1]).all()
        n += len(part)
    assert n == made.n_sources
    text = (made.folder / "hats.properties").read_text()
    known = dict(line.split("=", 1) for line in text.splitlines())
    assert int(known["hats_nrows"]) == n
    assert known["hats_col_ra"], known["hats_col_healpix"] == ("ra", COLUMN)
    assert int(known["hats_order"]) == max(pixel.order for pixel in pixels)
    assert (made.folder / "properties").read_text() == text


def test_units_and_descriptions_are_in_the_schema(client, tmp_path):
    a_field(1, unit="uJy").writeto(tmp_path / "a.fits")
    found = survey([tmp_path / "a.fits"], tmp_path / "c", scheduler=client, n_threads=1)
    schema = dataset.dataset(found.folder / "dataset", ignore_prefixes=["_"]).schema
    assert schema.field("kron_flux").metadata[b"unit"] == b"uJy"
    assert schema.field("ra").metadata[b"unit"] == b"deg"
    assert all(
        b"description" in schema.field(name).metadata for name in (COLUMN, "ra", "xcentroid")
    )


def test_the_table_of_images_says_what_each_is_like(made, paths):
    images = made.images
    assert images["image"].tolist() == paths
    assert (images["state"] == "done").all()
    assert images["n_sources"].sum() == made.n_sources
    assert (images["seeing"].unit, images["seeing_arcsec"].unit) == ("pix", "arcsec")
    for number, path in enumerate(paths):
        row = {
            name: getattr(images[name], "value", images[name])[number] for name in images.colnames
        }
        found, header = extract(path, n_threads=1), fits.getheader(path)
        assert row["background"] == found.background2d.background_median
        assert row["background_rms"] == found.background2d.background_rms_median
        assert row["depth"] == pytest.approx(float(found.tiles["depth"][0]), rel=1e-3)
        assert row["ra"] == pytest.approx(header["CRVAL1"], abs=2e-4)
        assert row["dec"] == pytest.approx(header["CRVAL2"], abs=2e-4)
        assert row["seeing_arcsec"] == pytest.approx(3600 * SCALE * row["seeing"], rel=1e-3)
        noise, width = row["background_rms"], row["seeing"]
        assert row["limiting_flux"] == pytest.approx(
            5 * noise * width / 2.3548 * (4 * np.pi) ** 0.5, rel=1e-4
        )
        # Stars of a standard deviation of 1.6 pixels.
        assert width == pytest.approx(1.6 * 2.3548, rel=0.05)


def test_nothing_is_left_to_work_with_when_all_is_done(made):
    assert {path.name for path in made.folder.iterdir()} == {
        "dataset", "hats.properties", "properties", "partition_info.csv", "images.parquet",
        "survey.json",
    }  # fmt: skip


def test_the_same_call_finds_it_done(made, paths, monkeypatch):
    monkeypatch.setattr(flow.Flow, "each", None)
    again = survey(paths, made.folder, n_workers=1, partition_rows=30)
    assert (again.n_sources, again.n_images) == (made.n_sources, made.n_images)
    with pytest.raises(ValueError, match="other exposures or parameters"):
        survey(paths, made.folder, n_workers=1, nsigma=9)
    with pytest.raises(ValueError, match="other exposures or parameters"):
        survey(paths[1:], made.folder, n_workers=1)


def test_other_partitions_of_what_is_finished_are_refused(paths, client, tmp_path):
    options = {"scheduler": client, "n_threads": 1}
    survey(paths[:2], tmp_path / "c", partition_rows=10, **options)
    with pytest.raises(ValueError, match=r"at most 10 rows, and partition_rows is 20: .*restart"):
        survey(paths[:2], tmp_path / "c", partition_rows=20, **options)


def test_other_partitions_are_made_while_images_are_left(paths, client, tmp_path):
    given, options = [paths[0], tmp_path / "absent.fits"], {"scheduler": client, "n_threads": 1}
    survey(given, tmp_path / "c", retries=0, **options)
    again = survey(given, tmp_path / "c", retries=0, partition_rows=3, **options)
    whole = survey(given, tmp_path / "d", retries=0, partition_rows=3, **options)
    files = [sorted((each.folder / "dataset").rglob("*.parquet")) for each in (again, whole)]
    assert [each.name for each in files[0]] == [each.name for each in files[1]]
    assert len(files[0]) > 1


def test_whatever_extract_takes_beside_an_image_a_survey_takes(paths, client, tmp_path):
    assert set(COMPANIONS) <= set(inspect.signature(survey).parameters)
    given = {"detection_image": "{folder}/{stem}.fits", "detection_background": "none"}
    found = survey(paths[:1], tmp_path / "c", scheduler=client, nsigma=30, n_threads=1, **given)
    assert found.n_failed == 0
    alone = extract(
        paths[0], detection_image=paths[0], detection_background="none", nsigma=30, n_threads=1
    )
    assert rows(found.folder)["kron_flux"].to_pylist() == alone.table["kron_flux"].tolist()


def test_an_image_that_fails_is_an_entry_and_is_tried_again(paths, client, tmp_path, monkeypatch):
    plain = a_field(1)
    fits.writeto(tmp_path / "nowhere.fits", plain.data)
    given = [paths[0], "absent.fits", str(tmp_path / "nowhere.fits"), paths[1]]
    tried = []
    real = task.take_turns
    monkeypatch.setattr(
        task, "take_turns", lambda turns: tried.append([each.name for each in turns]) or real(turns)
    )
    found = survey(given, tmp_path / "c", scheduler=client, retries=2, n_threads=1)
    assert (found.n_images, found.n_failed) == (4, 2)
    images = found.images
    assert images["state"].tolist() == ["done", "failed", "failed", "done"]
    assert "there is no such file" in images["error"][1]
    assert "has no WCS" in images["error"][2]
    # What a file lacks may come; what an image is stays.
    assert images["attempts"].tolist() == [1, 3, 1, 1]
    assert [len(each) for each in tried] == [4, 1, 1]
    assert set(rows(found.folder)["image_id"].to_pylist()) == {0, 3}
    before = rows(found.folder)

    # The same call takes up those that failed, and no other.
    tried.clear()
    monkeypatch.chdir(tmp_path)
    again = survey(
        [paths[0], "/absent.fits", str(tmp_path / "nowhere.fits"), paths[1]], tmp_path / "d",
        scheduler=client, retries=0, n_threads=1,
    )  # fmt: skip
    a_field(1).writeto(tmp_path / "nowhere.fits", overwrite=True)
    again = survey(
        [paths[0], "/absent.fits", str(tmp_path / "nowhere.fits"), paths[1]], tmp_path / "d",
        scheduler=client, retries=0, n_threads=1,
    )  # fmt: skip
    assert tried[-1] == ["/absent.fits", str(tmp_path / "nowhere.fits")]
    assert (again.n_failed, again.n_sources) == (1, len(rows(again.folder)))
    assert set(rows(again.folder)["image_id"].to_pylist()) == {0, 2, 3}
    kept = rows(again.folder)
    assert kept.filter(np.array(kept["image_id"]) != 2).equals(before)


def test_several_hdus_of_an_exposure_are_images_of_it(client, tmp_path):
    chips = [fits.ImageHDU(a_field(k).data, a_field(k).header, name=f"S{k}") for k in range(3)]
    chips[1] = fits.ImageHDU(chips[1].data, name="S1")  # without a WCS
    fits_of(*chips).writeto(tmp_path / "camera.fits")
    found = survey(
        [tmp_path / "camera.fits"], tmp_path / "c", hdu="all", scheduler=client, n_threads=1
    )
    images = found.images
    assert images["hdu"].tolist() == [1, 2, 3]
    assert images["image_id"].tolist() == [0, 0, 0]
    assert images["state"].tolist() == ["done", "failed", "done"]
    table = rows(found.folder)
    for number in (1, 3):
        mine = table.filter(np.array(table["hdu"]) == number)
        alone = extract(tmp_path / "camera.fits", hdu=number, n_threads=1).table
        assert mine["kron_flux"].to_pylist() == alone["kron_flux"].tolist()


def test_what_goes_with_images_is_found_by_a_pattern(client, tmp_path):
    paths = make_fields(tmp_path, 2)
    for number, path in enumerate(paths):
        mask = np.zeros(fits.getdata(path).shape, np.uint8)
        mask[: 20 * (number + 1)] = 1
        fits.writeto(path.replace(".fits", ".mask.fits"), mask)
    found = survey(
        paths, tmp_path / "c", mask="{folder}/{stem}.mask.fits", scheduler=client, n_threads=1
    )
    table = rows(found.folder)
    for number, path in enumerate(paths):
        alone = extract(path, mask=path.replace(".fits", ".mask.fits"), n_threads=1).table
        mine = table.filter(np.array(table["image_id"]) == number)
        assert mine["label"].to_pylist() == alone["label"].tolist()
        assert min(mine["ycentroid"].to_pylist()) > 20 * (number + 1) - 1


def test_columns_that_are_asked_for_are_those_of_the_catalog(client, paths, tmp_path):
    found = survey(
        paths[:1], tmp_path / "c", columns=("label", "kron_flux"), scheduler=client, n_threads=1
    )
    assert set(rows(found.folder).column_names) == {
        COLUMN, "image_id", "hdu", "label", "kron_flux", "ra", "dec",
    }  # fmt: skip
    assert np.isfinite(found.images["seeing"]).all()


@pytest.mark.parametrize("hdu", ["all", "C1"])
def test_a_pattern_may_have_the_hdu_of_each_image(client, tmp_path, hdu):
    images = [fits.ImageHDU(a_field(k).data, a_field(k).header, name=f"C{k}") for k in (0, 1)]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(tmp_path / "camera.fits")
    for k in (0, 1):
        mask = np.zeros(images[0].shape, np.uint8)
        mask[: 20 * (k + 1)] = 1
        fits.writeto(tmp_path / f"camera.C{k}.mask.fits", mask)
    found = survey(
        [tmp_path / "camera.fits"], tmp_path / "c", hdu=hdu, scheduler=client, n_threads=1,
        mask="{folder}/{stem}.{hdu}.mask.fits",
    )  # fmt: skip
    assert found.n_failed == 0
    table = rows(found.folder)
    for k in (0, 1) if hdu == "all" else (1,):
        alone = extract(
            tmp_path / "camera.fits", hdu=k + 1, mask=tmp_path / f"camera.C{k}.mask.fits",
            n_threads=1,
        ).table  # fmt: skip
        mine = table.filter(np.array(table["hdu"]) == k + 1)
        assert mine["ycentroid"].to_pylist() == alone["ycentroid"].tolist()


@pytest.mark.parametrize("columns", [("default", "gini"), ("NUMBER", "X_IMAGE", "ALPHA_J2000")])
def test_names_that_stand_for_several_columns_lose_none(client, paths, tmp_path, columns):
    options = {"columns": columns, "nsigma": 20, "n_threads": 1}
    found = survey(paths[:1], tmp_path / "c", scheduler=client, **options)
    expected = {*extract(paths[0], **options).table.colnames, "label", "ra", "dec"}
    added = {COLUMN, "image_id", "hdu"}
    assert set(rows(found.folder).column_names) == added | expected - {"sky_centroid"}


def test_images_of_two_units_do_not_share_a_column(client, tmp_path):
    for number, unit in enumerate(("uJy", "adu", "uJy")):
        a_field(number, unit=unit).writeto(tmp_path / f"{number}.fits")
    names = [tmp_path / f"{number}.fits" for number in range(3)]
    found = survey(names, tmp_path / "c", scheduler=client, calibrate=False, n_threads=1)
    images = found.images
    assert images["state"].tolist() == ["done", "failed", "done"]
    assert "in adu, that of image_id 0 is double in uJy" in images["error"][1]
    assert set(rows(found.folder)["image_id"].to_pylist()) == {0, 2}


def test_images_without_sources_make_an_empty_catalog(client, tmp_path):
    a_field(1, n_stars=0).writeto(tmp_path / "dark.fits")
    found = survey([tmp_path / "dark.fits"], tmp_path / "c", scheduler=client, nsigma=20)
    assert (found.n_sources, found.n_failed) == (0, 0)
    assert "No sources" in found.images["warnings"][0]
    assert "hats_nrows=0" in (found.folder / "hats.properties").read_text()


def test_an_image_without_sources_does_not_keep_others_out(client, paths, tmp_path):
    a_field(1, n_stars=0).writeto(tmp_path / "dark.fits")
    found = survey(
        [tmp_path / "dark.fits", paths[0]], tmp_path / "c", scheduler=client, nsigma=20, n_threads=1
    )
    assert found.n_failed == 0
    assert found.images["n_sources"].tolist() == [0, found.n_sources]
    alone = extract(paths[0], nsigma=20, n_threads=1).table
    assert rows(found.folder)["name"].to_pylist() == alone["name"].tolist()


def test_a_record_that_is_damaged_is_made_again(client, paths, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(run.Run, "_write", fails)
        with pytest.raises(KeyboardInterrupt):
            survey(paths[:3], tmp_path / "c", scheduler=client, per_task=1, n_threads=1)
    (records,) = (tmp_path / "c" / ".survey" / "records").iterdir()
    content = bytearray(records.read_bytes())
    content[len(content) // 2] ^= 1
    records.write_bytes(content)
    with pytest.raises(skyshed.WorkspaceError, match=r"is damaged at byte \d+: the same call"):
        survey(paths[:3], tmp_path / "c", scheduler=client, n_threads=1)
    found = survey(paths[:3], tmp_path / "c", scheduler=client, n_threads=1)
    whole = survey(paths[:3], tmp_path / "d", scheduler=client, n_threads=1)
    assert rows(found.folder).equals(rows(whole.folder))


def fails(*_, **__):
    raise KeyboardInterrupt


def test_tasks_under_way_are_few_however_many_images_there_are(client, tmp_path):
    flying, most = 0, 0
    numbers = iter(range(200))

    def take():
        nonlocal flying, most
        number = next(numbers, None)
        flying += number is not None
        most = max(most, flying)
        return number

    for item, result, error in flow.Flow(client).each(abs, take):
        assert (result, error) == (item, None)
        flying -= 1
    assert next(numbers, None) is None
    assert most <= 2  # one thread


def test_sources_are_written_while_the_next_exposure_is_extracted(
    client, paths, tmp_path, monkeypatch
):
    begun = [threading.Event() for _ in paths]
    sources, append = task._sources, task.append

    def extracting(job, number, outcome, plain):
        begun[number].set()
        return sources(job, number, outcome, plain)

    def writing(folder, writer, batch):
        number = batch["image_id"][0].as_py()
        if number + 1 < len(paths):
            assert begun[number + 1].wait(PATIENCE)
        return append(folder, writer, batch)

    monkeypatch.setattr(task, "_sources", extracting)
    monkeypatch.setattr(task, "append", writing)
    found = survey(paths, tmp_path / "c", scheduler=client, per_task=N, retries=0, n_threads=1)
    assert found.n_failed == 0


def test_an_image_that_ends_its_worker_is_found_among_others(client, paths, tmp_path, monkeypatch):
    def deadly(job, exposures):
        if any("field1" in image for _, image, _ in exposures):
            raise RuntimeError("gone")
        return task.extract_some(job, exposures)

    monkeypatch.setattr(run, "extract_some", deadly)
    found = survey(paths, tmp_path / "c", scheduler=client, per_task=6, retries=1, n_threads=1)
    images = found.images
    assert images["state"].tolist() == ["done", "failed", *["done"] * (N - 2)]
    assert images["error"][1] == "RuntimeError: gone"
    assert images["attempts"][1] == 2


def test_the_command_begins_with_a_preset(paths, tmp_path, capsys):
    (tmp_path / "list.txt").write_text(paths[0])
    with a_cluster() as client:
        assert main(
            ["survey", str(tmp_path / "list.txt"), "--out", str(tmp_path / "c"), "--n-threads", "1",
             "--preset", "sextractor", "--scheduler", client.scheduler.address]
        ) == 0  # fmt: skip
    known = json.loads((tmp_path / "c" / "survey.json").read_text())["parameters"]
    assert known == skyshed.Parameters.preset("sextractor", n_threads=1).to_dict()


def test_the_command_makes_a_catalog_and_says_what_failed(paths, tmp_path, monkeypatch, capsys):
    (tmp_path / "list.txt").write_text("\n".join([*paths[:2], "absent.fits"]))
    with a_cluster() as client:
        status = main(
            ["survey", str(tmp_path / "list.txt"), "--out", str(tmp_path / "c"), "--n-threads", "1",
             "--scheduler", client.scheduler.address]
        )  # fmt: skip
    assert status == 3
    said = capsys.readouterr().out
    assert "2 of 3 images done, 1 failed" in said
    assert json.loads((tmp_path / "c" / "survey.json").read_text())["n_failed"] == 1


def test_a_worker_that_cannot_do_the_work_says_so_at_once(paths, client, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "versions", lambda: "skyshed 0.0.1, files 0")
    with pytest.raises(ValueError, match=r"the workers have .*, this process has skyshed 0.0.1"):
        survey(paths[:1], tmp_path / "c", scheduler=client)
    monkeypatch.undo()
    monkeypatch.setattr(task, "LATE", 0.1)
    job = task.Job(str(tmp_path / "elsewhere"), "{}", task.versions(), skyshed.Parameters())
    with pytest.raises(RefusedError, match=r"the workers do not see .*elsewhere"):
        task.extract_some(job, [])


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"scheduler": "tcp://h:1", "n_workers": 2}, ValueError, "n_workers=2 is about processes"),
        ({"per_task": 0}, ValueError, "per_task must be a positive integer, got 0"),
        ({"retries": -2}, ValueError, "retries must be an integer of at least 0; got -2"),
        ({"partition_rows": 0.5}, ValueError, "partition_rows must be"),
        ({"nsigma": -1}, ValueError, "nsigma"),
        ({"device": "gpu"}, ValueError, "device must be"),
        ({"memory": "much"}, ValueError, "memory must be"),
        ({"columns": ("nonsense",)}, ValueError, "nonsense"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_made(paths, tmp_path, options, error, text):
    with pytest.raises(error, match=text):
        survey(paths, tmp_path / "c", **options)
    assert not (tmp_path / "c").exists()


def test_a_folder_of_something_else_is_left_alone(paths, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds other files"):
        survey(paths, tmp_path, n_workers=1)
    with pytest.raises(ValueError, match="holds other files"):
        survey(paths, tmp_path / "c", workspace=tmp_path, n_workers=1)
    assert [path.name for path in tmp_path.iterdir() if path.name != "c"] == ["notes.txt"]


def test_a_survey_at_work_is_not_disturbed(paths, client, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.Run, "_write", fails)
        with pytest.raises(KeyboardInterrupt):
            survey(paths[:1], tmp_path / "c", scheduler=client, n_threads=1)
    with (
        Workspace(str(tmp_path / "c" / ".survey")).held(),
        pytest.raises(skyshed.WorkspaceError, match="in use by another run"),
    ):
        survey(paths[:1], tmp_path / "c", scheduler=client)
    assert survey(paths[:1], tmp_path / "c", scheduler=client, n_threads=1).n_failed == 0


def seen(_):
    time.sleep(0.2)  # so that each process has some
    return os.environ["CUDA_VISIBLE_DEVICES"]


@pytest.mark.skipif(sys.platform == "win32", reason="Dask starts no programs of their own there")
def test_each_process_of_this_machine_sees_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b,GPU-c")
    numbers = iter(range(400))
    found = set()
    with flow.flow_on(None, 2, (2, 0)) as workers:
        for _, result, error in workers.each(
            seen, lambda: next(numbers, None) if len(found) < 2 else None
        ):
            assert error is None
            found.add(result)
    assert found == {"GPU-c", "GPU-a"}
