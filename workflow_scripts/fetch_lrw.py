"""Download LRW: the seven parts from the corpus' host with a licensee's login, checked, unpacked, listed."""

from pathlib import Path

from dheads_model.config import build
from dheads_model.files import write_bytes, write_json
from dheads_model.stages.lrw_parts import FetchSettings, fetch_corpus
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    # Not a declared output, so that a new version of this rule does not make Snakemake delete a finished corpus.
    corpus = Path(arguments.corpus_folder)
    account = corpus / "fetched.json"
    if not account.is_file():
        settings = build(FetchSettings, arguments.settings, "lrw")
        write_json(account, fetch_corpus(settings, Path(arguments.parts_folder), corpus))
    write_bytes(arguments.manifest, account.read_bytes())


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--parts-folder", "--corpus-folder", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.fetch_lrw", parser, main)
