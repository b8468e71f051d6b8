"""The reader of lips and eyes, and the loss that compares faces."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from dheads_model.network.face_reader import FACE_NUMBERS, FaceReader, face_shape
from dheads_model.training.face_loss import face_loss, reader_loss
from dheads_model.training.log import read_log
from tests.factories.training import changed, noise_clips
from tests.factories.training import run as run_training


def painted(openings: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames `[B, 3, 32, 32]` with a dark mouth of this height in pixels, and their landmarks."""
    rows = torch.arange(32)[None, :, None]
    columns = torch.arange(32)[None, None, :]
    inside = (columns >= 10) & (columns < 22) & ((rows - 24).abs() <= openings[:, None, None] / 2)
    frames = torch.where(inside, -0.6, 0.2)[:, None].repeat(1, 3, 1, 1)
    landmarks = torch.zeros(len(openings), 68, 2)
    eye = torch.tensor([[0, 0], [1, -0.6], [2, -0.6], [3, 0], [2, 0.6], [1, 0.6]])
    landmarks[:, 36:42], landmarks[:, 42:48] = eye + torch.tensor([8, 10]), eye + torch.tensor([20, 10])
    landmarks[:, 48], landmarks[:, 54] = torch.tensor([10.0, 24.0]), torch.tensor([22.0, 24.0])
    landmarks[:, 62, 1], landmarks[:, 66, 1] = -openings / 2, openings / 2
    return frames, landmarks


def trained_reader(steps: int = 150) -> FaceReader:
    torch.manual_seed(0)
    reader = FaceReader(32)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=2e-3)
    for step in range(steps):
        frames, landmarks = painted(4 * torch.rand(32, generator=torch.Generator().manual_seed(step)))
        optimizer.zero_grad()
        reader_loss(reader, frames, landmarks, 1, step).backward()
        optimizer.step()
    return reader


def test_it_learns_the_opening_and_the_loss_pulls_a_closed_mouth_open():
    reader = trained_reader()
    frames, landmarks = painted(torch.linspace(0, 4, 9))
    read = reader(frames)[:, 0]
    assert torch.corrcoef(torch.stack([read, face_shape(landmarks)[:, 0]]))[0, 1] > 0.8
    closed, wide = frames[:1].clone().requires_grad_(), frames[-1:]
    loss = face_loss(reader, closed, wide, None)
    assert loss > 10 * face_loss(reader, wide, wide, None) + 0.1
    (gradient,) = torch.autograd.grad(loss.sum(), closed)
    better = face_loss(reader, closed - 0.2 * gradient / gradient.abs().max(), wide, None)
    assert better < loss


def test_the_face_loss_leaves_the_reader_alone_and_is_zero_without_audio():
    reader = FaceReader(32)
    frames, _ = painted(torch.tensor([0.0, 4.0]))
    denoised = frames.flip(0).requires_grad_()
    loss = face_loss(reader, denoised, frames, torch.tensor([False, True]))
    assert loss[0] > 0 and loss[1] == 0
    loss.sum().backward()
    assert denoised.grad.any() and all(weight.grad is None for weight in reader.parameters())


def test_face_losses_in_several_threads_leave_the_reader_trainable():
    """Micro-batches share the reader. One thread that replaced its weights for a while broke the gradients of the others."""
    reader = FaceReader(32)
    frames, landmarks = painted(torch.linspace(0, 4, 8))
    before = dict(reader.named_parameters())
    alone = face_loss(reader, frames.flip(0), frames, None)
    with ThreadPoolExecutor(4, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        losses = list(pool.map(lambda _: face_loss(reader, frames.flip(0), frames, None), range(200)))
    assert all(torch.equal(loss, alone) for loss in losses)
    assert all(weight is before[name] for name, weight in reader.named_parameters())
    found = torch.autograd.grad(reader_loss(reader, frames, landmarks, 1, 0), list(before.values()))
    assert all(gradient.any() for gradient in found)


def test_shapes_of_faces_have_the_numbers_that_the_reader_gives():
    frames, landmarks = painted(torch.tensor([1.0, 2.0, 3.0]))
    assert face_shape(landmarks).shape == FaceReader(32)(frames).shape == (3, FACE_NUMBERS)
    mirrored = landmarks * torch.tensor([-1.0, 1.0])
    assert torch.allclose(face_shape(landmarks), face_shape(mirrored))


def test_it_is_trained_with_the_network_and_two_trainings_are_the_same(tmp_path):
    config = changed(eye_weight=3.0)
    config["network"] = {**config["network"], "face_reader": True, "eye_condition": True}
    clips = noise_clips()
    one, other = (run_training(config, clips, tmp_path / name) for name in ("a", "b"))
    assert all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)
    assert any(name.startswith("face_reader.") for name in one.weights)
    without = {**config, "training": {**config["training"], "face_weight": 0.0}}
    unet = {name for name in one.weights if name.startswith("unet.")}
    plain = run_training(without, clips, tmp_path / "c").weights
    assert not all(torch.equal(one.weights[name], plain[name]) for name in unet)
    assert np.isfinite(read_log(tmp_path / "a" / "training.jsonl")[-1]["loss"])
