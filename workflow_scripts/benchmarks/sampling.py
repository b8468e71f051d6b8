"""Measure frames a second against the published algorithm: same weights, same machine, one run."""

import copy
import dataclasses
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from dheads_model.config import build
from dheads_model.diffusion.conditions import Conditions, encode_conditions
from dheads_model.diffusion.denoiser import denoise, full_schedule
from dheads_model.diffusion.rollout import rollout, stream
from dheads_model.diffusion.schedules import karras_sigmas, respace
from dheads_model.diffusion.settings import UNGUIDED, SamplingSettings, check_sampling
from dheads_model.diffusion.solvers.ancestral_ddpm import ancestral_ddpm
from dheads_model.diffusion.solvers.ddim import ddim
from dheads_model.files import write_json, write_text
from dheads_model.network.export import load_export
from dheads_model.network.placement import place_for_sampling
from dheads_model.network.settings import PAPER_CREMA, PAPER_DIFFUSION, NetworkSettings
from dheads_model.network.talking_model import TalkingModel, device_name, parameter_count, pick_device
from dheads_model.network.threads import one_thread
from dheads_model.stages.sample import ModelMethodSettings
from workflow_scripts.benchmarks.machine import machine_facts
from workflow_scripts.command import command_parser, run_command

PUBLISHED_STEPS = 100  # recommended by the published code's README
PAPER_SAMPLING = dataclasses.replace(UNGUIDED, steps=10)
REPEATS = 3
FRAMES = 25  # per repeat, ours; the published algorithm generates a tenth of them
# On a CPU an evaluation of the paper's network takes seconds: this many are timed, and a frame is their multiple.
PAPER_EVALUATIONS = 2


def published_frame(model: TalkingModel, conditions: Conditions, steps: int, draw: Callable[[int], Tensor]) -> Tensor:
    """A frame as the published code makes it: respaced ancestral steps, the conditions encoded again in each of them.

    An edm model takes the same steps in coordinates of sigma (ddim with eta 1), with as many network evaluations.
    """
    if model.diffusion_settings.parameterization == "ddpm":
        schedule = respace(full_schedule(model.diffusion_settings.timesteps), steps)

        def predict(x: Tensor, index: int) -> Tensor:
            time_of = torch.full((len(x),), float(schedule.timesteps[index]), device=x.device)
            return model(x, time_of, encode_conditions(model, conditions))

        return ancestral_ddpm(predict, draw(0), schedule, draw)
    sigmas = karras_sigmas(steps, 0.02, 20.0).tolist()

    def estimate(x: Tensor, sigma: float) -> Tensor:
        return denoise(model, x, torch.full((len(x),), sigma, device=x.device), conditions).clamp(-1, 1)

    return ddim(estimate, sigmas[0] * draw(0), sigmas, draw, eta=1.0)


