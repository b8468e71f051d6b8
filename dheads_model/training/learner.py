"""The state that a training changes: network, optimisers and averaged weights."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from dheads_model.network.placement import compile_for_training
from dheads_model.network.talking_model import TalkingModel
from dheads_model.training.distillation import Teacher
from dheads_model.training.initial_audio import InitialAudioEncoder
from dheads_model.training.micro_batches import Run
from dheads_model.training.muon import Muon
from dheads_model.training.parameters import muon_weights, parameter_groups
from dheads_model.training.settings import RunSettings, TrainingSettings, ema_rate


@dataclass
class Learner:
    """names, weights: the weights that are trained. average: EMA of the whole state dictionary. rate_factors: of the
    optimiser's groups, by which the learning rate is multiplied. muon: the optimiser of convolutions, or None. averaged: for
    distillation, a model whose weights are those of `average`, always; else None."""

    settings: TrainingSettings
    model: TalkingModel
    optimizer: torch.optim.Optimizer
    muon: Muon | None
    rate_factors: list[float]
    names: list[str]
    weights: list[nn.Parameter]
    average: dict[str, Tensor]
    _current: list[Tensor]  # the model's own, which training changes in place
    averaged: TalkingModel | None = None

    @classmethod
    def new(
        cls,
        run: RunSettings,
        device: torch.device,
        audio_encoder: InitialAudioEncoder | None,
        teacher: Teacher | None = None,
    ) -> "Learner":
        """A new one with the weights that the training's seed draws, and those of a trained audio encoder, or of a teacher."""
        settings = run.training
        torch.manual_seed(settings.seed)
        model = TalkingModel(run.network, run.diffusion).to(device)
        model.unet.gradient_checkpointing = settings.gradient_checkpointing
        if device.type == "cuda":
            model.precision = torch.bfloat16
            if settings.compiled:
                compile_for_training(model)
        if audio_encoder is not None:
            audio_encoder.start(model)
        if teacher is not None:
            teacher.start(model)
        average = {name: value.clone() for name, value in model.state_dict().items()}
        trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        optimizer = torch.optim.AdamW(
            parameter_groups(model, settings),
            lr=settings.learning_rate,
            betas=settings.adam_betas,
            weight_decay=0.0,
            fused=True,
        )
        factors = [group.pop("rate_factor") for group in optimizer.param_groups]  # no part of the state
        convolutions = muon_weights(model, settings)
        muon = Muon(convolutions, settings.muon_learning_rate) if convolutions else None
        learner = cls(settings, model, optimizer, muon, factors, list(trained), list(trained.values()), average,
                      list(model.state_dict().values()))  # fmt: skip
        if teacher is not None:
            learner.averaged = TalkingModel(run.network, run.diffusion).to(device).eval().requires_grad_(False)
            learner.averaged.precision = model.precision
            learner._share_average()
        return learner

    def _share_average(self) -> None:
        """Let the averaged model have the tensors of `average`, which are changed in place."""
        if self.averaged is not None:
            self.averaged.load_state_dict(self.average, assign=True)

    def state(self) -> dict:
        """What the state of a training keeps of it: weights, their average and the optimizers' moments."""
        state = {"model": self.model.state_dict(), "average": self.average, "optimizer": self.optimizer.state_dict()}
        return state if self.muon is None else state | {"muon": self.muon.state_dict()}

    def restore(self, state: dict) -> None:
        """Take the weights and moments of a state."""
        device = self.weights[0].device
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.muon is not None:
            self.muon.load_state_dict(state["muon"])
        self.average = {name: value.to(device) for name, value in state["average"].items()}
        self._share_average()

    def forget_gradients(self) -> None:
        """Leave all weights without a gradient."""
        self.model.zero_grad(set_to_none=True)

    def take_step(self, step: int, rate: float, norm: Tensor, run: Run) -> None:
        """Clip the gradients, whose whole norm is `norm`, let the optimisers step, and average.

        rate: learning rate of AdamW; Muon's changes in proportion. run: as of `open_tasks`.
        """
        torch.nn.utils.clip_grads_with_norm_(self.weights, self.settings.gradient_clip or math.inf, norm)
        for group, factor in zip(self.optimizer.param_groups, self.rate_factors, strict=True):
            group["lr"] = rate * factor
        self.optimizer.step()
        if self.muon is not None:
            for group in self.muon.param_groups:
                group["lr"] = rate / self.settings.learning_rate * self.settings.muon_learning_rate
            self.muon.step(run)
        get_ema_multi_avg_fn(ema_rate(self.settings, step))(list(self.average.values()), self._current, step)
