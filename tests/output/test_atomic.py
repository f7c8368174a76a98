"""Files and folders take their names when they are complete, or what was there stays."""

import errno
import os
import signal
import subprocess
import sys
import threading

import pytest

from skyshed.output.atomic import (
    Commits,
    flush_files,
    remove,
    traceless,
    whole_file,
    whole_folder,
    whole_set,
)


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
        with whole_file(path) as part:
            part.write_text("theirs")

    with whole_file(path) as part:
        part.write_text("mine")
        other = threading.Thread(target=write)
        other.start()
        other.join()
        assert path.read_text() == "theirs"
    assert path.read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_what_lies_in_wait_is_not_written_through(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / ".file.part").symlink_to(victim)
    with whole_file(tmp_path / "file") as part:
        part.write_text("mine")
    assert victim.read_text() == "kept"


def contents(folder):
    return {path.name: content(path) for path in folder.iterdir()}


def test_a_set_takes_its_place_when_all_is_written(tmp_path):
    earlier = {"a": "1", "b": "1", "notes": "mine"}
    for name, text in earlier.items():
        (tmp_path / name).write_text(text)

    def fail():
        with whole_set(tmp_path, ("a", "b", "c")) as stage:
            (stage / "a").write_text("2")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert contents(tmp_path) == earlier
    with whole_set(tmp_path, ("a", "b", "c")) as stage:
        (stage / "a").write_text("2")
        (stage / "c").mkdir()
        (stage / "c" / "file").write_text("2")
        assert {"a", "b"} <= {path.name for path in tmp_path.iterdir()}
    assert contents(tmp_path) == {"a": "2", "c": "2", "notes": "mine"}


@pytest.mark.parametrize("at", range(1, 6))
def test_where_one_of_a_set_cannot_take_its_place_all_stay_as_they_were(tmp_path, monkeypatch, at):
    earlier = {"a": "1", "b": "1", "c": "1"}
    for name, text in earlier.items():
        (tmp_path / name).write_text(text)
    replace, n_calls = os.replace, 0

    def refuse_once(source, target):
        nonlocal n_calls
        n_calls += 1
        if n_calls == at:
            raise OSError("no")
        replace(source, target)

    monkeypatch.setattr("os.replace", refuse_once)

    def write():
        with whole_set(tmp_path, earlier) as stage:
            (stage / "a").write_text("2")
            (stage / "d").write_text("2")

    with pytest.raises(OSError, match="no"):
        write()
    assert contents(tmp_path) == earlier


def test_a_process_that_is_killed_mixes_no_sets(tmp_path):
    # Killed before each of the renames in turn: what is seen is of one set.
    script = """if True:
        import os, signal, sys
        from pathlib import Path
        from skyshed.output.atomic import whole_set

        replace, left = os.replace, [int(sys.argv[2])]

        def replace_or_die(source, target):
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            replace(source, target)

        os.replace = replace_or_die
        with whole_set(Path(sys.argv[1]), ("a", "b", "c")) as stage:
            (stage / "a").write_text("2")
            (stage / "c").write_text("2")
    """
    for n_renames in range(4):
        folder = tmp_path / str(n_renames)
        folder.mkdir()
        (folder / "a").write_text("1")
        (folder / "b").write_text("1")
        done = subprocess.run([sys.executable, "-c", script, str(folder), str(n_renames)])
        assert done.returncode == -signal.SIGKILL
        seen = [path.read_text() for path in folder.iterdir() if path.is_file()]
        assert len(set(seen)) <= 1
        assert any(path.name.startswith(".skyshed-") for path in folder.iterdir())
        with whole_set(folder, ("a", "b", "c")) as stage:
            (stage / "b").write_text("3")
        assert contents(folder) == {"b": "3"}


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


@pytest.fixture
def calls(monkeypatch):
    """What is flushed, by the file's identity, and renamed, in the order of the calls."""
    made, fsync, replace = [], os.fsync, os.replace

    def flushed(file):
        made.append(("flush", os.fstat(file).st_ino))
        fsync(file)

    def renamed(source, target):
        made.append(("rename", os.stat(source).st_ino))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    return made


def test_what_takes_its_name_is_on_the_disk_and_then_the_name(tmp_path, calls):
    path = tmp_path / "file"
    with whole_file(path) as part:
        part.write_text("text")
    file, folder = path.stat().st_ino, tmp_path.stat().st_ino
    assert calls == [("flush", file), ("rename", file), ("flush", folder)]
    calls.clear()
    with whole_file(path, flush=False) as part:
        part.write_text("text")
    assert [kind for kind, _ in calls] == ["rename"]


