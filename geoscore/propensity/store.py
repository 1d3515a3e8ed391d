"""A model on disk: JSON and plain arrays with their hashes. Nothing in it can run: a stranger's is safe to open.

model/model.json    features, calibration, hash of the arrays
model/arrays.npz    points and trees, read without pickle
model/card.md, card.json, *.svg    what it says of itself
"""

import hashlib
import json
import os
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from geoscore.errors import InputError, InputNotFoundError
from geoscore.propensity.amounts import Amounts
from geoscore.propensity.calibration import Blend
from geoscore.propensity.card import card_markdown
from geoscore.propensity.features import Recipe
from geoscore.propensity.forest import Forest
from geoscore.propensity.learners import Terms
from geoscore.propensity.model import Model, Prevalence
from geoscore.propensity.pictures import draw_effects, draw_gains

FORMAT: Final = 1
MOST_BYTES: Final = 500_000_000


def save_model(model: Model, folder: Path) -> None:
    """Write a model and its card to a folder, the description last.

    Raises
    ------
    InputError
        ``folder`` is a file, or holds something that is no model.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder for the model")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "model.json").exists():
        raise InputError(f"{folder} holds other files and no model; name a new folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "arrays.npz.part"
    with part.open("wb") as file:
        np.savez_compressed(file, **_arrays(model))
    digest = hashlib.sha256(part.read_bytes()).hexdigest()
    (folder / "model.json").unlink(missing_ok=True)
    os.replace(part, folder / "arrays.npz")  # noqa: PTH105  the atomic one, by its own name
    (folder / "effects.svg").write_text(draw_effects(model.card["effects"]), encoding="utf-8")
    (folder / "gains.svg").write_text(draw_gains(model.card["gains"]), encoding="utf-8")
    pictures = {
        "effects.svg": "what each feature adds to the log odds of giving",
        "gains.svg": "share of givers reached tenth by tenth, and givers expected against those who came",
    }
    (folder / "card.md").write_text(card_markdown(model.card, pictures=pictures), encoding="utf-8")
    (folder / "card.json").write_text(_json(model.card), encoding="utf-8")
    described = {
        "format": FORMAT,
        "kind": model.kind,
        "recipe": model.recipe.to_dict(),
        "intercept": model.terms.intercept,
        "forest_weight": model.forest_weight,
        "amounts": model.amounts.to_dict() if model.amounts else None,
        "amount_intercept": model.amount_terms.intercept if model.amount_terms else None,
        "amount_weight": model.amount_weight,
        "prevalence": asdict(model.prevalence) if model.prevalence else None,
        "card": model.card,
        "arrays_sha256": digest,
    }
    part = folder / "model.json.part"
    part.write_text(_json(described), encoding="utf-8")
    os.replace(part, folder / "model.json")  # noqa: PTH105


def open_model(folder: Path) -> Model:
    """Open a model that ``save_model`` wrote.

    Raises
    ------
    InputNotFoundError
        There is no model in the folder.
    InputError
        It is damaged, was changed, or is of a newer format.
    """
    folder = folder.parent if folder.name == "model.json" else folder
    path = folder / "model.json"
    if not path.exists():
        raise InputNotFoundError(
            f"there is no model in {folder}; `geoscore fit FILE --gave COLUMN --out {folder}` makes one"
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        _check_format(int(data["format"]), folder)
        arrays = _read_arrays(folder / "arrays.npz", str(data["arrays_sha256"]))
        return _model(data, arrays)
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(f"{folder} is no whole model ({type(error).__name__}); fit it again") from error


def _check_format(number: int, folder: Path) -> None:
    if number > FORMAT:
        raise InputError(f"{folder} has format {number}, this geoscore reads {FORMAT}; update it")


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n"


def _arrays(model: Model) -> dict[str, Any]:
    found: dict[str, Any] = {"effects": model.effects, "knots": model.blend.knots, "heights": model.blend.heights}
    for name, terms in (("gives", model.terms), ("amount", model.amount_terms)):
        if terms is not None:
            found |= {f"{name}_{part}": getattr(terms, part) for part in ("steps", "slopes", "rates")}
    for name, forest in (("gives_trees", model.forest), ("amount_trees", model.amount_forest)):
        if forest is not None:
            found |= forest.to_arrays(name)
    return found


def _read_arrays(path: Path, digest: str) -> dict[str, Any]:
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path} is too large for a model")
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise InputError(f"{path} is not the file that model.json names: it was changed; fit the model again")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _model(data: dict[str, Any], arrays: dict[str, Any]) -> Model:
    recipe = Recipe.from_dict(data["recipe"])
    terms = _terms("gives", float(data["intercept"]), arrays, recipe)
    amounts = None
    if data["amounts"] is not None:
        amounts = Amounts(**{**data["amounts"], "rungs": np.asarray(data["amounts"]["rungs"], dtype=np.float64)})
    prevalence = None
    if data["prevalence"] is not None:
        told = data["prevalence"]
        prevalence = Prevalence(**{**told, "shift": tuple(told["shift"]), "quantiles": tuple(told["quantiles"])})
    return Model(
        kind=data["kind"],
        recipe=recipe,
        terms=terms,
        blend=Blend(0.0, np.ones(1), arrays["knots"], arrays["heights"]),
        forest=Forest.from_arrays("gives_trees", arrays) if "gives_trees_starts" in arrays else None,
        forest_weight=float(data["forest_weight"]),
        amounts=amounts,
        amount_terms=None if amounts is None else _terms("amount", float(data["amount_intercept"]), arrays, recipe),
        amount_forest=Forest.from_arrays("amount_trees", arrays) if "amount_trees_starts" in arrays else None,
        amount_weight=float(data["amount_weight"]),
        prevalence=prevalence,
        effects=arrays["effects"],
        card=data["card"],
    )


def _terms(name: str, intercept: float, arrays: dict[str, Any], recipe: Recipe) -> Terms:
    terms = Terms(intercept, *(arrays[f"{name}_{part}"] for part in ("steps", "slopes", "rates")))
    p, bins = len(recipe.features), int(recipe.offsets[-1])
    if terms.steps.shape != (bins,) or terms.slopes.shape != (p,) or terms.rates.shape != (p,):
        raise ValueError("arrays do not fit the features")
    return terms
