"""Sets of parameters to begin with: what we recommend, and what other programs do."""

from typing import Any

__all__ = ["DEFAULT_CONV", "PRESETS"]

#: SExtractor's default.conv.
DEFAULT_CONV = ((1.0, 2.0, 1.0), (2.0, 4.0, 2.0), (1.0, 2.0, 1.0))

#: The sky twice, by its mode, the second time without what is faintly seen and of the image
#: smoothed by about the seeing (benchmarks/results/sky-bias.md), with errors for the noise found
#: there, circles at windowed centres, all light by the growth of stars, and peaks of 3 pixels, as
#: SExtractor has them.
_BETTER: dict[str, Any] = {
    "background_passes": 2, "bkg_estimator": "mode", "background_fwhm": 4.0,
    "background_nsigma": 0.9, "noise_nsigma": 1.35, "aperture_center": "centroid_win",
    "aperture_correction": True, "deblend_npixels": 3,
}  # fmt: skip

#: The parameters of each preset that may differ from the defaults here.
PRESETS: dict[str, dict[str, Any]] = {
    # Chosen by completeness at the same number of bad detections in simulated fields of galaxies
    # and stars (benchmarks/results/truth.md); the contrast is SExtractor's.
    "recommended": {
        **_BETTER, "kernel_fwhm": 2.5, "kernel_size": 5, "nsigma": 1.6, "contrast": 0.005,
    },
    # The same for crowded fields of stars, of 10,000 per million pixels: there a low threshold
    # joins what no deblending parts again, and faint peaks are stars.
    "crowded": {
        **_BETTER, "noise_nsigma": 5.0, "kernel_fwhm": 2.0, "kernel_size": 3, "nsigma": 4.0,
        "contrast": 1e-4,
    },
    # What photutils' user guide uses, and the functions of photutils take where nothing is given.
    "photutils": {
        "box_size": 64, "filter_size": 3, "exclude_percentile": 10.0, "clip_sigma": 3.0,
        "clip_maxiters": 10, "bkg_estimator": "sextractor", "bkgrms_estimator": "std",
        "background_passes": 1, "kernel": None, "kernel_fwhm": 3.0, "kernel_size": 5,
        "filter": "convolution", "template_fwhm": (), "nsigma": 1.5, "significance": None,
        "threshold": None, "threshold_type": "map", "npixels": 5, "max_npixels": None,
        "connectivity": 8, "deblend": True, "nlevels": 32, "contrast": 0.001,
        "mode": "exponential", "contrast_method": "basin", "deblend_npixels": None,
        "deblend_on": "convolved", "max_markers": 200, "localbkg_width": 0,
        "apermask_method": "correct", "kron_params": (2.5, 1.4, 0.0),
    },
    # What SExtractor 2.25 does without a configuration file (its `-dd`), with its default.conv. It
    # uses boxes of which half is good (BACK_MINGOODFRAC in its sources), clips to the end, deblends
    # peaks of 3 pixels (MAXDEBAREA there), and compares what is above the saddle.
    "sextractor": {
        "box_size": 64, "filter_size": 3, "exclude_percentile": 50.0, "clip_sigma": 3.0,
        "clip_maxiters": None, "bkg_estimator": "sextractor", "bkgrms_estimator": "std",
        "background_passes": 1, "kernel": DEFAULT_CONV, "filter": "convolution",
        "template_fwhm": (), "nsigma": 1.5, "significance": None, "threshold": None,
        "threshold_type": "global", "npixels": 5, "max_npixels": None, "connectivity": 8,
        "deblend": True, "nlevels": 32, "contrast": 0.005, "mode": "exponential",
        "contrast_method": "saddle", "deblend_npixels": 3, "deblend_on": "convolved",
        "max_markers": None, "localbkg_width": 0, "apermask_method": "correct",
        "kron_params": (2.5, 1.4, 0.0), "fluxfrac_radii": (0.5,), "aperture_radii": (2.5,),
    },
}  # fmt: skip
