"""Download one speaker of GRID: archives of clips and word times, verified, the used clips unpacked."""

import json
from pathlib import Path

from dheads_model.config import build
from dheads_model.errors import UserError
from dheads_model.files import write_bytes, write_json
from dheads_model.stages.grid_speaker import FetchSettings, fetch_speaker
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    settings = build(FetchSettings, arguments.settings, "grid")
    # Not a declared output, so that a new version of this rule does not make Snakemake delete a finished speaker.
    account = Path(arguments.corpus_folder, arguments.part, "fetched.json")
    if not (account.is_file() and _suffices(account, settings)):
        folders = (arguments.corpus_folder, arguments.downloads_folder, arguments.hashes_folder)
        write_json(account, fetch_speaker(int(arguments.part[1:]), settings, *map(Path, folders)))
    write_bytes(arguments.manifest, account.read_bytes())


def _suffices(account: Path, settings: FetchSettings) -> bool:
    """Whether the clips that were unpacked include those that are wanted now."""
    try:
        found = json.loads(account.read_text(encoding="utf-8"))
        kept, aligned = found["clips_per_speaker"], "alignments" in found
    except (ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{account} is not usable ({problem}); delete it to fetch the speaker again.") from problem
    enough = kept is None or (settings.clips_per_speaker is not None and settings.clips_per_speaker <= kept)
    return enough and (aligned or not settings.alignments)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--part", "--downloads-folder", "--hashes-folder", "--corpus-folder", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.fetch_grid", parser, main)
