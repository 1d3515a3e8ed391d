"""How fast households are scored through an engine: `python benchmarks/propensity_speed.py [--rows N]`.

Prints rows a second for the scorecard (chance and dollars alone, and with all rungs), and for boosted trees.
"""

import argparse
import tempfile
import time
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.engines import open_engine
from geoscore.propensity import Households, Model, Options, fit_model, read_outcome
from geoscore.tables import Table


def make_rows(n: int, seed: int) -> pa.Table:
    """Make up donors with eight columns."""
    rng = np.random.default_rng(seed)
    columns = {name: rng.normal(size=n).round(3) for name in ("a", "b", "c")}
    columns |= {
        "recency": rng.exponential(14, n).round(),
        "frequency": 1.0 + rng.poisson(3, n),
        "last_gift": np.exp(rng.normal(3.4, 0.7, n)).round(2),
    }
    table = pa.table(columns)
    for name, levels in (("kind", ["mail", "event", "web"]), ("tier", list("ABCDE"))):
        table = table.append_column(name, pa.array(rng.choice(levels, n)))
    eta = -2 - 0.05 * columns["recency"] + 0.3 * np.log(columns["frequency"]) + 0.2 * columns["a"]
    gave = rng.random(n) < 1 / (1 + np.exp(-eta))
    gift = np.exp(0.8 * np.log(columns["last_gift"]) + rng.normal(0.7, 0.5, n)).round(2)
    return table.append_column("gave", pa.array(gave)).append_column("amount", pa.array(np.where(gave, gift, 0.0)))


def fit_rows(table: pa.Table, kind: str) -> Model:
    """Fit a model of one kind."""
    outcome = read_outcome(table, gave="gave", amount="amount")
    given = Households(rows=table.drop_columns(["gave", "amount"]), outcome=outcome, keys=np.arange(table.num_rows))
    return fit_model(
        given, options=Options(as_of=date(2026, 1, 1), kind="boosting" if kind == "boosting" else "scorecard")
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    rows = parser.parse_args().rows
    learned = make_rows(20_000, 1)
    models = {kind: fit_rows(learned, kind) for kind in ("scorecard", "boosting")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        part = make_rows(min(rows, 1_000_000), 2).drop_columns(["gave", "amount"])
        with pq.ParquetWriter(path, part.schema) as writer:
            for _ in range(max(rows // part.num_rows, 1)):
                writer.write_table(part)
        total = pq.read_metadata(path).num_rows
        jobs = [("scorecard, chance and dollars", "scorecard", False), ("scorecard, all rungs", "scorecard", True)]
        jobs += [("boosted trees, chance and dollars", "boosting", False)]
        for label, kind, ladder in jobs:
            model = models[kind]
            batch = part.to_batches()[0]
            worked = time.process_time()
            model.score_batch(batch, ladder=ladder)
            alone = batch.num_rows / (time.process_time() - worked)
            with open_engine() as engine:
                table = Table.scan(path, part.schema, engine=engine)
                start, worked = time.perf_counter(), time.process_time()
                scored = table.map_batches(partial(model.score_batch, ladder=ladder), model.schema(ladder=ladder))
                scored.count()
                seconds, worked = time.perf_counter() - start, time.process_time() - worked
            told = f"{total / worked / 1e6:.2f} a second of processor time; scoring alone {alone / 1e6:.2f}"
            print(f"{label:<36}{total / seconds / 1e6:6.2f} M rows/s through the engine ({told})")


if __name__ == "__main__":
    main()
