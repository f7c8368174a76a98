"""What the whole chain asks of the device: waits, launches, memory, transfers."""

import gc
import warnings

import numpy as np
import pytest
from scipy import ndimage

import skyshed
from tests.device import scenes, standin
from tests.device.standin import counts

#: What the chain may ask for, however large the field is.
MOST_WAITS, MOST_LAUNCHES, MOST_BYTES_PER_PIXEL = 12, 100, 27.5
#: What a giant blend may make the host wait more often.
MOST_WAITS_OF_A_GIANT = 10
#: Pixels of a source that shared memory can't hold, well above the limit of any dtype.
GIANT = 2_500
SETTINGS = {"box_size": 30, "npixels": 5, "nsigma": 1.5, "localbkg_width": 10}


def extracted(cupy, image, mask=None, **settings):
    """Run the chain on the device; return its ledger and what it found.

    Its peak is what the device holds of it: not what other tests keep there.
    """
    gc.collect()
    pool = cupy.get_default_memory_pool()
    pool.free_all_blocks()
    before, kept = counts.memory.current, pool.total_bytes()
    with standin.ledger() as ledger:
        given = cupy.asarray(image), None if mask is None else cupy.asarray(mask)
        with ledger.stage("chain"):
            found = skyshed.extract(given[0], mask=given[1], **settings)
    ledger.total.peak -= before
    ledger.total.pool_peak -= kept
    return ledger, found


@pytest.fixture(scope="module")
def survey(counted):
    """A simulated survey field with a saturated star, and what the chain asked for."""
    field = skyshed.datasets.make_survey_image((400, 420), seed=3)
    return extracted(counted, field.data.astype(np.float32), field.mask)


@pytest.fixture(scope="module")
def small_and_large(counted):
    fields = ((150, 160), 60), ((300, 320), 240)
    return [
        extracted(counted, scenes.image(21, shape=shape, n=n), **SETTINGS) for shape, n in fields
    ]


def test_a_survey_field_stays_within_the_limits(survey):
    ledger, found = survey
    assert len(found.table) > 100
    ledger.at_most("chain", synchronisations=MOST_WAITS, launches=MOST_LAUNCHES)


def test_a_table_makes_the_host_wait_four_times_more(counted):
    """Each of the four asks for numbers that the last one was for: ellipses, circles, fluxes."""
    field = skyshed.datasets.make_survey_image((128, 128), seed=1)
    given = counted.asarray(field.data.astype(np.float32)), counted.asarray(field.mask)
    with standin.ledger() as ledger:
        found = skyshed.extract(given[0], mask=given[1])
        before = ledger.total.synchronisations
        assert len(found.table) > 5
    assert before < MOST_WAITS
    assert ledger.total.synchronisations - before <= 4


def test_memory_stays_within_27_bytes_and_a_half_per_pixel(survey):
    """With the image and the mask that the caller holds, and all that the result keeps."""
    ledger, found = survey
    assert ledger.total.peak >= 16 * found.data.size  # four float32 images at the very least
    ledger.at_most(peak=MOST_BYTES_PER_PIXEL * found.data.size)
    assert ledger.total.pool_peak >= ledger.total.peak
    ledger.at_most(pool_peak=MOST_BYTES_PER_PIXEL * found.data.size)


def test_the_labels_of_a_large_blend_take_memory_that_is_free(counted, new_pool):
    """It is split in the memory of the labels, and the new lists lie where bits of runs did."""
    y, x = np.indices((300, 300))
    peaks = (60 * np.exp(-((x - x0) ** 2 + (y - 149.6) ** 2) / 200) for x0 in (135.3, 165))
    image = sum(peaks).astype(np.float32)
    given, threshold = counted.asarray(image), counted.full(image.shape, 4.0, np.float32)
    detected = skyshed.detect_sources(given, threshold, 5)
    assert detected.areas.max() > 2000
    del threshold
    pool = counted.get_default_memory_pool()
    kept = pool.total_bytes()
    assert skyshed.deblend_sources(given, detected, 5).nlabels == 2
    assert pool.total_bytes() - kept < image.nbytes // 4


def test_the_lists_of_sources_take_memory_that_is_free(counted, new_pool):
    """Their pixels lie where bits and offsets of runs did, which are one piece of the pool."""
    image = np.zeros((300, 400), np.float32)
    image.reshape(10, 30, 10, 40)[:, :3, :, :22] = 1  # a list of 0.44 bytes per pixel of the image
    given = counted.asarray(image)
    pool = counted.get_default_memory_pool()
    kept = pool.total_bytes()
    detected = skyshed.detect_sources(given, 0.5, 5)
    assert detected.nlabels == 100
    assert pool.total_bytes() - kept < image.nbytes + 1.2 * image.size  # labels, and all the rest


