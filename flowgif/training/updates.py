"""The updates of weights by their gradients: Adam, and Muon in single precision.

``torch.optim`` has both. Its optimisers import torch's compiler, which takes two seconds of every training. Its Muon
multiplies in bfloat16, for which most processors have no instructions: a step takes four times as long on them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor

__all__ = ["Adam", "Muon", "Optimiser"]


class Optimiser(Protocol):
    """Changes parameters by their gradients. The optimisers of ``torch.optim`` are such, too."""

    param_groups: list[dict[str, Any]]

    def zero_grad(self) -> None:
        """Forgets the gradients."""

    def step(self) -> Any:
        """Changes the parameters, at the rate ``lr`` of each group."""

    def state_dict(self) -> dict[str, Any]:
        """Returns under ``state`` the tensors that each parameter's updates depend on, by the parameter's number."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what ``state_dict`` returned."""


class _Update(ABC):
    """What Adam and Muon share: one group of parameters, and the tensors that go with each.

    Args:
        parameters: that are trained.
        lr: learning rate, which a schedule changes in ``param_groups``.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        self._parameters = list(parameters)
        self.param_groups: list[dict[str, Any]] = [{"params": self._parameters, "lr": lr}]
        self._state = [self._start(p) for p in self._parameters]

    @abstractmethod
    def _start(self, parameter: Tensor) -> dict[str, Tensor]:
        """Returns the tensors of a parameter before its first update."""

    @abstractmethod
    def step(self) -> None:
        """Changes the parameters."""

    @property
    def _lr(self) -> float:
        return self.param_groups[0]["lr"]

    def zero_grad(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        return {"state": dict(enumerate(self._state))}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for number, state in enumerate(self._state):
            for name, value in state.items():
                value.copy_(state_dict["state"][number][name])

    def _trained(self) -> list[tuple[Tensor, Tensor, dict[str, Tensor]]]:
        """The parameters that have a gradient, with it and with their state."""
        pairs = zip(self._parameters, self._state, strict=True)
        return [(p, p.grad, state) for p, state in pairs if p.grad is not None]


class Adam(_Update):
    """Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1), all parameters in one operation.

    Args:
        parameters: that are trained.
        lr: learning rate.
        betas: the decay rates of the averages of the gradients and of their squares.
    """

    EPSILON = 1e-8

    def __init__(self, parameters: Iterable[Tensor], lr: float, betas: tuple[float, float] = (0.9, 0.999)) -> None:
        super().__init__(parameters, lr)
        self._betas = betas

    def _start(self, parameter: Tensor) -> dict[str, Tensor]:
        return {
            "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }

    @torch.no_grad()
    def step(self) -> None:
        trained = self._trained()
        steps = [state["step"] for _, _, state in trained]
        for count in steps:
            count.add_(1)
        # torch has no public name for it; torch.optim.Adam(fused=True) calls the same.
        torch._fused_adam_(  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
            [parameter for parameter, _, _ in trained],
            [gradient for _, gradient, _ in trained],
            [state["exp_avg"] for _, _, state in trained],
            [state["exp_avg_sq"] for _, _, state in trained],
            [],
            steps,
            lr=self._lr,
            beta1=self._betas[0],
            beta2=self._betas[1],
            weight_decay=0.0,
            eps=self.EPSILON,
            amsgrad=False,
            maximize=False,
        )


class Muon(_Update):
    """Muon: momentum whose singular values are set to about 1 (Jordan et al. 2024, kellerjordan.github.io/posts/muon).

    Matrices of nearly one shape are updated together, as batched products: columns of zeros change nothing.

    Args:
        parameters: matrices.
        lr: learning rate.
    """

    MOMENTUM = 0.95
    COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the iteration X <- a X + b (X X^T) X + c (X X^T)^2 X
    ITERATIONS = 5
    EPSILON = 1e-7

    def _start(self, parameter: Tensor) -> dict[str, Tensor]:
        return {"momentum_buffer": torch.zeros_like(parameter)}

    @torch.no_grad()
    def step(self) -> None:
        groups: dict[tuple[int, int], list[tuple[Tensor, Tensor, Tensor]]] = {}
        for parameter, gradient, state in self._trained():
            rows, columns = parameter.shape
            key = rows, (columns - 1).bit_length()
            groups.setdefault(key, []).append((parameter, gradient, state["momentum_buffer"]))
        for (rows, _), group in groups.items():
            widest = max(parameter.shape[1] for parameter, _, _ in group)
            ahead = group[0][1].new_zeros(len(group), rows, widest)
            for i, (parameter, gradient, buffer) in enumerate(group):
                buffer.lerp_(gradient, 1 - self.MOMENTUM)
                # Nesterov's momentum looks one update ahead.
                torch.lerp(gradient, buffer, self.MOMENTUM, out=ahead[i, :, : parameter.shape[1]])
            for (parameter, _, _), update in zip(group, self._orthogonalised(ahead), strict=True):
                columns = parameter.shape[1]
                rate = self._lr * math.sqrt(max(1.0, rows / columns))
                parameter.add_(update[:, :columns], alpha=-rate)

    def _orthogonalised(self, x: Tensor) -> Tensor:
        """Sets the singular values of matrices (k, rows, columns) to about 1 by Newton and Schulz's iteration."""
        a, b, c = self.COEFFICIENTS
        tall = x.shape[1] > x.shape[2]
        if tall:  # the product of the shorter sides is smaller
            x = x.mT
        # Then no singular value is above 1.
        x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=self.EPSILON)
        for _ in range(self.ITERATIONS):
            gram = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
        return x.mT if tall else x
