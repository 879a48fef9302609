"""FFJORD: a continuous normalizing flow (Grathwohl et al. 2019, arXiv:1810.01367).

dx/dt = v(x, t) carries N(0, I) at t = 0 to the data at t = 1, and along it d log q / dt = -div v
(instantaneous change of variables: Chen et al. 2018, arXiv:1806.07366, theorem 1), so that
log |det dx(1)/dx(0)| is the integral of the divergence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import nan

import torch
from torch import Tensor

from flowgif import names
from flowgif.config.models import FFJORDConfig
from flowgif.errors import NumericalError
from flowgif.flows.base import ContinuousFlow, Ink, Mapped, Regularised
from flowgif.flows.continuous.concatsquash import ConcatSquashNetwork
from flowgif.flows.continuous.grid import GridNetwork
from flowgif.flows.continuous.nodes import fit_grids
from flowgif.flows.continuous.solver import Derivative, Solution, Solver, solve
from flowgif.flows.continuous.velocity import Prepared, VelocityField, VelocityNetwork
from flowgif.flows.points import dtypes_of, for_any_points, is_far
from flowgif.machine.device import use_threads
from flowgif.machine.parallel import ordered_map
from flowgif.names import Table

__all__ = ["FFJORD", "NETWORKS", "NetworkKind", "Solver"]

# Number of points that are solved together. It keeps activations in the cache and memory bounded.
BLOCK = 2048

# An error of one nat in a point's log-density counts as much for the solver's tolerance as this error in its position,
# in data units. The divergence of a network with continuous first derivatives is not smooth, so that the same tolerance
# for both would take four times as many evaluations.
LADJ_WEIGHT = 0.03

# Half the distance of the points of a difference quotient, data units: less than the finest grid's spacing, and enough
# for single precision.
QUOTIENT = 1e-3

# Training by likelihood backpropagates through these steps. With a fixed number of large steps, or a looser tolerance,
# the network would learn to exploit the integrator: the loss falls below the entropy while the true NLL rises.
TRAINING = Solver("dopri5", most_steps=200, late=None)


@dataclass(frozen=True)
class NetworkKind:
    """A row of NETWORKS.

    Attributes:
        build: makes an untrained velocity network from a resolved config; the generator draws the weights.
        fit_config: returns a config with the settings that follow from the target.
    """

    build: Callable[[FFJORDConfig, torch.Generator], VelocityField]
    fit_config: Callable[[FFJORDConfig, Ink], FFJORDConfig] = lambda config, target: config


NETWORKS: Table[NetworkKind] = Table(
    names.NETWORKS,
    {
        "grid": NetworkKind(GridNetwork.from_config, fit_grids),
        "fourier": NetworkKind(VelocityNetwork.from_config),
        "concatsquash": NetworkKind(ConcatSquashNetwork.from_config),
    },
)


class FFJORD(ContinuousFlow):
    """A continuous flow along a velocity field.

    Args:
        field: the velocity v(x, t).
        solver: the solver for evaluation and animation; training by likelihood has a solver with another tolerance.
        hutchinson: whether training by likelihood estimates the divergence.
        tolerance: the tolerance of the solve through which training by likelihood backpropagates.

    Attributes:
        evaluations: number of evaluations of the field during the last solve.
    """

    # The next batch is drawn in a second thread meanwhile, and the products are too small to share.
    training_threads = 1

    def __init__(
        self, field: VelocityField, solver: Solver = Solver(), hutchinson: bool = False, tolerance: float = 5e-4
    ) -> None:
        super().__init__()
        self.field = field
        self.solver = solver
        self.hutchinson = hutchinson
        self.tolerance = tolerance
        self.evaluations = 0

    @classmethod
    def from_config(cls, config: FFJORDConfig, generator: torch.Generator) -> FFJORD:
        """Makes an untrained flow from a resolved config."""
        assert config.network is not None
        network = NETWORKS.find(config.network).build(config, generator)
        solver = Solver(config.solver, config.rtol, config.atol, config.solver_steps)
        return cls(network, solver, config.divergence == "hutchinson", config.tolerance)

    def velocity(self, x: Tensor, time: Tensor) -> Tensor:
        if not len(x):
            return x.clone()
        own, given = dtypes_of(self, x)
        return self.field(x.to(own), time.to(own)).to(given)

    def prepare(self, x: Tensor, time: Tensor, size: int) -> list[Prepared]:
        return self.field.prepare(x, time, size)

    def velocity_of(self, prepared: Prepared) -> Tensor:
        return self.field.velocity_of(prepared)

    def fit_to(self, target: Ink) -> None:
        self.field.fit_to(target)

    @for_any_points
    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        state = self._solve(self._with_divergence, _append_zeros(x, 1), [time, 0.0], self.solver)[-1]
        return Mapped(state[:, :2], state[:, 2] / LADJ_WEIGHT)

    @for_any_points
    def path(self, z: Tensor, times: Tensor) -> Mapped:
        states = self._solve(self._with_divergence, _append_zeros(z, 1), [0.0, *times.tolist()], self.solver)[1:]
        return Mapped(states[..., :2], states[..., 2] / LADJ_WEIGHT)

    @for_any_points
    def trajectory(self, x: Tensor, times: Tensor, start: float = 0.0) -> Tensor:
        return self._solve(self._velocity_alone, x, [start, *times.tolist()], self.solver)[1:]

    def derivative_differences(self, x: Tensor, generator: torch.Generator) -> Tensor:
        # The exact divergence against Hutchinson's estimate e^T (dv/dx) e, whose product is a difference quotient. The
        # points are halfway to the data at random times, nats per unit of time.
        noise = torch.randn(2, *x.shape, generator=generator).to(x)
        time = torch.rand(len(x), generator=generator).to(x)
        x = (1 - time[:, None]) * noise[0] + time[:, None] * x
        exact = self.field.derivatives(x, time).divergence()
        ahead, behind = (self.field(x + step * noise[1], time) for step in (QUOTIENT, -QUOTIENT))
        return exact - ((ahead - behind) * noise[1]).sum(1) / (2 * QUOTIENT)

    def relaxed(self, tolerance: float) -> FFJORD:
        solver = replace(self.solver, rtol=max(tolerance, self.solver.rtol), atol=max(tolerance, self.solver.atol))
        return FFJORD(self.field, solver, self.hutchinson, self.tolerance)

    def to_base_regularised(self, x: Tensor, generator: torch.Generator) -> Regularised:
        # Hutchinson's estimate of the divergence is e^T (dv/dx) e with one e for the whole solve. That of the squared
        # Frobenius norm is |(dv/dx) e|^2 (Grathwohl et al., eq. 7; Finlay et al., eq. 11).
        noise = None
        if self.hutchinson:
            noise = torch.randn(x.shape, generator=generator, device=generator.device).to(x)

        def derivative(t: Tensor, state: Tensor) -> Tensor:
            v, dv = derivatives = self.field.derivatives(state[:, :2], t, noise)
            divergence = derivatives.divergence() if noise is None else (dv[0] * noise).sum(1)
            integrands = torch.stack((divergence, v.square().sum(1), dv.square().sum((0, 2))), 1)
            return torch.cat((v, LADJ_WEIGHT * integrands), 1)

        solver = replace(TRAINING, rtol=self.tolerance, atol=self.tolerance)
        end = self._solve(derivative, _append_zeros(x, 3), [1.0, 0.0], solver)[-1]
        ladj, kinetic, jacobian = (end[:, 2:] / LADJ_WEIGHT).unbind(1)
        # Time runs backwards in this solve, so the integrals of nonnegative quantities have the wrong sign.
        return Regularised(end[:, :2], ladj, -kinetic, -jacobian)

    def _velocity_alone(self, t: Tensor, x: Tensor) -> Tensor:
        return self.field(x, t)

    def _with_divergence(self, t: Tensor, state: Tensor) -> Tensor:
        derivatives = self.field.derivatives(state[:, :2], t)
        return torch.cat((derivatives.velocity, LADJ_WEIGHT * derivatives.divergence()[:, None]), 1)

    def _solve(self, f: Derivative, start: Tensor, times: Sequence[float], solver: Solver) -> Tensor:
        """Solves from times[0]; returns the states (k, n, c) at all times and stores the evaluation count.

        Without gradients, blocks of points are solved by themselves, each with steps of its own, and threads share the
        blocks. That costs less than sharing every operation, and a thread on a busy core holds up no other.
        """
        if len(start) <= BLOCK or torch.is_grad_enabled():
            solutions = [_solve_block(f, times, solver, start)]
        else:
            without_gradients = torch.no_grad()(partial(_solve_block, f, times, solver))  # a thread inherits no mode
            with use_threads(1):
                solutions = list(ordered_map(without_gradients, start.split(BLOCK)))
        self.evaluations = max(solution.evaluations for solution in solutions)
        return torch.cat([solution.states for solution in solutions], 1)


def _solve_block(f: Derivative, times: Sequence[float], solver: Solver, start: Tensor) -> Solution:
    """Solves from the states ``start`` (n, c); if that fails, without the far points, whose states are then nan.

    Raises:
        NumericalError: the solve fails without far points too.
    """
    try:
        return solve(f, start, times, solver)
    except NumericalError:
        far = is_far(start[:, :2])
        if not bool(far.any()):
            raise
    states, evaluations = start.new_full((len(times), *start.shape), nan), 0
    if not bool(far.all()):
        states[:, ~far], evaluations = solve(f, start[~far], times, solver)
    return Solution(states, evaluations)


def _append_zeros(x: Tensor, columns: int) -> Tensor:
    """Appends columns of zeros, the initial values of integrals, to points (n, 2)."""
    return torch.cat((x, x.new_zeros(len(x), columns)), 1)
