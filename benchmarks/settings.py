"""What every library is asked to do: the same numbers for all."""

BOX = 64
FILTER = 3
FWHM = 3.0
KERNEL = 5
NSIGMA = 1.5
NPIXELS = 5
NLEVELS = 32
CONTRAST = 0.001
KRON = (2.5, 1.4, 0.0)
FLUX_FRACTION = 0.5

#: Stages as the table lists them. The subtraction is NumPy's; SEP convolves, detects and deblends
#: in one call.
STAGES = ("background", "subtraction", "convolution", "detection", "deblending", "catalog")
EXTRACTION = ("convolution", "detection", "deblending")
