"""A trained model keeps how its methods sample from it, from the config to the command that makes a video."""

import json

import pytest
import yaml

from dheads_model import Talker
from dheads_model.generate import main
from dheads_model.media.audio import write_wav
from dheads_model.shards.index import write_index
from tests.factories.media import noise
from tests.factories.shards import pack
from tests.factories.training import CONFIG
from tests.workflow import ROOT, call
from workflow_scripts import train_model

PAPER = {
    **CONFIG,
    "diffusion": {**CONFIG["diffusion"], "parameterization": "ddpm", "residual_to": "zero"},
    "network": {**CONFIG["network"], "learned_variance": True},
    "conditioning_augmentation": {**CONFIG["conditioning_augmentation"], "audio_drop": 0.0},
}


def method_of(overlay: str) -> dict:
    """The block sampling that a config of the project has for its method ours, laid over the default as Snakemake does."""
    default, over = (yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()) for name in ("config", overlay))
    return default["methods"]["ours"]["sampling"] | over["methods"]["ours"]["sampling"]


@pytest.mark.parametrize(
    ("overlay", "run", "sampler", "steps"),
    [("demonstration", CONFIG, "euler", 8), ("paper_crema", PAPER, "ancestral_ddpm", 200)],
)
def test_a_trained_model_is_sampled_as_its_method(tmp_path, capsys, overlay, run, sampler, steps):
    paths = [pack(tmp_path, lengths={"a_1": 9}), pack(tmp_path, shard="00001", split="val", speakers="c")]
    write_index(tmp_path / "index.json", paths)
    wanted = method_of(overlay)
    if run is CONFIG:  # the tiny run trains neither without a mouth nor with an eye condition, the demonstration does
        wanted |= {"hide_mouth": False, "blinks_per_second": 0.0}
    call(
        train_model.main, settings={**run, "training": {**run["training"], "images": 16}}, framing={},
        methods={"ours": wanted}, index=tmp_path / "index.json", state=tmp_path / "state",
        output=tmp_path / "model.safetensors", training_log=tmp_path / "training.jsonl", threads=1, dry_run=False,
        audio_encoder=None, published_audio_encoder=None, teacher=None,
    )  # fmt: skip
    sampling = Talker.load(tmp_path / "model.safetensors").settings.sampling
    assert (sampling.sampler, sampling.steps, sampling.guidance_scale) == (sampler, steps, 1.0)
    assert json.loads((tmp_path / "model.json").read_text())["methods"]["ours"]["sampler"] == sampler
    from PIL import Image
    from skimage.data import astronaut

    Image.fromarray(astronaut()).save(tmp_path / "face.png")
    write_wav(tmp_path / "word.wav", noise(0.1))
    command = ["--identity", "face.png", "--audio", "word.wav", "--model", "model.safetensors", "--out", "talk.mp4"]
    given = [str(tmp_path / part) if "." in part else part for part in command]
    assert main([*given, "--steps", "2"]) == 0
    assert f"({sampler}, 2 steps, guidance 1)" in capsys.readouterr().err
