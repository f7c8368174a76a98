"""Small images of every kind, worked on by photutils, the CPU's kernels and the device's kernels.

    python -m tests.three_way --count 20000 --seed 1

The device's kernels are emulated (`tests.device.emulator`), behind the stand-in for CuPy. What one
refuses, the others must refuse; label images are equal, columns within tolerances. What differs on
purpose is in `tests.three_way.known`, with the line of docs/differences.md that says so.
"""
