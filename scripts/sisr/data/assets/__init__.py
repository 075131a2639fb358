"""Assets: the files that the benchmark downloads, each verified before it is used.

``fetch("set5", resources)`` has the files of registry entry ``set5`` in ``resources/assets/set5/`` and
returns a :class:`FetchedAsset` that says where they are.
"""

from sisr.data.assets.catalog import Asset, AssetFile, load
from sisr.data.assets.download import Policy
from sisr.data.assets.fetched_asset import FetchedAsset, FetchedFile
from sisr.data.assets.fetching import fetch, fetch_or_unavailable, verify

__all__ = [
    "Asset",
    "AssetFile",
    "FetchedAsset",
    "FetchedFile",
    "Policy",
    "fetch",
    "fetch_or_unavailable",
    "load",
    "verify",
]
