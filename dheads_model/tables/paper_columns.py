"""The columns of the paper's table 1, in its order, and the metrics of this project that measure them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from dheads_model.metrics.column import CLOSEST, HIGHER, LOWER, Column
from dheads_model.metrics.registry import CLIP_METRICS
from dheads_model.tables.columns import COLUMNS


@dataclass(frozen=True)
class PaperColumn:
    """One column of the paper.

    key: its name in printed_table1.csv. better, digits: as the paper judges and prints it. metrics: columns of this
    project that measure it, the nearest to the paper's first. note: how they differ from the paper's, or what the paper
    does not say. config_key: the config key that requests them, "" where it is a metric's own or none is needed.
    """

    key: str
    title: str
    better: str
    digits: int
    metrics: tuple[str, ...]
    note: str
    config_key: str = ""


PAPER_COLUMNS = (
    PaperColumn("fvd", "FVD", LOWER, 2, ("fvd_torchscript", "fvd_i3d"),
                "the paper does not say how many frames of a clip it compares", "metrics.distances"),
    PaperColumn("fid", "FID", LOWER, 2, ("fid_tf1", "fid_pytorch_fid", "fid_clean"),
                "the paper does not say which frames of a clip it compares", "metrics.distances"),
    PaperColumn("blinks_per_second", "blinks/s", CLOSEST, 2, ("blinks_per_second_published", "blinks_per_second"), ""),
    PaperColumn("blink_duration", "blink duration, s", CLOSEST, 2, ("blink_duration_published", "blink_duration"),
                "the mean over clips of their blinks' mean duration; the paper prints the median of all blinks"),
    PaperColumn("ofm", "OFM", CLOSEST, 2, ("ofm_paper", "optical_flow"),
                "as the published script computes it; a still video has 42.67"),
    PaperColumn("fmse", "F-MSE", CLOSEST, 2, ("fmse_paper", "frame_mse"), "as the published script computes it"),
    PaperColumn("av_offset", "AV offset", CLOSEST, 2, ("av_offset",), "", "metrics.syncnet"),
    PaperColumn("av_confidence", "AV conf.", HIGHER, 2, ("av_confidence",), "", "metrics.syncnet"),
    PaperColumn("wer", "WER", LOWER, 2, ("wer_dctcn", "wer_mstcn"),
                "word classification error of a lip reader; the paper's own reader is not public; defined for LRW only"),
)  # fmt: skip


def paper_first(columns: Sequence[Column]) -> list[Column]:
    """Columns for people: those that measure the paper's in the order of the paper, then the others as they are."""
    order = [metric for column in PAPER_COLUMNS for metric in column.metrics]
    return sorted(columns, key=lambda column: order.index(column.metric) if column.metric in order else len(order))


def measuring_metric(column: PaperColumn, measured: Collection[str], stated: Collection[str]) -> str | None:
    """The metric of a paper's column: its first one with a value, else the first whose cells say why they have none.

    measured, stated: metrics with a value in some row, and those with cells. None where no cell is about it.
    """
    for names in (measured, stated):
        for metric in column.metrics:
            if metric in names:
                return metric
    return None


def why_absent(column: PaperColumn) -> str:
    """Why a table has no cells of a paper's column: nobody asked for its metrics, or there are none."""
    known = [metric for metric in column.metrics if metric in _titles()]
    if not known:
        return "no metric of this project measures it"
    keys = [column.config_key] if column.config_key else list(_requests(known))
    return f"not requested; see config key {' or '.join(keys)}" if keys else "not measured in this run"


def metric_title(metric: str) -> str:
    """Title of a metric's column."""
    return _titles()[metric]


def _titles() -> dict[str, str]:
    return {column.metric: column.title for column in COLUMNS}


def _requests(metrics: Iterable[str]) -> list[str]:
    """Config keys that request metrics."""
    wanted = set(metrics)
    return [f"metrics.{one.requested}" for one in CLIP_METRICS.values() if one.requested and wanted & set(one.names())]
