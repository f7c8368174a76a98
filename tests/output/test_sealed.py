"""Files of arrays are what was written, for where it was written; else they are refused."""

import zipfile

import numpy as np
import pytest

from skyshed.output.sealed import DamagedError, read_sealed, write_sealed

ARRAYS = {
    "n": np.array(2),
    "empty": np.empty((0, 4), np.int64),
    "table.area": np.arange(7),
    "table.name": np.array(["a", "bc"]),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "part.npz"
    write_sealed(path, ARRAYS, "tile 1", flush=False)
    return path


def same(found):
    return list(found) == list(ARRAYS) and all(
        np.array_equal(found[name], ARRAYS[name]) and found[name].dtype == ARRAYS[name].dtype
        for name in ARRAYS
    )


def test_arrays_come_back(path):
    assert same(read_sealed(path, "tile 1"))
    assert list(read_sealed(path, "tile 1", only=("table", "n"))) == [
        "n", "table.area", "table.name",
    ]  # fmt: skip
    with np.load(path) as stored:  # by NumPy, too
        assert same({name: stored[name] for name in stored.files})


def test_whatever_byte_changes_it_is_noticed_or_makes_no_difference(path):
    content, refused = path.read_bytes(), 0
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 0x10 if at % 2 else 0xFF
        path.write_bytes(changed)
        try:
            assert same(read_sealed(path, "tile 1")), at
        except DamagedError:
            refused += 1
    assert refused > len(content) * 2 // 3  # the rest are times, and what zip says twice


@pytest.mark.parametrize("share", [0, 0.3, 0.7, 0.99])
def test_a_file_that_is_cut_off_is_refused(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DamagedError):
        read_sealed(path, "tile 1")


def test_a_file_of_another_place_is_refused(path):
    with pytest.raises(DamagedError, match="not what was written here"):
        read_sealed(path, "tile 2")


def test_a_header_that_claims_a_terabyte_takes_no_memory(tmp_path):
    path = tmp_path / "part.npz"
    write_sealed(path, {"a": np.zeros(10**6, np.uint8)}, flush=False)
    content = path.read_bytes().replace(b"(1000000,)", b"(10**12,) ", 1)
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        read_sealed(path)
    path.write_bytes(content.replace(b"(10**12,) ", b"(9999999,)"))
    with pytest.raises(DamagedError, match="another size"):
        read_sealed(path)


def test_objects_are_neither_written_nor_read(tmp_path):
    path = tmp_path / "part.npz"
    with pytest.raises(ValueError, match="Object arrays"):
        write_sealed(path, {"a": np.array([{}])}, flush=False)
    assert not list(tmp_path.iterdir())
    np.savez(path, a=np.array([{}]))
    with pytest.raises(DamagedError):
        read_sealed(path)


def test_a_missing_file_is_that(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"part\.npz"):
        read_sealed(tmp_path / "part.npz")


def test_an_error_while_writing_is_an_error(tmp_path, monkeypatch):
    """A view of memory that was being written once took the process with it (Python 3.12.1)."""

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "open", full)
    with pytest.raises(OSError, match="No space left"):
        write_sealed(tmp_path / "part.npz", ARRAYS, flush=False)
    assert not list(tmp_path.iterdir())
