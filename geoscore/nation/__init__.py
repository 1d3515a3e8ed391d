"""The whole country, made up: where its households live, what they earn, and files of any length to run."""

from geoscore.nation.households import synthesize_nation
from geoscore.nation.places import Nation, open_nation, write_census

__all__ = ["Nation", "open_nation", "synthesize_nation", "write_census"]
