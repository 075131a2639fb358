"""Where a file can be had: mirror first, then its own addresses."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from sisr.base.errors import ConfigError

#: Environment variable that names the mirror: a folder or a base URL.
MIRROR_VARIABLE = "SISR_MIRROR"


@dataclass(frozen=True)
class Source:
    """One place to try: a local path or an http(s) address.

    ``url`` is the registry's address that the content stands for; ``label`` names the place in messages,
    without credentials.
    """

    location: Path | str
    url: str
    label: str

    @property
    def place(self) -> str:
        """Who would deliver, for readers elsewhere: the mirror, a host, or this machine."""
        if self.label.startswith("mirror "):
            return "mirror"
        return urlsplit(self.url).hostname or "local file"


@dataclass(frozen=True)
class Mirror:
    """A copy of upstream files laid out as ``<root>/<host>/<path>``, which is what ``wget -x`` makes."""

    root: Path | str

    @classmethod
    def find(cls, mirror: str | Path | None) -> Mirror | None:
        """The mirror given, or that of ``SISR_MIRROR``, or None.

        A folder that does not exist raises :class:`ConfigError`: going on without it would look for
        everything in the network, which is what a mirror is there to avoid.
        """
        origin = "mirror" if mirror is not None else MIRROR_VARIABLE
        value = str(os.environ.get(MIRROR_VARIABLE, "") if mirror is None else mirror).strip()
        if not value:
            return None
        if value.startswith(("http://", "https://")):
            try:
                urlsplit(value)
            except ValueError as error:
                raise ConfigError(f"{origin}: '{value}' is no address: {error}") from None
            return cls(value.rstrip("/"))
        folder = local_path(value) if value.startswith("file:") else Path(value).expanduser()
        if not folder.is_dir():
            raise ConfigError(f"{origin}: '{folder}' is not a folder")
        return cls(folder.absolute())

    def source(self, url: str) -> Source:
        """The mirror's copy of an http(s) address."""
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        # wget stores the decoded path, and a query as part of the file's name.
        path = unquote(parts.path).lstrip("/") + (f"?{unquote(parts.query)}" if parts.query else "")
        if isinstance(self.root, str):
            location = f"{self.root}/{quote(f'{host}/{path}', safe='/:')}"
            return Source(location, url, f"mirror {shown(location)}")
        if ".." in path.split("/"):
            raise ConfigError(f"'..' in the address {shown(url)}")
        copy = self.root / host / path
        return Source(copy, url, f"mirror {copy}")


def sources(urls: Iterable[str], mirror: Mirror | None) -> list[Source]:
    """Places to try, in order: the mirror's copies of all ``urls``, then the ``urls`` themselves."""
    remote, own = [], []
    for url in urls:
        if urlsplit(url).scheme == "file":
            own.append(Source(local_path(url), url, str(local_path(url))))
        else:
            if mirror is not None:
                remote.append(mirror.source(url))
            own.append(Source(url, url, shown(url)))
    return remote + own


def local_path(url: str) -> Path:
    """Path of a ``file://`` address; a host other than this machine raises :class:`ConfigError`."""
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise ConfigError(
            f"'{url}': a file address has three slashes (file:///path), found host '{parts.netloc}'"
        )
    return Path(unquote(parts.path))


def shown(url: str) -> str:
    """Address without user name and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
