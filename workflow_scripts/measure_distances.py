"""Distance of one method's videos of a dataset from the real clips, from the features of both."""

from dheads_model.manifest import read_manifest
from dheads_model.metrics.set_distance import load_distance
from dheads_model.stages.distances import MethodDistances, measure_distance, write_distances
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.finish import keep_recipe


def main(arguments) -> None:
    name = arguments.settings["distance"]
    distance = load_distance(name)
    dataset = read_manifest(arguments.real[0]).dataset
    about = distance.about(arguments.settings)
    found = measure_distance(distance, arguments.real, arguments.generated, arguments.kind == "ground_truth")
    write_distances(arguments.output, MethodDistances(dataset, arguments.method, name, about, tuple(found)))
    keep_recipe(
        arguments, "measure_distances", arguments.output, dict.fromkeys([*arguments.real, *arguments.generated])
    )


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--real", nargs="+", required=True, help="manifests of the features of the ground truth")
    parser.add_argument("--generated", nargs="+", required=True, help="manifests of the method's features")
    parser.add_argument("--kind", required=True, help="the method's kind")
    for name in ("--method", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.measure_distances", parser, main)
