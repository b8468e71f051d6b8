"""Streamed training windows: the order, its shares among ranks, resume, checks of the shards; TensorBoard."""

import os
import signal
import subprocess
import sys
import types
from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch

from dheads_model.diffusion.losses import draw_sigmas
from dheads_model.errors import Interrupted, UserError
from dheads_model.shards.index import read_index, write_index
from dheads_model.shards.loader import LoadedClip, load_split
from dheads_model.shards.stream import ClipStream, open_split, training_batches
from dheads_model.shards.stream_plan import LANES, StreamPlan
from dheads_model.training.distributed import Distributed, micro_batches, rank_rows
from dheads_model.training.interruption import SignalWatch
from dheads_model.training.log import read_log
from dheads_model.training.loop import train
from dheads_model.training.settings import run_settings
from tests.factories.shards import pack
from tests.factories.training import changed, run, without_time

LENGTHS = [{f"s{shard}_{clip}": 5 + (3 * shard + 2 * clip) % 7 for clip in range(3)} for shard in range(5)]
FRAMES = sum(sum(shard.values()) for shard in LENGTHS)
BATCH = 4


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    paths = [pack(folder, shard=f"{n:05d}", lengths=lengths, speakers=[f"p{n}"]) for n, lengths in enumerate(LENGTHS)]
    write_index(folder / "index.json", paths)
    return folder / "index.json"


def stream(index, passes=2, workers=0, frames_at_once=50):
    return ClipStream(read_index(index), "train", 16, frames_at_once, passes, workers)


def take(clips, count, step=0, seed=3, share=(range(1), 1)):
    return list(islice(training_batches(clips, BATCH, seed, step, share=share), count))


def equal(one, other):
    arrays = ("target", "identity", "motion", "audio", "landmarks", "identity_landmarks", "frames")
    return one.clips == other.clips and all(np.array_equal(getattr(one, n), getattr(other, n)) for n in arrays)


