"""Files and folders take their names when they are complete, or what was there stays."""

import threading

import pytest

from skyshed.output.atomic import whole_file, whole_folder


def fill(part, text):
    if part.suffix == ".part" and "folder" in part.name:
        part.mkdir()
        (part / "file").write_text(text)
    else:
        part.write_text(text)


def content(path):
    return (path / "file" if path.is_dir() else path).read_text()


@pytest.mark.parametrize(("whole", "name"), [(whole_file, "file"), (whole_folder, "folder")])
def test_a_name_is_taken_when_all_is_written(tmp_path, whole, name):
    path = tmp_path / name
    for text in ("first", "second"):
        with whole(path) as part:
            fill(part, text)
            assert not path.exists() or content(path) == "first"
        assert content(path) == text

    def fail():
        with whole(path) as part:
            fill(part, "third")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert content(path) == "second"
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_folder_replaces_a_file(tmp_path):
    (tmp_path / "folder").write_text("old")
    with whole_folder(tmp_path / "folder") as part:
        fill(part, "new")
    assert content(tmp_path / "folder") == "new"


def test_two_may_write_the_same_file(tmp_path):
    path = tmp_path / "file"

    def write():
        with whole_file(path, shared=True) as part:
            part.write_text("theirs")

    with whole_file(path, shared=True) as part:
        part.write_text("mine")
        other = threading.Thread(target=write)
        other.start()
        other.join()
        assert path.read_text() == "theirs"
    assert path.read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
