"""Images to try things on: those of the guide, and simulated survey fields of any size."""

from skyshed.datasets.conditions import Conditions
from skyshed.datasets.gaussians import make_4gaussians_image, make_100gaussians_image
from skyshed.datasets.survey import SurveyImage, make_survey_image

__all__ = [
    "Conditions",
    "SurveyImage",
    "make_4gaussians_image",
    "make_100gaussians_image",
    "make_survey_image",
]
