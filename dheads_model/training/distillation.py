"""Distillation: what a student learns from a trained model, its teacher, in place of the true frames.

guidance: the teacher's denoiser with classifier-free guidance, so that sampling needs one network evaluation a step (Meng et
al. 2023, section 3.1). consistency: the end of the guided teacher's trajectory from every noise level, by consistency
distillation (Song et al. 2023, algorithm 2), so that sampling needs one or two evaluations a frame.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from dheads_model.diffusion.conditions import Conditions, encode_conditions, with_dropped_conditions
from dheads_model.diffusion.denoiser import denoise, denoise_encoded
from dheads_model.diffusion.sampling import guided
from dheads_model.diffusion.schedules import karras_sigmas
from dheads_model.files import sha256_of
from dheads_model.network.export import load_export
from dheads_model.network.talking_model import TalkingModel
from dheads_model.training.distillation_settings import DistillationSettings, check_teacher
from dheads_model.training.settings import RunSettings


@dataclass(frozen=True)
class Teacher:
    """model: in evaluation mode, without gradients. sha256: of the export it comes from."""

    model: TalkingModel
    sha256: str

    def to(self, device: torch.device) -> "Teacher":
        """The same on a device, with the arithmetic of a training there."""
        model = self.model.to(device)
        model.precision = torch.bfloat16 if device.type == "cuda" else torch.float32
        return Teacher(model, self.sha256)

    def start(self, student: TalkingModel) -> None:
        """Put the weights into a new model, before its optimiser and its averages are made.

        The readers of lips and faces are learned from landmarks, so they stay as the teacher's are.
        """
        student.load_state_dict(self.model.state_dict())
        for reader in (student.lip_reader, student.face_reader):
            if reader is not None:
                reader.requires_grad_(False)


def load_teacher(path: Path | str, run: RunSettings) -> Teacher:
    """The teacher of a distilled run from its export, on the CPU. Raises UserError where the two do not fit."""
    model, trained, _ = load_export(path)
    # An older export leaves out settings that the model has.
    blocks = {"network": asdict(model.network_settings), "diffusion": asdict(model.diffusion_settings)}
    check_teacher(run.distillation, asdict(run), trained | blocks)
    return Teacher(model, sha256_of(path))


def solver_levels(distillation: DistillationSettings) -> Tensor:
    """Noise levels of the teacher's solver, from sigma_max down to sigma_min and then 0, float32 `[steps + 1]`."""
    levels = karras_sigmas(distillation.steps, distillation.sigma_min, distillation.sigma_max, distillation.rho)
    return levels.float()


def distillation_target(
    teacher: TalkingModel,
    averaged: TalkingModel,
    noisy: Tensor,
    sigma: Tensor,
    after: Tensor | None,
    conditions: Conditions,
    distillation: DistillationSettings,
) -> Tensor:
    """What the student has to give for noisy frames `[B, 3, H, W]` at noise levels sigma `[B]`, clamped as in sampling.

    averaged: the student with averaged weights, the target network of Song et al. after `[B]`: the next level of the
    solver, 0 after the last one, where a frame is its own end. No gradients.
    """
    with torch.no_grad():
        denoised = guided_denoise(teacher, noisy, sigma, conditions, distillation.guidance_scale).clamp(-1, 1)
        if distillation.objective == "guidance":
            return denoised
        last, ratio = after == 0, after / sigma
        solved = denoised + ratio[:, None, None, None] * (noisy - denoised)
        # The logarithm of a noise level is an input: rows at 0 get another one, and are replaced.
        reached = denoise(averaged, solved, torch.where(last, sigma, after), conditions).clamp(-1, 1)
        return torch.where(last[:, None, None, None], denoised, reached)


def guided_denoise(model: TalkingModel, x: Tensor, sigma: Tensor, conditions: Conditions, scale: float) -> Tensor:
    """The denoiser with classifier-free guidance, for noise levels `[B]`; scale 1 is without."""
    if scale == 1:
        return denoise(model, x, sigma, conditions)
    encoded = encode_conditions(model, with_dropped_conditions(conditions))
    return guided(lambda twice, both: denoise_encoded(model, twice, sigma.repeat(2), both), x, encoded, scale)
