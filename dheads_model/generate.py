"""A photo of a face and a speech recording of any length become a talking video; see docs/own_photo.md.

The command to `Talker.generate`: it parses arguments, prints which settings are used, and reports errors in one sentence.
"""

import argparse
import sys
from collections.abc import Sequence

from dheads_model.errors import EXIT_INTERRUPTED, EXIT_USER_ERROR, UserError
from dheads_model.fingerprint import ROOT
from dheads_model.machine_trouble import machine_trouble
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.talker import DEFAULT_SEED, Talker, check_output
from dheads_model.talker_settings import DEFAULT_CONFIG, PHOTO_GUIDANCE, describe


def _parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m dheads_model.generate", description=__doc__.splitlines()[0])
    result.add_argument("--identity", required=True, help="photo with one face, seen from the front")
    result.add_argument("--audio", required=True, help="speech in any audio or video file")
    result.add_argument("--model", required=True, help="a finished run's model.safetensors")
    result.add_argument("--out", required=True, help="the video to write, an .mp4")
    result.add_argument("--seed", type=int, default=DEFAULT_SEED, help="seed of the noise (%(default)s)")
    layers = (
        f"YAML overlay of {DEFAULT_CONFIG.relative_to(ROOT)} and the sampler settings that the model records (none)"
    )
    result.add_argument("--config", help=layers)
    result.add_argument("--audio-encoder", help="audio_encoder.pt, if an imported model needs it (none)")
    result.add_argument(
        "--method", help="method whose sampler settings are used, if the model records several (the only one)"
    )
    result.add_argument("--steps", type=int, help="denoising steps per frame (the method's)")
    guidance = (
        "classifier-free guidance scale on the audio condition, 1 is fastest "
        f"(the method's, at most {PHOTO_GUIDANCE:g} for a model of generated faces unless --config is given)"
    )
    result.add_argument("--guidance-scale", type=float, help=guidance)
    return result


def generate(given: argparse.Namespace) -> str:
    """Write the video and return a line about it. The settings that are used are printed on standard error."""
    check_output(given.out, (given.identity, given.audio, given.model))
    talker = Talker.load(given.model, method=given.method, config=given.config, audio_encoder=given.audio_encoder)
    options = {"steps": given.steps, "guidance_scale": given.guidance_scale}
    chosen = {name: value for name, value in options.items() if value is not None}
    for line in describe(talker.settings, chosen):
        print(line, file=sys.stderr)
    made = talker.generate(given.identity, given.audio, given.out, seed=given.seed, progress=True, **chosen)
    return (
        f"wrote {given.out}: {made.frames} frames ({made.frames / FRAMES_PER_SECOND:.1f} s) of {made.size} x {made.size} "
        f"pixels with audio, seed {given.seed}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; an error is one sentence and EXIT_USER_ERROR, Ctrl-C EXIT_INTERRUPTED."""
    given = _parser().parse_args(arguments)
    try:
        print(generate(given))
    except UserError as problem:
        return _refuse(problem)
    except OSError as problem:
        sentence = machine_trouble(problem)
        if sentence is None:
            raise
        return _refuse(sentence)
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _refuse(problem: Exception) -> int:
    print(f"error: {' '.join(str(problem).split())}", file=sys.stderr)
    return EXIT_USER_ERROR


if __name__ == "__main__":
    sys.exit(main())
