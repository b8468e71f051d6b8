"""User name and password of an LRW licensee: from the environment only, never from a config."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dheads_model.corpora.lrw.layout import FOLDER
from dheads_model.errors import UserError

USER, PASSWORD = "LRW_USER", "LRW_PASSWORD"
# The page of BBC Research & Development on its lip reading datasets, with the agreement.
ASK_AT = "https://www.bbc.co.uk/rd/projects/lip-reading-datasets"


@dataclass(frozen=True)
class Credentials:
    """A licensee's user name and password; the password is not in the repr."""

    user: str
    password: str = field(repr=False)

    def login(self) -> tuple[str, str]:
        """(user, password), for a Link of the downloader."""
        return self.user, self.password


def read_credentials(environ: Mapping[str, str]) -> Credentials:
    """User and password from LRW_USER and LRW_PASSWORD; raises UserError where one is missing or empty."""
    missing = [name for name in (USER, PASSWORD) if not environ.get(name, "").strip()]
    if missing:
        raise UserError(
            f"LRW needs the environment variable{'s' * (len(missing) > 1)} {' and '.join(missing)}: ask BBC Research & "
            f"Development for its agreement for academic research ({ASK_AT}), or set the config key lrw.path to a folder "
            f"that holds an unpacked {FOLDER}."
        )
    return Credentials(environ[USER], environ[PASSWORD])
