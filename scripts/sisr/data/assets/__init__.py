"""Assets: the files that the benchmark downloads, each verified before it is used.

``fetch("set5", resources)`` has the files of registry entry ``set5`` in ``resources/assets/set5/`` and
returns a :class:`Manifest` that says where they are.
"""

from sisr.data.assets.catalog import Asset, AssetFile, load
from sisr.data.assets.download import Policy
from sisr.data.assets.fetching import fetch, fetch_or_unavailable, verify
from sisr.data.assets.manifest import FetchedFile, Manifest

__all__ = [
    "Asset",
    "AssetFile",
    "FetchedFile",
    "Manifest",
    "Policy",
    "fetch",
    "fetch_or_unavailable",
    "load",
    "verify",
]
