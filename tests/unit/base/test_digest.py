"""Code digests: an edit of the meaning of what a script can reach changes them, anything else does not."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from sisr.base import digest
from sisr.models.model_entries import engine_module

NAMES = sorted(path.stem for path in digest.SCRIPTS.glob("*.py"))
SMALL = {"a": "def f():\n    return 1\n", "script": "from sisr.a import f\n\nf()\n"}


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Make a folder of scripts of some modules, or a copy of our own, which is read from now on."""

    def make(**modules: str) -> Path:
        root = tmp_path / "scripts"
        shutil.rmtree(root, ignore_errors=True)
        if not modules:
            shutil.copytree(digest.SCRIPTS, root, ignore=shutil.ignore_patterns("__pycache__"))
        for name, text in modules.items():
            file = (
                root / f"{name}.py" if name == "script" else root / "sisr" / f"{name.replace('__', '/')}.py"
            )
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            (file.parent / "__init__.py").touch()
        monkeypatch.setattr(digest, "SCRIPTS", root)
        forget()
        return root

    yield make
    monkeypatch.undo()
    forget()


def forget() -> None:
    for cached in (digest._digest, digest._files, digest._summary):
        cached.cache_clear()
    digest._kept.clear()


def digests(*names: str) -> list[str]:
    forget()
    return [digest.code_digest(name) for name in names or NAMES]


def reached(name: str, **only: list[str]) -> set[str]:
    return set(digest.reach([name], {key.replace("__", "."): keys for key, keys in only.items()}))


def comment(text: str) -> str:
    return f"# edited\n{text}\n# edited\n"


def reformat(text: str) -> str:
    """The same tree in another form: quotes, brackets, line ends, no comments."""
    return ast.unparse(ast.parse(text))


