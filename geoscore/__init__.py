"""geoscore: neighborhood donor-potential surfaces from household files and the census.

Household records of any shape go in; expected households above any threshold of giving capacity come out, by ZIP
and H3 cell, with honest intervals, and with no household given away.

Examples
--------
>>> import geoscore as gs
>>> gs.open_formula("income-2pct-1y").title
"2% of one year's household income"
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geoscore.capacity import score_households as score  # noqa: F401
    from geoscore.catalog import Catalog as Catalog
    from geoscore.enrichment import mix_areas as enrich  # noqa: F401
    from geoscore.formulas import list_formulas as list_formulas
    from geoscore.formulas import open_formula as open_formula
    from geoscore.geocoding import locate_households as geocode  # noqa: F401
    from geoscore.ledger import verify_ledger as verify  # noqa: F401
    from geoscore.linkage import link_records as link  # noqa: F401
    from geoscore.pipeline import run as run
    from geoscore.query import Answer as Answer
    from geoscore.query import Surface as Surface
    from geoscore.query import open_surface as open_surface
    from geoscore.reference.synth import synthesize as synthesize
    from geoscore.surfaces import build_surface as build_surface
    from geoscore.trade import fit_huff as fit_huff
    from geoscore.trade import prepare_flows as prepare_flows

_PUBLIC = {
    "Answer": ("geoscore.query", "Answer"),
    "Catalog": ("geoscore.catalog", "Catalog"),
    "Surface": ("geoscore.query", "Surface"),
    "build_surface": ("geoscore.surfaces", "build_surface"),
    "enrich": ("geoscore.enrichment", "mix_areas"),
    "fit_huff": ("geoscore.trade", "fit_huff"),
    "geocode": ("geoscore.geocoding", "locate_households"),
    "link": ("geoscore.linkage", "link_records"),
    "list_formulas": ("geoscore.formulas", "list_formulas"),
    "open_formula": ("geoscore.formulas", "open_formula"),
    "open_surface": ("geoscore.query", "open_surface"),
    "prepare_flows": ("geoscore.trade", "prepare_flows"),
    "run": ("geoscore.pipeline", "run"),
    "score": ("geoscore.capacity", "score_households"),
    "synthesize": ("geoscore.reference.synth", "synthesize"),
    "verify": ("geoscore.ledger", "verify_ledger"),
}

__all__ = sorted(_PUBLIC)  # noqa: PLE0605  the names stand just above


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import geoscore` is quick."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'geoscore' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
