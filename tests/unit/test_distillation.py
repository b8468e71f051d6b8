"""Distillation: what the student learns, that it comes near its teacher, resume bit for bit, and refusals."""

import copy
import dataclasses

import pytest
import torch

from dheads_model.diffusion.conditions import Conditions
from dheads_model.diffusion.denoiser import denoise
from dheads_model.diffusion.sampling import sample_frame
from dheads_model.diffusion.settings import check_sampling
from dheads_model.diffusion.solvers.consistency import consistency
from dheads_model.diffusion.solvers.euler import euler
from dheads_model.errors import UserError
from dheads_model.network.export import load_export, save_export
from dheads_model.shards.loader import sample_batch
from dheads_model.training import loop
from dheads_model.training.cost import Cost
from dheads_model.training.distillation import distillation_target, guided_denoise, load_teacher, solver_levels
from dheads_model.training.log import read_log
from dheads_model.training.loop import train
from dheads_model.training.objective import draw_batch
from dheads_model.training.settings import run_settings
from tests.factories.settings import plain_sampling
from tests.factories.signals import stopped_at_call
from tests.factories.training import CONFIG, DDPM, changed, loud_clips, without_time

LEVELS = {"steps": 4, "sigma_min": 0.3, "sigma_max": 3.0, "rho": 7.0}


def distilled(config=CONFIG, training=None, **values):
    """The config of a run with a block distillation."""
    config = copy.deepcopy(config)
    config["conditioning_augmentation"]["audio_drop"] = 0.0
    config["network"]["dropout"] = 0.0
    config["training"] |= training or {}
    config["distillation"] = {"teacher": "ours", "guidance_scale": 2.0, **LEVELS, **values}
    return config


@pytest.fixture(scope="module")
def loud():
    return loud_clips(6, 12, lambda loud, generator: generator.uniform(4, 12, (len(loud), 68, 2)).astype("float32"))


@pytest.fixture(scope="module")
def exported(loud, tmp_path_factory):
    """Export of a short training that learned that loud frames are bright."""
    folder = tmp_path_factory.mktemp("teacher")
    config = changed(images=1600, log_every_images=800, state_every_images=800, learning_rate=0.004)
    config["network"] = {**config["network"], "dropout": 0.0}
    run = run_settings(config)
    weights = train(run, config, loud, [], "data", folder / "state").weights
    network = dataclasses.asdict(run.network)
    save_export(
        folder / "model.safetensors",
        weights,
        config | {"network": network, "diffusion": dataclasses.asdict(run.diffusion)},
        {},
    )
    return folder / "model.safetensors"


def drawn_batch(loud, run, step=0):
    return draw_batch(sample_batch(loud, 8, 3, step), run, 3, step, True, torch.device("cpu"))


def student(exported, loud, folder, config, validation=()):
    run = run_settings(config)
    teacher = load_teacher(exported, run)
    return run, train(run, config, loud, list(validation), "data", folder, teacher=teacher)


def model_of(run, weights):
    from dheads_model.network.talking_model import TalkingModel

    model = TalkingModel(run.network, run.diffusion)
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False)


def test_the_student_is_taught_the_guided_denoiser(exported, loud):
    run = run_settings(distilled(objective="guidance"))
    teacher = load_exported(exported)
    drawn = drawn_batch(loud, run)
    noisy = drawn.clean + drawn.levels[:, None, None, None] * drawn.noise
    c = drawn.conditions
    without = denoise(teacher, noisy, drawn.levels, Conditions(c.identity, c.motion, c.audio_features, c.motion_noise,
                                                               torch.ones(8, dtype=torch.bool)))  # fmt: skip
    with_audio = denoise(teacher, noisy, drawn.levels, c)
    assert (with_audio - without).abs().max() > 0.01, "or this test says nothing"
    wanted = (without + 2 * (with_audio - without)).clamp(-1, 1)
    found = distillation_target(teacher, None, noisy, drawn.levels, None, c, run.distillation)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def load_exported(exported):
    return load_export(exported)[0]


