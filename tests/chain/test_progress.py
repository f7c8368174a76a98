"""Progress is drawn where it is asked for, or on a terminal, and costs nothing elsewhere."""

import subprocess
import sys

import pytest

from skyshed.chain.progress import Progress, TileProgress

SILENT = """
import sys
from skyshed.chain.progress import Progress, TileProgress
for show in (None, False):
    with Progress(2, show) as begin:
        begin("detection")
    with TileProgress(3, show) as begin:
        begin("detect", 1)()
assert "tqdm" not in sys.modules
"""


def test_nothing_is_drawn_or_imported_where_no_terminal_is():
    done = subprocess.run([sys.executable, "-c", SILENT], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("progress", [Progress, TileProgress])
def test_it_is_drawn_on_standard_error_where_it_is_asked_for(progress, capsys):
    with progress(2, True) as begin:
        begin("detect") if progress is Progress else begin("detect", 1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "detect" in err


def test_a_notebook_shows_progress_by_itself(monkeypatch):
    """As a widget where there are ipywidgets; a missing one is no warning."""
    import types
    import warnings

    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Progress(2, show=None) as begin:
            assert not begin._bar.disable
            begin("detection")