def test_of_a_folder_and_a_set_all_files_are(tmp_path, calls):
    with whole_folder(tmp_path / "folder") as part:
        (part / "within").mkdir(parents=True)
        (part / "within" / "file").write_text("text")
    (renamed,) = (n for n, (kind, _) in enumerate(calls) if kind == "rename")
    for path in (tmp_path / "folder", *(tmp_path / "folder").rglob("*")):
        assert ("flush", path.stat().st_ino) in calls[:renamed]
    assert calls[renamed + 1 :] == [("flush", tmp_path.stat().st_ino)]
    calls.clear()
    with whole_set(tmp_path, ("a", "b")) as stage:
        (stage / "a").write_text("2")
        (stage / "b").write_text("2")
    first = next(n for n, (kind, _) in enumerate(calls) if kind == "rename")
    for path in (tmp_path / "a", tmp_path / "b"):
        assert ("flush", path.stat().st_ino) in calls[:first]
    assert calls[-1] == ("flush", tmp_path.stat().st_ino)


def test_many_files_are_flushed_before_the_folders_that_hold_them(tmp_path, calls):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("not ours")
    with whole_folder(tmp_path / "folder") as part:
        (part / "a" / "b").mkdir(parents=True)
        for k in range(20):
            (part / "a" / "b" / f"{k}").write_text("text")
        (part / "link").symlink_to(outside)
    order = [inode for kind, inode in calls if kind == "flush"]
    at = {
        path.name: order.index(path.stat().st_ino)
        for path in (tmp_path / "folder" / "a").rglob("*")
    }
    assert max(at[f"{k}"] for k in range(20)) < at["b"]
    assert at["b"] < order.index((tmp_path / "folder" / "a").stat().st_ino)
    assert (outside / "file").stat().st_ino not in order


def test_a_folder_that_cannot_be_listed_does_not_take_its_name(tmp_path, monkeypatch):
    listed = os.scandir

    def refuse(path):
        if not isinstance(path, int) and os.fspath(path).endswith("within"):
            raise OSError(errno.EIO, "Input/output error", os.fspath(path))
        return listed(path)

    def write():
        with whole_folder(tmp_path / "folder") as part:
            (part / "within").mkdir(parents=True)
            (part / "within" / "file").write_text("text")
            monkeypatch.setattr(os, "scandir", refuse)

    with pytest.raises(OSError, match="Input/output error"):
        write()
    assert not (tmp_path / "folder").exists()


def test_of_many_files_the_one_that_cannot_be_kept_is_named(tmp_path, monkeypatch):
    full = os.fsync

    def one_is_full(file):
        if os.fstat(file).st_ino == (tmp_path / "7").stat().st_ino:
            raise OSError(errno.ENOSPC, "No space left on device")
        full(file)

    monkeypatch.setattr(os, "fsync", one_is_full)
    paths = [tmp_path / f"{k}" for k in range(20)]
    for path in paths:
        path.write_text("text")
    with pytest.raises(OSError, match=r"No space left.*/7'"):
        flush_files(paths)


def test_files_take_their_names_later_in_the_order_in_which_they_were_written(tmp_path, calls):
    commits, begin = Commits(), threading.Event()
    commits.add(begin.wait)
    for name in ("one", "two"):
        with whole_file(tmp_path / name, commits=commits) as part:
            part.write_text(name)
    assert not (tmp_path / "one").exists()
    begin.set()
    commits.close()
    folder = tmp_path.stat().st_ino
    assert calls == [
        call
        for name in ("one", "two")
        for file in [(tmp_path / name).stat().st_ino]
        for call in [("flush", file), ("rename", file), ("flush", folder)]
    ]


def test_where_a_file_cannot_be_kept_none_after_it_is(tmp_path, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    commits, begin = Commits(), threading.Event()
    commits.add(begin.wait)
    for name in ("one", "two"):
        with whole_file(tmp_path / name, commits=commits) as part:
            part.write_text(name)
    begin.set()
    with pytest.raises(OSError, match=r"No space left.*one"):
        commits.close()
    with pytest.raises(OSError, match="No space"), whole_file(tmp_path / "three", commits=commits):
        pass
    assert not list(tmp_path.iterdir())