def test_a_consistency_target_is_the_end_of_the_trajectory_one_solver_step_on(exported, loud):
    run = run_settings(distilled())
    teacher, averaged = load_exported(exported), load_exported(exported)
    drawn = drawn_batch(loud, run)
    levels = solver_levels(run.distillation)
    assert levels[-1] == 0
    assert len(levels) == 5
    assert set(drawn.levels.tolist()) == set(levels[:-1].tolist()), "eight rows, four strata of two"
    noisy = drawn.clean + drawn.levels[:, None, None, None] * drawn.noise
    found = distillation_target(
        teacher, averaged, noisy, drawn.levels, drawn.next_levels, drawn.conditions, run.distillation
    )
    for row in range(8):
        part = drawn.rows(slice(row, row + 1))
        x, sigma, after = noisy[row : row + 1], part.levels, part.next_levels

        def guided(x, sigma, part=part):
            return guided_denoise(teacher, x, torch.tensor([sigma]), part.conditions, 2.0).clamp(-1, 1)

        solved = euler(guided, x, [float(sigma), float(after)])
        wanted = solved if after == 0 else denoise(averaged, solved, after, part.conditions).clamp(-1, 1)
        torch.testing.assert_close(found[row : row + 1], wanted, atol=1e-4, rtol=1e-4)


def test_one_evaluation_of_the_student_comes_near_two_of_the_guided_teacher(exported, loud, tmp_path):
    training = {"images": 640, "learning_rate": 0.002, "log_every_images": 320, "validation_every_images": 640}
    run, trained = student(exported, loud, tmp_path, distilled(training=training, objective="guidance"))
    teacher, made = load_exported(exported), model_of(run, trained.weights)
    drawn = drawn_batch(loud, run, 999)
    noise = torch.randn(drawn.clean.shape, generator=torch.Generator().manual_seed(5))
    plain = plain_sampling(sampler="euler", steps=1, sigma_min=0.3, sigma_max=3.0)
    guided = plain_sampling(
        sampler="euler", steps=1, sigma_min=0.3, sigma_max=3.0, guidance_scale=2.0, guidance_interval=(0.0, 10.0)
    )
    with torch.no_grad():
        wanted = sample_frame(teacher, drawn.conditions, guided, lambda number: noise)
        found = sample_frame(made, drawn.conditions, plain, lambda number: noise)
        untaught = sample_frame(teacher, drawn.conditions, plain, lambda number: noise)
    assert (found - wanted).square().mean() < 0.5 * (untaught - wanted).square().mean()


@pytest.mark.parametrize("objective", ["guidance", "consistency"])
def test_an_interrupted_distillation_ends_bit_for_bit_as_an_uninterrupted_one(
    exported, clips, tmp_path, monkeypatch, objective
):
    torch.set_num_threads(1)
    config = distilled(objective=objective)
    _, whole = student(exported, clips, tmp_path / "whole", config, clips[:1])
    for steps in (3, 4):
        with stopped_at_call(monkeypatch, loop, "batch_loss", steps):
            student(exported, clips, tmp_path / "cut", config, clips[:1])
    _, resumed = student(exported, clips, tmp_path / "cut", config, clips[:1])
    for name, value in whole.weights.items():
        assert torch.equal(value, resumed.weights[name]), name
    assert without_time(tmp_path / "whole") == without_time(tmp_path / "cut")


def test_validation_is_the_denoising_of_true_frames_as_in_every_training(exported, clips, tmp_path):
    """A student that takes no step has its teacher's validation loss."""
    from dheads_model.training.validation import validation_loss

    config = distilled(
        training={
            "images": 16,
            "learning_rate": 1e-12,
            "muon_learning_rate": 1e-12,
            "log_every_images": 16,
            "validation_every_images": 16,
        }
    )
    run, _ = student(exported, clips, tmp_path, config, clips)
    entry = read_log(tmp_path / "training.jsonl")[-1]
    teacher = load_exported(exported)
    assert entry["validation_loss"] == pytest.approx(
        validation_loss(teacher, clips, run, torch.device("cpu")), rel=1e-4
    )
    assert entry["loss"] < 0.5 * entry["validation_loss"], "the loss is that of the distillation"


def test_the_readers_of_lips_and_faces_stay_as_the_teachers_are(loud, tmp_path):
    config = changed(images=16)
    config["network"] = {**config["network"], "dropout": 0.0, "lip_reader": True, "face_reader": True}
    run = run_settings(config)
    weights = train(run, config, loud, [], "data", tmp_path / "teacher").weights
    about = config | {"network": dataclasses.asdict(run.network), "diffusion": dataclasses.asdict(run.diffusion)}
    save_export(tmp_path / "model.safetensors", weights, about, {})
    _, trained = student(
        tmp_path / "model.safetensors",
        loud,
        tmp_path / "student",
        distilled(config, {"images": 32, "warmup_images": 0}),
    )
    same = {name: torch.equal(value, weights[name]) for name, value in trained.weights.items()}
    assert all(value for name, value in same.items() if name.startswith(("lip_reader.", "face_reader.")))
    assert not all(value for name, value in same.items() if name.startswith("unet."))


