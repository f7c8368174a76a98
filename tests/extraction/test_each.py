"""Many images, one after the other: each as `extract` does it, and none ends the others."""

import gc
import inspect
import os
import threading
import time
import warnings
import weakref
from contextlib import nullcontext

import numpy as np
import pytest
import zarr
from astropy.io import fits

import skyshed
from skyshed import Parameters, extract, extract_each
from skyshed.exceptions import ImageWarning, NoDetectionsWarning
from skyshed.extraction import Outcome
from skyshed.extraction.ahead import ReadSource
from skyshed.extraction.batch import finish_turns, take_turns
from skyshed.extraction.entry import open_request
from skyshed.extraction.plan import Resources, make_plan
from skyshed.extraction.turns import PER_IMAGE, Turn
from skyshed.images import ImageSource
from skyshed.images.made_of import MadeOfAnother
from tests.pipeline_field import SHAPE, make_field, make_wcs, same_tables

SETTINGS = {"n_threads": 1}
#: Seconds for what other threads do at once.
PATIENCE = 300


@pytest.fixture(scope="module")
def fields():
    images = [make_field(seed) for seed in (1, 2, 3)]
    for image in images:
        image.setflags(write=False)
    return images


@pytest.fixture(scope="module")
def folder(fields, tmp_path_factory):
    """The fields as files of several kinds."""
    folder = tmp_path_factory.mktemp("each")
    header = make_wcs().to_header()
    for name, image in zip("abc", fields, strict=True):
        mask = (image > 40).astype(np.uint8)
        hdus = [fits.PrimaryHDU(image, header), fits.ImageHDU(mask, name="DQ")]
        fits.HDUList(hdus).writeto(folder / f"{name}.fits")
    packed = fits.CompImageHDU(fields[0], header, compression_type="GZIP_2", quantize_level=0)
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(folder / "packed.fits")
    fits.writeto(folder / "whole.fits.gz", fields[1], header)
    fits.writeto(folder / "counts.fits", np.round(9 * fields[2]).astype(np.uint16), header)
    zarr.create_array(folder / "chunks.zarr", data=fields[0], chunks=(64, 64))
    fits.writeto(folder / "unit.fits", fields[0], fits.Header({"BUNIT": "furlong"}))
    noise = np.random.default_rng(8).normal(5, 1, SHAPE).astype(np.float32)
    fits.writeto(folder / "blank.fits", noise)
    (folder / "text.fits").write_text("hello")
    whole = (folder / "a.fits").read_bytes()
    (folder / "half.fits").write_bytes(whole[:60000])
    return folder


def same(found, expected):
    """Whether two results have the same bits."""
    views = ("data", "error", "background", "convolved_data")
    return (
        same_tables(found.table, expected.table)
        and np.array_equal(found.segmentation.data, expected.segmentation.data)
        and all(
            np.asarray(getattr(found, name)).tobytes()
            == np.asarray(getattr(expected, name)).tobytes()
            for name in views
        )
        and found.record["input"] == expected.record["input"]
    )


def test_each_image_has_the_bits_that_extract_gives_it(folder, fields):
    names = ("a.fits", "packed.fits", "whole.fits.gz", "counts.fits", "chunks.zarr", "b.fits")
    images = [*(folder / name for name in names), fields[0], np.ma.MaskedArray(fields[1])]
    outcomes = list(extract_each(images, **SETTINGS))
    assert len(outcomes) == len(images)
    for image, outcome in zip(images, outcomes, strict=True):
        assert outcome.error is None
        assert outcome.image is image
        assert same(outcome.extraction, extract(image, **SETTINGS))
        assert outcome.n_sources == outcome.extraction.segmentation.nlabels > 20
        assert outcome.seconds > 0
    assert [outcome.hdu for outcome in outcomes] == [0, 1, 0, 0, None, 0, None, None]
    assert outcomes[0].name == str(folder / "a.fits")
    assert outcomes[6].name == "images[6]"


