"""What a run is: a frozen value of all that can change its weights, and nothing else."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace

from distaff.errors import DistaffError, unknown
from distaff.plugins.file import Plugin
from distaff.plugins.registry import CRITICS, DATASETS, METHODS, NETWORKS
from distaff.plugins.spec import Spec, content_id
from distaff.sampling import DISJOINT, check_sampling

SCHEDULES = ("constant", "linear", "cosine")
STUDY_NAME = re.compile(r"[^\W_][\w.-]*")  # it names a file of the store, and the store itself
STUDY_SIZES = {"rows": 1, "test_rows": 1, "grid_rows": 2, "pack": 1, "pictures": 0}  # and the least that each may be


def _check_whole(of: str, value: object, least: Mapping[str, int]) -> None:
    """Raise `DistaffError` for a field of `value` that is not a whole number, or is below the least it may be."""
    for name, bound in least.items():
        number = getattr(value, name)
        if isinstance(number, bool) or not isinstance(number, int) or number < bound:
            raise DistaffError(f"{of}: {name}={number!r}; it must be a whole number of at least {bound}")


@dataclass(frozen=True)
class Optim:
    """Adam (Kingma and Ba, 2015); the defaults are the 2019 study's for the model.

    The rate grows linearly over the first `warmup` updates and then follows `schedule`: constant, or falling to 0 at
    the last update in a linear or cosine way.
    """

    lr: float = 1e-4  # Adam's learning rate
    beta1: float = 0.9  # what the mean of the gradient keeps at an update
    beta2: float = 0.999  # what the mean of its square keeps
    eps: float = 1e-8  # added to the root of that mean
    schedule: str = "constant"  # of the rate: constant, or linear or cosine, which end at 0
    warmup: int = 0  # updates over which the rate grows to its full size

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise unknown("schedule", self.schedule, SCHEDULES)
        for name in ("lr", "beta1", "beta2", "eps"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise DistaffError(f"Optim: {name}={value!r}; it must be a number")
        _check_whole("Optim", self, {"warmup": 0})
        positive = all(0 < value < math.inf for value in (self.lr, self.eps))  # which NaN is not
        if not positive or not 0 <= self.beta1 < 1 or not 0 <= self.beta2 < 1 or self.warmup < 0:
            raise DistaffError(f"{self}: lr and eps are above 0, beta1 and beta2 in [0, 1), warmup is not negative")

    @property
    def identity(self) -> dict[str, float | int | str]:
        """What a run's id hashes; fields that came later are left out at the value that runs had before them."""
        since = {"schedule": "constant", "warmup": 0}
        return {name: value for name, value in asdict(self).items() if since.get(name) != value}

    def differences(self, other: Optim) -> list[str]:
        """Each field that is not as in `other`, as `lr=0.001`."""
        return [f"{name}={value}" for name, value in asdict(self).items() if value != getattr(other, name)]


PRECISIONS = ("fp32", "bf16")  # bf16: products in bfloat16; weights, sums, losses and Adam in float32
CRITIC_OPTIM = Optim(beta1=0.5, beta2=0.9)  # the 2019 study's, after Kim and Mnih (2018)


@dataclass(frozen=True)
class Setting:
    """A run without its seed: all that can change the weights of a model but its draws.

    The runs of one setting are its seeds, which statistics take as a sample; two runs that differ in anything else are
    of two settings.
    """

    dataset: Spec
    method: Spec
    network: Spec
    critic: Spec | None
    optim: Optim
    critic_optim: Optim
    batch: int
    updates: int
    precision: str

    @functools.cached_property
    def identity(self) -> dict[str, object]:
        """What the ids of its runs hash beside their seeds."""
        return {
            "dataset": self.dataset.identity,
            "method": self.method.identity,
            "network": self.network.identity,
            "critic": self.critic.identity if self.critic else None,
            "optim": self.optim.identity,
            "critic_optim": self.critic_optim.identity if self.critic else None,
            "batch": self.batch,
            "updates": self.updates,
            "precision": self.precision,
        }

    @functools.cached_property
    def id(self) -> str:
        """Sixteen digits that hash every resolved parameter and the version of each plug-in."""
        return content_id(self.identity)

    @functools.cached_property
    def configuration(self) -> str:
        """The id of the setting without its data set: settings of two data sets are the same where theirs is."""
        return content_id({name: value for name, value in self.identity.items() if name != "dataset"})

    @functools.cached_property
    def text(self) -> str:
        """The setting in words: its plug-ins, and whatever else is not at its default."""
        plugins = [str(spec) for spec in (self.dataset, self.method, self.network, self.critic) if spec]
        numbers = {name: getattr(self, name) for name in ("batch", "updates", "precision")}
        other = [f"{name}={value}" for name, value in numbers.items() if value != getattr(Run, name)]
        return ", ".join([*plugins, *self.optim.differences(Optim()), *self._of_critic, *other])

    @property
    def optimiser(self) -> str:
        """The learning rate, and what else of Adam is not at its default, as one text."""
        rest = self.optim.differences(Optim(lr=self.optim.lr))
        return ", ".join([f"lr={self.optim.lr}", *rest, *self._of_critic])

    @property
    def _of_critic(self) -> list[str]:
        return [f"critic_{one}" for one in self.critic_optim.differences(CRITIC_OPTIM)] if self.critic else []


