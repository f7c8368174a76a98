"""One file for each family of products: what it declares as ``PROFILES`` is in the registry."""
