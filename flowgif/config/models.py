"""The settings of each model. A new model derives a class from :class:`ModelConfig` and enters ``recipes.MODELS``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from flowgif import names
from flowgif.config.fields import Positive, Settings, Width, one_of

__all__ = [
    "AffineConfig",
    "ConditionerConfig",
    "FFJORDConfig",
    "GlowConfig",
    "ModelConfig",
    "RealNVPConfig",
    "SplineConfig",
]


class ModelConfig(Settings, frozen=True):
    """The settings of a flow. A model derives a class from it, which narrows ``name`` to the model's name, the default.

    Attributes:
        name: the model's name, which is its key in tables.
        aspect: how many times smaller details are along x than along y, in data units; by default the target's value.
    """

    name: str
    aspect: Positive | None = None

    def resolved(self, objective: str) -> Self:
        """Returns these settings with None replaced by values that suit the objective; by default changes nothing."""
        return self

    def count_weights(self) -> int:
        """Returns about how many weights resolved settings ask for; 0 if it is not known."""
        return 0


Side = Annotated[float, Field(ge=-1000, le=1000)]
# The size of a velocity network by its name, and by the objective. Flow matching can afford a larger one: a step costs
# one evaluation, a step through a solve about a hundred.
LEVELS = 20  # more grids than a network has
USUAL_NETWORKS = {"flow-matching": "grid"}  # by objective; all others have fourier
SIZES: dict[str, dict[str, dict[str, float]]] = {
    "grid": {
        "flow-matching": {"channels": 4, "width": 64, "depth": 2},
        "likelihood": {"channels": 4, "width": 64, "depth": 2},
    },
    "fourier": {
        "flow-matching": {"features": 128, "frequency": 10.0, "width": 112, "depth": 4},
        "likelihood": {"features": 64, "frequency": 4.0, "width": 64, "depth": 3},
    },
    "concatsquash": {"likelihood": {"width": 64, "depth": 3}},
}


class FFJORDConfig(ModelConfig, frozen=True):
    """The velocity network and how its ODE is solved; see ``flowgif.flows.continuous.ffjord``.

    Attributes:
        network: grid reads its features from grids of splines; fourier from sines; concatsquash is the FFJORD paper's,
            with tanh between its layers. By default the objective decides.
        channels: number of features of each grid (grid).
        finest: spacing of the finest grid, data units (grid); by default the target decides, as in the next two.
        box: the lowest x and y and the highest x and y of the grids, data units (grid).
        nodes: number of nodes that have coefficients (grid).
        features: number of Fourier frequencies (fourier).
        frequency: the frequencies' standard deviation, radians per data unit (fourier).
        width, depth: width and number of the hidden layers.
        end_time: the end time of the paper's network before training, which fits the end time too; in all other code
            time ends at 1.
        divergence: exact, or Hutchinson's estimate with one noise vector per solve (training only).
        tolerance: rtol and atol of the solve in training by likelihood.
        solver: dopri5, or another solver of torchdiffeq; used for evaluation and animation.
        rtol, atol: tolerances of an adaptive solver; 2e-7 keeps the inverse's error under 1e-3 data units.
        solver_steps: number of steps of a solver that is not adaptive.
    """

    name: Literal["ffjord"] = "ffjord"
    network: Annotated[str, one_of(names.NETWORKS)] | None = None
    channels: Annotated[int, Field(ge=1, le=64, strict=True)] | None = None
    finest: Positive | None = None
    box: tuple[Side, Side, Side, Side] | None = None
    nodes: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] | None = None
    features: Width | None = None
    frequency: Positive | None = None
    width: Width | None = None
    depth: Annotated[int, Field(ge=1, le=64, strict=True)] | None = None
    end_time: Annotated[float, Field(gt=0, le=100)] = 1.0
    divergence: Literal["exact", "hutchinson"] = "exact"
    tolerance: Annotated[float, Field(gt=0, le=0.1)] = 5e-4
    solver: Literal["dopri5", "dopri8", "bosh3", "rk4", "midpoint", "euler"] = "dopri5"
    rtol: Positive = 2e-7
    atol: Positive = 2e-7
    solver_steps: Annotated[int, Field(ge=1, le=100_000, strict=True)] = 100

    def resolved(self, objective: str) -> Self:
        """Returns these settings with None replaced by the network size that suits the objective."""
        network = self.network or USUAL_NETWORKS.get(objective, "fourier")
        by_objective = SIZES.get(network, {})
        usual = {"network": network, **by_objective.get(objective, by_objective.get("likelihood", {}))}
        return self.model_copy(update={key: value for key, value in usual.items() if getattr(self, key) is None})

    def count_weights(self) -> int:
        width, inputs = self.width or 0, 2 * (self.features or 0) + LEVELS * (self.channels or 0)
        return width * (inputs + width * ((self.depth or 1) - 1)) + (self.nodes or 0) * (self.channels or 0)


class ConditionerConfig(ModelConfig, frozen=True):
    """The settings that all flows of coupling layers share; see ``flowgif.flows.discrete.coupling``.

    Attributes:
        layers: number of the flow's layers; a layer of Glow is one of its steps.
        features: number of Fourier frequencies of a network's only input; 0 for none.
        frequency: the frequencies' standard deviation, radians per data unit.
        width, depth: width and number of the hidden layers of each network.
        activation: the activation function between the hidden layers.
    """

    layers: Annotated[int, Field(ge=1, le=200, strict=True)]
    features: Annotated[int, Field(ge=0, le=4096, strict=True)] = 0
    frequency: Positive = 3.0
    width: Width = 64
    depth: Annotated[int, Field(ge=1, le=64, strict=True)] = 2
    activation: Annotated[str, one_of(names.ACTIVATIONS)] = "relu"

    def count_weights(self) -> int:
        return self.layers * self.width * (2 * self.features + self.width * (self.depth - 1))


class AffineConfig(ConditionerConfig, frozen=True):
    """The settings that flows of affine couplings share.

    Attributes:
        scale_bound: the bound of the absolute log-scale of a coupling and of an ActNorm.
        two_networks: whether a coupling has two networks, for the scale and for the shift, or one with two outputs.
    """

    scale_bound: Annotated[float, Field(gt=0, le=20)] = 2.0
    two_networks: bool = False


class RealNVPConfig(AffineConfig, frozen=True):
    """RealNVP."""

    name: Literal["realnvp"] = "realnvp"
    layers: Annotated[int, Field(ge=1, le=200, strict=True)] = 20
    width: Width = 32


class GlowConfig(AffineConfig, frozen=True):
    """Glow."""

    name: Literal["glow"] = "glow"
    layers: Annotated[int, Field(ge=1, le=200, strict=True)] = 16
    width: Width = 32


class SplineConfig(ConditionerConfig, frozen=True):
    """Rational-quadratic splines with ``bins`` bins on [-bound, bound], data units."""

    name: Literal["spline"] = "spline"
    layers: Annotated[int, Field(ge=1, le=200, strict=True)] = 4
    features: Annotated[int, Field(ge=0, le=4096, strict=True)] = 32
    frequency: Positive = 6.0
    activation: Annotated[str, one_of(names.ACTIVATIONS)] = "silu"
    bins: Annotated[int, Field(ge=2, le=256, strict=True)] = 32
    bound: Annotated[float, Field(gt=0, le=100)] = 4.5  # of a million points of the cloud, seven lie outside
