"""What a run writes into its ledger: everything that went in, and at the end everything that came out."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from geoscore import ingest
from geoscore.ledger import Ledger
from geoscore.pipeline.work import Work
from geoscore.project import is_address
from geoscore.reference.samples import sample_path
from geoscore.regions import census_files

OUTPUTS: Final = ("surface.parquet", "map.html", "report.html", "summary.json")
"""What a run publishes beside its ledger."""
_TOLD: Final = ("rows_read", "rows_used", "rows_rejected", "refused_features", "sensitive_features")


def begin_ledger(work: Work, project: Path, folder: Path) -> Ledger:
    """Write what went into a run to the ledger in its stage, with paths as they will be seen from ``folder``."""
    plan = work.project
    ledger = Ledger(work.stage / "ledger.jsonl", folder=folder)
    ledger.append("run", {"geoscore": version("geoscore"), "purpose": plan.purpose, "as_of": str(plan.as_of)})
    ledger.append_file("project", project)
    _append_declarations(work, ledger)
    if Path(plan.capacity.formula).suffix == ".toml":
        ledger.append_file("formula", plan.resolve(Path(plan.capacity.formula)))
    if plan.geocoding.gazetteer is not None:
        note = plan.resolve(plan.geocoding.gazetteer) / "gazetteer.json"
        ledger.append_file("gazetteer", note, {"addresses_sent": work.counts["addresses_sent"]})
    for file in plan.geocoding.addresses:
        ledger.append_file("addresses", plan.resolve(file))
    files = {file["name"]: file for file in work.counts["files"]}
    for source in plan.sources:
        told = {name: files[source.name][name] for name in _TOLD}
        stated: dict[str, Any] = {"name": source.name, "vintage": str(source.vintage), "licence": source.licence}
        stated |= {"kind": source.kind, "permitted": source.permitted}
        stated |= {"own_list": source.own_list} if source.own_list else {}
        path = plan.resolve(source.path)
        place = ingest.show_path(path) if is_address(path) else None
        copy = ingest.local_copy(path)
        ledger.append_file("source", copy, {**stated, **told}, place=place, sha256=work.hash_of(copy))
    if plan.propensity.model is not None:
        ledger.append_file("propensity model", plan.resolve(plan.propensity.model) / "model.json")
    curve = plan.resolve(plan.census.curve) if plan.census.curve else sample_path("income_curve.parquet")
    for name, path in {**census_files(plan).paths(), "curve": curve}.items():
        ledger.append_file("census", path, {"name": name})
    told = {"households": work.counts["households"], "located": work.counts["located"], "k": plan.fewest()}
    if plan.surface.epsilon is not None:
        spent = {"epsilon": plan.surface.epsilon, "of": "one household", "mechanism": "Laplace, by OpenDP"}
        ledger.append("privacy budget", spent)
    ledger.append("publish", {**told, "formula": work.formula.name, "resolution": plan.surface.published_resolution})
    return ledger


def _append_declarations(work: Work, ledger: Ledger) -> None:
    """Write what the project declares: an audit, who pays for it, who opted out."""
    plan = work.project
    if plan.audit is not None:
        ledger.append_file("audit", plan.resolve(plan.audit.table), {"acknowledged": plan.audit.acknowledged})
    if plan.political is not None:
        ledger.append("political", plan.political.model_dump())
    if plan.suppression is not None:
        gone = sum(
            count
            for file in work.counts["files"]
            for reason, count in file["rows_rejected"].items()
            if reason in ingest.OPT_OUT_REASONS
        )
        told = {"synced": str(plan.suppression.synced), "rows_left_out": gone}
        ledger.append_file("suppression", plan.resolve(plan.suppression.path), told)
    else:
        ledger.append("suppression", {"list": "none"})


def end_ledger(work: Work, ledger: Ledger) -> None:
    """Write what a run made to its ledger, and close it."""
    for name in OUTPUTS:
        ledger.append_file("output", work.stage / name, place=name)
    ledger.append("end", {})