@dataclass(frozen=True)
class Run:
    """One model to train. `updates` counts updates of its parameters; `critic` is its discriminator, if any."""

    dataset: Spec
    method: Spec
    network: Spec
    critic: Spec | None = None
    optim: Optim = Optim()
    critic_optim: Optim = CRITIC_OPTIM
    batch: int = 64
    updates: int = 300_000
    precision: str = "fp32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        _check_whole("a run", self, {"batch": 2, "updates": 1, "seed": 0})
        if self.seed >= 2**32:
            raise DistaffError(f"seed={self.seed}: a seed is an integer from 0 to {2**32 - 1}")

    @functools.cached_property
    def id(self) -> str:
        """Sixteen digits that hash every resolved parameter and the version of each plug-in."""
        return content_id({**self.setting.identity, "seed": self.seed})

    @functools.cached_property
    def setting(self) -> Setting:
        """The run without its seed; without a critic, how one would be trained tells no settings apart."""
        values = {one.name: getattr(self, one.name) for one in fields(Setting)}
        return Setting(**(values if self.critic else {**values, "critic_optim": CRITIC_OPTIM}))

    @property
    def strength(self) -> tuple[str, float] | None:
        """The name and value of the method's first hyperparameter, by which a study orders its settings."""
        return self.method.strength


def run(dataset: str, method: str, network: str = "conv64", critic: str = "critic", **rest: object) -> Run:
    """The run that these texts write, as in `run("toy", "beta_vae(beta=4)", "mlp(width=64)", seed=3)`.

    `critic` is kept only where the method has one, so that it does not change the id of the others.
    """
    spec = METHODS.parse(method)
    has_critic = METHODS.plugin(spec.name).has("critic")
    return Run(
        DATASETS.parse(dataset),
        spec,
        NETWORKS.parse(network),
        CRITICS.parse(critic) if has_critic else None,
        **rest,  # type: ignore[arg-type]
    )


def sweep(name: str, parameter: str, values: Iterable[float]) -> list[str]:
    """The method `name` at each of `values` of `parameter`, as texts."""
    return [str(METHODS.spec(name, **{parameter: value})) for value in values]


def cross(datasets: Iterable[str], methods: Iterable[str], seeds: Iterable[int], **rest: object) -> tuple[Run, ...]:
    """Every data set with every method and every seed, seeds innermost; `rest` as for `run`."""
    seeds, methods = list(seeds), list(methods)
    settings = [run(d, m, **rest) for d in datasets for m in methods]  # type: ignore[arg-type]
    return tuple(replace(setting, seed=seed) for setting in settings for seed in seeds)


def _method_of(run: Run) -> Plugin | None:
    """What the file of the run's method declares; None where it is gone: such runs can be counted, but not trained."""
    try:
        return METHODS.plugin(run.method.name)
    except DistaffError:
        return None


def structure(run: Run) -> tuple[str, str]:
    """The run's method and those of its parameters that are not `Hyper`, in a form that sorts."""
    plugin = _method_of(run)
    hyper = {p.name for p in plugin.parameters if p.hyper} if plugin else set()
    return run.method.name, repr([(name, value) for name, value in run.method.values if name not in hyper])


def side_by_side(run: Run) -> tuple[object, ...]:
    """What runs that are trained side by side share; those with a critic, or with a method's own views, are apart."""
    plugin = _method_of(run)
    own = plugin is None or plugin.has("views") or plugin.has("posterior") or plugin.has("labels")
    own_structure = structure(run) if own else None
    return (
        run.dataset, run.network, run.critic, run.optim, run.critic_optim, run.batch, run.updates, run.precision,
        own_structure,
    )  # fmt: skip


@dataclass(frozen=True)
class Study:
    """A list of runs and what is evaluated on each: `metrics` as texts, on `rows` training and `test_rows` test rows.

    `grid_rows` bounds how many rows of a data set's grid are encoded; `sampling` is how rows are drawn from it:
    "disjoint", no test row shows an image that was trained on, or "2019", with replacement as in the study of that
    year; `pack` how many models are trained side by side; the first `pictures` seeds of each setting are drawn when
    they are scored.
    """

    name: str
    runs: tuple[Run, ...]
    metrics: tuple[str, ...]
    purpose: str = ""
    rows: int = 10_000
    test_rows: int = 5_000
    grid_rows: int = 100_000
    pack: int = 16
    pictures: int = 1
    sampling: str = DISJOINT

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not STUDY_NAME.fullmatch(self.name):
            raise DistaffError(f"study {self.name!r}: a name is letters, digits, '_', '-' and '.', as in my-study")
        _check_whole(f"study {self.name}", self, STUDY_SIZES)
        check_sampling(self.rows, self.test_rows, self.sampling)
        known: dict[str, int] = {}
        for place, run in enumerate(self.runs):
            if (first := known.setdefault(run.id, place)) != place:
                raise DistaffError(
                    f"study {self.name}: runs {first} and {place} are of one setting and one seed, {run.id} twice "
                    f"({run.setting.text}, seed {run.seed}): the same run appears in it twice"
                )
