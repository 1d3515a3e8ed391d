"""Engines: where tables live and how one function runs over all their rows.

DuckDB is embedded and the default. Nothing outside this folder asks which engine it is.
"""

from geoscore.engines.base import BatchFunction, BlockFunction, Engine, Frame, open_engine
from geoscore.engines.processes import NumberedFunction

__all__ = ["BatchFunction", "BlockFunction", "Engine", "Frame", "NumberedFunction", "open_engine"]