def document(text: str) -> str:
    """Other docstrings, of the module and all that is in it."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)):
            if ast.get_docstring(node) is not None:
                del node.body[0]
            node.body.insert(0, ast.Expr(ast.Constant("Edited.")))
            future = [n for n in node.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
            for one in future:
                node.body.remove(one)
                node.body.insert(1, one)
    return ast.unparse(ast.fix_missing_locations(tree))


@pytest.mark.parametrize("edit", [comment, reformat, document])
def test_what_means_nothing_in_any_module_changes_no_digest(
    scripts: Callable[..., Path], edit: Callable[[str], str]
) -> None:
    root = scripts()
    before = digests()
    for path in root.rglob("*.py"):
        path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert digests() == before


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("sisr/scoring/metrics/structural.py", "(0.01 * peak) ** 2", "(0.02 * peak) ** 2", {"score"}),
        ("sisr/analysis/shown_measures.py", '"lower": "↓"', '"lower": "v"', {"tables", "plots"}),
        ("sisr/report/figures/plots.py", "alpha=0.65", "alpha=0.6", {"plots"}),
        ("sisr/report/templates/robustness.html.j2", "<h2>", "<h3>", {"robustness"}),
        ("plots.py", "int(snakemake", "float(snakemake", {"plots"}),
    ],
)
def test_a_change_reaches_the_scripts_that_can_run_it(
    scripts: Callable[..., Path], file: str, old: str, new: str, changed: set[str]
) -> None:
    path = scripts() / file
    before = dict(zip(NAMES, digests(), strict=True))
    assert old in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    after = dict(zip(NAMES, digests(), strict=True))
    found = {name for name in NAMES if before[name] != after[name]}
    assert changed <= found
    assert found.isdisjoint({"upscale", "prepare_dataset", "gather", "fetch_asset"})
    assert ("score" in found) == file.startswith("sisr/scoring")
    if file.startswith("sisr/report/fig") or not file.startswith("sisr"):
        assert found == changed


@pytest.mark.parametrize(
    ("modules", "edit", "changes"),
    [
        # What is not reached
        ({"a": SMALL["a"] + "def g():\n    return 2\n"}, ("a", "return 2", "return 3"), False),
        ({"a": SMALL["a"]}, ("a", "return 1", "return 3"), True),
        ({"a": SMALL["a"]}, ("a", "def f():", "def f() -> int:"), True),
        # Through imports in functions, under other names, of a module, and of what a package passes on
        ({"a": "def f():\n    from sisr.b import g as h\n    h()\n", "b": "def g(): return 1\n"}, None, True),
        ({"a": "def f():\n    from sisr import b\n    b.g()\n", "b": "def g(): return 1\n"}, None, True),
        ({"a": "def f():\n    import sisr.b\n    sisr.b.g()\n", "b": "def g(): return 1\n"}, None, True),
        ({"a": "from . import b\ndef f():\n    b.g()\n", "b": "def g(): return 1\n"}, None, True),
        (
            {"a": "from sisr import b\ndef f():\n    getattr(b, 'g')()\n", "b": "def g(): return 1\n"},
            None,
            True,
        ),
        (
            {"a": "from sisr.c import g as f\n", "c": "from sisr.b import g\n", "b": "def g(): return 1\n"},
            None,
            True,
        ),
        (
            {"a": "from sisr import b\ndef f():\n    b.h()\n", "b": "def g(): return 1\ndef h(): pass\n"},
            None,
            False,
        ),
        # By name
        ({"a": "def f():\n    load('sisr.b')\n", "b": "def g(): return 1\n"}, None, True),
        ({"a": "def f():\n    load('sisr.b:g')\n", "b": "def g(): return 1\n"}, None, True),
        ({"a": "def f():\n    load('sisr.b:h')\n", "b": "def g(): return 1\ndef h(): pass\n"}, None, False),
        # What an import runs, wherever it stands
        ({"a": "import sisr.b\n" + SMALL["a"], "b": "def g(): return 1\ng()\n"}, None, True),
        ({"a": "import sisr.b\n" + SMALL["a"], "b": "def g(): return 1\nX = g()\n"}, None, True),
        ({"a": "import sisr.b\n" + SMALL["a"], "b": "@register\ndef g(): return 1\n"}, None, True),
        ({"a": "import sisr.b\n" + SMALL["a"], "b": "@register('g')\ndef g(): return 1\n"}, None, True),
        (
            {"a": "import sisr.b\n" + SMALL["a"], "b": "class G(metaclass=M):\n  def g(self): return 1\n"},
            None,
            True,
        ),
        ({"a": "import sisr.b\n" + SMALL["a"], "b": "def h(x=g()): pass\ndef g(): return 1\n"}, None, True),
        (
            {"a": "import sisr.b\n" + SMALL["a"], "b": "try:\n  X = 1\nexcept E:\n  def g(): return 1\n"},
            None,
            True,
        ),
        ({"a": "import sisr.b\n" + SMALL["a"], "b": "def g(): return 1\n"}, None, False),
        (
            {"a": "if TYPE_CHECKING:\n  import sisr.b\n" + SMALL["a"], "b": "def g(): return 1\ng()\n"},
            None,
            False,
        ),
        # Names that stand for something else, an alias, two statements of one name
        ({"a": "import numpy as np\ndef f(): return np.sum\n"}, ("a", "numpy", "cupy"), True),
        ({"a": "X = 1\nX = 2\ndef f(): return X\n"}, ("a", "X = 1", "X = 3"), True),
        ({"a": "X = {}\nX['a'] = 1\ndef f(): return X\n"}, ("a", "= 1", "= 3"), True),
        ({"a": "def f(X): return X.g\nX = 1\n"}, ("a", "X = 1", "X = 3"), True),
        ({"a": "def f(): return [X for X in ()] + [X]\nX = 1\n"}, ("a", "X = 1", "X = 3"), True),
        ({"a": "import numpy\n" + SMALL["a"]}, ("a", "import numpy", "import cupy"), True),
    ],
)
def test_what_is_reached(
    scripts: Callable[..., Path], modules: dict[str, str], edit: tuple[str, str, str] | None, changes: bool
) -> None:
    name, old, new = edit or ("b", "return 1", "return 3")
    scripts(**SMALL | modules)
    (before,) = digests("script")
    assert old in modules[name]
    scripts(**SMALL | modules | {name: modules[name].replace(old, new, 1)})
    assert (digests("script") != [before]) is changes


def test_choices_narrow_tables_and_registries(scripts: Callable[..., Path]) -> None:
    scripts(
        a="from sisr.b import register\nTABLE = {'x': 'sisr.c:x', 'y': 'sisr.c:y'}\n"
        "def f(): return TABLE\n@register('p')\ndef p(): pass\n@register('q')\ndef q(): pass\n",
        b="def register(name): ...\n",
        c="def x(): pass\ndef y(): pass\n",
        script=SMALL["script"],
    )
    every = {"sisr.c.x", "sisr.c.y", "sisr.a.p", "sisr.a.q"}
    assert every <= reached("script")
    few = reached("script", sisr__a__TABLE=["x"], sisr__b__register=["p"])
    assert few & every == {"sisr.c.x", "sisr.a.p"}
    with pytest.raises(ValueError, match="no folder, table"):
        reached("script", sisr__a__TABEL=["x"])


def test_models_count_by_what_they_run() -> None:
    def of(engine: str, *archs: str) -> set[str]:
        chosen = {
            "sisr.models.model_entries.ENGINES": [f"{engine_module(engine)}:"],
            "sisr.models.archs.*": [f"sisr.models.archs.{name}:ARCHITECTURE" for name in archs],
            "sisr.upscaling.engines.RESOLVERS": [],
        }
        return set(digest.reach(["upscale"], chosen))

    ncnn, torch = of("ncnn"), of("torch", "espcn")
    modules = {name.rpartition(".")[0] for name in torch}
    assert {
        "sisr.upscaling.engines.pytorch",
        "sisr.models.archs.espcn",
        "sisr.upscaling.inference.runner",
    } <= modules
    assert modules.isdisjoint(
        {"sisr.models.archs.imdn", "sisr.upscaling.engines.ncnn_cpu", "sisr.upscaling.detection"}
    )
    assert "sisr.upscaling.engines.ncnn_cpu" in {name.rpartition(".")[0] for name in ncnn}
    assert "sisr.upscaling.engines.pytorch" not in {name.rpartition(".")[0] for name in ncnn}


def test_nothing_here_is_found_in_ways_that_digests_cannot_see() -> None:
    hidden = r"\b(globals|eval|exec|locals)\(|__init_subclass__|__subclasses__|__set_name__|singledispatch"
    hidden += r"|get_type_hints|__annotations__|import \*|__doc__|f\"sisr\."
    for path in digest.SCRIPTS.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found = [match.group() for match in re.finditer(hidden, text) if text[match.start() - 1] != "."]
        assert not found or path.name == "digest.py", path


@cache
def starts() -> dict[tuple[str, int], str]:
    """Definition at the top of a module, by file and line."""
    found = {}
    for module, path in digest._files().items():
        if path.suffix == ".py":
            for node in ast.parse(path.read_bytes()).body:
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    lines = range(
                        min([node.lineno, *(d.lineno for d in node.decorator_list)]), node.end_lineno + 1
                    )
                    found.update({(str(path), line): f"{module}.{node.name}" for line in lines})
    return found


#: Code that reaches results as jobs do, and what its digest is asked for.
RUNS = {
    "sisr.lr.kernels.apply": (
        "import numpy as np; from sisr.lr import kernels;"
        "[kernels.apply(k, np.zeros((48, 48, 3), np.uint8), 2, 'x') for k in ('matlab-bicubic', 'bsrgan', "
        "'opencv-linear', 'realesrgan')]",
        {
            "sisr.lr.kernels.FUNCTIONS": ["matlab-imresize", "bsrgan", "opencv-resize", "realesrgan"],
            "sisr.lr.kernels.*": [],
        },
    ),
    "sisr.upscaling.engines.load": (
        "import numpy as np; from sisr.upscaling import engines; from sisr.models.model_entries import get;"
        "[engines.load(get(m), 2, {})(np.zeros((9, 9, 3), np.uint8)) for m in ('bicubic', 'lanczos')]",
        {
            "sisr.models.model_entries.ENGINES": ["interpolation"],
            "sisr.upscaling.engines.RESOLVERS": [],
            "sisr.models.archs.*": [],
        },
    ),
    "sisr.scoring.score": (
        "import numpy as np, tempfile; from pathlib import Path; from PIL import Image;"
        "from sisr.scoring import score;"
        "folder = Path(tempfile.mkdtemp()); a, b = folder / 'a.png', folder / 'b.png';"
        "[Image.fromarray(np.full((32, 32, 3), v, np.uint8)).save(p) for v, p in ((9, a), (8, b))];"
        "list(score.score_pairs([score.Pair('a', a, b)], 2, score.Evaluation(['psnr@y-bt601', 'ssim@rgb'])))",
        {"sisr.scoring.metrics.*": [f"sisr.scoring.metrics.fidelity:{name}_of" for name in ("psnr", "ssim")]},
    ),
    "sisr.models.archs.build": (
        "import torch; from sisr.models import archs; archs.build('espcn', 2)(torch.zeros(1, 1, 8, 8))",
        {"sisr.models.archs.*": ["sisr.models.archs.espcn:ARCHITECTURE"]},
    ),
}
TRACER = """
import atexit, json, sys, threading
ran = set()
def note(frame, event, argument):
    if frame.f_code.co_flags & 1:  # functions; the body of a class is run by its import
        ran.add((frame.f_code.co_filename, frame.f_lineno))
