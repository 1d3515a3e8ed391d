"""Propensity: who would give if asked, how much to expect, and how surely; calibrated, explained and open.

Two stages: P(gives at least T) for every rung of the ladder, and the expected gift; both judged out of fold.
"""

from geoscore.propensity.fit import Households, Options, fit_model
from geoscore.propensity.model import Model, Scores
from geoscore.propensity.outcome import Outcome, check_currencies, read_outcome
from geoscore.propensity.positives import parse_prevalence
from geoscore.propensity.store import open_model, save_model

__all__ = [
    "Households",
    "Model",
    "Options",
    "Outcome",
    "Scores",
    "check_currencies",
    "fit_model",
    "open_model",
    "parse_prevalence",
    "read_outcome",
    "save_model",
]
