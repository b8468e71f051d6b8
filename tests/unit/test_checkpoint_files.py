"""Checkpoints are read without running them; `torch.load` and `torch.jit.load` are only compared with."""

import dataclasses
import os
import pickle
import shutil
import struct
import zipfile
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dheads_model.errors import UserError
from dheads_model.files import sha256_of
from dheads_model.network.export import load_export
from dheads_model.network.talking_model import TalkingModel
from dheads_model.published.checkpoint_files import is_torchscript, read_checkpoint
from dheads_model.published.import_model import import_model, import_unet, main
from tests.factories.checkpoints import PUBLISHED, Names, published_state
from tests.factories.networks import inputs, settled
from tests.factories.settings import plain_diffusion


class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 4, bias=False)
        self.normalise = nn.BatchNorm1d(4)
        self.small = nn.Linear(2, 2).to(torch.float16)
        self.names = [1, 2]

    def forward(self, x):
        return self.normalise(self.linear(x))


class Tree(nn.Module):
    """Everything that a TorchScript archive may hold beside weights."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(3, 3), nn.SiLU()), nn.Sequential(Part())])
        self.shared = self.blocks[0]
        self.recurrent = nn.GRU(3, 4, 2)
        self.weight = nn.Parameter(torch.randn(4, 6)[:, ::2])
        self.no_buffer = torch.ones(3)
        self.scale, self.shape = 3.5, (1, 2)
        self.register_buffer("frequencies", torch.arange(4.0))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x * self.scale


class Anything:
    """Stands for the classes in real hyper-parameters, such as a torchvision Compose."""

    def __init__(self):
        self.held = [torch.ones(2), {"x": 1}]


class ListOfItsOwn(list):
    pass


class Attack:
    def __reduce__(self):
        return os.system, ("touch executed",)


def assert_same(found: dict, expected: dict):
    assert sorted(found) == sorted(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


@pytest.fixture
def script(tmp_path):
    torch.manual_seed(0)
    torch.jit.script(Tree().eval()).save(tmp_path / "script.pt")
    return tmp_path / "script.pt"


@pytest.fixture
def lightning(tmp_path):
    torch.manual_seed(0)
    base = torch.randn(6, 8)
    state = OrderedDict(
        whole=base, transposed=base[1:3].T, row=base[2, ::2], parameter=nn.Parameter(torch.randn(3)),
        half=torch.randn(5).half(), brain=torch.randn(5).bfloat16(), double=torch.randn(2).double(),
        count=torch.tensor(7), flag=torch.tensor([True, False]), bytes=torch.arange(4, dtype=torch.uint8),
        empty=torch.empty(0, 5),
    )  # fmt: skip
    given = {"image_size": 128, "lr": 5e-5, "motion_transforms": Anything(), "channel_mult": ListOfItsOwn([1, 2])}
    checkpoint = {
        "state_dict": state, "hyper_parameters": given, "epoch": 3, "optimizer_states": [{"state": {0: Anything()}}],
        "callbacks": {Anything: {"best": None}},
    }  # fmt: skip
    torch.save(checkpoint, tmp_path / "model.ckpt")
    return tmp_path / "model.ckpt"


def test_torchscript_gives_the_state_dict(script):
    checkpoint = read_checkpoint(script)
    assert checkpoint.kind == "torchscript"
    assert_same(checkpoint.tensors, dict(torch.jit.load(script).state_dict()))
    assert {"blocks.1.0.normalise.running_var", "shared.0.weight", "frequencies"} <= set(checkpoint.tensors)
    assert "no_buffer" not in checkpoint.tensors


def test_traced_archives_are_read_too(tmp_path):
    traced = torch.jit.trace(nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3)).eval(), torch.randn(1, 2, 8))
    traced.save(tmp_path / "traced.pt")
    assert_same(read_checkpoint(tmp_path / "traced.pt").tensors, dict(traced.state_dict()))


def test_lightning_checkpoint(lightning):
    checkpoint = read_checkpoint(lightning)
    assert checkpoint.kind == "state_dict"
    assert checkpoint.hyper_parameters == {"image_size": 128, "lr": 5e-5}
    assert_same(checkpoint.tensors, torch.load(lightning, weights_only=False)["state_dict"])


def test_bare_state_dict_and_safetensors(tmp_path):
    state = {"a": torch.randn(2, 3), "b": torch.tensor([1, 2])}
    torch.save(state, tmp_path / "state.pt")
    save_file(state, tmp_path / "state.safetensors")
    assert_same(read_checkpoint(tmp_path / "state.pt").tensors, state)
    assert_same(read_checkpoint(tmp_path / "state.safetensors").tensors, state)


def test_nothing_in_a_pickle_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"a": torch.ones(1)}, "hyper_parameters": {"x": Attack()}}, "beside.ckpt")
    assert_same(read_checkpoint("beside.ckpt").tensors, {"a": torch.ones(1)})
    torch.save({"state_dict": {"a": Attack()}}, "inside.ckpt")
    with pytest.raises(UserError, match=r"holds 'a', of class (posix|nt)\.system, where only tensors belong"):
        read_checkpoint("inside.ckpt")
    torch.save(Attack(), "all.ckpt")
    with pytest.raises(UserError, match=r"holds an object of class (posix|nt)\.system"):
        read_checkpoint("all.ckpt")
    assert not os.path.exists("executed")
    torch.load("beside.ckpt", weights_only=False)
    assert os.path.exists("executed"), "the attack would not have worked anyway"


def rewrite(source, target, change):
    """A copy of a zip with change(name within the folder, content) -> content or None for leaving it out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            content = change(info.filename.partition("/")[2], old.read(info))
            if content is not None:
                new.writestr(zipfile.ZipInfo(info.filename), content, info.compress_type)
    return target


