"""The fields of the benchmark; fixed before anything is tuned on them.

Two simulators, which share no code for the light of a source: "survey" is
`skyshed.datasets.make_survey_image` without defects; "bulges" is `benchmarks.truth.bulges`, a
crowded field of Moffat stars, exponential disks and de Vaucouleurs bulges, truly convolved with the
PSF.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FIELDS", "SIDE", "Plan"]

#: Of the fields, in pixels.
SIDE = 2048


@dataclass(frozen=True)
class Plan:
    """A field.

    Attributes
    ----------
    name : str
        In the tables.
    simulator : {'survey', 'bulges'}
        See the module.
    conditions : mapping
        Density per million pixels, seeing, populations, of the simulator.
    weights : pair of float
        The noise is white noise convolved with ``[b, a, 1, a, b]`` along each axis, at the same
        standard deviation; (0, 0) is white.
    crowded : bool
        Whether the sky is judged as that of a crowded field.
    realizations : int
        How many images of it are judged together: more where each has fewer sources.
    """

    name: str
    simulator: str
    conditions: Mapping[str, Any] = field(default_factory=dict)
    weights: tuple[float, float] = (0.0, 0.0)
    crowded: bool = False
    realizations: int = 4

    @property
    def correlation(self) -> float:
        """The correlation of the noise of neighbouring pixels."""
        a, b = self.weights
        return (2 * a + 2 * a * b) / (1 + 2 * a * a + 2 * b * b)


#: The weights that give neighbours a correlation of 0.3 (a resampled image) and 0.67.
RESAMPLED, SMOOTH = (0.158, 0.0), (0.5, 0.0)

FIELDS = (
    Plan("survey", "survey"),
    Plan("sharp", "survey", {"psf_fwhm": 2.2}),
    Plan("poor seeing", "survey", {"psf_fwhm": 6.0}, realizations=8),
    Plan("sparse, disks and stars", "survey",
         {"density": 1200.0, "star_fraction": 0.5, "clustered_fraction": 0.0}),
    Plan("resampled", "survey", weights=RESAMPLED),
    Plan("smooth noise", "survey", weights=SMOOTH),
    Plan("12,000 stars per Mpx", "survey",
         {"density": 12000.0, "star_fraction": 1.0, "star_slope": 0.2, "clustered_fraction": 0.0},
         crowded=True),
    Plan("bulges", "bulges", {"density": 5400.0, "psf_fwhm": 3.2, "psf_beta": 2.5}, crowded=True),
    Plan("bulges, resampled", "bulges",
         {"density": 5400.0, "psf_fwhm": 3.2, "psf_beta": 2.5}, RESAMPLED, crowded=True),
    Plan("bulges, poor seeing", "bulges",
         {"density": 3000.0, "psf_fwhm": 5.0, "psf_beta": 3.5}, crowded=True),
)  # fmt: skip
