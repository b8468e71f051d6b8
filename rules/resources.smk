# What jobs ask a scheduler for: threads, minutes, memory.


def threads_of_a_node(count):
    """Threads of a job (a number, or a function of wildcards), no more than a cluster's largest node has."""

    def found(wildcards):
        wanted = count(wildcards) if callable(count) else count
        submits = workflow.is_main_process and workflow.non_local_exec
        return at_most(wanted, cores_of_largest_node() if submits else None)

    return found


def minutes_of_shard(stage):
    """Minutes of a stage on a shard, by the shard's number of clips."""

    def found(wildcards):
        return minutes_for(PLAN.shards[wildcards.dataset][wildcards.shard].clips, seconds_per_clip(stage))

    return minutes(found)


def seconds_per_clip(stage):
    """Seconds of a core that a stage takes for a clip, with the configured landmark detector."""
    seconds = SECONDS_PER_CLIP[stage]
    if stage in ("track", "measure") and config["track"]["backend"] == "face-alignment":
        seconds += FACE_ALIGNMENT_SECONDS["gpu" if config["track"]["gpus"] else "cpu"]
    return seconds


def memory_of_run(run):
    """MB for a training: decoded frames of training and validation in all processes, and the processes themselves."""
    return int(max(run["gpus"], 1) * (4000 + 1.25 * 1074 * run["training"]["in_memory_gib"]))


def memory_of_distances(distance, dataset):
    """MB for measure_distances: five copies of up to 8 rows of float64 features a clip, and the process itself."""
    return 2000 + int(sum(PLAN.evaluated(dataset).values()) * 8 * DISTANCES[distance].size * 8 * 5 / 1e6)


def memory_of_tracking():
    """MB for track_faces: 1.2 GB were measured for 8K with MediaPipe, 1.9 GB for face-alignment's detector alone."""
    return {"mediapipe": 1500, "face-alignment": 4000}[config["track"]["backend"]]


def asked_memory():
    """{rule: MB that its jobs ask for} of the rules that ask for one number."""
    found = {rule.name: rule.resources.get("mem_mb") for rule in workflow.rules}
    return {name: memory.value for name, memory in found.items() if memory is not None and not memory.is_evaluable()}
