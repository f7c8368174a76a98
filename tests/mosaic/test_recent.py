"""Records that were read lately are not read again, in bounded memory."""

import numpy as np
import pytest

from skyshed.exceptions import WorkspaceError
from skyshed.mosaic.recent import Recent
from skyshed.mosaic.records import Collected
from skyshed.mosaic.workspace import Workspace

SIZE = 1000


@pytest.fixture
def workspace(tmp_path):
    """A workspace with a record of 4000 bytes of labels for each of six tiles."""
    found = Workspace(str(tmp_path), False)
    for number in range(6):
        labels = np.full(SIZE, number, np.int32)
        found.save(Collected(labels, np.empty((0, 4)), 0.0), (0, number))
    return found


def test_a_record_is_read_once(workspace, monkeypatch):
    read = []
    load = Workspace.load
    monkeypatch.setattr(
        Workspace, "load", lambda self, *about: (read.append(about[1]), load(self, *about))[1]
    )
    recent = Recent(workspace, 4 * SIZE * 4)
    for number in (0, 1, 2, 3, 0, 1, 2, 3):
        assert (recent.load(Collected, (0, number), ("labels",)).labels == number).all()
    assert read == [(0, 0), (0, 1), (0, 2), (0, 3)]
    # The one that was not asked for longest makes room.
    recent.load(Collected, (0, 0), ("labels",))
    recent.load(Collected, (0, 4), ("labels",))
    recent.load(Collected, (0, 0), ("labels",))
    recent.load(Collected, (0, 1), ("labels",))
    assert read[4:] == [(0, 4), (0, 1)]


def test_what_is_too_large_to_be_kept_is_read_each_time(workspace):
    recent = Recent(workspace, 10)
    for _ in range(2):
        assert recent.load(Collected, (0, 5), ("labels",)).labels[0] == 5


def test_parts_of_a_record_are_told_apart(workspace):
    recent = Recent(workspace)
    assert recent.load(Collected, (0, 1), ("labels",)).boxes is None
    assert recent.load(Collected, (0, 1), ("labels", "boxes")).boxes.shape == (0, 4)


def test_a_damaged_record_is_an_error_each_time(workspace):
    workspace.file(Collected.kind, (0, 2)).write_bytes(b"not a record")
    recent = Recent(workspace)
    for _ in range(2):
        with pytest.raises(WorkspaceError, match="is damaged"):
            recent.load(Collected, (0, 2), ())
