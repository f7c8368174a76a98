"""The compiled kernels: which library is loaded, and what may be passed to its functions."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import skyshed.kernels
from skyshed.kernels import includes, native
from skyshed.kernels.native import Kernels

FOLDER = Path(skyshed.kernels.__file__).parent
LEVELS = native.available_levels()
KERNELS = native.registered(LEVELS[0])
LABELLING = Kernels("skyshed.kernels.labelling")


def level_in_a_process(wanted):
    code = "from skyshed.kernels import native; print(native.level())"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, native.VARIABLE: wanted},
    )  # fmt: skip


def test_the_best_level_is_used_unless_the_environment_names_another():
    assert level_in_a_process("").stdout.strip() == LEVELS[0]
    assert level_in_a_process(LEVELS[-1]).stdout.strip() == LEVELS[-1]


def test_a_level_that_is_not_there_is_named_with_those_that_are():
    done = level_in_a_process("x86-64-v9")
    assert (
        f"SKYSHED_CPU_LEVEL is 'x86-64-v9'; this build and this CPU have {LEVELS[0]}" in done.stderr
    )


def test_without_libraries_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(native, "FOLDER", tmp_path)
    native._built.cache_clear()
    try:
        with pytest.raises(ImportError, match=r"pip install -e \."):
            native._built()
    finally:
        native._built.cache_clear()


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_has_the_same_kernels(level):
    def listed(kernels):
        return {name: [one.parameters for one in some] for name, some in kernels.items()}

    assert listed(native.registered(level)) == listed(KERNELS)


def test_functions_of_one_name_differ_in_what_their_arrays_hold():
    for functions in KERNELS.values():
        assert len({tuple(map(str, one.dtypes)) for one in functions}) == len(functions)


#: Instructions that round a product and a sum once, as x86-64 and Arm name them.
FUSED = re.compile(r"\tv?fn?(m(add|sub)|ml[as])\w*\b")


@pytest.mark.skipif(not shutil.which("objdump"), reason="needs objdump, which g++ brings")
@pytest.mark.parametrize("level", LEVELS)
def test_no_product_is_rounded_with_the_sum_that_it_is_in(level):
    """GCC 12 does so in places in spite of -ffp-contract=off: see native/CMakeLists.txt."""
    command = ["objdump", "--disassemble", "--no-show-raw-insn", str(native._file(level))]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert FUSED.search("\tvfmaddsub132pd %xmm1,%xmm3,%xmm0")
    assert [line for line in text.splitlines() if FUSED.search(line)] == []


def arguments(**changes):
    """Arguments of labelling.relabel, of which some are changed."""
    given = {
        "labels": np.array([[0, 2]], np.int32), "table": np.array([5, 6, 7], np.int32),
        "size": 3, "out": np.zeros((1, 2), np.int32), "begin": 0, "end": 2,
    }  # fmt: skip
    return [*(given | changes).values()]


def test_a_kernel_is_called_with_all_or_with_the_last_arguments_left():
    args = arguments()
    assert LABELLING.call("relabel", *args) == 0
    np.testing.assert_array_equal(args[3], [[5, 7]])
    args[3][:] = 0
    LABELLING.bind("relabel", *args[:4])(1, 2)
    np.testing.assert_array_equal(args[3], [[0, 7]])


def test_a_bound_kernel_keeps_its_arrays():
    out = np.zeros((1, 1 << 20), np.int32)
    bound = LABELLING.bind("relabel", np.ones_like(out), np.array([3, 4], np.int32), 2, out)
    np.random.default_rng(0).random(1 << 22)
    bound(0, out.size)
    assert (out == 4).all()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"labels": np.zeros((1, 2))},
            TypeError,
            r"no kernel for \(array of float64, array of int32",
        ),
        ({"table": 3}, TypeError, "no kernel for"),
        ({"begin": np.zeros(1, np.int64)}, TypeError, "no kernel for"),
        ({"end": 2.0}, TypeError, "integer"),
        ({"labels": np.zeros((2, 2), np.int32)[:, :1]}, ValueError, "C-contiguous"),
        ({"out": np.broadcast_to(np.int32(0), (1, 1))}, ValueError, "only read"),
        ({"more": 3}, TypeError, "no kernel for"),
    ],
)
def test_what_does_not_fit_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        LABELLING.call("relabel", *arguments(**changes))


def test_an_unknown_kernel_is_an_error():
    with pytest.raises(KeyError, match=r"labelling\.paint"):
        LABELLING.call("paint")


def strings(folder):
    """Return the string constants of the CPU twin of an operation."""
    trees = (ast.parse(path.read_text()) for path in folder.glob("cpu*.py"))
    return {
        node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)
    }


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_every_kernel_is_called_by_the_twin_of_its_folder(name):
    folder, _, kernel = name.partition(".")
    assert kernel in strings(FOLDER / folder)


def texts(pattern):
    """Return the names of all files that those of a pattern hold."""
    found = set()
    for path in FOLDER.glob(pattern):
        text = includes.assembled(path.relative_to(FOLDER).as_posix())
        found |= {line.split('"')[1] for line in text.splitlines() if line.startswith("#line")}
    return found


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("*/*.h*")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_a_header_is_for_both_devices_or_named_as_the_cpus(path):
    name = path.relative_to(FOLDER).as_posix()
    assert name in texts("*/*.cpp")
    assert (name in texts("*/*.cu")) == (path.suffix == ".h")
