"""The passes of one run of a method, as Captum asks for them: turn by turn, counted, and stopped between two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import Cost
from derm_model.net.saliency.target import Target
from derm_model.progress import Progress, Report


class Passes:
    """Forward function and gradient function for Captum's methods.

    Parameters
    ----------
    explainer, target
    stage : str
        What is being done, as the user reads it.
    cost : Cost
        Of the whole run, to tell how far it is.
    report
        Called at the start and after each step, when the engine is free again. What it raises ends the work.
    """

    def __init__(self, explainer: Explainer, target: Target, stage: str, cost: Cost, report: Report) -> None:
        self.evidence = explainer.evidence(target)
        self._engine, self._stage, self._total, self._report = explainer.engine, stage, cost.passes, report
        self._done = 0
        self._tell(0)

    def values(self, units: Tensor) -> Tensor:
        """Evidence (n,) of (n, 3, h, w), double; no gradient."""
        with self.step(len(units)), torch.inference_mode():
            return self.evidence(units)

    def gradients(
        self,
        forward_fn: Callable[[Tensor], Tensor],
        inputs: tuple[Tensor, ...],
        target_ind: object = None,
        additional_forward_args: object = None,
    ) -> tuple[Tensor, ...]:
        """Takes the place of Captum's `gradient_func`; the names are Captum's, and the last two are not used.

        Returns
        -------
        one tensor (n, 3, h, w) double
            What methods add up and square should not be rounded to single precision each time.
        """
        (units,) = inputs
        with self.step(len(units)), torch.enable_grad():
            (gradient,) = torch.autograd.grad(forward_fn(units).sum(), units)
        return (gradient.double(),)

    @contextmanager
    def step(self, n_passes: int) -> Iterator[None]:
        """Have the network to oneself for these passes, then report them."""
        with self._engine.turn():
            yield
        self._tell(n_passes)

    def _tell(self, n_passes: int) -> None:
        self._done += n_passes
        self._report(Progress(self._stage, self._done, self._total, "passes"))
