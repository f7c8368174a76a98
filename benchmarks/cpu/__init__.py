"""Everything that is promised of the CPU path, measured in one run: `python -m benchmarks.cpu`."""
