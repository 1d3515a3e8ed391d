"""The job in geoscore's own functions: one pass on every core, then the surface; no disclosure, map or report.

python geoscore_job.py PROJECT OUT
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore import enrichment, geocoding, surfaces
from geoscore.capacity import NOTHING, AreaPrior
from geoscore.engines import open_engine
from geoscore.formulas import open_formula
from geoscore.ingest import mapped_columns
from geoscore.project import open_project
from geoscore.regions import open_region
from geoscore.schemas import GROUP, LADDER, TALLY
from geoscore.surface_format import figures
from geoscore.tally import Tally


def main() -> None:
    """Count the households of a project's first source by cell."""
    project, out = sys.argv[1:]
    plan = open_project(project)
    source = plan.sources[0]
    path, engine = plan.resolve(source.path), open_engine()
    engine.get_ready(path, imports=Tally.__module__)
    region = open_region(plan)
    tally = Tally(
        source=source,
        as_of=plan.as_of,
        cells=np.unique(region.ground["cell"].to_numpy()),
        zips=geocoding.zip_sigma_m(region.ground),
        without_homes=region.without_homes(),
        resolution=plan.surface.resolution,
        formula=open_formula(plan.capacity.formula),
    )
    with tempfile.TemporaryDirectory() as folder, engine:
        parts = Path(folder) / "parts"
        engine.map_file(path, mapped_columns(source), tally, TALLY, out=parts)
        table = pq.read_table(parts, filters=[("kind", "=", "group")], columns=GROUP.names)
    counts = surfaces.pack_groups(table.cast(GROUP).to_batches())
    kernel = geocoding.spread_positions(counts.positions, region.ground)
    mix = enrichment.mix_areas(kernel, ground=region.ground)
    blocks = surfaces.build_blocks(
        counts,
        kernel,
        mix,
        lambda some: AreaPrior(region.distribution, some, region.errors, NOTHING),
        multiplier=tally.formula.usual_factor(),
    )
    surface = surfaces.roll_up(pa.concat_tables([block for block, _ in blocks]), resolution=8)
    found = figures(surface)
    at_least = found.at_least[:, LADDER.index(2500)]
    told = pa.table({"cell": surface["cell"], "households": found.households, "at_least": at_least})
    summed = told.group_by("cell").aggregate([("households", "sum"), ("at_least", "sum")])
    pq.write_table(summed.rename_columns(["cell", "households", "at_least"]), out)


if __name__ == "__main__":
    main()
