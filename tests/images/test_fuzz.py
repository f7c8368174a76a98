"""A file of which some bytes are changed is read, or refused in one line with its name.

`python -m tests.images.fuzz` and `ci/endurance` try many more.
"""

import os

import pytest

from tests.images import fuzz


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each file is opened in a forked process")
def test_changed_files_are_read_or_refused(tmp_path):
    came = {fuzz.attempt(7, n, tmp_path) for n in range(40)}
    assert came == {"read", "refused"}


@pytest.mark.parametrize(
    ("ending", "what"),
    [
        (lambda path: fuzz.FAILED, "fails in another way"),
        (lambda path: os.abort(), "ends with -6"),
        (lambda path: os.kill(os.getpid(), 14), "takes too long"),
    ],
)
def test_what_must_not_be_is_told(tmp_path, monkeypatch, ending, what):
    monkeypatch.setattr(fuzz, "_read", ending)
    with pytest.raises(AssertionError, match=what):
        fuzz.attempt(7, 0, tmp_path)
