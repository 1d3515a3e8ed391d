"""What the stages of one run share: the project, where things are written, and what was counted on the way."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore import geocoding, ingest, propensity_stage
from geoscore.capacity import NOTHING, Evidence
from geoscore.engines import Engine
from geoscore.formulas import Formula
from geoscore.ledger import hash_file
from geoscore.project import Project
from geoscore.regions import Region
from geoscore.stage_store import StageStore

Block: TypeAlias = tuple[pa.Table, pa.Table | None]
"""Part of a surface, and of the households in it that files tell something of; None where there are no files."""


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
    told: pa.Table | None = None  # households that files tell something of, at the published resolution
    evidence: Evidence = NOTHING
    counts: dict[str, Any] = field(default_factory=dict)
    store: StageStore | None = None
    """Where finished stages are kept, in a run that can be resumed."""
    made_from: dict[str, Any] = field(default_factory=dict)
    """What the surface depends on, in such a run."""
    _hashes: dict[Path, str] = field(default_factory=dict)

    def hash_of(self, path: Path) -> str:
        """Return the SHA-256 of a file that went in, read once."""
        if path not in self._hashes:
            self._hashes[path] = hash_file(path)
        return self._hashes[path]

    def count_incomes(self, levels: pd.DataFrame, level: Any, households: npt.NDArray[Any]) -> None:
        """Count the households whose income, or its band, the files tell, from groups and the number of their level."""
        told = levels["income_known"] | levels["income_low_usd"].notna() | levels["income_high_usd"].notna()
        self.counts["incomes_told"] = int(households[told.to_numpy(bool)[level]].sum())

    def nobody_located(self) -> str:
        """Return what to say where no household has a place: the reasons, the most frequent first."""
        reasons: Counter[str] = Counter()
        for file in self.counts.get("files", []):
            reasons.update(file["rows_rejected"])
        told = ", ".join(f"{reason} ({count:,})" for reason, count in reasons.most_common(3))
        region = self.project.region
        return f"no household could be located in {region}: {told or 'no row has a place'}; is it the right [census]?"

    def judge(self, honesty: geocoding.Honesty) -> None:
        """Take down how fine a resolution the positions of households bear."""
        wrong = {str(resolution): round(share, 4) for resolution, share in honesty.wrong_cell.items()}
        self.counts["finest_honest"] = {"resolution": honesty.finest, "wrong_cell": wrong}
        self.honesty = honesty
