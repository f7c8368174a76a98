"""Kernels that were compiled ahead of time are found by the chain."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from skyshed.warmup import warmup

CHAIN = """
import json, warnings
import numpy as np
from skyshed import extract
from skyshed.datasets import make_survey_image
from skyshed.kernels.compiled import counts
warnings.simplefilter("ignore")
field = make_survey_image((300, 300), seed=5)
data = np.nan_to_num(field.data).astype("float32")
before = dict(counts)
for mask in (None, field.mask):
    for width in (0, 10):
        extract(data, mask=mask, localbkg_width=width, columns=("default", "gini", "centroid_win"))
print(json.dumps({name: counts[name] - before[name] for name in counts}))
"""


def test_other_dtypes_are_refused():
    with pytest.raises(ValueError, match="float32 and float64, got int16"):
        warmup([np.int16])


#: Runs ``skyshed warmup`` and prints the modules of the functions that Numba compiled.
WATCHED = """
import json
from numba.core import event
from skyshed.cli import main
with event.install_recorder("numba:compile") as record:
    main(["warmup", "--dtype", "float32"])
compiled = {each.data["dispatcher"].py_func.__module__ for _, each in record.buffer}
print(json.dumps(sorted(compiled)))
"""


@pytest.mark.slow
def test_the_chain_finds_every_kernel_compiled(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WATCHED], env=environment, capture_output=True, text=True, check=True
    )
    assert "kernels compiled" in done.stdout
    modules = json.loads(done.stdout.splitlines()[-1])
    assert "skyshed.kernels.deblending.cpu" in modules
    # The text of an error that can't happen: array shapes that differ in an assignment to a slice.
    assert "numba.cpython.unicode" not in modules
    done = subprocess.run(
        [sys.executable, "-c", CHAIN], env=environment, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["compiled"] == 0
    assert found["loaded"] > 10
