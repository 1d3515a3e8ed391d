"""The pipeline: the one room that knows the order of the stages."""

from geoscore.pipeline.project_run import Run, run
from geoscore.pipeline.publish import summary_of

__all__ = ["Run", "run", "summary_of"]
