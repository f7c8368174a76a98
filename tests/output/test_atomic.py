"""Files and folders take their names when they are complete, or what was there stays."""

import threading

import pytest

from skyshed.output.atomic import remove, traceless, whole_file, whole_folder


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


def test_anything_is_removed_and_no_link_is_followed(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "within").mkdir(parents=True)
    (tmp_path / "link").symlink_to(kept)
    (tmp_path / "link to a file").symlink_to(kept / "file")
    (tmp_path / "link to nothing").symlink_to(tmp_path / "absent")
    for path in (*tmp_path.iterdir(), tmp_path / "absent"):
        if path != kept:
            remove(path)
    assert list(tmp_path.iterdir()) == [kept]
    assert (kept / "file").exists()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_folders_that_stayed_empty_are_gone(tmp_path, error):
    old = tmp_path / "old"
    old.mkdir()

    def fail(folder, *files):
        with traceless(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name in files:
                (folder / name).touch()
            raise error

    for folder in (tmp_path / "new", tmp_path / "new" / "below" / "it", old / "new", old):
        with pytest.raises(error):
            fail(folder)
        assert list(tmp_path.iterdir()) == [old]
        assert not list(old.iterdir())
    with pytest.raises(error), traceless(tmp_path / "never" / "made"):
        raise error
    # What was written stays, with the folders that it is in.
    with pytest.raises(error):
        fail(tmp_path / "new" / "below", "file")
    assert (tmp_path / "new" / "below" / "file").exists()


def test_without_an_error_an_empty_folder_stays(tmp_path):
    with traceless(tmp_path / "new" / "below"):
        (tmp_path / "new" / "below").mkdir(parents=True)
    assert (tmp_path / "new" / "below").is_dir()
