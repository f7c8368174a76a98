"""Equal images on the device, worked on together: the bits of each alone, the costs of one."""

import gc
import threading
import warnings

import numpy as np
import pytest

import skyshed
from skyshed.chain import stack
from skyshed.exceptions import NoDetectionsWarning
from skyshed.extraction.batch import FINISHING
from skyshed.extraction.stacks import MORE
from skyshed.mosaic.memory import SHARE
from tests.device import scenes, standin

SHAPE = (100, 110)
SETTINGS = {
    "box_size": 30, "npixels": 5, "nsigma": 1.5, "localbkg_width": 10, "fluxfrac_radii": (0.5,),
}  # fmt: skip
#: What a stack may ask for more than an image alone: sources are put in the order of images, and
#: listed as each image has them.
MORE_LAUNCHES, MORE_WAITS = 20, 2


@pytest.fixture
def sizes(monkeypatch):
    """How many images each stack had."""
    found, run = [], stack.run_stack

    def spy(requests, *args):
        found.append(len(requests))
        return run(requests, *args)

    monkeypatch.setattr(stack, "run_stack", spy)
    return found


def fields(dtype=np.float32, n=4):
    return np.stack([scenes.image(seed, SHAPE, 40, dtype) for seed in range(1, n + 1)])


def same(outcome, alone):
    """Check an outcome against `skyshed.extract`."""
    found = outcome.extraction
    assert found.table.colnames == alone.table.colnames
    for name in alone.table.colnames:
        ours, theirs = (np.asarray(each.table[name]) for each in (found, alone))
        np.testing.assert_array_equal(ours, theirs, strict=True, err_msg=name)
    ours, theirs = found.segmentation, alone.segmentation
    np.testing.assert_array_equal(ours.data.get(), theirs.data.get(), strict=True)
    np.testing.assert_array_equal(ours.deblended_labels, theirs.deblended_labels)
    assert found.record.keys() == alone.record.keys()
    for name in ("data", "convolved_data", "error", "background", "background_rms", "mask"):
        one, other = (getattr(each, name) for each in (found, alone))
        assert (one is None) == (other is None), name
        if one is not None:
            one, other = (each[:].get() for each in (one, other))
            np.testing.assert_array_equal(one, other, strict=True, err_msg=name)


