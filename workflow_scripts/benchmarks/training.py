"""Measure training images per second and utilisation of the device's peak FLOP/s, against a plain loop."""

import dataclasses
import statistics
import tempfile
import time
from pathlib import Path

import torch

from dheads_model.files import write_json, write_text
from dheads_model.network.settings import PAPER_CREMA, PAPER_DIFFUSION
from dheads_model.network.talking_model import TalkingModel, device_name, pick_device
from dheads_model.shards.loader import LoadedClip, load_split, sample_batch
from dheads_model.training.cost import PASSES_A_STEP, Cost, memory_mib
from dheads_model.training.distributed import Distributed
from dheads_model.training.log import read_log
from dheads_model.training.loop import train
from dheads_model.training.objective import batch_loss, draw_batch
from dheads_model.training.settings import RunSettings, run_settings
from workflow_scripts.benchmarks.machine import machine_facts
from workflow_scripts.command import command_parser, run_command

REPEATS = 3
STEPS = {"cuda": 40, "cpu": 20}  # of a repeat
PAPER_BATCH = 10  # images per step and GPU in the authors' code
PAPER_STEPS = 20
PLAIN, OURS = "a plain float32 loop", "ours"


def paper_run(settings: dict) -> RunSettings:
    """The paper's network, loss and batch of one GPU."""
    own = run_settings(settings)
    training = dataclasses.replace(
        own.training,
        batch_size=PAPER_BATCH,
        gradient_accumulation=1,
        learning_rate=5e-5,
        muon_learning_rate=None,
        adam_betas=(0.9, 0.999),
    )
    augmentation = dataclasses.replace(
        own.conditioning_augmentation, motion_noise=0.0, patch_drop=0.0, mouth_drop=0.0, audio_drop=0.0, lip_noise=0.0
    )
    diffusion = PAPER_DIFFUSION
    return dataclasses.replace(
        own,
        network=PAPER_CREMA,
        diffusion=diffusion,
        conditioning_augmentation=augmentation,
        training=training,
        compat="paper",
    )


def plain_rates(run: RunSettings, clips: list[LoadedClip], device: torch.device, steps: int) -> list[float]:
    """Images per second of the same steps in a plain loop: no mixed precision, fusion, compilation or prefetching."""
    torch.manual_seed(0)
    model = TalkingModel(run.network, run.diffusion).to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5, foreach=False)
    rates = []
    for repeat in range(REPEATS + 1):
        started = time.perf_counter()
        for step in range(steps):
            batch = sample_batch(
                clips, run.training.batch_size, 1, step, run.network.audio_radius, run.network.motion_frames
            )
            optimizer.zero_grad()
            loss = batch_loss(model, draw_batch(batch, run, 1, step, True, device), run).total
            loss.backward()
            optimizer.step()
            loss.item()
        if repeat:
            rates.append(run.training.batch_size * steps / (time.perf_counter() - started))
    return rates


def our_rates(run: RunSettings, clips: list[LoadedClip], device: torch.device, steps: int) -> list[float]:
    """Images a second of the training loop, from its own log; its first line, the warm-up, is left out."""
    line = steps * run.training.batch_size
    training = dataclasses.replace(
        run.training, images=(REPEATS + 1) * line, log_every_images=line, validation_every_images=line,
        samples_every_images=0, state_every_images=(REPEATS + 1) * line, compiled=device.type == "cuda",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        train(dataclasses.replace(run, training=training), {}, clips, [], "", folder, Distributed(0, 1, device))
        return [entry["images_per_second"] for entry in read_log(Path(folder, "training.jsonl"))][1:]


def measure(run: RunSettings, clips: list[LoadedClip], device: torch.device, steps: int) -> dict:
    """Both loops for one network, and the cost of an image."""
    cost = Cost.of(run, device)
    block = {
        "parameters": cost.parameters,
        "gigaflop_a_pass": round(cost.flop / 1e9, 3),
        "batch": run.training.batch_size,
        "tera_flop_a_second_of_the_device": round(cost.peak / 1e12, 3),
    }
    for name, rates_of in ((PLAIN, plain_rates), (OURS, our_rates)):
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        rates = rates_of(run, clips, device, steps)
        block[name] = {
            "images_per_second": [round(rate, 3) for rate in rates],
            "flop_utilisation": round(statistics.median(rates) * PASSES_A_STEP * cost.flop / cost.peak, 4),
            "memory_mib": memory_mib(device) if device.type == "cuda" else None,
        }
    return block


def table(result: dict) -> str:
    """The result as markdown."""
    lines = [
        f"{result['machine']['processor']}, {result['threads']} threads, {result['device']}; `{result['command']}`. "
        "Utilisation: share of the rate of a large matrix product on the same device, counting three passes an image.",
        "",
        "| network | batch | loop | images/s, median (range, n) | times the plain loop | utilisation | memory, GiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for network, block in result["networks"].items():
        plain = statistics.median(block[PLAIN]["images_per_second"])
        for name in (PLAIN, OURS):
            rates = block[name]["images_per_second"]
            memory = block[name]["memory_mib"]
            lines.append(
                f"| {network} | {block['batch']} | {name} | {statistics.median(rates):.3g} ({min(rates):.3g} to "
                f"{max(rates):.3g}, {len(rates)}) | {statistics.median(rates) / plain:.1f} | "
                f"{block[name]['flop_utilisation']:.1%} | {'-' if memory is None else f'{memory / 1024:.1f}'} |"
            )
    return "\n".join(lines) + "\n"


def main(arguments) -> None:
    torch.set_num_threads(arguments.threads)
    device = pick_device()
    measured = [("the run's own", run_settings(arguments.settings), STEPS[device.type])]
    if device.type == "cuda":  # on a CPU an image takes minutes
        measured.append(("the paper's", paper_run(arguments.settings), PAPER_STEPS))
    networks = {}
    for name, chosen, steps in measured:
        clips = load_split(arguments.index, "train", chosen.network.image_size)
        networks[name] = measure(chosen, clips, device, steps)
    result = {
        "command": f"snakemake --cores {arguments.threads} {arguments.output}",
        "machine": machine_facts(),
        "threads": arguments.threads,
        "device": device_name(device),
        "networks": networks,
    }
    write_json(arguments.output, result)
    write_text(Path(arguments.output).with_suffix(".md"), table(result))


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    for name in ("--index", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.benchmarks.training", parser, main)
