"""All metrics of one clip."""

import numpy as np

from dheads_model.faces.track import fill_gaps
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.metrics import blinks, fidelity, landmark_distance, sharpness, signals, smoothness
from dheads_model.metrics.measurement import NOT_APPLICABLE, Measurement, refuse

FULL_REFERENCE = ("psnr", "ssim", "ms_ssim")
BY_LANDMARKS = (
    "lmd_mouth", "lmd_face", "lmd_atvgnet", "lmd_vico", "akd_fomm", "blinks_per_second", "blink_duration",
    "mouth_truth_correlation", "mouth_audio_correlation", "mouth_audio_lag", "head_motion",
)  # fmt: skip
# A face must be found in this share of the frames, or curves over time are mostly interpolation.
LEAST_SEEN = 0.8


def measure_clip(
    frames: np.ndarray,
    reference: np.ndarray,
    audio: np.ndarray,
    landmarks: np.ndarray,
    seen: np.ndarray,
    reference_landmarks: np.ndarray,
    is_reference: bool,
) -> list[Measurement]:
    """Every metric of a video uint8 `[T, H, W, 3]` with its ground truth of the same shape.

    audio int16 `[640 T]`; landmarks float32 `[T, 68, 2]` found in the video, valid where seen `[T]`; those of the
    ground truth. is_reference: the video is the ground truth itself, so comparing pictures says nothing.
    """
    if is_reference:
        results = [refuse(name, "the ground truth against itself", NOT_APPLICABLE) for name in FULL_REFERENCE]
    else:
        results = [
            Measurement("psnr", fidelity.psnr(frames, reference)),
            Measurement("ssim", fidelity.ssim(frames, reference)),
            _or_refuse(
                "ms_ssim",
                fidelity.ms_ssim(frames, reference),
                f"pictures of {min(frames.shape[1:3])} pixels are too small, it needs {fidelity.LEAST_MS_SSIM_SIDE}",
            ),
        ]
    results.append(_or_refuse("cpbd", sharpness.video_cpbd(frames), "no frame has an edge"))
    results += _smoothness(frames)
    if reason := unseen_reason(seen):
        return results + [refuse(name, reason) for name in BY_LANDMARKS]
    return results + _by_landmarks(fill_gaps(landmarks[seen], seen), reference_landmarks, audio, frames.shape[1])


def unseen_reason(seen: np.ndarray) -> str:
    """Why landmarks of a video say nothing, "" when they do: seen bool `[T]`, whether a face was found in each frame."""
    return "" if seen.mean() >= LEAST_SEEN else f"a face was found in {int(seen.sum())} of {len(seen)} frames"


def _smoothness(frames: np.ndarray) -> list[Measurement]:
    names = {
        "optical_flow": smoothness.optical_flow,
        "frame_mse": smoothness.frame_difference,
        "ofm_paper": smoothness.published_optical_flow,
        "fmse_paper": smoothness.published_frame_difference,
    }
    if len(frames) < 2:
        return [refuse(name, "the clip has one frame only") for name in names]
    return [Measurement(name, function(frames)) for name, function in names.items()]


def _by_landmarks(landmarks: np.ndarray, reference: np.ndarray, audio: np.ndarray, size: int) -> list[Measurement]:
    opening, level = signals.mouth_opening(landmarks), signals.loudness(audio)
    found = blinks.find_blinks(signals.eye_aspect_ratio(landmarks)) if len(landmarks) > 2 else []
    seconds = len(landmarks) / FRAMES_PER_SECOND
    durations = [(last - first) / FRAMES_PER_SECOND for first, last in found]
    lag, why_not = signals.mouth_audio_lag(opening, level)
    return [
        Measurement("lmd_mouth", landmark_distance.mouth_distance(landmarks, reference)),
        Measurement("lmd_face", landmark_distance.face_distance(landmarks, reference)),
        Measurement("lmd_atvgnet", landmark_distance.atvgnet_distance(landmarks, reference)),
        Measurement("lmd_vico", landmark_distance.vico_distance(landmarks, reference)),
        Measurement("akd_fomm", landmark_distance.fomm_distance(landmarks, reference, size)),
        Measurement("blinks_per_second", len(found) / seconds),
        _or_refuse("blink_duration", float(np.mean(durations)) if durations else None, "no blink"),
        _or_refuse(
            "mouth_truth_correlation",
            signals.mouth_truth_correlation(opening, signals.mouth_opening(reference)),
            "the true mouth does not move",
        ),
        _or_refuse(
            "mouth_audio_correlation", signals.mouth_audio_correlation(opening, level), "the sound does not vary"
        ),
        _or_refuse("mouth_audio_lag", None if lag is None else float(lag), why_not),
        Measurement("head_motion", signals.head_motion(landmarks)),
    ]  # fmt: skip


def _or_refuse(metric: str, value: float | None, reason: str) -> Measurement:
    return refuse(metric, reason) if value is None else Measurement(metric, value)