def example(network: NetworkSettings, device: torch.device, batch: int = 1) -> Conditions:
    """Conditions of the right shape; their values do not change the speed."""
    size = network.image_size
    audio = (4, network.feature_bands) if network.audio_encoder == "conv" else (network.audio_channels,)
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(batch, *shape, generator=generator).to(device)

    level = torch.zeros(batch, device=device) if network.noise_level_input else None
    return Conditions(
        normal(3, size, size), normal(network.motion_frames * network.motion_channels, size, size),
        normal(network.audio_frames, *audio), level,
    )  # fmt: skip


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Wall time of one call, the device's work included."""
    _wait(device)
    started = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def ways_of(
    model: TalkingModel, settings: SamplingSettings, device: torch.device, threads: int
) -> dict[str, tuple[Callable[[], object], int]]:
    """{name: (work, frames it makes)} for a network: the published algorithm, then ours."""
    conditions, size = example(model.network_settings, device), model.network_settings.image_size
    plain = copy.deepcopy(model).to(device)

    def published() -> None:
        for _ in range(max(FRAMES // 10, 1)):
            with torch.inference_mode():
                published_frame(
                    plain, conditions, PUBLISHED_STEPS, lambda _: torch.randn(1, 3, size, size, device=device)
                )

    features = conditions.audio_features[0, :1].expand(FRAMES, *conditions.audio_features.shape[2:])
    alone = dataclasses.replace(settings, clips_at_once=1)
    ways = {"published algorithm": (published, max(FRAMES // 10, 1))}
    cuda = device.type == "cuda"
    for name, compiled in [("ours", False), *([("ours, compiled", True)] if cuda else [])]:
        placed = place_for_sampling(copy.deepcopy(model), device, compiled)
        face = conditions.identity[0].clamp(-1, 1)
        ways[f"{name}, one video as it streams{'' if cuda else ', one thread'}"] = (
            lambda placed=placed, face=face: list(stream(placed, face, iter(features), alone, 0)),
            FRAMES,
        )
        if cuda and not compiled:  # one comparison shows the gain of compiling
            continue
        count = settings.clips_at_once * (1 if cuda else threads)
        faces = face.expand(count, -1, -1, -1)
        ways[f"{name}, {count} videos at once"] = (
            lambda placed=placed, faces=faces, count=count: rollout(
                placed, faces, [features] * count, settings, list(range(count)), threads
            ),
            count * FRAMES,
        )
    return ways


def measure(ways: dict[str, tuple[Callable[[], object], int]], device: torch.device) -> dict[str, list[float]]:
    """Frames a second of each way, REPEATS times in turn after one round that warms up."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(REPEATS + 1):
        for name, (work, frames) in ways.items():
            seconds = seconds_of(work, device)
            if repeat:
                rates[name].append(round(frames / seconds, 3))
    return rates


def measure_paper(device: torch.device, threads: int) -> dict:
    """The paper's network with random weights: whole frames on a GPU, single evaluations on a CPU."""
    torch.manual_seed(0)
    model = TalkingModel(PAPER_CREMA, PAPER_DIFFUSION).eval().requires_grad_(False)
    facts = {"parameters": parameter_count(model), "settings": dataclasses.asdict(PAPER_SAMPLING)}
    if device.type == "cpu":
        return facts | _evaluations_of_paper(model)
    rates = measure(ways_of(model, PAPER_SAMPLING, device, threads), device)
    return facts | {"note": "random weights", "frames_per_second": rates}


def _evaluations_of_paper(model: TalkingModel) -> dict:
    """Time of the network evaluations of both algorithms on a CPU, and the frames a second that follow."""
    device, size = torch.device("cpu"), PAPER_CREMA.image_size
    conditions = example(PAPER_CREMA, device)
    x, step = torch.randn(1, 3, size, size), torch.full((1,), 500.0)

    def timed(work: Callable[[], object]) -> list[float]:
        with torch.inference_mode():
            work()
            return [seconds_of(work, device) for _ in range(PAPER_EVALUATIONS)]

    published = timed(lambda: model(x, step, encode_conditions(model, conditions)))
    placed = place_for_sampling(model, device)
    with torch.inference_mode():
        encoded = encode_conditions(placed, conditions)
    with one_thread():  # as a stream calculates
        encoding = timed(lambda: encode_conditions(placed, conditions))
        stepping = timed(lambda: placed(x, step, encoded))
    steps = PAPER_SAMPLING.steps
    rates = {
        "published algorithm": [1 / (PUBLISHED_STEPS * seconds) for seconds in published],
        "ours, one video as it streams, one thread": [
            1 / (once + steps * seconds) for once, seconds in zip(encoding, stepping, strict=True)
        ],
    }
    return {
        "published_seconds_a_pass": published,
        "our_seconds_to_encode": encoding,
        "our_seconds_a_pass": stepping,
        "note": "no frame was made whole; frames a second follow from the time of passes, with random weights, "
        f"{len(stepping)} of each kind",
        "frames_per_second": {name: [round(v, 5) for v in values] for name, values in rates.items()},
    }


def _sampler(settings: dict) -> str:
    guided = "" if settings["guidance_scale"] == 1 else f" and guidance {settings['guidance_scale']:g}"
    return f"{settings['sampler']} with {settings['steps']} steps{guided}"


def table(result: dict) -> str:
    """The result as markdown."""
    lines = [
        f"Frames a second of 25 are real time. {result['machine']['processor']}, {result['threads']} threads, "
        f"{result['device']}; `{result['command']}`. The published algorithm: {PUBLISHED_STEPS} ancestral steps, "
        "conditions encoded in each, float32, one video. Ours: "
        + "; ".join(f"{name} network {_sampler(block['settings'])}" for name, block in result["networks"].items())
        + ".",
        "",
        "| network | algorithm | frames/s, median (range, n) | times the published |",
        "|---|---|---|---|",
    ]
    for network, block in result["networks"].items():
        published = statistics.median(block["frames_per_second"]["published algorithm"])
        for name, rates in block["frames_per_second"].items():
            middle = statistics.median(rates)
            lines.append(
                f"| {network} | {name} | {middle:.3g} ({min(rates):.3g} to {max(rates):.3g}, {len(rates)}) | "
                f"{middle / published:.1f} |"
            )
    notes = [f"{network}: {block['note']}." for network, block in result["networks"].items() if block.get("note")]
    return "\n".join([*lines, "", *notes]) + "\n"


def main(arguments) -> None:
    torch.set_num_threads(arguments.threads)
    settings = build(ModelMethodSettings, arguments.settings, "methods.NAME").sampling
    model, config, _ = load_export(arguments.model)
    check_sampling(settings, config)
    device = pick_device()
    own = {"parameters": parameter_count(model), "settings": dataclasses.asdict(settings)}
    own["frames_per_second"] = measure(ways_of(model, settings, device, arguments.threads), device)
    result = {
        "command": f"snakemake --cores {arguments.threads} {arguments.output}",
        "machine": machine_facts(),
        "threads": arguments.threads,
        "device": device_name(device),
        "networks": {"the run's own": own, "the paper's": measure_paper(device, arguments.threads)},
        "goal": "10 times the published algorithm on a CPU with the run's own network, at equal quality (steps.json); "
        "25 frames/s in one stream of the paper's on an H200",
    }
    write_json(arguments.output, result)
    write_text(Path(arguments.output).with_suffix(".md"), table(result))


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", required=True)
    parser.add_argument("--output", required=True)
    run_command("workflow_scripts.benchmarks.sampling", parser, main)