def test_a_stack_is_its_planes(fields):
    outcomes = extract_each(np.array(fields), mask=np.array(fields) > 40, **SETTINGS)
    for image, outcome in zip(fields, outcomes, strict=True):
        assert same(outcome.extraction, extract(image, mask=image > 40, **SETTINGS))


def test_a_list_has_a_value_for_each_and_all_else_is_for_all(folder):
    images = [folder / f"{name}.fits" for name in "abc"]
    masks = [f"{images[0]}[DQ]", None, fits.getdata(images[2], "DQ")]
    rms, region = np.full(SHAPE, 1.5, np.float32), (10, 140, 5, 180)
    outcomes = extract_each(images, mask=masks, rms=rms, region=region, **SETTINGS)
    for image, mask, outcome in zip(images, masks, outcomes, strict=True):
        alone = extract(image, mask=mask, rms=rms, region=region, **SETTINGS)
        assert same(outcome.extraction, alone)
    regions = ["0:100,0:100", (20, 150, 0, 190), None]
    for region, outcome in zip(regions, extract_each(images, region=regions), strict=True):
        assert same(outcome.extraction, extract(outcome.image, region=region))


def test_known_sources_and_other_bands_are_read_ahead_too(folder, fields):
    images = [folder / f"{name}.fits" for name in "abc"]
    bands = [folder / "packed.fits", folder / "b.fits", folder / "a.fits"]
    labels = extract(fields[0]).segmentation.data
    options = {"segmentation": labels, "detection_image": bands}
    for band, outcome in zip(bands, extract_each(images, **options), strict=True):
        alone = extract(outcome.image, segmentation=labels, detection_image=band)
        assert same(outcome.extraction, alone)


def test_hdus_of_one_file_are_images_with_names_of_their_own(folder, fields, tmp_path):
    path = str(tmp_path / "camera.fits")
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(image) for image in fields)]
    fits.HDUList(hdus).writeto(path)
    outcomes = list(extract_each([path] * 3, hdu=[1, 2, 3], **SETTINGS))
    assert [outcome.hdu for outcome in outcomes] == [1, 2, 3]
    assert [outcome.name for outcome in outcomes] == [f"{path}[{n}]" for n in (1, 2, 3)]
    for image, outcome in zip(fields, outcomes, strict=True):
        assert same_tables(outcome.extraction.table, extract(image, **SETTINGS).table)
    with fits.open(path) as opened:
        for image, outcome in zip(fields, extract_each(list(opened[1:]), **SETTINGS), strict=True):
            assert same_tables(outcome.extraction.table, extract(image, **SETTINGS).table)


def test_a_bad_image_is_an_outcome_with_the_error_of_extract(folder):
    names = ("absent.fits", "a.fits", "half.fits", "text.fits", "b.fits", "absent.fits[SCI]")
    outcomes = list(extract_each([folder / name for name in names], **SETTINGS))
    assert [outcome.n_sources > 0 for outcome in outcomes] == [0, 1, 0, 0, 1, 0]
    for outcome in outcomes:
        assert (outcome.error is None) == (outcome.extraction is not None)
        if outcome.error is not None:
            with pytest.raises(OSError) as alone:  # noqa: PT011 - compared below
                extract(outcome.image, **SETTINGS)
            assert type(outcome.error) is alone.type
            assert str(outcome.error) == str(alone.value)
            assert alone.type.__name__ in repr(outcome)
    assert outcomes[2].hdu == 0  # it was opened
    assert outcomes[3].hdu is None
    (last,) = extract_each([folder / "a.fits"], mask=[folder / "absent.fits"])
    assert isinstance(last.error, FileNotFoundError)


class Watched(ImageSource):
    """An image that notes which threads read it, and which pixels are in memory."""

    unit = wcs = None

    def __init__(self, pixels, log, alive):
        self.pixels, self.log, self.alive = pixels, log, alive
        self.shape, self.dtype = pixels.shape, pixels.dtype

    def read(self, window):
        self.log.append(threading.current_thread().name)
        pixels = self.pixels[window.slices].copy()
        self.alive.add(_Key(pixels, self.alive))
        self.most = len(self.alive)
        return pixels

    def origin(self):
        return {"input": "watched"}

    def fingerprint(self):
        return self.description()


