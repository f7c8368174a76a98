"""A file of which some bytes are changed is read, or refused in one line with its name.

`python -m tests.images.fuzz` and `ci/endurance` try many more.
"""

import faulthandler
import os

import pytest

from tests.images import fuzz


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each file is opened in a forked process")
def test_changed_files_are_read_or_refused(tmp_path):
    came = fuzz.attempts(7, range(60), tmp_path)
    assert came.total() == 60
    assert set(came) == {"read", "refused"}


def end_at_once(path):
    faulthandler.disable()  # which would tell of it at length in every run of the tests
    os.abort()


def test_a_file_among_many_that_ends_the_process_is_told(tmp_path, monkeypatch):
    right = fuzz._read

    def read(path):
        content = fuzz.changed(7, 5)[1]
        return end_at_once(path) if path.read_bytes() == content else right(path)

    monkeypatch.setattr(fuzz, "_read", read)
    assert fuzz.attempts(7, range(3), tmp_path).total() == 3
    with pytest.raises(AssertionError, match=" 5 ends with -6"):
        fuzz.attempts(7, range(9), tmp_path)


@pytest.mark.parametrize(
    ("ending", "what"),
    [
        (lambda path: fuzz.FAILED, "fails in another way"),
        (end_at_once, "ends with -6"),
        (lambda path: os.kill(os.getpid(), 14), "takes too long"),
    ],
)
def test_what_must_not_be_is_told(tmp_path, monkeypatch, ending, what):
    monkeypatch.setattr(fuzz, "_read", ending)
    with pytest.raises(AssertionError, match=what):
        fuzz.attempt(7, 0, tmp_path)