def refused(path, message):
    with pytest.raises(UserError, match=message) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_cut_off_files(script, lightning, tmp_path, kept):
    for whole in (script, lightning):
        content = whole.read_bytes()
        (tmp_path / "cut").write_bytes(content[: int(kept * len(content))])
        refused(tmp_path / "cut", "is cut off or damaged")


def test_a_changed_byte_is_seen(lightning, tmp_path):
    content = bytearray(lightning.read_bytes())
    with zipfile.ZipFile(lightning) as opened:
        place = opened.getinfo("model/data/0").header_offset
    content[place + 100 : place + 140] = bytes(40)
    (tmp_path / "changed").write_bytes(content)
    refused(tmp_path / "changed", "is cut off or damaged")
    (tmp_path / "name").write_bytes(lightning.read_bytes().replace(b"model/version", b"model/v\xd3rsion"))
    refused(tmp_path / "name", "is cut off or damaged")


def test_other_files_are_told_apart(tmp_path):
    refused(tmp_path / "none", "cannot be read: No such file")
    (tmp_path / "text").write_text("<html>Too many downloads</html>")
    refused(tmp_path / "text", "neither a zip that PyTorch wrote nor safetensors")
    (tmp_path / "empty").write_bytes(b"")
    refused(tmp_path / "empty", "is no checkpoint")
    torch.save({"a": torch.ones(1)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    refused(tmp_path / "old.pt", "before 1.6, a bare pickle")
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        bundle.writestr("checkpoints/crema_script.pt", b"x")
    refused(tmp_path / "bundle.zip", "unpack it and give one of them")
    torch.save({}, tmp_path / "nothing.pt")
    refused(tmp_path / "nothing.pt", "holds no tensors")
    torch.jit.script(nn.SiLU()).save(tmp_path / "activation.pt")
    refused(tmp_path / "activation.pt", "holds no tensors")
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    refused(tmp_path / "module.pt", r"object of class torch\.nn\.modules\.linear\.Linear.* save its state_dict")
    torch.save({"state_dict": [torch.ones(1)]}, tmp_path / "list.pt")
    refused(tmp_path / "list.pt", "state_dict that is no dictionary but list")
    torch.save({"a": torch.ones(1, dtype=torch.complex64)}, tmp_path / "complex.pt")
    refused(tmp_path / "complex.pt", r"torch\.ComplexFloatStorage, which is none of FloatStorage")
    (tmp_path / "bad.safetensors").write_bytes(struct.pack("<Q", 4) + b"{abc")
    refused(tmp_path / "bad.safetensors", "cannot be read as safetensors")


def test_entries_must_be_as_long_as_the_tensors(lightning, tmp_path):
    for number, change in enumerate((lambda old: old[:-4], lambda old: old + bytes(4), lambda old: None)):
        path = rewrite(
            lightning, tmp_path / f"{number}.pt", lambda name, old, f=change: f(old) if name == "data/0" else old
        )
        refused(path, "its data/0 needs 192 bytes and (has 188|has 196|is missing)")
    swelling = tmp_path / "swelling.pt"
    torch.save({"zeros": torch.zeros(1 << 18), "noise": torch.randn(1 << 19)}, tmp_path / "zeros.pt")
    with zipfile.ZipFile(tmp_path / "zeros.pt") as old, zipfile.ZipFile(swelling, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info), zipfile.ZIP_DEFLATED)
    refused(swelling, r"needs 1048576 bytes and has 1048576, \d+ as stored")
    lying = pickled(view(0, (1,), (1,), numel=1 << 28), tmp_path / "lying.pt")
    content = bytearray(lying.read_bytes())
    place = content.rindex(b"PK\x01\x02")  # the directory's line of data/0, both sizes at 20
    content[place + 20 : place + 28] = struct.pack("<II", 1 << 30, 1 << 30)
    lying.write_bytes(content)
    refused(lying, "needs 1073741824 bytes and has 1073741824, 1073741824 as stored")


def pickled(tensor: bytes, path, data: bytes = bytes(16)):
    """A file like torch.save's whose state_dict {"a": ...} is described by protocol 2 opcodes."""
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("made/data.pkl", b"\x80\x02}X\x01\x00\x00\x00a" + tensor + b"s.")
        made.writestr("made/data/0", data)
    return path


def view(offset: int, size: tuple, stride: tuple, numel: int = 4, storage: bytes = b"ctorch\nFloatStorage\n") -> bytes:
    def plain(value):
        return pickle.dumps(value, 2)[2:-1]

    reference = b"(" + plain("storage") + storage + plain("0") + plain("cpu") + plain(numel) + b"tQ"
    rest = plain(offset) + plain(size) + plain(stride) + b"\x89N"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + reference + rest + b"tR"


def test_views_stay_within_their_storage(tmp_path):
    assert read_checkpoint(pickled(view(1, (3,), (1,)), tmp_path / "right.pt")).tensors["a"].shape == (3,)
    wrong = {
        "beyond": view(2, (3,), (1,)), "stride": view(0, (2, 2), (3, 1)), "huge": view(0, (1 << 40,), (0,)),
        "repeated": view(0, (8,), (0,)), "empty": view(0, (0, 1 << 62, 4), (1, 1, 1)),
    }  # fmt: skip
    for name, content in wrong.items():
        refused(pickled(content, tmp_path / name), "its tensor a is larger than what is stored")
    for name, content in {
        "negative": view(-1, (3,), (1,)), "text": view(0, ("3",), (1,)), "ranks": view(0, (3,), (1, 1)),
        "type": view(0, (3,), (1,), storage=b"]"), "count": view(0, (3,), (1,), numel=-4),
    }.items():  # fmt: skip
        refused(pickled(content, tmp_path / name), r"its data\.pkl cannot be read")
    refused(pickled(view(0, (3,), (1,), numel=1 << 60), tmp_path / "numel"), "needs 4611686018427387904 bytes")


def test_an_entry_is_not_read_over_and_over(tmp_path):
    kinds = [(b"Float", 4096), (b"Int", 4096), (b"Double", 2048), (b"Long", 2048)]
    views = [view(0, (1,), (1,), count, b"ctorch\n" + kind + b"Storage\n") for kind, count in kinds]
    repeated = b"sX\x01\x00\x00\x00b".join(views)
    refused(pickled(repeated, tmp_path / "repeated", bytes(4 * 4096)), "its tensor b is larger than what is stored")


def test_pickles_made_to_exhaust_memory_or_to_change_the_reader(tmp_path):
    number = b"K\x01r" + struct.pack("<I", 0xFFFFFFFF)
    refused(pickled(number, tmp_path / "memo"), "it numbers an object 4294967295")
    refused(
        pickled(b"ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00xK\x01sb", tmp_path / "set"), "cannot be read"
    )
    refused(pickled(b"T\xff\xff\xff\x7f", tmp_path / "length"), "cannot be read")
    refused(pickled(b"(", tmp_path / "mark"), "cannot be read")


def test_a_tree_that_branches_without_end(script, tmp_path):
    # A module that holds itself twice has endlessly many names.
    tree = f"\x80\x02c__torch__.{Tree.__module__}\nTree\n)\x81q\x00}}(X\x01\x00\x00\x00ah\x00X\x01\x00\x00\x00bh\x00ub."
    tree = tree.encode("latin-1")
    path = rewrite(script, tmp_path / "endless.pt", lambda name, old: tree if name == "data.pkl" else old)
    refused(path, "its tree of modules has more than 10000 places")


@pytest.fixture
def model():
    torch.manual_seed(0)
    return settled(TalkingModel(PUBLISHED, plain_diffusion(parameterization="ddpm"))).requires_grad_(False)


@pytest.fixture
def files(model, tmp_path):
    """The same UNet in the three forms."""
    state = published_state(model.unet)
    torch.jit.script(Names(state)).save(tmp_path / "crema_script.pt")
    twice = {prefix + name: tensor for prefix in ("unet.", "diffusion.nn_backbone.") for name, tensor in state.items()}
    given = {"image_size": 16, "num_head_channels": 16, "id_condition_type": "frame", "transforms": Anything()}
    torch.save({"state_dict": twice, "hyper_parameters": given}, tmp_path / "crema.ckpt")
    save_file(state, tmp_path / "crema.safetensors")
    return {"torchscript": "crema_script.pt", "state_dict": "crema.ckpt", "safetensors": "crema.safetensors"}


def test_every_form_gives_the_same_working_model(files, model, tmp_path):
    encoder = torch.jit.script(nn.Linear(2, 2))
    encoder.save(tmp_path / "audio_encoder.pt")
    given = inputs(PUBLISHED)
    arguments = given["identity"], given["motion"], given["audio"]
    before = model(given["x"], given["time"], model.encode(*arguments))
    for kind, name in files.items():
        output = tmp_path / f"{kind}.safetensors"
        import_model(tmp_path / name, tmp_path / "audio_encoder.pt", output, 16, 16)
        loaded, config, facts = load_export(output)
        assert loaded.network_settings == PUBLISHED
        assert config["diffusion"]["parameterization"] == "ddpm"
        assert config["diffusion"]["timesteps"] == 1000
        assert facts["unet"]["kind"] == kind
        assert facts["unet"]["sha256"] == sha256_of(tmp_path / name)
        assert facts["audio_encoder"]["sha256"] == sha256_of(tmp_path / "audio_encoder.pt")
        assert torch.equal(loaded(given["x"], given["time"], loaded.encode(*arguments)), before)
        again = tmp_path / "again.safetensors"
        import_model(tmp_path / name, tmp_path / "audio_encoder.pt", again, 16, 16)
        assert again.read_bytes() == output.read_bytes()


def test_the_command(files, tmp_path, capsys):
    options = ["--unet", str(tmp_path / "crema_script.pt"), "--output", str(tmp_path / "model.safetensors")]
    main([*options, "--image-size", "16", "--head-channels", "16"])
    assert load_export(tmp_path / "model.safetensors")[2]["audio_encoder"] is None
    shutil.copy(tmp_path / "crema.safetensors", tmp_path / "encoder.safetensors")
    wrong = ["--image-size", "16", "--head-channels", "16", "--audio-encoder", str(tmp_path / "encoder.safetensors")]
    with pytest.raises(SystemExit) as stopped:
        main([*options, *wrong])
    assert stopped.value.code == 2
    assert "neither SDA's audio encoder nor a TorchScript archive; give the audio_encoder.pt" in capsys.readouterr().err
    assert not is_torchscript(tmp_path / "crema.ckpt")


def test_weights_that_are_of_another_network_are_refused(files, model, tmp_path):
    def refuse(state, message, given=None):
        torch.save({"state_dict": state, "hyper_parameters": given or {}}, tmp_path / "other.ckpt")
        with pytest.raises(UserError, match=message):
            import_unet(tmp_path / "other.ckpt", 16, 16)

    state = published_state(model.unet)
    with pytest.raises(UserError, match="says image_size 16 where 128 is assumed; pass --image-size"):
        import_unet(tmp_path / "crema.ckpt", 128, 16)
    refuse(state, "says n_timesteps 500 where 1000", {"n_timesteps": 500})
    refuse(state, "says audio_condition_type 'attention'", {"audio_condition_type": "attention"})
    refuse(state | {"more": torch.ones(1)}, "1 are left over")
    refuse({name: tensor for name, tensor in state.items() if name != "out.0.bias"}, "1 tensors are missing")
    refuse({"lin.weight": torch.ones(2)}, "not of a Diffused Heads UNet")
    refuse(state | {"time_embed.fc.0.weight": torch.ones(())}, "not of a Diffused Heads UNet")
    refuse(state | {"out.0.bias": torch.ones(32, dtype=torch.int64)}, r"out\.0\.bias is of type torch\.int64")
    copies = {f"unet.{name}": tensor for name, tensor in state.items()}
    copies |= {f"diffusion.nn_backbone.{name}": tensor + 1 for name, tensor in state.items()}
    refuse(copies, "holds two different UNets")


def test_settings_of_the_imported_network_are_the_published_ones(files, tmp_path):
    model, checkpoint = import_unet(tmp_path / "crema.safetensors", 16, 16)
    assert checkpoint.kind == "safetensors"
    assert dataclasses.replace(model.network_settings, dropout=0.0) == PUBLISHED
    assert not model.training