class _Key:
    """Stands for an array until that is gone."""

    def __init__(self, array, alive):
        weakref.finalize(array, alive.discard, self)


def watched(fields):
    log, alive = [], set()
    return [Watched(image, log, alive) for image in fields], log, alive


def test_the_next_image_is_read_by_a_thread_while_one_is_worked_on(fields, monkeypatch):
    images, log, _ = watched(fields)
    real, seen = skyshed.extraction.batch.run_request, []

    def run_request(request, plan, resources, progress):
        for thread in threading.enumerate():
            if thread.name == "skyshed-ahead":
                thread.join()
        seen.append(len(log))  # those that are read before this one is worked on
        return real(request, plan, resources, progress)

    monkeypatch.setattr("skyshed.extraction.batch.run_request", run_request)
    outcomes = list(extract_each(images, **SETTINGS))
    assert log == ["skyshed-ahead", "MainThread", "skyshed-ahead"]
    assert seen == [1, 3, 3]
    for image, outcome in zip(fields, outcomes, strict=True):
        assert same_tables(outcome.extraction.table, extract(image, **SETTINGS).table)


def turns_of(images, **resources):
    return [
        Turn(image, f"images[{k}]", {"parameters": skyshed.Parameters(**SETTINGS)},
             Resources(**resources))
        for k, image in enumerate(images)
    ]  # fmt: skip


def test_one_is_finished_while_the_next_is_worked_on_and_one_more_is_read(fields, monkeypatch):
    """Each waits for the two others: without overlap, nothing would go on."""
    n = 2 * len(fields)
    finishing, working, reading = ([threading.Event() for _ in range(n)] for _ in range(3))
    real, runs = skyshed.extraction.batch.run_request, []
    counted = {"finished beside": 0, "read beside": 0}

    class Image(Watched):
        def read(self, window):
            reading[self.number].set()
            return super().read(window)

    images = [Image(field, [], set()) for field in (*fields, *fields)]
    for number, each in enumerate(images):
        each.number = number

    def run_request(*arguments):
        number = len(runs)
        runs.append(number)
        working[number].set()
        if number > 0 and finishing[number - 1].wait(PATIENCE):
            counted["finished beside"] += 1
        if number + 1 < n and reading[number + 1].wait(PATIENCE):
            counted["read beside"] += 1
        return real(*arguments)

    def finish(outcome):
        number = int(outcome.name[7:-1])
        finishing[number].set()
        assert number + 1 == n or working[number + 1].wait(PATIENCE)
        assert threading.current_thread() is not threading.main_thread()
        return outcome.n_sources

    monkeypatch.setattr("skyshed.extraction.batch.run_request", run_request)
    found = list(finish_turns(turns_of(images), finish))
    assert found == [len(extract(field, **SETTINGS).table) for field in fields] * 2
    assert counted == {"finished beside": n - 1, "read beside": n - 1}


@pytest.mark.parametrize(("spare", "together"), [(-1, False), (0, True)])
def test_one_is_finished_before_the_next_is_begun_where_both_do_not_fit(
    fields, monkeypatch, spare, together
):
    real, begun, seen = skyshed.extraction.batch.run_request, threading.Semaphore(0), []

    def run_request(*arguments):
        begun.release()
        return real(*arguments)

    def finish(outcome):
        if outcome.name == "images[0]":
            assert begun.acquire(timeout=PATIENCE)  # its own
            seen.append(begun.acquire(timeout=PATIENCE if together else 0.5))

    monkeypatch.setattr("skyshed.extraction.batch.run_request", run_request)
    needed = make_plan(open_request(fields[0]), Resources()).memory
    next(finish_turns(turns_of(fields[:2], memory=2 * needed + spare), finish))
    assert seen[0] is together


