"""Settings of distillation, and checks that a teacher fits. Standard library only, besides the settings."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import NonNegativeFloat, PositiveFloat, settings
from dheads_model.diffusion.settings import check_levels
from dheads_model.errors import UserError


@settings("distillation")
class DistillationSettings:
    """Training of a run's network from another run's model, so that it needs fewer network evaluations (docs/training.md).
    Without this block a run is trained on frames alone."""

    teacher: str
    """Run whose model is the teacher; the student starts from its weights. Keys that the distilled run does not give are those
    of this run, and keys of its methods' sampling those of the first method of this run."""
    objective: Literal["guidance", "consistency"] = "consistency"
    """guidance: the denoiser learns the teacher's one with classifier-free guidance (Meng et al. 2023). consistency: the
    denoiser learns the end of the guided teacher's trajectory, for one or two steps of the sampler consistency (Song et al.
    2023)."""
    guidance_scale: NonNegativeFloat = 1.0
    """Classifier-free guidance scale of the teacher. The student is sampled without guidance."""
    steps: Annotated[int, Field(ge=2, le=1000)] = 16
    """Steps of the teacher's Euler solver, from sigma_max to sigma_min and then to 0 (consistency)."""
    sigma_min: PositiveFloat = 0.6
    """Lowest noise level (consistency)."""
    sigma_max: PositiveFloat = 3.0
    """Highest noise level (consistency)."""
    rho: PositiveFloat = 7.0
    """Exponent of the noise schedule (consistency)."""

    def __post_init__(self):
        check_levels(self.steps, self.sigma_min, self.sigma_max)


def distillation_defaults() -> dict:
    """{key: default} of the block, without the teacher, which has none."""
    fields = dataclasses.fields(DistillationSettings)
    return {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}


def check_teacher(distillation: DistillationSettings, student: Mapping, teacher: Mapping) -> None:
    """Raise UserError unless a run with the config block `teacher` can teach one with the block `student`."""
    name = distillation.teacher
    for block in ("network", "diffusion"):
        # Keys that an export has and a config has not are set by the program.
        different = [key for key, value in student[block].items() if teacher[block].get(key) != value]
        if different:
            key = different[0]
            raise UserError(
                f"runs.NAME.{block}.{key} is {student[block][key]} and that of its teacher {name} is "
                f"{teacher[block].get(key)}; remove it from the distilled run, which has the network of its teacher."
            )
    inner = teacher.get("distillation")
    if inner and inner.get("objective", "consistency") == "consistency":
        raise UserError(
            f"runs.NAME.distillation.teacher is {name}, which is distilled for consistency and has no trajectory to learn; name "
            "the run that taught it."
        )
    if distillation.guidance_scale != 1 and not teacher["conditioning_augmentation"]["audio_drop"]:
        raise UserError(
            f"runs.NAME.distillation.guidance_scale is {distillation.guidance_scale:g}, but its teacher {name} trains with "
            "conditioning_augmentation.audio_drop 0, never with a dropped audio condition; set guidance_scale to 1."
        )
    if distillation.objective == "guidance" and distillation.guidance_scale == 1:
        raise UserError(
            "runs.NAME.distillation.guidance_scale is 1, so there is no guidance to distil; set objective to consistency."
        )
