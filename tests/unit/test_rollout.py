import copy
import dataclasses
import gc
import weakref

import numpy as np
import pytest
import torch

from dheads_model.diffusion import rollout as module
from dheads_model.diffusion.conditions import Conditions, encode_conditions, grey
from dheads_model.diffusion.denoiser import denoise_encoded
from dheads_model.diffusion.rollout import clip_seed, generate, rollout, seeded_noise, stream
from dheads_model.diffusion.sampling import sample_frame
from dheads_model.errors import UserError
from dheads_model.network.placement import place_for_sampling
from dheads_model.network.talking_model import TalkingModel
from tests.factories.networks import SMALL, make_conditions, make_model, settled
from tests.factories.rollout import LENGTHS, NETWORK, SETTINGS, sampling_clips, sampling_model
from tests.factories.settings import plain_diffusion, plain_sampling


@pytest.fixture(scope="module")
def model():
    return sampling_model()


@pytest.fixture(scope="module")
def clips():
    return sampling_clips()


@pytest.fixture(scope="module")
def videos(model, clips):
    return rollout(model, *clips[:2], SETTINGS, clips[2])


@pytest.fixture(autouse=True)
def one_thread():
    """As in `rollout`, which `generate` leaves to its caller."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def floats(model, identity, sound, seeds) -> list[torch.Tensor]:
    """Frames before rounding of each clip."""
    frames = [[] for _ in sound]
    for clip, frame in generate(model, identity, sound, SETTINGS, seeded_noise(seeds)):
        frames[clip].append(frame)
    return [torch.stack(video) for video in frames]


def test_videos(videos):
    assert [video.shape for video in videos] == [(length, 32, 32, 3) for length in LENGTHS]
    assert {video.dtype for video in videos} == {np.dtype(np.uint8)}
    assert len({video[0].tobytes() for video in videos}) == len(LENGTHS)
    assert not np.array_equal(videos[0][0], videos[0][1])


def test_a_video_is_bit_for_bit_the_same_in_any_company(model, clips):
    identity, sound, seeds = clips
    together = floats(model, identity, sound, seeds)
    for order in ([0], [4], [3, 1], [5, 4, 3, 2, 1, 0]):
        other = floats(model, identity[order], [sound[clip] for clip in order], [seeds[clip] for clip in order])
        for clip, video in zip(order, other, strict=True):
            assert torch.equal(video, together[clip]), (order, clip)


@pytest.mark.parametrize("workers", [2, 5])
def test_workers_change_nothing(model, clips, videos, workers):
    before = torch.get_num_threads()
    reported = []
    found = rollout(model, *clips[:2], SETTINGS, clips[2], workers, reported.append)
    for video, expected in zip(found, videos, strict=True):
        assert np.array_equal(video, expected)
    assert sum(reported) == sum(LENGTHS)
    assert torch.get_num_threads() == before


def test_stream_equals_rollout(model, clips, videos):
    identity, sound, seeds = clips
    for clip in range(len(sound)):
        streamed = list(stream(model, identity[clip], iter(sound[clip]), SETTINGS, seeds[clip]))
        assert np.array_equal(np.stack(streamed), videos[clip])


def test_stream_answers_as_soon_as_the_sound_ahead_is_known(model, clips):
    identity, sound, seeds = clips
    given = []

    def features():
        for frame, item in enumerate(sound[0]):
            given.append(frame)
            yield item

    frames = stream(model, identity[0], features(), SETTINGS, seeds[0])
    next(frames)
    assert given == [0, 1, 2]  # its own sound and that of two frames ahead
    next(frames)
    assert given == [0, 1, 2, 3]
    assert len(list(frames)) == 3
    assert list(stream(model, identity[0], [], SETTINGS, 0)) == []


def living_bytes() -> int:
    """Bytes of all tensors that are still alive."""
    gc.collect()
    return sum(thing.nbytes for thing in gc.get_objects() if isinstance(thing, torch.Tensor))


@pytest.mark.slow
def test_a_stream_of_six_hundred_frames_holds_no_more_than_one_of_fifty():
    torch.manual_seed(0)
    small = settled(TalkingModel(SMALL, plain_diffusion())).requires_grad_(False)
    generator, given = torch.Generator().manual_seed(2), []

    def features():
        for _ in range(600):
            item = -13 + 4 * torch.randn(4, 80, generator=generator)
            given.append(weakref.ref(item))
            yield item

    settings = plain_sampling(sampler="euler", steps=1, motion_noise=0.1, clips_at_once=1)
    held, frames = [], 0
    for frame in stream(small, torch.zeros(3, 16, 16), features(), settings, seed=1):
        frames += 1
        assert frame.shape == (16, 16, 3)
        if frames in (50, 300, 590):
            held.append((living_bytes(), sum(item() is not None for item in given)))
    assert frames == 600
    assert len(set(held)) == 1
    assert held[0][1] <= 6  # the window's, and the one that was given last


def test_conditions_are_encoded_once_a_frame(monkeypatch, model, clips):
    encoded, passed = [], []
    encode, step = type(model.unet).encode_conditions, type(model.unet).step
    monkeypatch.setattr(model.unet, "encode_conditions", lambda *given: encoded.append(1) or encode(model.unet, *given))
    monkeypatch.setattr(model.unet, "step", lambda *given: passed.append(1) or step(model.unet, *given))
    settings = dataclasses.replace(SETTINGS, steps=7, clips_at_once=1)
    rollout(model, clips[0][:1], clips[1][:1], settings, clips[2][:1])
    assert (len(encoded), len(passed)) == (LENGTHS[0], 7 * LENGTHS[0])


def test_seed_decides_the_video(model, clips, videos):
    identity, sound, seeds = clips
    other = rollout(model, identity[:2], sound[:2], SETTINGS, [seeds[0] + 1, seeds[1]])
    assert not np.array_equal(other[0], videos[0])
    assert np.array_equal(other[1], videos[1])
    assert clip_seed(1, "a") != clip_seed(1, "b") != clip_seed(2, "b")
    assert clip_seed(2137, "1015_DFA_ANG_XX") == 9053038564770919425


def test_noise_depends_on_clip_frame_and_number():
    noise = seeded_noise([5, 6])
    keys = [(clip, frame, number) for clip in (0, 1) for frame in (0, 1) for number in (-1, 0, 1)]
    drawn = [noise(*key, (3, 4, 4)) for key in keys]
    assert len({tensor.numpy().tobytes() for tensor in drawn}) == len(keys)
    assert torch.equal(drawn[0], seeded_noise([5])(0, 0, -1, (3, 4, 4)))


@pytest.mark.parametrize("workers", [1, 2])
def test_every_worker_calculates_with_one_thread(monkeypatch, model, clips, workers):
    threads = []

    def fake(model, conditions, settings, draw):
        threads.append(torch.get_num_threads())
        return conditions.identity

    monkeypatch.setattr(module, "sample_frame", fake)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        rollout(model, *clips[:2], SETTINGS, clips[2], workers)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert set(threads) == {1}


def record(monkeypatch) -> list[Conditions]:
    """The conditions of all frames; frame k of the video is made to be (k + 1) / 10 everywhere."""
    seen = []

    def fake(model, conditions, settings, draw):
        seen.append(conditions)
        return torch.full_like(conditions.identity, len(seen) / 10)

    monkeypatch.setattr(module, "sample_frame", fake)
    return seen


def motion_levels(seen: list[Conditions], identity: float) -> list[list[float]]:
    return [[round(float(channel.mean()), 3) for channel in conditions.motion[0]] for conditions in seen]


@pytest.mark.parametrize(("anchor_every", "expected"), [
    (0, [[-0.5, -0.5], [-0.5, 0.1], [0.1, 0.2], [0.2, 0.3]]),
    (2, [[-0.5, -0.5], [-0.5, 0.1], [-0.5, 0.2], [0.2, 0.3]]),
])  # fmt: skip
def test_motion_frames_are_the_last_two_generated(monkeypatch, model, anchor_every, expected):
    seen = record(monkeypatch)
    settings = plain_sampling(anchor_every=anchor_every, clips_at_once=1)
    identity, sound = torch.full((1, 3, 32, 32), -0.5), torch.arange(4.0).view(4, 1, 1).expand(4, 4, 80)
    rollout(model, identity, [sound], settings, [0])
    assert np.allclose(motion_levels(seen, -0.5), expected, atol=2e-4)  # the grey weights add up to 0.9999
    windows = [conditions.audio_features[0, :, 0, 0].tolist() for conditions in seen]
    assert windows == [[0, 0, 0, 1, 2], [0, 0, 1, 2, 3], [0, 1, 2, 3, 3], [1, 2, 3, 3, 3]]
    assert all(torch.equal(conditions.identity, identity) for conditions in seen)


def test_network_always_gets_the_same_number_of_clips(monkeypatch, model, clips):
    seen = record(monkeypatch)
    rollout(model, *clips[:2], SETTINGS, clips[2])
    assert {len(conditions.identity) for conditions in seen} == {3}
    assert len(seen) == 7  # 19 frames: where a clip ends the next begins


def test_motion_noise_is_added_and_told(monkeypatch, model, clips):
    seen = record(monkeypatch)
    identity, sound, seeds = clips
    rollout(model, identity[:1], sound[:1], dataclasses.replace(SETTINGS, motion_noise=0.2, clips_at_once=1), seeds[:1])
    assert seen[0].motion_noise.tolist() == pytest.approx([0.2])
    noise = seen[0].motion[0] - grey(identity[0])
    assert float(noise.std()) == pytest.approx(0.2, rel=0.1)
    seen.clear()
    rollout(model, identity[:1], sound[:1], dataclasses.replace(SETTINGS, motion_noise=0.0, clips_at_once=1), seeds[:1])
    assert seen[0].motion_noise.tolist() == [0]
    assert torch.equal(seen[0].motion[0, 0], grey(identity[0])[0])


def test_a_placed_model_makes_the_same_videos(model, clips, videos):
    assert model.unet.stem.weight.is_contiguous(memory_format=torch.channels_last)
    assert model.precision == torch.float32
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    for video, expected in zip(rollout(plain, *clips[:2], SETTINGS, clips[2], 2), videos, strict=True):
        assert np.abs(video.astype(int) - expected).max() <= 1  # another order of summing


@pytest.mark.slow
def test_a_compiled_model_makes_the_same_videos(monkeypatch, model, clips, videos):
    compiled = []

    def compile_quickly(function, **options):
        compiled.append(options)
        return real(function, **options | {"backend": "eager", "mode": None})

    real = torch.compile
    monkeypatch.setattr(torch, "compile", compile_quickly)
    placed = place_for_sampling(copy.deepcopy(model), torch.device("cpu"), compiled=True)
    for video, expected in zip(rollout(placed, *clips[:2], SETTINGS, clips[2], 2), videos, strict=True):
        assert np.abs(video.astype(int) - expected).max() <= 1
    assert [options["fullgraph"] for options in compiled] == [True]
    assert placed.state_dict().keys() == model.state_dict().keys()


def test_model_must_not_be_training(clips):
    with pytest.raises(ValueError, match=r"model\.eval\(\)"):
        rollout(TalkingModel(NETWORK, plain_diffusion()), *clips[:2], SETTINGS, clips[2])


def test_as_many_identity_frames_as_clips(model, clips):
    with pytest.raises(ValueError, match="6 identity frames for the audio features of 1 clips"):
        list(generate(model, clips[0], clips[1][:1], SETTINGS, seeded_noise([0])))


@pytest.mark.parametrize("centre", ["zero", "identity"])
@pytest.mark.parametrize("interval", [(0.1, 10.0), (0.1, 2.0)])
def test_guidance(interval, centre):
    model, conditions = make_model(centre=centre), make_conditions()
    settings = plain_sampling(sampler="euler", steps=1, sigma_max=3.0, guidance_scale=2.0, guidance_interval=interval)
    start = torch.randn(3, 3, 16, 16)
    noisy = 3.0 * start + (conditions.identity if centre == "identity" else 0)
    with torch.no_grad():
        found = sample_frame(model, conditions, settings, lambda number: start)
        with_sound, without = (
            denoise_encoded(model, noisy, torch.full((3,), 3.0), encode_conditions(model, variant))
            for variant in (conditions, dataclasses.replace(conditions, audio_drop=torch.ones(3, dtype=torch.bool)))
        )
    expected = 2 * with_sound - without if interval[1] > 3 else with_sound
    torch.testing.assert_close(found, expected.clamp(-1, 1), atol=1e-5, rtol=0)
    assert (with_sound - without).abs().max() > 1e-3


@pytest.mark.parametrize("form", ["edm", "ddpm"])
@pytest.mark.parametrize("sampler", ["ancestral_ddpm", "ddim", "euler", "heun", "dpmpp_2m"])
@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_every_sampler_runs_on_every_form(form, sampler, guidance):
    model, settings = make_model(form), plain_sampling(sampler=sampler, steps=4, eta=0.5, guidance_scale=guidance)
    draws = torch.randn(5, 3, 3, 16, 16)
    if sampler == "ancestral_ddpm" and form == "edm":
        with pytest.raises(UserError, match=r"ancestral_ddpm needs a model with diffusion\.parameterization ddpm"):
            sample_frame(model, make_conditions(), settings, lambda number: draws[number])
        return
    with torch.no_grad():
        frame = sample_frame(model, make_conditions(), settings, lambda number: draws[number])
    assert frame.shape == (3, 3, 16, 16)
    assert torch.isfinite(frame).all()
    assert frame.abs().max() <= (1.5 if sampler == "heun" else 1.0001)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sampler": "plms"}, "sampler is 'plms'; it must be one of"),
        ({"eta": 2.0}, "eta is 2.0; the largest allowed is 1"),
        ({"steps": 0}, "steps is 0; the smallest allowed is 1"),
        ({"sigma_min": 30.0}, "sigma_min < sigma_max"),
        ({"clips_at_once": 0}, "clips_at_once"),
    ],
)
def test_impossible_settings(change, message):
    with pytest.raises(UserError, match=message):
        plain_sampling(**change)


def test_networks_without_level_input_and_with_colour():
    settings = dataclasses.replace(SMALL, noise_level_input=False, motion_channels=3)
    model = settled(TalkingModel(settings, plain_diffusion()))
    sound = torch.randn(2, 4, 80)
    videos = rollout(model, torch.zeros(1, 3, 16, 16), [sound], plain_sampling(steps=2, motion_noise=0.1), [0])
    assert videos[0].shape == (2, 16, 16, 3)


def test_noise_starts_around_what_the_frames_lie_around():
    model = TalkingModel(SMALL, plain_diffusion(sigma_data=0.2, residual_to="identity")).eval()  # its output is 0
    conditions = make_conditions()
    conditions = dataclasses.replace(conditions, identity=conditions.identity.clamp(-0.9, 0.9))
    settings = plain_sampling(sampler="euler", steps=6, sigma_min=0.02, sigma_max=0.2)
    draws = seeded_noise([0])
    frames = torch.stack(
        [sample_frame(model, conditions, settings, lambda n, k=k: draws(0, k, n, (3, 3, 16, 16))) for k in range(40)]
    )
    # The prior of a frame: the identity frame plus noise; started around zero it would be paler by half here.
    difference = frames.mean(dim=0) - conditions.identity
    slope = (difference * conditions.identity).sum() / (conditions.identity**2).sum()
    assert abs(slope) < 0.05


def test_the_mouth_is_hidden_in_the_motion_frames_when_asked(monkeypatch, model, clips):
    identity, sound, seeds = clips
    for hidden in (False, True):
        seen = record(monkeypatch)
        rollout(model, identity.abs() + 0.1, sound, plain_sampling(steps=1, hide_mouth=hidden), seeds)
        motion = torch.stack([one.motion for one in seen])
        assert ((motion[..., 18:27, 10:22] == 0).all()) == hidden
        assert (motion[..., :18, :] != 0).all()