threading.setprofile(lambda f, e, a: note(f, e, a) if e == "call" else None)
sys.setprofile(lambda f, e, a: note(f, e, a) if e == "call" else None)
atexit.register(lambda: (sys.setprofile(None), print("RAN" + json.dumps(sorted(ran)))))
"""


@pytest.mark.parametrize("entry", RUNS)
def test_every_function_that_ran_is_in_the_digest(entry: str) -> None:
    """A missed one would leave stale results in silence."""
    code, only = RUNS[entry]
    done = subprocess.run(
        [sys.executable, "-c", f"{TRACER}\n{code}"],
        env=os.environ | {"PYTHONPATH": str(digest.SCRIPTS)},
        capture_output=True,
        text=True,
        check=True,
    )
    calls = {tuple(call) for call in json.loads(done.stdout.rpartition("RAN")[2])}
    ran = {starts()[call] for call in calls if call in starts()}
    counted = {
        name
        for start in entry.split()
        for name in digest.reach([start, "sisr.models.model_entries.get"], only)
    }
    assert len(ran) > 2
    assert ran <= counted


def test_what_is_kept_is_used_until_a_file_changes(scripts: Callable[..., Path], tmp_path: Path) -> None:
    root, file = scripts(**SMALL), tmp_path / "kept.json"
    old = time.time() - 100
    source = root / "sisr" / "a.py"
    (before,) = digests("script")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest, "UNSURE", -1.0)
        digest._summary.cache_clear()
        digest.keep_in(file, write=True)
        forget()
        digest.keep_in(file, write=False)
        patch.setattr(digest, "_read", lambda path: pytest.fail(f"{path} read again"))
        assert digest.code_digest("script") == before
    source.write_text(SMALL["a"].replace("1", "2"), encoding="utf-8")
    os.utime(source, (old, old))
    forget()
    digest.keep_in(file, write=False)
    assert digest.code_digest("script") != before


def test_a_file_that_changed_a_moment_ago_is_not_kept(scripts: Callable[..., Path], tmp_path: Path) -> None:
    scripts(**SMALL)
    digest.keep_in(tmp_path / "kept.json", write=True)
    assert not digest._kept


def test_unknown_module_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no module"):
        digest.code_digest("nothing.like.this")