@pytest.mark.parametrize("passes", [1, 3])
def test_an_epoch_takes_every_frame_as_target_once(index, passes):
    batches = take(stream(index, passes), -(-2 * FRAMES // BATCH))
    seen = [pair for batch in batches for pair in zip(batch.clips, batch.frames.tolist(), strict=True)]
    everything = {(clip, frame) for shard in LENGTHS for clip, count in shard.items() for frame in range(count)}
    for epoch in (seen[:FRAMES], seen[FRAMES : 2 * FRAMES]):
        assert Counter(epoch) == Counter(everything)
    assert seen[:FRAMES] != seen[FRAMES : 2 * FRAMES]


def test_every_pass_decodes_each_clip_about_equally_often(tmp_path):
    plan = StreamPlan((None,) * 6, (40, 41, 42, 43, 44, 45), 100, 4, 1)
    for part in range(4):
        counts = [plan._count(shard, part) for shard in range(6)]
        assert max(counts) - min(counts) <= 2
    groups = list(plan._groups(0))
    assert sorted(shard for group in groups for shard in group) == list(range(6))
    assert all(sum(plan.frames[shard] for shard in group) <= 100 for group in groups)


def test_streamed_windows_hold_the_right_frames(index):
    known = {clip.clip: clip for clip in load_split(index, "train", 16)}
    for batch in take(stream(index), 12):
        for i, (name, frame) in enumerate(zip(batch.clips, batch.frames, strict=True)):
            clip = known[name]
            np.testing.assert_array_equal(batch.target[i], clip.frames[frame])
            np.testing.assert_array_equal(batch.landmarks[i], clip.landmarks[frame])
            np.testing.assert_array_equal(batch.audio[i, 2], clip.features[frame])
            assert any(np.array_equal(batch.identity[i], other) for other in clip.frames)
            assert not np.array_equal(batch.identity[i], batch.target[i])
            if frame:
                np.testing.assert_array_equal(batch.motion[i, 1], clip.frames[frame - 1])


def test_a_streamed_batch_is_a_function_of_seed_and_step(index):
    count = -(-FRAMES // BATCH) + 4
    whole = take(stream(index), count)
    assert not any(map(equal, whole[:4], take(stream(index), 4, seed=4)))
    for step in (0, 7, count // 2, count - 1):  # within blocks, across passes and the epoch
        assert all(map(equal, whole[step:], take(stream(index), count - step, step))), step


def test_worker_processes_change_no_batch(index):
    before = torch.random.get_rng_state()
    whole = take(stream(index), 25, 5)
    assert all(map(equal, whole, take(stream(index, workers=2), 25, 5)))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("accumulation", [1, 2])
def test_processes_share_a_stream_without_loss_or_doubling(index, accumulation):
    whole = take(stream(index), 25)
    found = []
    for number in range(2):
        ranks = Distributed(number, 2, torch.device("cpu"))
        mine = take(stream(index), 25, share=rank_rows(ranks, accumulation))
        rows = np.zeros(BATCH, bool)
        for part in micro_batches(BATCH, ranks, accumulation):
            rows[part] = True
        found.append(rows)
        for one, other in zip(whole, mine, strict=True):
            assert one.clips == other.clips
            np.testing.assert_array_equal(one.target[rows], other.target[rows])
            np.testing.assert_array_equal(one.identity[rows], other.identity[rows])
            assert not other.target[~rows].any(), "another process's picture was decoded"
    np.testing.assert_array_equal(found[0], ~found[1])


def test_each_process_decodes_clips_of_its_own(monkeypatch, tmp_path):
    from dheads_model.shards import stream_plan

    names = {f"c{n}": 40 for n in range(400)}
    monkeypatch.setattr(stream_plan, "_clip_lengths", lambda manifest: names)
    block = next(StreamPlan((tmp_path,), (16_000,), 10**6, 4, 1).blocks())
    owned = [set(block.owners_of(range(n, n + 1), 8)) for n in range(8)]
    # Parts of a block end within clips, and fewer than LANES windows are left over; all of them would be 8 x 400.
    assert sum(map(len, owned)) <= 400 + 2 * LANES
    assert set.union(*owned) == set(range(400))
    neighbours = np.mean(block.owners[1:] == block.owners[:-1])
    assert neighbours < 0.02, "windows of a clip are spread over the block"


def explained_by_clip(clips, levels):
    """(share of the variance of the logarithms of noise levels that the clip explains, the share to expect by chance)."""
    _, owners = np.unique(clips, return_inverse=True)
    values = np.log(levels) - np.log(levels).mean()
    counts = np.bincount(owners)
    means = np.bincount(owners, values) / counts
    return (counts * means**2).sum() / (values**2).sum(), (len(counts) - 1) / (len(values) - 1)


@pytest.mark.parametrize(("batch_size", "tied_by"), [(8, 5), (32, 5), (80, 2)])
def test_the_clip_of_a_streamed_window_says_nothing_about_its_noise_level(monkeypatch, tmp_path, batch_size, tied_by):
    from dheads_model.shards import stream as module
    from dheads_model.shards import stream_plan

    names = {f"c{n}": 40 for n in range(400)}
    monkeypatch.setattr(stream_plan, "_clip_lengths", lambda manifest: names)
    plan = StreamPlan((tmp_path,), (16_000,), 10**6, 2, 1)
    zeros = np.zeros((40, 1, 1, 3), np.uint8), np.zeros((40, 4, 8), np.float32), np.zeros((40, 68, 2), np.float32)
    clip = LoadedClip("any", "s", *zeros)

    def places(clips, plan, position, *share):
        for block in plan.blocks(position):
            for owner, target in zip(block.owners, block.targets, strict=True):
                yield clip, block.clips[owner][1], int(target), 40

    monkeypatch.setattr(module, "_places", places)
    monkeypatch.setattr(StreamPlan, "of", classmethod(lambda cls, *given: plan))
    clips = ClipStream(types.SimpleNamespace(path=tmp_path), "train", 1, 10**6, 2, 0)
    batches = list(islice(training_batches(clips, batch_size, 1, 0), 8000 // batch_size))
    seen = [name for batch in batches for name in batch.clips]
    generator = torch.Generator().manual_seed(1)

    def explained(strata_of):
        drawn = [draw_sigmas(batch_size, 0.0, 1.0, generator, strata=strata_of(batch)) for batch in batches]
        return explained_by_clip(seen, torch.cat(drawn).double().numpy())

    for batch in batches[:3]:
        assert sorted(batch.strata.tolist()) == list(range(batch_size))
    share, chance = explained(lambda batch: torch.from_numpy(batch.strata))
    assert share == pytest.approx(chance, rel=0.25)
    tied, _ = explained(lambda batch: None)
    assert tied > tied_by * chance, "by the row's number the level would tell the clip"


def test_what_fits_is_held_and_what_does_not_is_streamed(index):
    room = FRAMES * 16 * 16 * 3
    held, streamed = (open_split(index, "train", 16, size, 2, 0) for size in (room, room - 1))
    assert isinstance(held, list)
    assert isinstance(streamed, ClipStream)
    assert streamed.frames_at_once == (room - 1) // (2 * 16 * 16 * 3)
    assert len(take(streamed, 3)) == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_a_shard_that_is_not_the_indexs_is_refused(tmp_path, workers):
    paths = [pack(tmp_path, shard=f"0000{n}", lengths={f"c{n}": 6}, speakers=[f"p{n}"]) for n in range(2)]
    write_index(tmp_path / "index.json", paths)
    clips = stream(tmp_path / "index.json", workers=workers)
    take(clips, 5)
    tar = tmp_path / "shards/train/00001.tar"
    whole = tar.read_bytes()
    # A shard made anew, with its own true manifest, after the index.
    pack(tmp_path, shard="00001", lengths={"c1": 6, "extra": 2}, speakers=["p1"])
    with pytest.raises(UserError, match=r"make the index again|truncated or altered"):
        take(clips, 5)
    for spoilt in (whole[: len(whole) // 2], whole[:3000] + b"\1" + whole[3001:]):
        pack(tmp_path, shard="00001", lengths={"c1": 6}, speakers=["p1"])
        tar.write_bytes(spoilt)
        with pytest.raises(UserError, match=r"^\S+ is truncated or altered; delete \S+ to make both again\.$"):
            take(clips, 5)


def test_a_command_that_meets_a_refused_shard_ends(tmp_path):
    """Workers ignore SIGTERM; a process that left them behind would wait for them at its end."""
    write_index(tmp_path / "index.json", [pack(tmp_path, lengths={"a": 6, "b": 7})])
    tar = tmp_path / "shards/train/00000.tar"
    tar.write_bytes(tar.read_bytes()[:-2000])
    program = f"""
from dheads_model.shards.index import read_index
from dheads_model.shards.stream import ClipStream, training_batches
batches = training_batches(ClipStream(read_index({str(tmp_path / "index.json")!r}), "train", 16, 50, 1, 2), 4, 1, 0)
try:
    next(batches)
except Exception as problem:
    kept = problem
    print(problem)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert "truncated or altered" in ended.stdout


def test_workers_of_a_killed_training_end_too(tmp_path):
    write_index(tmp_path / "index.json", [pack(tmp_path, lengths={f"c{n}": 40 for n in range(20)})])
    program = f"""
import os, signal
from dheads_model.shards.index import read_index
from dheads_model.shards.stream import ClipStream, training_batches
batches = training_batches(ClipStream(read_index({str(tmp_path / "index.json")!r}), "train", 64, 9, 1, 2), 4, 1, 0)
next(batches)
os.kill(os.getpid(), signal.SIGKILL)
"""
    # The workers share the pipe, which is read to its end.
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert ended.returncode == -signal.SIGKILL


def test_a_shard_altered_while_it_is_used_is_refused_the_next_time(tmp_path):
    write_index(tmp_path / "index.json", [pack(tmp_path, lengths={"a": 6, "b": 7})])
    tar = tmp_path / "shards/train/00000.tar"
    batches = training_batches(stream(tmp_path / "index.json", passes=1), 13, 1, 0)
    next(batches)
    content = bytearray(tar.read_bytes())
    content[3000] ^= 1
    tar.write_bytes(content)
    os.utime(tar, ns=(1, 1))
    with pytest.raises(UserError, match="truncated or altered"):
        for _ in range(4):
            next(batches)


def test_an_empty_split_and_clips_of_one_frame_are_refused(tmp_path):
    write_index(tmp_path / "index.json", [pack(tmp_path, lengths={"a": 6, "b": 1})])
    with pytest.raises(UserError, match=r"clip b has one frame only; raise config key track\.min_frames"):
        take(stream(tmp_path / "index.json"), 1)
    clips = ClipStream(read_index(tmp_path / "index.json"), "test", 16, 50, 2, 0)
    with pytest.raises(UserError, match=r"test split .* holds no clip"):
        take(clips, 1)


@pytest.mark.slow
def test_an_interrupted_training_on_a_stream_ends_bit_for_bit_as_an_uninterrupted_one(index, tmp_path, monkeypatch):
    torch.set_num_threads(1)
    held = load_split(index, "train", 16)
    config = changed(images=240)

    def go(folder, stop_after=None):
        settings = run_settings(config)
        if stop_after is None:
            return train(settings, config, stream(index, workers=1), held[:1], "data", tmp_path / folder)
        from dheads_model.training import loop

        real, taken = loop.batch_loss, []

        def counted(*arguments):
            taken.append(1)
            if len(taken) == stop_after:
                os.kill(os.getpid(), SignalWatch.SIGNALS[-1])
            return real(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "batch_loss", counted)
            with pytest.raises(Interrupted):
                train(settings, config, stream(index, workers=1), held[:1], "data", tmp_path / folder)
        return None

    whole = go("whole")
    go("cut", 5)
    go("cut", 13)
    resumed = go("cut")
    for name, value in whole.weights.items():
        assert torch.equal(value, resumed.weights[name]), name
    assert without_time(tmp_path / "whole") == without_time(tmp_path / "cut")
    in_memory = run(config, held, tmp_path / "held")
    assert any(not torch.equal(value, in_memory.weights[name]) for name, value in whole.weights.items())


def test_tensorboard_that_is_not_installed_is_said_before_training(index, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"install it with `pip install tensorboard`"):
        run(changed(images=16, tensorboard=True), load_split(index, "train", 16), tmp_path)
    assert not list(tmp_path.glob("state-*"))


def test_tensorboard_gets_what_the_log_gets(index, tmp_path, monkeypatch):
    written, purged = {}, []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            purged.append((folder, purge_step))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def flush(self):
            pass

        def add_scalar(self, name, value, images):
            written.setdefault(images, {})[name] = value

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", types.SimpleNamespace(SummaryWriter=SummaryWriter))
    clips = load_split(index, "train", 16)
    run(changed(tensorboard=True), clips, tmp_path)
    log = read_log(tmp_path / "training.jsonl")
    assert [{"images": images, **entry} for images, entry in written.items()] == log
    assert {"loss", "gradient_norm", "images_per_second", "flop_utilisation", "memory_mib"} <= set(written[80])
    run(changed(tensorboard=True), clips, tmp_path)
    assert purged == [(str(tmp_path / "tensorboard"), 1), (str(tmp_path / "tensorboard"), 81)]
