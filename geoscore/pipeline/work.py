"""What the stages of one run share: the project, where things are written, and what was counted on the way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from geoscore import geocoding, ingest, propensity_stage
from geoscore.capacity import NOTHING, Evidence
from geoscore.engines import Engine
from geoscore.formulas import Formula
from geoscore.project import Project
from geoscore.regions import Region


@dataclass
class Work:
    """What the stages of one run share."""

    project: Project
    formula: Formula
    engine: Engine
    stage: Path
    private: Path
    report: Callable[[str, int, int | None], None]
    suppression: ingest.Suppression | None = None
    honesty: geocoding.Honesty | None = None
    region: Region | None = None
    asked: propensity_stage.Asked | None = None
    told: pa.Table | None = None  # households that files tell something of, at the working resolution
    evidence: Evidence = NOTHING
    counts: dict[str, Any] = field(default_factory=dict)
