"""Equal images, one below the other in memory: each has the result that it has alone."""

import numpy as np
import pytest

from skyshed.kernels import apertures, boxes, centroids, convolution, labelling, twin
from tests.device.kernels.test_boxes import ALL, CLIP
from tests.device.kernels.twins import to_device, to_host

#: Of no whole number of boxes, words, or tiles.
SHAPE = (45, 53)


@pytest.fixture(params=["cpu", "cuda"])
def run(request, cupy):
    """Run the twin of an operation on a device on the host's arrays."""

    def there(value):  # a place stays on the host
        return value if type(value) is tuple else to_device(cupy, value)

    def run(contract, *args):
        found = twin(contract.__wrapped__, request.param)
        if request.param == "cpu":
            return found(*args)
        return to_host(cupy, found(*(there(each) for each in args)))

    return run


def stack(seed=3, n=3, dtype=np.float32):
    """Return images with sources across their edges, bad pixels, and masks."""
    rng = np.random.default_rng(seed)
    data = rng.normal(0, 1, (n, *SHAPE))
    y, x = np.indices(SHAPE)
    for image in data:
        for y0, x0 in rng.uniform(-1, (SHAPE[0] + 1, SHAPE[1] + 1), (12, 2)):
            image += 30 * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 5)
    data[:, [0, -1], 20:24] += 40  # they would touch across the edges
    data[rng.random(data.shape) < 0.01] = np.nan
    mask = rng.random(data.shape) < 0.02
    mask[0] = False
    return data.astype(dtype), mask


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(16, 16), (45, 53), (30, 12)])
def test_boxes_of_a_stack_are_those_of_its_images(run, dtype, size):
    data, mask = stack(dtype=dtype)
    for own_mask in (mask, None):
        whole = run(boxes.statistics, data, own_mask, size, CLIP, ALL, None)
        for k in range(len(data)):
            masked = None if own_mask is None else own_mask[k]
            alone = run(boxes.statistics, data[k], masked, size, CLIP, ALL, None)
            for ours, theirs, axis in zip(whole, alone, (1, 0, 0, 1), strict=True):
                np.testing.assert_array_equal(np.take(ours, k, axis), theirs)


def test_boxes_of_a_stack_that_shared_memory_does_not_hold(run):
    rng = np.random.default_rng(2)
    data = rng.normal(0, 1, (2, 121, 130))
    whole = run(boxes.statistics, data, None, (110, 100), CLIP, ALL, None)
    for k in range(2):
        alone = run(boxes.statistics, data[k], None, (110, 100), CLIP, ALL, None)
        for ours, theirs, axis in zip(whole, alone, (1, 0, 0, 1), strict=True):
            np.testing.assert_array_equal(np.take(ours, k, axis), theirs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["separable", "direct", "far"])
@pytest.mark.parametrize("boundary", [None, "fill", "extend", "wrap"])
def test_no_kernel_reaches_into_the_next_image(run, dtype, kind, boundary):
    data, mask = stack(dtype=dtype)
    rng = np.random.default_rng(1)
    kernel = {
        "separable": np.outer([1, 2.0, 1], [1, 3, 5.0, 3, 1]), "direct": rng.random((5, 3)),
        "far": rng.random((45, 53)),
    }[kind]  # fmt: skip
    kernel /= kernel.sum()
    if kind == "far":
        data, mask = data[:2, :, ::2].copy(), mask[:2, :, ::2].copy()
        kernel = kernel[:, ::2].copy()
    options = kernel, boundary, 0.0, True, True, 1.0, None
    whole, n_empty = run(convolution.convolve, data, mask, *options)
    alone = [run(convolution.convolve, *each, *options) for each in zip(data, mask, strict=True)]
    np.testing.assert_array_equal(whole, [image for image, _ in alone])
    assert n_empty == sum(n for _, n in alone)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_no_source_crosses_from_image_to_image(run, dtype, connectivity):
    data, mask = stack(dtype=dtype)
    for limit in (np.array(5.0, dtype), np.full(data.shape, 5.0, dtype)):
        labels, *rows, seen = run(labelling.sources_above, data, limit, mask, 5, connectivity, None)
        number, start, pixel, bbox = rows
        before = 0
        for k, image in enumerate(data):
            own = limit if limit.ndim == 0 else limit[k]
            alone, *theirs, _ = run(
                labelling.sources_above, image, own, mask[k], 5, connectivity, None
            )
            n, n_pixels = theirs[0].size, theirs[2].size
            np.testing.assert_array_equal(labels[k], np.where(alone, alone + before, 0))
            these, first = slice(before, before + n), start[before]
            np.testing.assert_array_equal(number[these], theirs[0] + before)
            np.testing.assert_array_equal(start[before : before + n + 1] - first, theirs[1])
            np.testing.assert_array_equal(
                pixel[first : first + n_pixels] - k * image.size, theirs[2]
            )
            np.testing.assert_array_equal(bbox[these] - [k * 45, k * 45, 0, 0], theirs[3])
            before += n
        assert before == number.size > 10
        assert seen[0]


