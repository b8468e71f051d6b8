"""Every block of commands in README, docs and CONTRIBUTING is run as printed, in a finished run with shortened configs.

What would take hours or needs a host (large corpora, other trainings) is planned: `snakemake` means `snakemake -n` there.
"""

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from skimage.data import astronaut

from dheads_model.media.audio import write_wav
from dheads_model.network.talking_model import TalkingModel
from dheads_model.published.audio_encoder import SDAAudioEncoder
from dheads_model.yaml_file import overlaid
from tests.conftest import TINY
from tests.factories.checkpoints import PUBLISHED, Names, published_state
from tests.factories.networks import settled
from tests.factories.settings import plain_diffusion
from tests.workflow import ROOT, snakemake_command

pytestmark = pytest.mark.slow
PAGES = ("README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
# Pages whose commands are run and not only planned.
RUN = ("README.md", "docs/own_photo.md", "docs/training.md")
ACTIVATE = ". .venv/bin/activate"
# Make installs the environment, the rest of that block is what the other tests do.
PLANNED_BY_MAKE = 'make() { command make --dry-run "$@" > /dev/null; }; '
# Containers run elsewhere.
CONTAINERS = "apptainer() { :; }; docker() { :; }; buildah() { :; }; "


def blocks(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"```sh\n(.*?)```", text, re.S)


def spans(page):
    """Whole Snakemake commands inside the text, without those that name a folder of some machine."""
    found = re.findall(r"`(snakemake (?:-|results)[^`]*)`", (ROOT / page).read_text(encoding="utf-8"))
    return [command for command in found if "/data/" not in command and "..." not in command]


@pytest.fixture(scope="module")
def checkout(finished, tmp_path_factory):
    """A checkout with the results of the tiny run in it, its environment, a photo, a voice, clips and released weights."""
    folder = tmp_path_factory.mktemp("checkout") / "project"
    shutil.copytree(finished.project, folder)
    shutil.copytree(finished.work, folder, dirs_exist_ok=True)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / "docs").mkdir()
    shutil.copy(folder / "results/table1.csv", folder / "docs/expected_table1.csv")
    config = yaml.safe_load((folder / "config/config.yaml").read_text())
    channels = yaml.safe_load(TINY.read_text())["runs"]["ours"]["network"]["audio_channels"]
    config["sync_encoders"]["conditioning"]["network"]["audio_channels"] = channels
    (folder / "config/config.yaml").write_text(yaml.safe_dump(overlaid(config, yaml.safe_load(TINY.read_text()))))
    student = yaml.safe_load((folder / "config/distilled.yaml").read_text())
    student["runs"]["distilled"]["training"] = {"images": 64, "warmup_images": 8}
    (folder / "config/distilled.yaml").write_text(yaml.safe_dump(student))
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "my clips").mkdir()
    (folder / "votes").mkdir()
    for path in sorted((folder / "resources/embedded/corpus").rglob("*.flv"))[:2]:
        shutil.copy(path, folder / "my clips")
    Image.fromarray(astronaut()).save(folder / "face.jpg")
    write_wav(
        folder / "speech.wav", (3000 * np.random.default_rng(0).normal(size=1600)).clip(-9999, 9999).astype(np.int16)
    )
    released(folder)
    return folder


def released(folder):
    """Files in the form of the authors' release, with small random weights."""
    torch.manual_seed(0)
    network = dataclasses.replace(
        PUBLISHED, image_size=8, base_channels=256, channel_multiples=(1,), attention_sizes=(), head_channels=64,
        audio_channels=256,
    )  # fmt: skip
    model = settled(TalkingModel(network, plain_diffusion(parameterization="ddpm"))).requires_grad_(False)
    torch.jit.script(Names(published_state(model.unet))).save(folder / "crema_script.pt")
    silence = torch.zeros(1, 1, 3200), torch.zeros(2, 1, 256)
    torch.jit.trace(settled(SDAAudioEncoder(16)), silence).save(folder / "audio_encoder.pt")


def planning() -> str:
    """A shell function: `snakemake` means `snakemake --dry-run`."""
    return f'snakemake() {{ {shlex.join(snakemake_command())} --dry-run "$@"; }}; '


def typed(checkout, commands, functions="", keys=""):
    """Run commands as a person types them, one after another, in a shell where the environment is activated."""
    commands = commands.replace("clips=PATH", "'clips=my clips'").replace("/NAME/", "/ours/")
    commands = commands.replace("votes: FOLDER", "votes: votes")
    # The released network is of 128 pixels, which leave no trace in its tensors.
    commands = commands.replace("import_model ", "import_model --image-size 8 ")
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        ["bash", "-e", "-c", f"{CONTAINERS}{PLANNED_BY_MAKE}{functions}{ACTIVATE}\n{commands}"],
        cwd=checkout, env=environment, input=keys, text=True, capture_output=True, timeout=1800,
    )  # fmt: skip


def test_the_readme_says_once_how_the_environment_is_activated():
    assert [block for page in PAGES for block in blocks(page) if ACTIVATE in block] == [f"{ACTIVATE}\n"]
    assert (ROOT / "README.md").read_text().index(ACTIVATE) < (ROOT / "README.md").read_text().index("```sh\nsnakemake")


@pytest.mark.parametrize(("page", "number"), [(page, number) for page in PAGES for number in range(len(blocks(page)))])
def test_a_block_of_commands_runs_as_printed(checkout, page, number):
    block = blocks(page)[number]
    done = typed(checkout, block, "" if page in RUN else planning(), keys="user\npassword\n")
    assert done.returncode == 0, f"{page}\n{block}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", [page for page in PAGES if spans(page)])
def test_commands_inside_the_text_are_planned(checkout, page):
    for command in spans(page):
        done = typed(checkout, command, planning())
        assert done.returncode == 0, f"{page}: {command}\n{done.stdout}\n{done.stderr}"
