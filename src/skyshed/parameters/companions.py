"""What goes with an image, by the arguments of `skyshed.extract`; importing this takes no time."""

__all__ = ["COMPANIONS"]

#: Arguments of `skyshed.extract` that may be files which go with the image.
COMPANIONS = (
    "weight", "rms", "variance", "background", "error", "mask", "quality", "segmentation",
    "detection_image", "detection_weight", "detection_rms", "detection_variance",
    "detection_background", "detection_mask", "wcs",
)  # fmt: skip
