"""FFJORD: a continuous normalizing flow (Grathwohl et al. 2019, arXiv:1810.01367).

dx/dt = v(x, t) carries N(0, I) at t = 0 to the data at t = 1, and along it d log q / dt = -div v
(instantaneous change of variables: Chen et al. 2018, arXiv:1806.07366, theorem 1), so that
log |det dx(1)/dx(0)| is the integral of the divergence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn
from torchdiffeq import odeint

from flowgif.config.schema import FFJORDConfig
from flowgif.errors import NumericalError
from flowgif.flows.base import ContinuousFlow, Mapped, Regularised
from flowgif.flows.continuous.velocity import ConcatSquashNetwork, VelocityField, VelocityNetwork

__all__ = ["FFJORD", "Solver"]

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
        late: an adaptive method's time is -log(1 + late - t). A fitted velocity changes within as little time as its
            points have left, down to the density's details at the end; so even steps in this time suit it, where in
            t itself every other one is tried too long and rejected. None for t.
    """

    method: str = "dopri5"
    rtol: float = 1e-7
    atol: float = 1e-7
    steps: int = 100
    most_steps: int = 2000
    late: float | None = 0.03

    @property
    def adaptive(self) -> bool:
        return self.method in {"dopri5", "dopri8", "bosh3"}


# Backpropagation goes through these steps. A fixed number of large ones, or a looser tolerance, lets the network
# learn to exploit the integrator: the loss falls below the entropy while the true NLL rises.
TRAINING = Solver("dopri5", most_steps=200, late=None)


class FFJORD(ContinuousFlow):
    """A continuous flow along a velocity field.

    Args:
        field: v(x, t).
        solver: of evaluation and animation; training by likelihood has its own tolerance.
        hutchinson: whether training by likelihood estimates the divergence.
        tolerance: of the solve that training by likelihood goes through.

    Attributes:
        evaluations: of the field, during the last solve.
    """

    def __init__(
        self, field: VelocityField, solver: Solver = Solver(), hutchinson: bool = False, tolerance: float = 1e-3
    ) -> None:
        super().__init__()
        assert isinstance(field, nn.Module)
        self.field = field
        self.solver = solver
        self.hutchinson = hutchinson
        self.tolerance = tolerance
        self.evaluations = 0

    @classmethod
    def from_config(cls, config: FFJORDConfig, generator: torch.Generator) -> FFJORD:
        """A fresh, untrained flow of a resolved config."""
        assert config.features is not None
        assert config.frequency is not None
        assert config.width is not None
        assert config.depth is not None
        # Details are as fine along either axis of the picture, so along a banner they are finer in data units.
        finer = math.sqrt(config.aspect or 1.0)
        frequency = (config.frequency * finer, config.frequency / finer)
        if config.network == "concatsquash":
            network = ConcatSquashNetwork(config.width, config.depth, config.end_time, generator)
        else:
            network = VelocityNetwork(config.features, frequency, config.width, config.depth, generator)
        solver = Solver(config.solver, config.rtol, config.atol, config.solver_steps)
        return cls(network, solver, config.divergence == "hutchinson", config.tolerance)

    def velocity(self, x: Tensor, time: Tensor) -> Tensor:
        return cast(VelocityField, self.field)(x, time)

    def to_base(self, x: Tensor, time: float = 1.0) -> Mapped:
        state = self._solve(torch.cat((x, x.new_zeros(len(x), 1)), 1), [time, 0.0], self._with_divergence)[-1]
        return Mapped(state[:, :2], state[:, 2])

    def path(self, z: Tensor, times: Tensor) -> Mapped:
        state = self._solve(torch.cat((z, z.new_zeros(len(z), 1)), 1), times.tolist(), self._with_divergence, 0.0)
        return Mapped(state[..., :2], state[..., 2])

    def trajectory(self, x: Tensor, times: Tensor, start: float = 0.0) -> Tensor:
        return self._solve(x, times.tolist(), self._velocity_alone, start)

    def relaxed(self, tolerance: float) -> FFJORD:
        solver = replace(self.solver, rtol=max(tolerance, self.solver.rtol), atol=max(tolerance, self.solver.atol))
        return FFJORD(cast(VelocityField, self.field), solver, self.hutchinson, self.tolerance)

    def to_base_regularised(self, x: Tensor, generator: torch.Generator) -> Regularised:
        # Hutchinson's estimate is e^T (dv/dx) e with one e for the whole solve, and of the Frobenius norm
        # |(dv/dx) e|^2 (Grathwohl et al., eq. 7; Finlay et al., eq. 11).
        noise = None
        if self.hutchinson:
            noise = torch.randn(x.shape, generator=generator, device=generator.device).to(x)

        def field(t: Tensor, state: Tensor) -> Tensor:
            point = state[:, :2]
            v, dv = cast(VelocityField, self.field).derivatives(point, t, noise)
            divergence = dv[0, :, 0] + dv[1, :, 1] if noise is None else (dv[0] * noise).sum(1)
            return torch.cat((v, torch.stack((divergence, v.square().sum(1), dv.square().sum((0, 2))), 1)), 1)

        start = torch.cat((x, x.new_zeros(len(x), 3)), 1)
        solver = replace(TRAINING, rtol=self.tolerance, atol=self.tolerance)
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

        stops = list(dict.fromkeys(([] if begin is None else [begin]) + times))  # without repetition
        if len(stops) == 1:
            return start[None].expand(len(times), *start.shape)
        dtype = torch.float32 if start.device.type == "mps" else torch.float64  # MPS has no float64
        grid = torch.tensor(stops, dtype=dtype, device=start.device)
        if solver.adaptive:
            options: dict[str, object] = {"max_num_steps": solver.most_steps}
        else:
            options = {"step_size": 1 / solver.steps}
        late = solver.late if solver.adaptive else None

        def counted(t: Tensor, state: Tensor) -> Tensor:
            self.evaluations += 1
            if late is None:
                return field(t, state)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]
            left = torch.exp(-t)
            return field(1 + late - left, state) * left.to(state)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]

        if late is not None:
            grid = -torch.log(1 + late - grid)
            # About what fitted pictures take there; a solver that looks for its first step begins ten times as short.
            longest = 0.12 + 0.1 * max(float(grid[0]), 0.0)
            options["first_step"] = longest * (solver.rtol / 1e-5) ** 0.2  # as the fifth root, by the method's order
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
