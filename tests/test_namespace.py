"""Arrays that skyshed cannot work on are named."""

import importlib
import itertools

import numpy as np
import pytest

import skyshed
from skyshed.namespace import (
    adopt,
    array_namespace,
    count_in_rows,
    in_one_transfer,
    is_device_array,
    like,
    repeat,
    to_host,
)
from tests.pipeline_field import SHAPE, make_field, same_tables


@pytest.mark.parametrize(
    "data", [np.zeros(3), [[1, 2]], 3.0, np.float32(2), None, np.ma.zeros(3), (1, 2)]
)
def test_host_values_are_numpys(data):
    xp = array_namespace(data=data, mask=None)
    assert xp.asarray([1.0]).__class__ is np.ndarray
    assert not is_device_array(data)


def test_no_argument_at_all_is_numpys():
    assert array_namespace().float32 == np.float32


def test_a_foreign_array_is_named_with_its_library():
    class Tensor:
        """An array of another library."""

        def __array_namespace__(self, api_version=None):
            return np

    Tensor.__module__ = "torchlike.core"
    with pytest.raises(TypeError, match=r"mask is a torchlike.Tensor.*numpy.asarray\(mask\)"):
        array_namespace(data=np.zeros(3), mask=Tensor())


class Tensor:
    """An array of another library that does nothing but share its memory."""

    def __init__(self, values, device=1):
        self.values, self.device = values, device

    def __dlpack__(self, **kwargs):
        return self.values.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.device, 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint8, bool])
@pytest.mark.parametrize("device", [1, 3])
def test_an_array_of_another_library_is_taken_over_without_a_copy(dtype, device):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    if device == 1:
        adopted = adopt(Tensor(values))
        assert type(adopted) is np.ndarray
        assert adopted.dtype == values.dtype
        assert np.shares_memory(adopted, values)
    assert array_namespace(data=Tensor(values, device), mask=values).__name__.endswith("numpy")


@pytest.mark.parametrize("array", [None, 3.0, np.float32(1), [1, 2], np.ma.zeros(2), np.zeros(2)])
def test_what_is_numpys_already_stays(array):
    assert adopt(array) is array


def test_an_array_that_cannot_be_taken_over_is_named():
    class Bound(Tensor):
        def __dlpack__(self, **kwargs):
            raise BufferError("requires gradients: use detach()")

    for given in (Bound(np.ones(3)), Tensor(np.array(["text"]))):
        with pytest.raises(TypeError, match=r"image is a .*(Bound|Tensor) that does not share"):
            adopt(given, "image")
    with pytest.raises(TypeError, match=r"detach\(\).*: convert it to a NumPy or CuPy array"):
        adopt(Bound(np.ones(3)), "image")
    for call in (adopt, lambda array, name: array_namespace(**{name: array})):
        with pytest.raises(TypeError, match=r"image is a .*Tensor on a device of DLPack's type 8"):
            call(Tensor(np.ones(3), device=8), "image")


def test_an_array_on_a_gpu_needs_cupy(monkeypatch):
    real = importlib.import_module

    def without(name, *rest):
        if name == "cupy":
            raise ImportError("there is none")
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without)

    class Remote:
        @property
        def __cuda_array_interface__(self):
            return {"shape": (3,), "typestr": "<f4", "data": (0, False), "version": 3}

    for given in (Remote(), Tensor(np.ones(3), device=2), Tensor(np.ones(3), device=13)):
        with pytest.raises(ImportError, match=r"data is a .* on a GPU, which needs CuPy"):
            array_namespace(data=given)
        with pytest.raises(ImportError, match=r"pip install 'skyshed\[cuda13\]'"):
            adopt(given, "data")
    with pytest.raises(TypeError, match=r"data is a .*Remote and mask a numpy.ndarray"):
        array_namespace(data=Remote(), mask=np.zeros(3))


def chain(wrap):
    """Take an image through every public stage, each argument through ``wrap``."""
    image, mask = make_field(), np.zeros(SHAPE, bool)
    mask[40:50] = True
    data, hidden = wrap(image), wrap(mask)
    bkg = skyshed.Background2D(data, 50, mask=hidden)
    error = skyshed.calc_total_error(data, wrap(bkg.background_rms), 3.0)
    less = image - bkg.background
    convolved = skyshed.convolve(wrap(less), skyshed.make_2dgaussian_kernel(3.0, size=5))
    level = skyshed.detect_threshold(wrap(less), 1.5, error=wrap(bkg.background_rms))
    found = skyshed.detect_sources(wrap(convolved), wrap(level), 5, mask=hidden)
    found = skyshed.deblend_sources(wrap(convolved), found, 5, progress_bar=False)
    catalog = skyshed.SourceCatalog(
        wrap(less), skyshed.SegmentationImage(wrap(found.data)), convolved_data=wrap(convolved),
        error=wrap(error), mask=hidden, background=wrap(bkg.background),
    )  # fmt: skip
    whole = skyshed.extract(data, mask=hidden, error=wrap(error), segmentation=wrap(found.data))
    return [bkg.background, error, level, convolved, found.data, whole.error], [
        catalog.to_table(["label", "segment_fluxerr", "kron_flux", "background_sum"]), whole.table,
    ]  # fmt: skip


def test_every_stage_takes_arrays_that_share_their_memory():
    images, tables = chain(lambda array: array)
    others, other_tables = chain(lambda array: Tensor(np.ascontiguousarray(array)))
    for first, second in zip(images, others, strict=True):
        np.testing.assert_array_equal(first, second)
        assert first.dtype == second.dtype
    for table, other in zip(tables, other_tables, strict=True):
        assert same_tables(table, other)


def test_what_is_on_the_host_is_not_copied():
    labels, areas = np.arange(3), np.ones(2)
    first, second, third = in_one_transfer(labels, None, areas)
    assert first is labels
    assert second is None
    assert third is areas
    assert to_host(labels) is labels
    assert like(labels, areas) is labels


@pytest.mark.parametrize("counts", [[2, 1, 3], [1], []])
def test_rows_are_repeated_and_counted_as_by_numpy(counts):
    counts = np.array(counts, np.int64)
    start = np.append(0, np.cumsum(counts))
    values = np.arange(counts.sum()) % 2 == 0
    expected = [values[a:b].sum() for a, b in itertools.pairwise(start)]
    np.testing.assert_array_equal(count_in_rows(values, start), expected)
    np.testing.assert_array_equal(repeat(start[:-1], counts), np.repeat(start[:-1], counts))
