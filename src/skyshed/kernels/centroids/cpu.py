"""Centroids on the CPU: in each module the sources are shared among the threads."""

from skyshed.kernels.centroids.cpu_covariance import covariance
from skyshed.kernels.centroids.cpu_quadratic import quadratic
from skyshed.kernels.centroids.cpu_windowed import windowed

__all__ = ["covariance", "quadratic", "windowed"]
