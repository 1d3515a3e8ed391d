"""How sure the coefficients of a choice model are: origins are the units, for people of one place choose alike."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LEVEL: Final = 0.9
FLOOR: Final = 1e-8


@dataclass(frozen=True)
class Sureness:
    """Covariances of k coefficients.

    Attributes
    ----------
    covariance
        Origin-clustered, shape (k, k).
    degrees
        Degrees of freedom of each coefficient's t distribution, shape (k,).
    """

    covariance: Floats
    degrees: Floats

    @property
    def errors(self) -> Floats:
        """Standard errors, shape (k,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    def intervals(self, coefficients: Floats, *, level: float = LEVEL) -> Floats:
        """Return lower and upper ends, shape (k, 2)."""
        from scipy.stats import t

        reach = t.ppf(0.5 + level / 2, self.degrees) * self.errors
        return np.column_stack([coefficients - reach, coefficients + reach])

    def p_values(self, coefficients: Floats) -> Floats:
        """Return two-sided p values of each coefficient being zero, shape (k,)."""
        from scipy.stats import t

        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(2.0 * t.sf(np.abs(coefficients) / self.errors, self.degrees))


def clustered(scores: Floats, information: Floats) -> Sureness:
    """Return the covariance of coefficients from what each origin says, by the bias-reduced sandwich estimator (CR2).

    Each origin's score is blown up by the inverse root of one minus its leverage, so that few origins, or one that
    weighs much, do not make the errors too small; degrees of freedom by Satterthwaite's approximation under equal
    errors. Source: R. M. Bell and D. F. McCaffrey, Survey Methodology 28 (2002), 169-181.

    Parameters
    ----------
    scores
        Gradient of the objective by origin at its optimum, shape (o, k).
    information
        Negative Hessian by origin, shape (o, k, k).

    Returns
    -------
    Sureness

    Examples
    --------
    >>> values = np.array([1.0, 2, 3, 4, 5])
    >>> sure = clustered((values - 3)[:, None], np.ones((5, 1, 1)))
    >>> round(float(sure.covariance[0, 0]), 9), round(float(sure.degrees[0]), 6)  # that of a mean: 2.5 / 5
    (0.5, 4.0)
    """
    whole = information.sum(axis=0)
    values, vectors = np.linalg.eigh(whole)
    values = np.maximum(values, FLOOR * max(values.max(), FLOOR))
    root = vectors @ np.diag(values**-0.5) @ vectors.T
    leverage = root @ information @ root
    own, turn = np.linalg.eigh((leverage + leverage.transpose(0, 2, 1)) / 2)
    rest = np.maximum(1.0 - own, 1e-6)
    blown = np.einsum("oij,oj,okj->oik", turn, rest**-0.5, turn)
    said = np.einsum("oij,oj->oi", blown, scores @ root)
    inner = said.T @ said
    covariance = root @ inner @ root
    return Sureness((covariance + covariance.T) / 2, _degrees(leverage, blown, root))


def _degrees(leverage: Floats, blown: Floats, root: Floats) -> Floats:
    """Return Satterthwaite's degrees of freedom of each coefficient's variance, were errors as the model has them.

    The variance of coefficient i is a sum of squares over origins; under the model these covary by the matrix D - P P',
    D diagonal with a_g' L_g a_g and the rows of P being L_g a_g, with L_g an origin's leverage and a_g the blown-up
    direction of the coefficient. Its trace and norm are had without writing it down.
    """
    k = len(root)
    degrees = np.empty(k)
    for i in range(k):
        towards = np.einsum("oij,j->oi", blown, root[i])
        pushed = np.einsum("oij,oj->oi", leverage, towards)
        diagonal, length = (towards * pushed).sum(axis=1), (pushed**2).sum(axis=1)
        trace = diagonal.sum() - length.sum()
        square = (diagonal**2).sum() - 2.0 * (diagonal * length).sum() + ((pushed.T @ pushed) ** 2).sum()
        degrees[i] = trace**2 / square if square > 0 else len(leverage) - 1
    return np.clip(degrees, 1.0, max(len(leverage) - 1, 1))