def test_a_warning_while_one_is_finished_is_not_that_of_the_next(fields, monkeypatch):
    finishing = threading.Event()
    real = skyshed.extraction.batch.run_request

    def run_request(request, *arguments):
        found = real(request, *arguments)
        if runs:
            assert finishing.wait(PATIENCE)
        runs.append(request)
        return found

    def finish(outcome):
        if outcome.name == "images[0]":
            warnings.warn("of the first", UserWarning, stacklevel=1)
            finishing.set()

    runs = []
    monkeypatch.setattr("skyshed.extraction.batch.run_request", run_request)
    with pytest.warns(UserWarning, match="first") as heard:
        list(finish_turns(turns_of(fields[:2]), finish))
    assert [str(each.message) for each in heard] == ["of the first"]


def test_what_finishes_an_image_may_change_filters_of_warnings(fields, monkeypatch):
    """Astropy does, say, in a thread that ends after the next image has been worked on."""
    begun, changed, ended = (threading.Event() for _ in range(3))
    real = skyshed.extraction.batch.run_request

    def run_request(request, *arguments):
        if runs:
            begun.set()
            assert changed.wait(PATIENCE)
            warnings.warn("of the second", UserWarning, stacklevel=1)
        runs.append(request)
        found = real(request, *arguments)
        if len(runs) == 2:
            ended.set()
        return found

    def finish(outcome):
        if outcome.name == "images[0]":
            assert begun.wait(PATIENCE)
            with warnings.catch_warnings():
                changed.set()
                assert ended.wait(PATIENCE)

    runs = []
    monkeypatch.setattr("skyshed.extraction.batch.run_request", run_request)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        shown, filters = warnings.showwarning, list(warnings.filters)
        list(finish_turns(turns_of([field[:64, :64] for field in fields[:2]]), finish))
        assert warnings.showwarning is shown
        assert warnings.filters == filters
    assert [str(each.message) for each in heard] == ["images[1]: of the second"]


def test_a_warning_of_a_thread_of_several_gpus_is_heard(fields, monkeypatch):
    """It may be of any of the images that are worked on at a time."""
    real = skyshed.extraction.batch.run_request

    def run_request(*arguments):
        thread = threading.Thread(target=warnings.warn, args=("of a thread", UserWarning))
        thread.start()
        thread.join()
        return real(*arguments)

    monkeypatch.setattr("skyshed.extraction.batch.run_request", run_request)
    monkeypatch.setattr("skyshed.extraction.batch.on_first", lambda gpus: nullcontext())
    turns = turns_of([field[:64, :64] for field in fields[:2]], gpus=(0, 1))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert [outcome.error for outcome in take_turns(turns)] == [None, None]
    assert [str(each.message) for each in heard] == ["of a thread"] * 2


def test_no_more_than_two_images_are_in_memory(fields):
    images, log, alive = watched([*fields, *fields])
    outcomes = extract_each(images, **SETTINGS)
    for _ in images:
        assert next(outcomes).error is None
        gc.collect()
        assert len(alive) <= 1  # the next
    # The next may be read so late that it is alone.
    assert max(image.most for image in images) in (1, 2)
    assert len(log) == len(images)


def test_nothing_is_read_ahead_that_does_not_fit(fields):
    size = fields[0].nbytes
    images, log, _ = watched(fields)
    needed = make_plan(open_request(images[0]), Resources()).memory
    for spare, reader in ((0, "MainThread"), (size - 1, "MainThread"), (size, "skyshed-ahead")):
        log.clear()
        assert all(each.error is None for each in extract_each(images, memory=needed + spare))
        assert sorted(log) == sorted(["MainThread", reader, reader])


def test_waiting_for_pixels_is_time_of_their_own_image(fields):
    images, _, _ = watched(fields[:2])

    class Slow(Watched):
        def read(self, window):
            time.sleep(0.5)
            return super().read(window)

    outcomes = extract_each([images[0], Slow(fields[1], [], set())], **SETTINGS)
    begun = time.perf_counter()
    seconds = [outcome.seconds for outcome in outcomes]
    passed = time.perf_counter() - begun
    assert 0.5 <= sum(seconds) <= passed


