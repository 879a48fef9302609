"""The velocity network that reads its features from grids of splines, which differentiates without autograd."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowgif.config.models import FFJORDConfig
from flowgif.flows.base import Ink
from flowgif.flows.continuous.nodes import Grids, grids_of, place_nodes
from flowgif.flows.continuous.table import TAPS, evaluate_layers, look_up
from flowgif.flows.continuous.velocity import Derivatives, Prepared, VelocityField, differentiate_layers
from flowgif.flows.networks import ListOf, initialise_uniformly

__all__ = ["GridNetwork"]


class Located(NamedTuple):
    """Where points lie in the grids.

    Attributes:
        rows: the rows of the table that each point reads in each grid, (TAPS, levels, n) int32.
        along_x, along_y: the weights of the three columns and rows of nodes, (3, levels, n).
        offset: the distance to the middle node along x and y, in spacings, (2, levels, n).
    """

    rows: Tensor
    along_x: Tensor
    along_y: Tensor
    offset: Tensor


class Moment(NamedTuple):
    """What the network needs to know of each point's time.

    Attributes:
        rate: c(t), (n, 1) or (1, 1).
        shrink: dy/dx = t / s^2, (n, 1) or (1, 1).
        damping: the factor of each grid, (levels, n) or (levels, 1). The finest grids are left out if they count for
            nothing.
        clock: features of the time, (n, 1 + 2 waves) or (1, 1 + 2 waves).
    """

    rate: Tensor
    shrink: Tensor
    damping: Tensor
    clock: Tensor


class GridNetwork(VelocityField):
    """v(x, t) = c(t) x + MLP(x, splines at the expected end point, time features).

    As in :class:`flowgif.flows.continuous.velocity.VelocityNetwork`, c(t) x is the velocity of N(0, I), and the
    features are functions of the point's expected end, y = t x / s^2. Here they are quadratic B-splines on grids of
    several spacings, so v has continuous first derivatives, and a feature costs nine multiplications whatever the
    number of nodes. The coefficients at the nodes are weights. (Features from trained grids: Mueller et al. 2022,
    arXiv:2201.05989, section 3, whose grids are hashed and linear.)

    A feature of a grid of spacing h is damped by exp(-(1 - t)^2 / (2 s^2 h^2)): the posterior of the end point is
    wider than the grid's details by then.

    Args:
        grids: the grids.
        nodes: number of nodes that have coefficients; :meth:`fit_to` chooses them. At all others the splines'
            coefficients are 0.
        channels: number of features of a grid.
        width, depth: width and number of the hidden layers, depth at least 1.
        generator: draws the weights.
    """

    TIME_WAVES = 4
    LATE = 0.03  # the time features change most where this is the time left
    LEAST = 1e-6  # a grid whose damping is below this is not read

    places: Tensor
    row_of: Tensor
    spacing: Tensor
    low: Tensor
    last_middle: Tensor
    columns: Tensor
    firsts: Tensor

    def __init__(
        self, grids: Grids, nodes: int, channels: int, width: int, depth: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self._grids, levels = grids, len(grids.sizes)
        # The last row stands for nodes without coefficients. It stays 0.
        coefficients = torch.randn(nodes + 1, channels, generator=generator) * 0.01
        coefficients[-1] = 0
        self.table = nn.Embedding.from_pretrained(coefficients, freeze=False)
        self.register_buffer("places", torch.arange(nodes, dtype=torch.int32))
        self._plain = 2 + 1 + 2 * self.TIME_WAVES  # number of inputs besides the features
        self.first = nn.Linear(self._plain + levels * channels, width)
        self.hidden = ListOf[nn.Linear](nn.Linear(width, width) for _ in range(depth - 1))
        self.last = nn.Linear(width, 2)
        for layer in (self.first, *self.hidden):
            initialise_uniformly(layer, generator)
        # Before training, the velocity is that of N(0, I).
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        spacing = grids.spacings()
        self.register_buffer("row_of", torch.empty(0), persistent=False)
        self.register_buffer("spacing", spacing, persistent=False)
        self.register_buffer("low", torch.tensor(grids.box[:2])[:, None, None], persistent=False)
        columns, rows = torch.tensor(grids.sizes).T
        self.register_buffer("last_middle", torch.stack((columns, rows))[..., None].float() - 2, persistent=False)
        self.register_buffer("columns", columns[:, None].int(), persistent=False)
        self.register_buffer("firsts", torch.tensor(grids.firsts)[:, None].int(), persistent=False)
        # The exponents by which grids are damped. The harmonic mean over the axes stands for h^2, where the spacings
        # along x and y differ.
        self._falls: list[float] = (-0.25 * spacing.pow(-2).sum(0)).tolist()
        self.map_nodes()
        self.register_load_state_dict_post_hook(_map_loaded_nodes)

    @classmethod
    def from_config(cls, config: FFJORDConfig, generator: torch.Generator) -> GridNetwork:
        """Makes an untrained network from a config that was fitted to a target."""
        assert config.nodes is not None
        assert config.channels is not None
        assert config.width is not None
        assert config.depth is not None
        return cls(grids_of(config), config.nodes, config.channels, config.width, config.depth, generator)

    def fit_to(self, target: Ink) -> None:
        self.places.copy_(place_nodes(self._grids, target))
        self.map_nodes()

    def map_nodes(self) -> None:
        """Finds the row of the table for every node of the grids.

        Raises:
            RuntimeError: a node lies outside of the grids.
        """
        if len(self.places) and not 0 <= int(self.places.min()) <= int(self.places.max()) < self._grids.count:
            raise RuntimeError("a node lies outside of the grids")
        rows = torch.arange(len(self.places), dtype=torch.int32, device=self.places.device)
        nothing = self.places.new_full((self._grids.count,), len(self.places))
        self.row_of = nothing.index_put((self.places.long(),), rows)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return self.velocity_of(self.prepare(x, time, len(x))[0])

    def prepare(self, x: Tensor, time: Tensor, size: int) -> list[Prepared]:
        moment = self._at(time)
        located = self._locate(moment.shrink * x, len(moment.damping))
        weights = _tensor_product(located.along_y * moment.damping, located.along_x)
        inputs = torch.cat((x, moment.clock.expand(len(x), -1)), 1)
        by_point = inputs.split(size), (moment.rate * x).split(size)
        by_tap = ((_by_level(part) for part in taps.split(size, 2)) for taps in (located.rows, weights))
        return list(zip(*by_point, *by_tap, strict=True))

    def velocity_of(self, prepared: Prepared) -> Tensor:
        inputs, straight, rows, weights = prepared
        levels = len(rows) // len(inputs)
        if not (inputs.requires_grad or weights.requires_grad):
            first = self.first.weight[:, : self._plain + levels * self.table.embedding_dim]
            layers = [p for layer in (*self.hidden, self.last) for p in (layer.weight, layer.bias)]
            return straight + evaluate_layers(
                self.table.weight, levels, inputs, rows, weights, (first, self.first.bias, *layers)
            )
        a = self._enter(inputs, self._features(rows, weights, levels))
        for layer in (*self.hidden, self.last):
            a = layer(F.silu(a))
        return a + straight

    def derivatives(self, x: Tensor, time: Tensor, noise: Tensor | None = None) -> Derivatives:
        moment = self._at(time)
        levels = len(moment.damping)
        located = self._locate(moment.shrink * x, levels)
        f = located.offset
        # d(spline)/dx = d(spline)/dy dy/dx, and y is measured in spacings.
        rates = torch.stack((f - 0.5, -2 * f, f + 0.5)) * (moment.shrink.squeeze(1) / self.spacing[:, :levels, None])
        along_y = located.along_y * moment.damping
        rows = _by_level(located.rows)
        value, by_x, by_y = (
            self._features(rows, _by_level(_tensor_product(of_y, of_x)), levels)
            for of_y, of_x in (
                (along_y, located.along_x),
                (along_y, rates[:, 0]),
                (rates[:, 1] * moment.damping, located.along_x),
            )
        )
        a = self._enter(torch.cat((x, moment.clock.expand(len(x), -1)), 1), value)
        # Tangents go through the layers together with the value.
        straight, of_features = self.first.weight[:, :2], self.first.weight[:, self._plain :][:, : value.shape[1]]
        da = torch.stack((by_x, by_y)) @ of_features.T + straight.T[:, None]
        return differentiate_layers(x, moment.rate, a, da, (*self.hidden, self.last), noise)

    def _features(self, rows: Tensor, weights: Tensor, levels: int) -> Tensor:
        """Reads the features of the coarsest grids at n points, (n, levels channels)."""
        features = look_up(self.table.weight, rows, weights).view(levels, len(rows) // levels, -1)
        return features.transpose(0, 1).flatten(1)

    def _enter(self, inputs: Tensor, features: Tensor) -> Tensor:
        """Computes the first layer's sums, (n, width); the features of finer grids, which are left out, are 0."""
        h = torch.cat((inputs, features), 1)
        return F.linear(h, self.first.weight[:, : h.shape[1]], self.first.bias)

    def _at(self, time: Tensor) -> Moment:
        if time.ndim == 0:
            return self._at_one(float(time))
        t = time[:, None]
        left = (1 - t) ** 2
        square = t * t + left
        damping = torch.exp(t.new_tensor(self._falls)[:, None] * (left / square).T)
        # Tiny factors would give products that are too small for normal floats, which take a hundred times as long.
        damping = damping * (damping > self.LEAST)
        tau = 1 - torch.log1p((1 - t) / self.LATE) / math.log1p(1 / self.LATE)
        beats = tau * (math.pi * torch.arange(1, self.TIME_WAVES + 1, dtype=t.dtype, device=t.device))
        return Moment((2 * t - 1) / square, t / square, damping, torch.cat((tau, beats.sin(), beats.cos()), 1))

    def _at_one(self, t: float) -> Moment:
        """Computes the same for one time of all points. Tensors for single numbers would take half an evaluation."""
        left = (1 - t) ** 2
        square = t * t + left
        factors = [math.exp(fall * left / square) for fall in self._falls]
        factors = [factor for factor in factors if factor > self.LEAST] or [0.0]
        tau = 1 - math.log1p((1 - t) / self.LATE) / math.log1p(1 / self.LATE)
        beats = [math.pi * wave * tau for wave in range(1, self.TIME_WAVES + 1)]
        clock = [tau, *map(math.sin, beats), *map(math.cos, beats)]
        new = self.low.new_tensor
        return Moment(new([[(2 * t - 1) / square]]), new([[t / square]]), new(factors)[:, None], new(clock)[None])

    def _locate(self, y: Tensor, levels: int) -> Located:
        """Finds the nodes and the splines' values at points y (n, 2) in the coarsest grids."""
        columns, firsts = self.columns[:levels], self.firsts[:levels]
        u = (y.T[:, None] - self.low) / self.spacing[:, :levels, None]
        # fmin: a point that is not a number has some node too, and its velocity is not a number anyway.
        middle = torch.fmin(u.round().clamp_(min=1), self.last_middle[:, :levels])
        # Beyond the box the splines are 0, because the outermost nodes have no coefficients.
        f = (u - middle).clamp_(-0.5, 0.5)
        values = torch.stack((0.5 * (f - 0.5) ** 2, 0.75 - f * f, 0.5 * (f + 0.5) ** 2))
        column, row = middle.int()
        steps = torch.arange(-1, 2, dtype=torch.int32, device=y.device)
        around = (steps[:, None, None, None] * columns + steps[:, None, None]).view(TAPS, -1, 1)
        nodes = around + (firsts + row * columns + column)
        rows = self.row_of.index_select(0, nodes.view(-1)).view(nodes.shape)
        return Located(rows, values[:, 0], values[:, 1], f)


def _map_loaded_nodes(network: nn.Module, incompatible_keys: object) -> None:
    """Maps the nodes that a state brought.

    Raises:
        RuntimeError: a node lies outside of the grids.
    """
    assert isinstance(network, GridNetwork)
    network.map_nodes()


def _tensor_product(along_y: Tensor, along_x: Tensor) -> Tensor:
    """Multiplies weights along the axes, (3, levels, n) each; returns (TAPS, levels, n)."""
    return (along_y[:, None] * along_x).flatten(0, 1)


def _by_level(taps: Tensor) -> Tensor:
    """Rearranges (TAPS, levels, n) to (levels n, TAPS)."""
    return taps.permute(1, 2, 0).reshape(-1, TAPS)