def test_nothing_image_sized_crosses_between_upload_and_table(small_and_large, survey):
    """Four bytes per pixel are an image; a table of 20 columns of its sources is less."""
    for ledger, found in (*small_and_large, survey):
        assert len(found.table) > 30
        ledger.no_transfer_larger_than(found.data.size, stage="chain")


def test_waits_and_launches_do_not_grow_with_the_field(small_and_large):
    (small, few), (large, many) = small_and_large
    assert len(many.table) > 3 * len(few.table)
    assert large.total.synchronisations == small.total.synchronisations
    assert large.total.launches == small.total.launches


def crowd(n):
    """Return some ``n**2`` sources of about ten pixels, a blend in every 64th place."""
    pitch = 6
    y, x = np.indices((pitch, pitch)) - pitch // 2
    cell = 60 * np.exp(-((x + 0.2) ** 2 + y**2) / (2 * 0.7**2))
    y, x = np.indices((pitch, 2 * pitch))
    blend = sum(
        50 * np.exp(-((x - x0) ** 2 + (y - pitch // 2) ** 2) / 2) for x0 in (pitch - 2, pitch + 2)
    )
    image = np.tile(cell, (n, n))
    for row in range(0, n, 8):
        image[row * pitch : (row + 1) * pitch, : 2 * pitch * (n // 16)] = np.tile(blend, n // 16)
    image += np.random.default_rng(n).normal(10, 0.5, image.shape)
    return image.astype(np.float32)


@pytest.mark.slow
def test_the_host_waits_as_often_for_a_hundred_thousand_sources(counted):
    """A hundred times as many sources: the emulator takes minutes."""
    ledgers = []
    for n in (32, 320):
        ledger, found = extracted(
            counted, crowd(n), npixels=5, nsigma=8, kernel_size=0, nlevels=8,
            exclude_percentile=100,
        )  # fmt: skip
        assert 0.95 < len(found.table) / n**2 < 1.1
        assert len(found.segmentation.deblended_labels) > n**2 // 128
        ledgers.append(ledger)
        del found
    thousand, hundred_thousand = (ledger.stages["chain"] for ledger in ledgers)
    assert hundred_thousand.synchronisations == thousand.synchronisations <= MOST_WAITS
    assert hundred_thousand.launches == thousand.launches <= MOST_LAUNCHES


#: Giant blends: how smooth their light is in pixels, and the steps it is rounded to.
GIANTS = {
    "smooth": (4.0, None), "crowded": (1.0, None), "plateaus": (1.5, 10.0),
    "crowded plateaus": (1.0, 5.0),
}  # fmt: skip


def field(kind=None):
    """Return an image of blends about a hole, with a giant blend in it or not."""
    image = scenes.image(2, shape=(230, 240), n=80, dtype=np.float64)
    image -= 20 + 0.01 * np.arange(240) + 0.02 * np.arange(230)[:, None]
    hole = slice(40, 190), slice(40, 190)
    image[hole] = 0
    if kind is not None:
        width, step = GIANTS[kind]
        light = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=(150, 150)), width)
        light = 60 + 200 * (light - light.min()) / np.ptp(light)
        image[hole] = light if step is None else np.round(light / step) * step
    return image.astype(np.float32)


def measured(cupy, image):
    """Detect, deblend and measure; return the ledger and the segmentation images."""
    gc.collect()
    given = cupy.asarray(image)
    with warnings.catch_warnings(), standin.ledger() as ledger:
        warnings.simplefilter("ignore", skyshed.DeblendWarning)
        detected = skyshed.detect_sources(given, 4.0, 5)
        segments = skyshed.deblend_sources(given, detected, 5, contrast=1e-5)
        catalog = skyshed.SourceCatalog(given, segments)
        catalog.to_table()
        catalog.fluxfrac_radius(0.5)
    return ledger, detected, segments


@pytest.fixture(scope="module")
def without_a_giant(counted):
    return measured(counted, field())


@pytest.mark.parametrize("kind", GIANTS)
def test_a_giant_blend_adds_few_waits(counted, without_a_giant, monkeypatch, kind):
    """Also one done again for its many markers, and one whose plateaus the host must flood."""
    from skyshed.kernels.deblending import cuda

    left_to_the_host = []
    split = cuda._split_on_the_host
    monkeypatch.setattr(
        cuda, "_split_on_the_host", lambda *args: left_to_the_host.append(1) or split(*args)
    )
    without, before, _ = without_a_giant
    assert before.areas.max() < GIANT
    ledger, detected, segments = measured(counted, field(kind))
    assert detected.areas.max() > 5 * GIANT
    assert segments.nlabels > detected.nlabels + 30
    assert ("too_many_markers_labels" in segments.info) == ("crowded" in kind)
    assert bool(left_to_the_host) == ("plateaus" in kind)
    added = ledger.total.synchronisations - without.total.synchronisations
    assert added <= MOST_WAITS_OF_A_GIANT, f"{added} more waits"
