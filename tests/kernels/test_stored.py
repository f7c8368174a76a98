"""Numbers of files become pixels: byte order, offset, scale, zero and blank, as in NumPy."""

import numpy as np
import pytest

from skyshed.kernels.stored import Form, decode, load

FORMS = {
    "uint8": Form(1, False, np.dtype("u1")),
    "int8": Form(1, False, np.dtype("i1"), -128),
    "int16": Form(2, False, np.dtype("i2")),
    "uint16": Form(2, False, np.dtype("u2"), 1 << 15),
    "int32": Form(4, False, np.dtype("i4")),
    "uint32": Form(4, False, np.dtype("u4"), 1 << 31),
    "int64": Form(8, False, np.dtype("i8")),
    "uint64": Form(8, False, np.dtype("u8"), 1 << 63),
    "8 bits, scaled": Form(1, False, np.dtype("f4"), 0, 0.1, 3.0),
    "8 bits, blank": Form(1, False, np.dtype("f4"), -128, 1.0, 0.0, 5),
    "16 bits, scaled": Form(2, False, np.dtype("f4"), 0, -2.5, 0.0, -32768),
    "16 bits, blank": Form(2, False, np.dtype("f4"), 1 << 15, 1.0, 0.0, 0),
    "32 bits, scaled": Form(4, False, np.dtype("f8"), 0, 1e300, -1e300),
    "32 bits, blank": Form(4, False, np.dtype("f8"), 1 << 31, 1.0, 0.0, -5),
    "64 bits, scaled": Form(8, False, np.dtype("f8"), 0, 0.3, 7.0),
    "64 bits, blank": Form(8, False, np.dtype("f8"), 1 << 63, 1.0, 0.0, 1),
    "float32": Form(4, True, np.dtype("f4")),
    "float32, scaled": Form(4, True, np.dtype("f4"), 0, 0.1, 1e-3),
    "float64": Form(8, True, np.dtype("f8")),
    "float64, scaled": Form(8, True, np.dtype("f8"), 0, 3.0, 0.1),
}
EVERY = pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))


def words(form, n=3001, seed=1):
    """Return random numbers as they lie in a file; some are blank, and of floats some are none."""
    rng = np.random.default_rng(seed)
    stored = np.dtype(f">{'f' if form.floats else 'u' if form.size == 1 else 'i'}{form.size}")
    found = np.frombuffer(rng.bytes(n * form.size), stored).copy()
    if form.floats:
        found[::2] = rng.normal(size=len(found[::2]))
        found[:5] = np.nan, np.inf, -np.inf, 0.0, -0.0
    if form.blank is not None:
        found[::7] = form.blank
    return found, found.view(form.word)


def into(form, n):
    return np.zeros(n, form.dtype), np.zeros(n, bool) if form.marks else None


@EVERY
@pytest.mark.parametrize("n_threads", [1, 3])
def test_numbers_are_those_of_numpy(form, n_threads):
    numbers, given = words(form, 300_001)
    pixels, bad = decode(given, form, into(form, len(given)), n_threads)
    native = numbers.astype(numbers.dtype.newbyteorder("="))
    if form.offset:  # modulo 2^64, and then of the pixels' dtype: exact for all
        signed = native.astype("i8").view("u8") + np.uint64(form.offset % (1 << 64))
        integer = {1: "i1", 2: "u2", 4: "u4", 8: "u8"}[form.size]
        native = signed.astype(integer)
    with np.errstate(all="ignore"):
        expected = native.astype(form.dtype)
        if form.scale != 1:
            expected *= form.scale
        if form.zero != 0:
            expected += form.zero
    if form.blank is not None:
        expected[numbers == form.blank] = np.nan
    assert pixels.tobytes() == expected.tobytes()
    if form.marks:
        np.testing.assert_array_equal(bad, ~np.isfinite(expected))


@EVERY
def test_pieces_give_what_the_whole_does(form, monkeypatch):
    _, given = words(form, 60 * 50)
    content = given.view("u1")
    expected, bad = decode(given, form, into(form, len(given)), 1)

    def fill(buffer, at):
        memory = memoryview(buffer)
        memory[:] = content[at : at + len(memory)]

    for piece in (1 << 22, 1000):
        monkeypatch.setattr("skyshed.kernels.stored.cpu.PIECE", piece)
        pixels, marks = load(fill, (60, 50), form, None)
        assert pixels.tobytes() == expected.tobytes()
        assert (marks is None) == (bad is None)
        assert bad is None or np.array_equal(marks.reshape(-1), bad)


def test_no_number_is_no_pixel():
    pixels, bad = load(lambda buffer, at: None, (0, 5), FORMS["float32"], "cpu")
    assert pixels.shape == bad.shape == (0, 5)
