"""One reverse step, the loss terms and their parts against the published functions."""

import numpy as np
import pytest
import torch

from dheads_model.diffusion.boxes import box_mask, boxes_around
from dheads_model.diffusion.ddpm import (
    add_noise,
    discretised_nll,
    gaussian_kl,
    predicted_posterior,
    true_posterior,
    vlb_term,
)
from dheads_model.diffusion.schedules import cosine_schedule, respace

TOLERANCE = 1e-5


@pytest.fixture(params=["T1000", "s50"])
def step(request, numbers):
    """(schedule, tensors of one reverse step) of the full and of a respaced schedule."""
    prefix = f"{request.param}_"
    tensors = {
        key.removeprefix(prefix): torch.from_numpy(value)
        for key, value in numbers("ddpm_step").items()
        if key.startswith(prefix)
    }
    schedule = cosine_schedule(1000)
    return (schedule if request.param == "T1000" else respace(schedule, 50)), tensors


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().max())


def test_noising(step):
    schedule, tensors = step
    found = add_noise(schedule, tensors["x0"], tensors["t_index"], tensors["eps"])
    assert error(found, tensors["xt"]) < 1e-3  # published with a float32 schedule


def test_reverse_step(step):
    schedule, tensors = step
    posterior = predicted_posterior(schedule, tensors["nn_out"], tensors["xt"], tensors["t_index"])
    assert error(posterior.mean, tensors["mean_f64ref"]) < TOLERANCE
    assert error(posterior.log_variance, tensors["logvar_f64ref"]) < TOLERANCE
    assert error(posterior.x0, tensors["pred_x0"]) < 1e-3
    noise = tensors["noise"] * (tensors["t_original"] != 0)[:, None, None, None]
    sample = posterior.mean + (0.5 * posterior.log_variance).exp() * noise
    assert error(sample, tensors["sample_f64ref"]) < TOLERANCE


def test_reverse_step_without_learned_variance(step):
    schedule, tensors = step
    posterior = predicted_posterior(schedule, tensors["nn_out"][:, :3], tensors["xt"], tensors["t_index"])
    assert error(posterior.mean, tensors["mean_fixedvar"]) < 1e-3
    assert error(posterior.log_variance, tensors["logvar_fixedvar"]) < 1e-3


def test_true_posterior(step):
    schedule, tensors = step
    posterior = true_posterior(schedule, tensors["x0"], tensors["xt"], tensors["t_index"])
    assert error(posterior.mean, tensors["q_mean"]) < 1e-3
    assert error(posterior.log_variance, tensors["q_logvar"]) < 1e-3


def test_variational_bound(numbers):
    tensors = {key: torch.from_numpy(value) for key, value in numbers("ddpm_step").items() if key.startswith("vlb_")}
    found = vlb_term(
        cosine_schedule(1000), tensors["vlb_nn_out"], tensors["vlb_x0"], tensors["vlb_xt"], tensors["vlb_timesteps"]
    )
    np.testing.assert_allclose(found, tensors["vlb_loss_bits_per_dim_f64ref"], rtol=1e-5)
    np.testing.assert_allclose(found, tensors["vlb_loss_bits_per_dim"], rtol=0.02)


def test_divergence_and_likelihood(numbers):
    tensors = {key: torch.from_numpy(value).double() for key, value in numbers("ddpm_step").items()}
    kl = gaussian_kl(*(tensors[f"kl_{name}"] for name in ("mean1", "logvar1", "mean2", "logvar2")))
    np.testing.assert_allclose(kl, tensors["kl_value_f64ref"], rtol=1e-9, atol=1e-12)
    nll = discretised_nll(tensors["nll_x"], tensors["nll_mean"], tensors["nll_log_scale"])
    np.testing.assert_allclose(nll, tensors["nll_value_nats_f64ref"], rtol=1e-9, atol=1e-9)


def test_lip_loss(numbers):
    stored = numbers("ddpm_step")
    points, height, width = torch.from_numpy(stored["lip_landmarks_xy"]), 32, 32
    boxes = boxes_around(points, height, width)
    assert boxes.tolist() == stored["lip_crop_rows_cols"].tolist()
    squared = torch.from_numpy((stored["lip_eps"] - stored["lip_eps_pred"]) ** 2)
    mask = box_mask(boxes, height, width)
    per_sample = (squared * mask).sum(dim=(1, 2, 3)) / (3 * mask.sum(dim=(1, 2, 3)))
    np.testing.assert_allclose(per_sample, stored["lip_loss_per_sample"], rtol=1e-5)
    np.testing.assert_allclose(per_sample.mean(), stored["lip_loss"], rtol=1e-5)
