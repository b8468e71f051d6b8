import dataclasses

import pytest
import torch
from safetensors.torch import save_file

from dheads_model.errors import UserError
from dheads_model.network.export import load_export, save_export
from dheads_model.network.talking_model import TalkingModel
from tests.factories.networks import SMALL, inputs, settled
from tests.factories.settings import plain_diffusion

CONFIG = {
    "network": dataclasses.asdict(SMALL),
    "diffusion": {"parameterization": "edm", "sigma_data": 0.4},
    "training": {"images": 3},
}
FACTS = {"images": 1000, "data": "abc", "loss": 0.25}


@pytest.fixture
def model():
    torch.manual_seed(0)
    # With gradients wanted, PyTorch chooses other kernels, which round differently.
    return settled(TalkingModel(SMALL, plain_diffusion(sigma_data=0.4))).requires_grad_(False)


@pytest.fixture
def path(tmp_path, model):
    save_export(tmp_path / "model.safetensors", model.state_dict(), CONFIG, FACTS)
    return tmp_path / "model.safetensors"


def test_round_trip(path, model):
    loaded, config, facts = load_export(path)
    assert facts == FACTS
    assert config["training"] == {"images": 3}
    assert config["network"]["channel_multiples"] == [1, 2]
    assert loaded.network_settings == SMALL
    assert loaded.diffusion_settings == plain_diffusion(sigma_data=0.4)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])
    given = inputs(SMALL)
    with torch.no_grad():
        arguments = given["identity"], given["motion"], torch.randn(3, 5, 4, 80), given["motion_noise"]
        before = model(given["x"], given["time"], model.encode(*arguments))
        assert torch.equal(loaded(given["x"], given["time"], loaded.encode(*arguments)), before)


def test_settings_may_be_given_as_dataclasses(tmp_path, path, model):
    config = CONFIG | {"network": SMALL, "diffusion": plain_diffusion(sigma_data=0.4)}
    save_export(tmp_path / "other.safetensors", model.state_dict(), config, FACTS)
    assert load_export(tmp_path / "other.safetensors")[0].network_settings == SMALL


def test_equal_models_give_equal_bytes(tmp_path, path, model):
    for number in range(3):
        save_export(tmp_path / f"{number}", model.state_dict(), dict(reversed(CONFIG.items())), FACTS)
        assert (tmp_path / f"{number}").read_bytes() == path.read_bytes()


def test_damaged_weights_are_not_written(tmp_path, model):
    state = model.state_dict()
    state["unet.head.bias"][0] = float("nan")
    with pytest.raises(UserError, match=r"unet\.head\.bias holds values that are not finite"):
        save_export(tmp_path / "model.safetensors", state, CONFIG, FACTS)
    assert not list(tmp_path.iterdir())


def test_weights_of_another_size_are_not_written(tmp_path, model):
    config = CONFIG | {"network": dataclasses.asdict(dataclasses.replace(SMALL, base_channels=16))}
    with pytest.raises(UserError, match="do not fit the config"):
        save_export(tmp_path / "model.safetensors", model.state_dict(), config, FACTS)
    with pytest.raises(UserError, match="no block diffusion"):
        save_export(tmp_path / "model.safetensors", model.state_dict(), {"network": SMALL}, FACTS)


def test_facts_that_json_does_not_have(tmp_path, model):
    with pytest.raises(ValueError, match="JSON"):
        save_export(tmp_path / "model.safetensors", model.state_dict(), CONFIG, {"loss": float("nan")})


def test_refuses_what_it_did_not_write(tmp_path, path, model):
    def refuse(name: str, message: str):
        with pytest.raises(UserError, match=message):
            load_export(tmp_path / name)

    refuse("missing.safetensors", "there is no model")
    refuse("", "is a folder")
    torch.save(model.state_dict(), tmp_path / "pickle.pt")
    refuse("pickle.pt", "published.import_model --unet")
    save_file(model.state_dict(), tmp_path / "bare.safetensors")
    refuse("bare.safetensors", "no model of this project")
    save_file(model.state_dict(), tmp_path / "other.safetensors", metadata={"dheads": "{"})
    refuse("other.safetensors", "damaged settings")
    (tmp_path / "short.safetensors").write_bytes(path.read_bytes()[:-100])
    refuse("short.safetensors", "cannot be read")
