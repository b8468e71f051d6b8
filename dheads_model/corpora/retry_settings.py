"""The config block `retry` of datasets that are fetched."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from dheads_model.errors import UserError


@dataclass(frozen=True, config={"extra": "forbid"})
class RetrySettings:
    """How long to try."""

    attempts: Annotated[
        int, Field(ge=1, description="Tries in a row that bring nothing new, before a host is given up for a file.")
    ] = 6
    first_wait: Annotated[
        float,
        Field(
            ge=0,
            description="Seconds before the second try, doubled for each next one; a host's Retry-After goes before.",
        ),
    ] = 1.0
    longest_wait: Annotated[float, Field(ge=0, description="Longest wait in seconds.")] = 120.0
    timeout: Annotated[float, Field(gt=0, description="Seconds without a byte that count as a stall.")] = 30.0


def check_retry(where: str, block: Mapping) -> None:
    """Raise UserError where the waits of a block `retry`, named by its config key, do not fit together."""
    if block["first_wait"] > block["longest_wait"]:
        raise UserError(
            f"config key {where}.first_wait is {block['first_wait']:g} and longest_wait {block['longest_wait']:g}; raise "
            "longest_wait."
        )
