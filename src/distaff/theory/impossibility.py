"""Theorem 1 of Locatello et al. (2019) as code: a bijection that keeps the distribution and entangles everything.

For d > 1 and any density p(z) = prod_i p(z_i) there are infinitely many bijections f of its support with
df_i/du_j != 0 almost everywhere for all i, j, and f(z) distributed as z. Since x = dec(z) = dec(f^-1(f(z))), both
latent systems give the same p(x): whoever sees x alone cannot tell them apart. The construction is

    f = g^-1 o h^-1 o A o h o g

with g the distribution function of each coordinate, h the quantile function of N(0, 1), and A orthogonal without a
zero: h o g makes coordinates standard normal, which A keeps standard normal while every one of them depends on all.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr, ndtri

from distaff.errors import DistaffError

Floats: TypeAlias = NDArray[np.float64]

UNIFORM, NORMAL = stats.uniform(), stats.norm()
NONZERO = 1e-9  # an entry below this is a zero to double precision
LEVELS, JUMP = 101, 1e-6  # where a distribution function is tried, and how exact SciPy's inverses are


def householder(d: int, alpha: float = 0.3) -> Floats:
    """A = I - 2 v v' [d d] with v_1^2 = alpha and the rest shared: the family of the proof.

    Off its diagonal stand -2 v_i v_j. The paper requires alpha in (0, 1/2). For large d most diagonal entries come near
    1, so that most axes hardly turn: `spread` turns all. Raises `DistaffError` for d < 2, alpha out of range, or a
    matrix with a zero.
    """
    if d < 2 or not 0 < alpha < 0.5:
        raise DistaffError(f"d={d}, alpha={alpha}: the construction needs two or more latents, and alpha in (0, 1/2)")
    v = np.sqrt(np.array([alpha] + [(1 - alpha) / (d - 1)] * (d - 1)))
    return checked(np.eye(d) - 2 * np.outer(v, v))


def spread(d: int, generator: np.random.Generator, starts: int = 100) -> Floats:
    """An orthogonal matrix [d d] whose entries are as nearly equal in size as can be: every coordinate depends on all.

    From `starts` uniform draws, A <- U V' with U S V' = sign(A) climbs to maxima of sum |A_ij|, which have no zero
    (Banica, Collins and Schlenker, 2010); the one with the largest least entry is kept. For d = 2 and 4 all are
    1 / sqrt(d). (The discrete cosine transform looks like a candidate, but has exact zeros for even d.)
    """
    a = haar(d, generator, starts)
    for _ in range(200):
        u, _, v = np.linalg.svd(np.sign(a))
        a = u @ v
    return checked(a[np.abs(a).min(axis=(1, 2)).argmax()])


def haar(d: int, generator: np.random.Generator, n: int) -> Floats:
    """`n` orthogonal matrices, uniform over all [n d d]."""
    q, r = np.linalg.qr(generator.standard_normal((n, d, d)))
    uniform: Floats = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]  # else the signs of QR show
    return uniform


def checked(a: Floats) -> Floats:
    """`a` itself; raises `DistaffError` unless it is orthogonal and without a zero."""
    if a.ndim != 2 or a.shape[0] != a.shape[1] or not np.allclose(a @ a.T, np.eye(len(a)), atol=1e-10):
        raise DistaffError(f"a matrix of shape {a.shape} is not orthogonal: A A' must be the identity")
    if np.abs(a).min() < NONZERO:
        i, j = np.unravel_index(np.abs(a).argmin(), a.shape)
        raise DistaffError(f"A[{i}, {j}] is 0: coordinate {i} would not depend on {j}, so take another matrix")
    return a


def entangle(z: Floats, a: Floats, prior: Any = NORMAL) -> Floats:
    """f(z) of rows z [n d], whose coordinates are independent and each distributed as `prior`, of scipy.stats.

    Raises `DistaffError` for a prior without a density, or a matrix that is not of the theorem.
    """
    _continuous(prior)
    return _from_normal(_to_normal(z, prior) @ checked(a).T, prior)


def disentangle(w: Floats, a: Floats, prior: Any = NORMAL) -> Floats:
    """f^-1(w) of rows w [n d]: the same construction with A'."""
    return entangle(w, a.T, prior)


def jacobian(z: Floats, a: Floats, prior: Any = NORMAL) -> Floats:
    """df_i/dz_j at rows z [n d], as [n d d]: A_ij s(z_j) / s(f_i), with s(u) = p(u) / phi(y), y the normal u becomes.

    Of a normal prior it is A; of a uniform one A_ij phi(y'_i) / phi(y_j), with y' = A y.
    """
    _continuous(prior)
    y = _to_normal(z, prior)
    turned = y @ checked(a).T
    below = prior.pdf(z) / stats.norm.pdf(y)
    above = prior.pdf(_from_normal(turned, prior)) / stats.norm.pdf(turned)
    derivatives: Floats = a * below[:, None, :] / above[:, :, None]
    return derivatives


def _continuous(prior: Any) -> None:
    """Raises `DistaffError` for a prior with atoms: g would jump there, and no f could undo what it skips.

    g(g^-1(u)) is u for every u where the distribution function g is continuous, and the top of a jump otherwise.
    """
    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    attained = np.asarray(prior.cdf(prior.ppf(levels)), dtype=np.float64)
    if not (np.abs(attained - levels) < JUMP).all():
        raise DistaffError(
            "the theorem is about priors with a density, and this one gives single values a probability of their own "
            "(Bernoulli, Poisson and other counts do): there is no bijection of its values. Take a continuous "
            "distribution of scipy.stats, such as norm(), uniform() or gamma(3)"
        )


def _to_normal(z: Floats, prior: Any) -> Floats:
    """h o g, from the nearer tail, so that large values keep their digits."""
    low, high = prior.cdf(z), prior.sf(z)
    normal: Floats = np.where(low <= high, ndtri(low), -ndtri(high))
    return normal


def _from_normal(y: Floats, prior: Any) -> Floats:
    """g^-1 o h^-1, from the nearer tail."""
    values: Floats = np.where(y <= 0, prior.ppf(ndtr(y)), prior.isf(ndtr(-y)))
    return values
