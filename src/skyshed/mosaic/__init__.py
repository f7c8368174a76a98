"""The chain tile by tile, with the answer of the whole image.

Private so far: what is here are the parts that `skyshed.extract` will be made of for images larger
than memory.
"""
