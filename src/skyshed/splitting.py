"""The former home of what `skyshed.mosaic` imports from `skyshed.deblending`."""

from skyshed.deblending import Search, Split, children_of, number_labels

__all__ = ["Search", "Split", "children_of", "number_labels"]
