"""SExtractor spoken: its configuration files, and what they ask for."""

from skyshed.sextractor.association import Association, read_association
from skyshed.sextractor.config import Translation, read_config, translate

__all__ = ["Association", "Translation", "read_association", "read_config", "translate"]
