"""Catalogs beside the truth of simulated fields: ``python -m benchmarks.truth``."""
