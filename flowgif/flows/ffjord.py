"""FFJORD: a continuous normalizing flow (Grathwohl et al. 2019, arXiv:1810.01367).

dx/dt = v(x, t) carries N(0, I) at t = 0 to the data at t = 1, and along it d log q / dt = -div v
(instantaneous change of variables: Chen et al. 2018, arXiv:1806.07366, theorem 1), so that
log |det dx(1)/dx(0)| is the integral of the divergence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torchdiffeq import odeint  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from flowgif.config import FFJORDConfig
from flowgif.errors import NumericalError
from flowgif.flows.base import Flow, Mapped
from flowgif.flows.velocity import VelocityField, VelocityNetwork

__all__ = ["FFJORD", "Regularised", "Solver"]

# The field is evaluated on this many points at a time: it keeps activations in the cache and memory bounded.
BLOCK = 2048


@dataclass(frozen=True)
class Solver:
    """How the ODE is integrated.

    Attributes:
        method: a method of torchdiffeq.
        rtol, atol: tolerances of an adaptive method, in data units and nats.
        steps: number of even steps of a fixed method over the whole of [0, 1].
        most_steps: an adaptive method that wants more has lost its way.
    """

    method: str = "dopri5"
    rtol: float = 1e-4
    atol: float = 1e-5
    steps: int = 100
    most_steps: int = 2000

    @property
    def adaptive(self) -> bool:
        return self.method in {"dopri5", "dopri8", "bosh3"}


class Regularised(NamedTuple):
    """A solve to the base, with the integrals that Finlay et al. 2020 (arXiv:2002.02798) penalise.

    Attributes:
        point: z, (n, 2).
        ladj: log |det dz/dx|, (n,).
        kinetic: the integral of |v|^2 over time, (n,); eq. 9.
        jacobian: the integral of the squared Frobenius norm of dv/dx, (n,); eq. 11.
    """

    point: Tensor
    ladj: Tensor
    kinetic: Tensor
    jacobian: Tensor


class FFJORD(Flow):
    """A continuous flow along a velocity field.

    Args:
        field: v(x, t).
        solver: used wherever nothing else is asked for.

    Attributes:
        evaluations: of the field, during the last solve.
    """

    def __init__(self, field: VelocityField, solver: Solver = Solver()) -> None:
        super().__init__()
        assert isinstance(field, nn.Module)
        self.field = field
        self.solver = solver
        self.evaluations = 0

    @classmethod
    def from_config(cls, config: FFJORDConfig, generator: torch.Generator) -> FFJORD:
        """A fresh, untrained flow."""
        network = VelocityNetwork(config.features, config.frequency, config.width, config.depth, generator)
        return cls(network, Solver(config.solver, config.rtol, config.atol, config.solver_steps))

    def velocity(self, x: Tensor, time: float) -> Tensor:
        """v(x, t), (n, 2), in data units per unit of time, for x (n, 2)."""
        return cast(VelocityField, self.field)(x, torch.tensor(time, dtype=x.dtype, device=x.device))

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        state = self._solve(torch.cat((x, x.new_zeros(len(x), 1)), 1), [time, 0.0], self._with_divergence)[-1]
        return Mapped(state[:, :2], state[:, 2])

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        state = self._solve(torch.cat((z, z.new_zeros(len(z), 1)), 1), times.tolist(), self._with_divergence, 0.0)
        return Mapped(state[..., :2], state[..., 2])

    def trajectory(self, z: Tensor, times: Tensor) -> Tensor:
        return self._solve(z, times.tolist(), self._velocity_alone, 0.0)

    def to_base_regularised(self, x: Tensor, solver: Solver, noise: Tensor | None = None) -> Regularised:
        """The solve of the likelihood objective, differentiable by backpropagation through its steps.

        Args:
            x: (n, 2).
            solver: its tolerances are training's, looser than evaluation's.
            noise: (n, 2) of mean 0 and covariance I, kept for the whole solve: the divergence is then Hutchinson's
                estimate e^T (dv/dx) e, and the Frobenius norm |(dv/dx) e|^2 (FFJORD, eq. 7). None: both are exact.
        """

        def field(t: Tensor, state: Tensor) -> Tensor:
            point = state[:, :2]
            v, dv = cast(VelocityField, self.field).derivatives(point, t, noise)
            divergence = dv[0, :, 0] + dv[1, :, 1] if noise is None else (dv[0] * noise).sum(1)
            return torch.cat(
                (v, torch.stack((divergence, v.square().sum(1), dv.square().sum((0, 2))), 1)), 1
            )

        start = torch.cat((x, x.new_zeros(len(x), 3)), 1)
        end = self._solve(start, [1.0, 0.0], field, solver=solver)[-1]
        # Time runs backwards here, so the integrals of what is never negative come out negative.
        return Regularised(end[:, :2], end[:, 2], -end[:, 3], -end[:, 4])

    def _velocity_alone(self, t: Tensor, x: Tensor) -> Tensor:
        field = cast(VelocityField, self.field)
        return torch.cat([field(part, t) for part in x.split(BLOCK)])

    def _with_divergence(self, t: Tensor, state: Tensor) -> Tensor:
        field = cast(VelocityField, self.field)
        out: list[Tensor] = []
        for part in state[:, :2].split(BLOCK):
            v, dv = field.derivatives(part, t)
            out.append(torch.cat((v, (dv[0, :, 0] + dv[1, :, 1])[:, None]), 1))
        return torch.cat(out)

    def _solve(
        self,
        start: Tensor,
        times: list[float],
        field: object,
        begin: float | None = None,
        solver: Solver | None = None,
    ) -> Tensor:
        """The states (k, n, c) at ``times`` (monotonic), from ``start`` at ``begin`` (by default times[0]).

        Raises:
            NumericalError: the solver needs more steps than it is allowed, or meets a number that is not finite.
        """
        solver = solver or self.solver
        self.evaluations = 0

        def counted(t: Tensor, state: Tensor) -> Tensor:
            self.evaluations += 1
            return field(t, state)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]

        stops = list(dict.fromkeys(([] if begin is None else [begin]) + times))  # without repetition
        if len(stops) == 1:
            return start[None].expand(len(times), *start.shape)
        if solver.adaptive:
            options: dict[str, object] = {"max_num_steps": solver.most_steps}
        else:
            options = {"step_size": 1 / solver.steps}
        grid = torch.tensor(stops, dtype=torch.float64, device=start.device)
        try:
            states = odeint(
                counted, start, grid, rtol=solver.rtol, atol=solver.atol, method=solver.method, options=options
            )
        except AssertionError as error:  # torchdiffeq's way to say both
            raise NumericalError(
                f"the ODE solver gave up after {self.evaluations} evaluations ({error}); "
                "train with a lower --lr, or with more regularisation"
            ) from None
        assert isinstance(states, Tensor)
        place = {time: i for i, time in enumerate(stops)}
        return states[[place[time] for time in times]]
