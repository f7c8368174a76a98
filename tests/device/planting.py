"""Plants defects in the project's kernels for the time of a test, and says what notices them."""

import contextlib
import functools
import re

import numpy as np
import pytest

from native import nvrtc
from skyshed.kernels import cubins
from tests.device.standin import compiler


def planted(monkeypatch, file, sound, defect):
    """Change a kernel file's text, and forget what was loaded of it."""
    original = cubins.text
    assert original(file).count(sound) >= 1, f"{file} has no {sound!r}"

    def text(name):
        return original(name).replace(sound, defect) if name == file else original(name)

    monkeypatch.setattr(cubins, "text", text)
    anew(monkeypatch)


def anew(monkeypatch):
    """Let all kernels be loaded again, for the time of a test."""
    from skyshed.kernels import cuda

    find, seen = cuda.Kernels.function, set()

    def function(kernels, kernel, real):
        if kernels.file not in seen:
            seen.add(kernels.file)
            monkeypatch.setattr(kernels, "_modules", {})
            monkeypatch.setattr(kernels, "_functions", {})
        return find(kernels, kernel, real)

    monkeypatch.setattr(cuda.Kernels, "function", function)
    monkeypatch.setattr(cuda, "_warn_once", lambda architecture: None)


def resources_of_the_sound_text(monkeypatch):
    """Spare NVRTC texts whose defect takes no registers or shared memory: it takes seconds."""

    def sound(code):
        store = cubins.store("sm_90")
        return {
            kernel: {"sm_90": nvrtc.Resources(**row)}
            for known in store.manifest["programs"].values()
            for kernel, row in known["kernels"].items()
        }

    monkeypatch.setattr(compiler, "_measured", functools.lru_cache(sound))


@contextlib.contextmanager
def noticed(error, message):
    """Expect that what is done inside is refused."""
    with pytest.raises(error, match=message):
        yield


def same(result, expected):
    """Whether both twins say the same: sums may differ in their last bits."""
    if isinstance(expected, tuple):
        return all(same(*pair) for pair in zip(result, expected, strict=True))
    result, expected = np.asarray(result), np.asarray(expected)
    if result.shape != expected.shape or result.dtype != expected.dtype:
        return False
    if expected.dtype.kind != "f":
        return np.array_equal(result, expected)
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    return np.allclose(result, expected, rtol=1e-11, atol=1e-13 * scale, equal_nan=True)


#: Conversions that lose the upper half of a pixel index without a cast: what GCC says of them.
NARROWED = re.compile(
    r"^(.*?):(\d+):\d+: warning: conversion from ‘(?:i64|u64|long long).*? to "
    r"‘((?:unsigned )?(?:int|short|char))’",
    re.M,
)
#: Casts that the emulator does not see: it looks for ``(int)x`` and ``int(x)``.
UNSEEN = re.compile(r"\b(?:static|reinterpret|const)_cast\s*<\s*(?:unsigned|int|short|char)\b")


def narrowed(text, real="float"):
    """Return where a kernel text makes 64-bit integers smaller, unseen by the emulator."""
    import subprocess

    from tests.device.emulator.build import HEADER, with_checked_casts

    unit = f'#include "{HEADER}"\n#line 1 "kernel.cu"\n{with_checked_casts(text)}'
    command = ["g++", "-std=c++20", f"-DREAL={real}", "-fsyntax-only", "-x", "c++", "-"]
    told = ["-Wconversion", "-Wno-sign-conversion", "-Wno-float-conversion"]
    done = subprocess.run(
        [*command, *told], input=unit, capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    lines = [f"{file}:{line}" for file, line, _ in NARROWED.findall(done.stderr)]
    return lines + UNSEEN.findall(text)
