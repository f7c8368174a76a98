"""Many exposures on the workers of Dask, into one catalog that is partitioned by sky."""

from skyshed.surveys.result import Survey
from skyshed.surveys.survey import survey

__all__ = ["Survey", "survey"]
