"""How commands are told of a network: options that several of them have, and what these mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from sisr.base.errors import SisrError
from sisr.models.model_entries import Model

NetworkClass = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="FILE.py:CLASS",
        help="The network of a file of weights, or one without: --class span.py:SPAN.",
    ),
]

NetworkParams = Annotated[
    list[str] | None,
    typer.Option(
        "--params", metavar="NAME=VALUE", help="Argument of the network: width=28; may be repeated."
    ),
]


def arguments_of(params: Sequence[str]) -> dict[str, Any]:
    """Arguments of a class, with values as YAML reads them.

    >>> arguments_of(["width=28", "norm=false", "act=lrelu"])
    {'width': 28, 'norm': False, 'act': 'lrelu'}
    """
    import yaml

    found = {}
    for param in params:
        name, equals, value = param.partition("=")
        if not equals or not name.isidentifier():
            raise SisrError(f"params: '{param}': expected NAME=VALUE, as width=28")
        try:
            found[name] = yaml.safe_load(value)
        except (yaml.YAMLError, RecursionError):
            found[name] = value
    return found


def only_scale(model: Model) -> int:
    """The scale of a model that has one only."""
    if model.own is not None and not model.scales:
        from sisr.upscaling.detection import scale_of

        return scale_of(model)
    if len(model.scales) != 1:
        has = ", ".join(f"x{s}" for s in model.scales) or "any scale"
        raise SisrError(f"{model.label} has {has}: say which with --scale")
    return model.scales[0]