def alone(cupy, image, mask=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        return skyshed.extract(
            cupy.asarray(image), mask=None if mask is None else cupy.asarray(mask), **SETTINGS
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("where", ["host", "device", "list"])
def test_each_has_the_bits_that_it_has_alone(cupy, sizes, dtype, where):
    data = fields(dtype)
    data[1] = np.random.default_rng(1).normal(20, 1, SHAPE)  # without a source
    data[2, :3, 20:40] += 50  # sources across what would be a seam
    data[2, -3:, 20:40] += 50
    data[3, -3:, 20:40] += 50
    data[3, 5:9, 5:9] = np.nan
    mask = np.random.default_rng(2).random(data.shape) < 0.01
    mask[0] = False
    given = {
        "host": (data, mask), "device": (cupy.asarray(data), cupy.asarray(mask)),
        "list": ([cupy.asarray(each) for each in data], [cupy.asarray(each) for each in mask]),
    }[where]  # fmt: skip
    with pytest.warns(NoDetectionsWarning, match=r"images\[1\]: No sources"):
        outcomes = list(skyshed.extract_each(given[0], mask=given[1], device="cuda", **SETTINGS))
    assert sizes == [4]
    for outcome, image, own in zip(outcomes, data, mask, strict=True):
        same(outcome, alone(cupy, image, own))
    assert [len(each.extraction.table) > 20 for each in outcomes] == [True, False, True, True]


@pytest.mark.parametrize(("device", "together"), [("cuda", [3]), ("cuda:all", [])])
def test_what_is_said_of_several_images_is_said_of_each(counted, sizes, device, together):
    data = np.random.default_rng(1).normal(20, 1, (3, *SHAPE)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.resetwarnings()  # as Python has it: what is said twice in one place is shown once
        shown = []
        warnings.showwarning = lambda message, *_: shown.append(str(message))
        list(skyshed.extract_each(data, device=device, **SETTINGS))
    assert sizes == together
    said = [each.split(":")[0] for each in shown if "No sources were found" in each]
    assert said == ["images[0]", "images[1]", "images[2]"]


def test_what_is_said_while_a_stack_is_measured_is_not_lost(cupy, monkeypatch):
    """A thread that finishes the image before may warn then, and filters are the process's."""
    data = fields(n=3)
    make_table = stack.make_table

    def warn():
        warnings.warn("it is finished", UserWarning, stacklevel=1)

    def spy(*args):
        warnings.warn("of no image", UserWarning, stacklevel=1)
        thread = threading.Thread(target=warn, name=f"{FINISHING}-0")
        thread.start()
        thread.join()
        return make_table(*args)

    monkeypatch.setattr(stack, "make_table", spy)
    with pytest.warns(UserWarning, match="it is finished") as heard:
        list(skyshed.extract_each(data, device="cuda", **SETTINGS))
    assert [str(each.message) for each in heard] == ["it is finished"]


def test_images_of_the_host_and_of_the_device_are_not_put_together(cupy, sizes):
    data = fields(n=4)
    given = [cupy.asarray(data[0]), cupy.asarray(data[1]), data[2], data[3]]
    outcomes = list(skyshed.extract_each(given, device="cuda", **SETTINGS))
    assert sizes == [2, 2]
    for outcome, image in zip(outcomes, data, strict=True):
        same(outcome, alone(cupy, image))


def test_a_threshold_that_is_one_number_is_known_to_the_columns(cupy, sizes):
    data = fields(n=3)
    settings = {**SETTINGS, "threshold": 3.0, "columns": ("label", "isocor_flux")}
    outcomes = list(skyshed.extract_each(data, device="cuda", **settings))
    assert sizes == [3]
    for outcome, image in zip(outcomes, data, strict=True):
        theirs = skyshed.extract(cupy.asarray(image), **settings).table
        ours = outcome.extraction.table
        np.testing.assert_array_equal(ours["isocor_flux"], theirs["isocor_flux"])


def test_an_image_that_fails_is_one_entry(cupy, sizes):
    data = list(fields())
    data[1][:] = np.nan
    data += ["absent.fits", data[0][:90].copy(), data[2][:90].copy()]
    outcomes = list(skyshed.extract_each(data, device="cuda", **SETTINGS))
    assert sizes == [4, 2]
    failed = [each.error is not None for each in outcomes]
    assert failed == [False, True, False, False, True, False, False]
    assert "no pixel of the image is good" in str(outcomes[1].error)
    for k in (0, 2, 3, 5, 6):
        same(outcomes[k], alone(cupy, data[k]))


def test_images_that_fail_together_are_worked_on_one_by_one(cupy, monkeypatch):
    asked = []

    def fails(requests, *args):
        asked.append(len(requests))
        warnings.warn("it is full", stacklevel=1)
        raise MemoryError

    monkeypatch.setattr(stack, "run_stack", fails)
    data = fields(n=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what was said in vain is not said
        outcomes = list(skyshed.extract_each(data, device="cuda", **SETTINGS))
    assert asked == [3]
    for outcome, image in zip(outcomes, data, strict=True):
        same(outcome, alone(cupy, image))


def test_as_many_are_together_as_fit(cupy, sizes):
    data = fields()
    memory = int(2 * MORE * 28 * data[0].size) + 28 * 50
    outcomes = list(skyshed.extract_each(data, device="cuda", memory=memory, **SETTINGS))
    assert sizes == [2, 2]
    assert all(each.error is None for each in outcomes)
    sizes.clear()
    list(skyshed.extract_each(data, device="cpu", **SETTINGS))
    list(skyshed.extract_each(data, device="cuda", **SETTINGS, background_passes=2))
    assert sizes == []


def test_images_on_the_device_are_together_as_many_as_fit_there(cupy, sizes, monkeypatch):
    """Whatever memory the host has: without a device argument, the plan is about that."""
    data = fields()
    monkeypatch.setattr("skyshed.extraction.plan.available", lambda device: 10**9)
    free = int((2 * MORE * 28 * data[0].size + 28 * 50) / SHARE)
    monkeypatch.setattr("skyshed.extraction.stacks.available", lambda device: free)
    outcomes = list(skyshed.extract_each(cupy.asarray(data), **SETTINGS))
    assert sizes == [2, 2]
    for outcome, image in zip(outcomes, data, strict=True):
        same(outcome, alone(cupy, image))


def costs(cupy, data, mask):
    """Return the ledger of images on the device, until all have their tables."""
    gc.collect()
    images, masks = cupy.asarray(data), cupy.asarray(mask)
    with standin.ledger() as ledger:
        outcomes = list(skyshed.extract_each(images, mask=masks, **SETTINGS))
        tables = [each.extraction.table for each in outcomes]
    assert all(len(each) > 20 for each in tables)
    return ledger.total


def test_launches_and_waits_do_not_grow_with_the_number_of_images(counted, sizes):
    """The same fields over and over, so that none has a kind of source that the others lack."""
    data = np.repeat(fields(n=1), 9, axis=0)
    mask = np.random.default_rng(2).random(data.shape) < 0.01
    mask[:] = mask[0]
    one, *several = (costs(counted, data[:n], mask[:n]) for n in (1, 2, 4, 9))
    assert sizes == [2, 4, 9]
    for total in several:
        assert total.launches == several[0].launches <= one.launches + MORE_LAUNCHES
        assert (
            total.synchronisations == several[0].synchronisations
            <= one.synchronisations + MORE_WAITS
        )  # fmt: skip
        assert total.uploads == several[0].uploads
        assert total.downloads == several[0].downloads


@pytest.mark.parametrize("apart", [False, True])
def test_nothing_image_sized_crosses_and_memory_is_that_of_the_images(counted, apart):
    data = fields()
    images = [counted.asarray(each) for each in data] if apart else counted.asarray(data)
    pool = counted.get_default_memory_pool()
    gc.collect()
    pool.free_all_blocks()
    with standin.ledger() as ledger, ledger.stage("stack"):
        before = standin.counts.memory.current
        outcomes = list(skyshed.extract_each(images, **SETTINGS))
        assert all(len(each.extraction.table) for each in outcomes)
    ledger.no_transfer_larger_than(data.nbytes // 2, stage="stack")  # the columns of all
    assert ledger.total.peak - before + data.nbytes <= 28 * data.size * MORE


def test_an_image_that_differs_is_opened_once_and_warns_once(cupy, sizes, monkeypatch):
    from skyshed.extraction import turns

    opened, open_request = [], turns.open_request

    def spy(image, **options):
        opened.append(image)
        if image.shape != SHAPE:
            warnings.warn("it is another", UserWarning, stacklevel=1)
        return open_request(image, **options)

    monkeypatch.setattr(turns, "open_request", spy)
    data = list(fields(n=3))
    data[2] = data[2][:90].copy()
    with pytest.warns(UserWarning, match="it is another") as heard:
        list(skyshed.extract_each(data, device="cuda", **SETTINGS))
    assert sizes == [2]
    assert len(opened) == 3
    assert [str(each.message) for each in heard] == ["images[2]: it is another"]
