"""Flows of layers of zuko and normflows, trained by maximum likelihood, and zuko's continuous flow."""

from __future__ import annotations

from torch import Tensor, nn

from peers.base import Peer

__all__ = ["NormflowsCoupledNSF", "NormflowsNSF", "NormflowsRealNVP", "ZukoCNF", "ZukoNSF", "ZukoRealNVP"]

LAYERS, COUPLINGS, BINS = 6, 12, 16


class _Zuko(Peer):
    """A flow of zuko."""

    def __init__(self, flow: nn.Module) -> None:
        super().__init__()
        self.flow = flow

    def exact_log_prob(self, x: Tensor) -> Tensor:
        return self.flow().log_prob(x)

    def loss(self, x: Tensor) -> Tensor:
        return -self.flow().log_prob(x).mean()


class ZukoNSF(_Zuko):
    """Autoregressive layers of rational-quadratic splines."""

    def __init__(self, width: int) -> None:
        import zuko

        super().__init__(zuko.flows.NSF(2, 0, bins=BINS, transforms=LAYERS, hidden_features=[width] * 3))


class ZukoRealNVP(_Zuko):
    """Affine coupling layers."""

    def __init__(self, width: int) -> None:
        import zuko

        super().__init__(zuko.flows.RealNVP(2, 0, transforms=COUPLINGS, hidden_features=[width] * 2))


class ZukoCNF(_Zuko):
    """A free-form continuous flow with the exact trace, through zuko's own adaptive solver and adjoint."""

    def __init__(self, width: int) -> None:
        import zuko

        super().__init__(zuko.flows.CNF(2, 0, hidden_features=[width] * 3))


class _Normflows(Peer):
    """A flow of normflows."""

    def __init__(self, layers: list[nn.Module]) -> None:
        import normflows

        super().__init__()
        self.flow = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(2, trainable=False), layers)

    def exact_log_prob(self, x: Tensor) -> Tensor:
        return self.flow.log_prob(x)

    def loss(self, x: Tensor) -> Tensor:
        return self.flow.forward_kld(x)


class NormflowsNSF(_Normflows):
    """Autoregressive layers of rational-quadratic splines with learned linear maps between, as in its examples."""

    kind = "AutoregressiveRationalQuadraticSpline"

    def __init__(self, width: int) -> None:
        import normflows

        layers: list[nn.Module] = []
        for _ in range(LAYERS):
            spline = getattr(normflows.flows, self.kind)(2, 2, width, num_bins=BINS)
            layers += [spline, normflows.flows.LULinearPermute(2)]
        super().__init__(layers)


class NormflowsCoupledNSF(NormflowsNSF):
    """The same of coupling layers, which cost less."""

    kind = "CoupledRationalQuadraticSpline"


class NormflowsRealNVP(_Normflows):
    """Affine coupling layers with swapped coordinates between, as in its examples."""

    def __init__(self, width: int) -> None:
        import normflows

        layers: list[nn.Module] = []
        for _ in range(COUPLINGS):
            network = normflows.nets.MLP([1, width, width, 2], init_zeros=True)
            layers += [normflows.flows.AffineCouplingBlock(network), normflows.flows.Permute(2, mode="swap")]
        super().__init__(layers)