def test_nothing_runs_between_outcomes(folder):
    for outcome in extract_each([folder / f"{name}.fits" for name in "abc"], **SETTINGS):
        assert outcome.error is None
        assert "skyshed-ahead" not in {thread.name for thread in threading.enumerate()}


def test_a_failed_image_is_not_kept_in_memory(fields):
    bad = np.full(SHAPE, np.nan, np.float32)
    images, _, alive = watched([bad, fields[0]])
    first, second = extract_each(images, **SETTINGS)
    assert "no pixel of the image is good" in str(first.error)
    assert first.error.__traceback__ is not None
    del second
    gc.collect()
    assert len(alive) == 0


def test_images_too_large_for_the_memory_go_by_tiles(folder, tmp_path):
    images = [folder / "a.fits", folder / "absent.fits", folder / "b.fits"]
    options = {"box_size": 16, "workspace": tmp_path / "work", **SETTINGS}
    first, bad, last = extract_each(images, **options)
    assert isinstance(bad.error, FileNotFoundError)
    for outcome in (first, last):
        assert same_tables(outcome.extraction.table, extract(outcome.image, box_size=16).table)
    assert sorted(os.listdir(tmp_path / "work")) == ["a", "b"]


def test_warnings_say_which_image_they_are_of(folder):
    images = [folder / name for name in ("a.fits", "unit.fits", "blank.fits", "b.fits")]
    with pytest.warns() as heard:
        outcomes = list(extract_each(images, nsigma=50, npixels=500))
    texts = [str(each.message) for each in heard]
    assert [each.category for each in heard].count(NoDetectionsWarning) == 4
    for outcome in outcomes:
        assert sum(outcome.name in text for text in texts) == 1 + ("unit" in outcome.name)
    assert {each.filename for each in heard} == {__file__}
    (unit,) = (each for each in heard if each.category is ImageWarning)
    assert str(unit.message).startswith(f"{images[1]}[0]: the unit BUNIT = 'furlong'")
    (blank,) = (text for text in texts if "blank" in text)
    assert blank.startswith(f"{images[2]}: No sources were found")


def test_a_warning_that_is_an_error_is_that_of_its_image(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ImageWarning)
        names = ("a.fits", "unit.fits", "b.fits")
        outcomes = list(extract_each([folder / name for name in names], **SETTINGS))
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert "the unit BUNIT = 'furlong'" in str(outcomes[1].error)


def test_filters_of_warnings_are_as_before(folder):
    before, show = list(warnings.filters), warnings.showwarning
    for _ in extract_each([folder / name for name in ("packed.fits", "a.fits", "b.fits")]):
        assert warnings.filters == before
        assert warnings.showwarning is show


def test_an_interrupt_ends_it_and_leaves_no_thread(folder, monkeypatch):
    real, runs = skyshed.extraction.batch.run_request, []

    def run_request(*arguments):
        runs.append(arguments)
        if len(runs) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr("skyshed.extraction.batch.run_request", run_request)
    outcomes = extract_each([folder / f"{name}.fits" for name in "abc"], **SETTINGS)
    assert next(outcomes).error is None
    with pytest.raises(KeyboardInterrupt):
        next(outcomes)
    assert "skyshed-ahead" not in {thread.name for thread in threading.enumerate()}
    assert next(outcomes, None) is None


def image(fields, folder):
    return [folder / "a.fits", folder / "b.fits"]


