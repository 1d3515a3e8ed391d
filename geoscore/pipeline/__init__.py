"""The pipeline: the one room that knows the order of the stages."""

from geoscore.pipeline.prepare import Prepared, prepare_households
from geoscore.pipeline.project_run import Run, run
from geoscore.pipeline.publish import summary_of

__all__ = ["Prepared", "Run", "prepare_households", "run", "summary_of"]
