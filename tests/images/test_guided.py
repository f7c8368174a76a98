"""What coverage-guided fuzzing led to is read, or refused in one line with the file's name."""

import pytest

from tests.corpus import inputs
from tests.images import guided


def test_the_corpus_is_read_or_refused(tmp_path):
    came = []
    for content in inputs(guided.KEPT):
        path = tmp_path / guided.name_of(content)
        path.write_bytes(content)
        came.append(guided.read_or_refuse(path))
    assert len(came) > 10
    assert {"read", "refused"} == set(came)


def test_an_error_without_the_file_is_told(tmp_path, monkeypatch):
    def fail(path):
        raise ValueError("a number is wrong")

    monkeypatch.setattr("skyshed.images.open_image", fail)
    with pytest.raises(ValueError, match="a number is wrong"):
        guided.read_or_refuse(tmp_path / "image.fits")