REFUSED = {
    "path": (lambda fields, folder: "a.fits", {}, TypeError, "images must be a list of .*'a.fits'"),
    "image": (lambda fields, folder: fields[0], {}, TypeError, "list of images, got a ndarray"),
    "HDUList": (
        lambda fields, folder: fits.HDUList([fits.PrimaryHDU(fields[0])]), {}, TypeError,
        "got a HDUList: give a list of its HDUs",
    ),
    "number": (lambda fields, folder: 7, {}, TypeError, "must be a list of images, got a int"),
    "nothing": (lambda fields, folder: [], {}, ValueError, "images is empty"),
    "twice": (
        lambda fields, folder: [folder / "a.fits", folder / "b.fits", f"{folder}/./a.fits"], {},
        ValueError, "a.fits' twice",
    ),
    "HDU twice": (
        lambda fields, folder: [f"{folder}/a.fits[0]", folder / "a.fits"], {"hdu": ["0", 0]},
        ValueError, "twice",
    ),
    "short list": (image, {"mask": [None]}, ValueError, "mask has 1 values and images has 2"),
    "list of numbers": (
        image, {"weight": np.ones(SHAPE).tolist()}, ValueError, "weight has 150 values",
    ),
    "short stack": (image, {"rms": np.ones((3, *SHAPE))}, ValueError, "rms has 3 values"),
    "parameter": (image, {"nsgima": 3}, TypeError, "nsgima"),
    "value": (image, {"nsigma": -1}, ValueError, "nsigma must be"),
    "parameters": (image, {"parameters": {}}, TypeError, "must be skyshed.Parameters, got dict"),
    "column": (image, {"columns": ("zzz",)}, ValueError, "'zzz' is no column"),
    "device": (image, {"device": "tpu"}, ValueError, "device must be None, 'cpu'"),
    "memory": (image, {"memory": "much"}, ValueError, "memory must be a number of bytes"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_for_all_is_refused_by_the_call(case, fields, folder):
    images, options, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        extract_each(images(fields, folder), **options)


def test_the_same_file_may_come_again_with_other_options(folder):
    path = folder / "a.fits"
    outcomes = list(extract_each([path, path], region=["0:90,0:90", "0:90,90:190"]))
    assert [outcome.extraction.shape for outcome in outcomes] == [(90, 90), (90, 100)]


def test_parameters_are_those_of_all(folder):
    given = Parameters(nsigma=4)
    for outcome in extract_each([folder / "a.fits", folder / "b.fits"], parameters=given, nproc=1):
        assert outcome.extraction.parameters == Parameters(nsigma=4, n_threads=1)
        assert isinstance(outcome, Outcome)


def test_an_image_that_was_read_ahead_tells_all_that_its_source_does():
    names = {*vars(ImageSource), *ImageSource.__annotations__}
    public = {name for name in names if not name.startswith("_")}
    own = {*vars(ReadSource), *vars(MadeOfAnother)}
    assert public - {"everything", "description"} <= own


def test_every_argument_of_extract_is_one_of_extract_each():
    ours, theirs = (inspect.signature(each).parameters for each in (extract_each, extract))
    assert set(ours) - {"images"} == set(theirs) - {"image"}
    for_all = {"parameters", "progress", "device", "memory", "workspace", "scheduler", "restart"}
    assert set(PER_IMAGE) == set(theirs) - for_all - {"image", "overrides"}


def test_variances_go_with_their_images(fields):
    variances = [np.full(SHAPE, each, np.float32) for each in (4.0, 9.0)]
    found = list(extract_each(fields[:2], variance=variances, **SETTINGS))
    for image, variance, outcome in zip(fields, variances, found, strict=False):
        one = extract(image, variance=variance, **SETTINGS)
        assert same_tables(outcome.extraction.table, one.table)


def test_blank_pixels_of_masks_are_masked_in_every_image(tmp_path, fields):
    mask = np.zeros(SHAPE, np.int16)
    mask[:40] = -32768
    path = tmp_path / "mask.fits"
    fits.writeto(path, mask, fits.Header({"BLANK": -32768}))
    one = extract(fields[0], mask=path, mask_bits=(0,), **SETTINGS)
    for outcome in extract_each([fields[0]] * 3, mask=[path] * 3, mask_bits=(0,), **SETTINGS):
        assert same_tables(outcome.extraction.table, one.table)
