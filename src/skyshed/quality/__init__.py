"""How good a catalog is: sources of known flux and shape, found again or not."""