def sources(data, mask, k):
    """Return the label image of image k, and some apertures: also over its edges."""
    filled = np.where(mask | np.isnan(data), 0, data)
    labels, number, _, _, bbox, _ = twin(labelling.sources_above.__wrapped__, "cpu")(
        filled[k], np.array(5.0, data.dtype), mask[k], 5, 8, None
    )
    rng = np.random.default_rng(k)
    middle = (bbox[:, [2, 0]] + bbox[:, [3, 1]] - 1) / 2 + rng.uniform(-0.5, 0.5, (len(bbox), 2))
    axes = rng.uniform(2, 9, (len(bbox), 2))
    return labels, number, bbox, np.column_stack([middle, axes, rng.uniform(-2, 2, len(bbox))])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", [apertures.NONE, apertures.MASK, apertures.CORRECT])
def test_apertures_and_windows_stay_in_their_image(run, dtype, method):
    data, mask = stack(dtype=dtype)
    bad = mask | ~np.isfinite(data)
    error = np.abs(np.nan_to_num(data)) * dtype(0.1) + dtype(0.5)
    parts = [sources(data, mask, k) for k in range(len(data))]
    ny, nx = SHAPE

    def measured(images, place, label, bbox, ellipses):
        image, noise, given, labels, hidden = images
        n = len(label)
        level, flux = np.full(n, 0.1), np.full(n, 90.0)
        circles = ellipses[:, :3].copy()
        around = circles[:, [0, 1, 2]] / [1, 1, 3]
        shape = np.tile([0.2, 0.01, 0.15], (n, 1))
        plain = np.full((n, 3), 0.01)
        return (
            *run(apertures.local_background, image, labels, hidden, bbox, 6.0, None),
            *run(
                apertures.kron_sums, image, labels, hidden, place, label, ellipses, 1.5, method,
                None,
            ),
            *run(
                apertures.aperture_sums, image, noise, given, labels, hidden, place, label,
                ellipses, level, method, None,
            ),
            run(
                apertures.radius_of_flux, image, labels, hidden, place, label, circles, level, flux,
                method, None,
            ),
            *run(
                centroids.windowed, image, noise, labels, hidden, place, label, around, shape,
                plain, method, None,
            ),
        )  # fmt: skip

    stacked = data, error, mask, np.array([labels for labels, *_ in parts]), bad
    tall = [each.reshape(-1, nx) for each in stacked]
    number, bbox, ellipses = (
        np.concatenate([
            part[j] + (np.array([k * ny, k * ny, 0, 0]) if j == 2 else 0)
            for k, part in enumerate(parts)
        ])
        for j in (1, 2, 3)
    )  # fmt: skip
    y0 = -np.repeat(np.arange(len(data)) * ny, [len(part[1]) for part in parts])
    whole = measured(tall, (y0, 0, ny, nx), number, bbox, ellipses)
    # Only the annuli are told the images by their shape.
    whole = (
        *run(
            apertures.local_background, stacked[0], stacked[3], stacked[4], bbox, 6.0, None
        ),
        *whole[2:],
    )  # fmt: skip
    before = 0
    for k, (_, label, own_bbox, own_ellipses) in enumerate(parts):
        alone = measured(
            [each[k] for each in stacked], (0, 0, ny, nx), label, own_bbox, own_ellipses
        )
        these = slice(before, before + len(label))
        before += len(label)
        for ours, theirs in zip(whole, alone, strict=True):
            np.testing.assert_array_equal(ours[these], theirs)
    assert before > 20