def test_another_teacher_is_another_training(exported, loud, tmp_path):
    config = distilled(training={"images": 16})
    run, _ = student(exported, loud, tmp_path, config)
    other = dataclasses.replace(load_teacher(exported, run), sha256="0" * 64)
    with pytest.raises(UserError, match="made with another teacher; move the folder"):
        train(run, config, loud, [], "data", tmp_path, teacher=other)


def test_multistep_sampling_adds_fresh_noise_of_the_next_level():
    seen = []

    def to_half(x, sigma):
        seen.append((sigma, x.clone()))
        return torch.full_like(x, 0.5)

    drawn = torch.tensor([[[[2.0]]]])
    found = consistency(to_half, torch.ones(1, 1, 1, 1), [3.0, 0.5, 0.0], lambda step: drawn * step)
    assert found.item() == 0.5
    assert [(sigma, x.item()) for sigma, x in seen] == [(3.0, 1.0), (0.5, 0.5 + 0.5 * 2.0)]


@pytest.mark.parametrize("levels", [[20.0, 0.0], [20.0, 0.5, 0.0], [20.0, 3.0, 0.7, 0.0]])
def test_the_exact_consistency_function_of_a_normal_distribution_gives_that_distribution(levels):
    mean, spread = 0.3, 0.4

    def exact(x, sigma):
        return mean + (x - mean) * spread / (spread**2 + sigma**2) ** 0.5

    def draw(number):
        return torch.randn(20_000, generator=torch.Generator().manual_seed(number), dtype=torch.float64)

    found = consistency(exact, levels[0] * draw(0), levels, draw)
    assert float(found.mean()) == pytest.approx(mean, abs=0.015)
    assert float(found.std()) == pytest.approx(spread, rel=0.02)


def test_the_cost_counts_the_teacher():
    plain, consistent, guided = (
        Cost.of(run_settings(config), torch.device("cpu"))
        for config in (CONFIG, distilled(), distilled(objective="guidance"))
    )
    assert (plain.passes, consistent.passes, guided.passes) == (3, 6, 5)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (distilled(DDPM), r"runs\.NAME\.distillation needs runs\.NAME\.diffusion\.parameterization edm"),
        (
            {**distilled(), "conditioning_augmentation": CONFIG["conditioning_augmentation"]},
            r"audio_drop is 0\.1; a distilled",
        ),
        ({**distilled(), "audio_encoder_from": "conditioning"}, r"audio_encoder_from must be null"),
        (distilled(steps=1), r"distillation\.steps is 1; the smallest allowed is 2"),
        (distilled(sigma_min=4.0), r"0 < sigma_min < sigma_max, not 4, 4\.0, 3\.0"),
    ],
)
def test_wrong_settings_are_refused_in_a_sentence(config, sentence):
    with pytest.raises(UserError, match=sentence):
        run_settings(config)


def test_a_teacher_that_does_not_fit_is_refused(exported):
    other = distilled()
    other["network"]["base_channels"] = 16
    with pytest.raises(UserError, match=r"network\.base_channels is 16 and that of its teacher ours is 8; remove it"):
        load_teacher(exported, run_settings(other))


@pytest.mark.parametrize(
    ("objective", "sampling", "sentence"),
    [
        (
            "guidance",
            {"sampler": "euler", "guidance_scale": 2.0},
            r"distilled with guidance and needs none; set sampling\.guid",
        ),
        ("guidance", {"sampler": "consistency"}, r"sampler is consistency, which does not fit .* guidance; take euler"),
        ("consistency", {"sampler": "euler"}, r"sampler is euler, which does not fit .* consistency; take consistency"),
        ("consistency", {"sampler": "consistency", "sigma_max": 20.0}, r"distilled for noise levels of 0\.3 to 3; set"),
        (None, {"sampler": "consistency"}, r"needs a model that was distilled for consistency; take euler"),
    ],
)
def test_a_distilled_model_is_sampled_as_it_was_distilled(objective, sampling, sentence):
    config = CONFIG if objective is None else distilled(objective=objective)
    settings = plain_sampling(**{"guidance_scale": 1.0, "sigma_min": 0.3, "sigma_max": 3.0, **sampling})
    with pytest.raises(UserError, match=sentence):
        check_sampling(settings, config)
