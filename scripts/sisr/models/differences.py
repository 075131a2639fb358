"""How the tensors of a file differ from those of a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from sisr.models.weights import is_counter

Shapes = Mapping[str, tuple[int, ...]]

_FEW = 3


@dataclass(frozen=True)
class TensorDifference:
    """Names of tensors that are missing from a file, that are left over in it, and whose shapes differ.

    ``common`` counts those that agree, ``of_own`` and ``of_file`` all that the network and the file have.
    ``shapes`` has, of those of another shape, what they are and should be.
    """

    missing: Sequence[str]
    left: Sequence[str]
    shapes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    common: int
    of_own: int
    of_file: int

    @classmethod
    def of(cls, own: Shapes, file: Shapes, harmless: Callable[[str], bool] = is_counter) -> TensorDifference:
        """What has to be changed in a file; of ``harmless`` tensors neither is of consequence."""
        both = [name for name in own if name in file]
        shapes = {name: (file[name], own[name]) for name in both if own[name] != file[name]}
        return cls(
            [name for name in own if name not in file and not harmless(name)],
            [name for name in file if name not in own and not harmless(name)],
            shapes,
            len(both) - len(shapes),
            len(own),
            len(file),
        )

    @classmethod
    def told(cls, message: str, tensors: int) -> TensorDifference | None:
        """What ``load_state_dict`` of torch said of a file with so many tensors, None for anything else."""
        listed = {
            word: re.findall(r'"([^"]+)"', line)
            for word, line in re.findall(r"(Missing|Unexpected) key\(s\) in state_dict: (.*)", message)
        }
        shapes = {
            name: (_numbers(here), _numbers(wanted))
            for name, here, wanted in re.findall(
                r"size mismatch for (\S+): .*?Size\(\[(.*?)\]\).*?Size\(\[(.*?)\]\)", message
            )
        }
        if not listed and not shapes:
            return None
        missing, left = listed.get("Missing", []), listed.get("Unexpected", [])
        of_own = tensors - len(left) + len(missing)
        return cls(missing, left, shapes, tensors - len(left) - len(shapes), of_own, tensors)

    @property
    def wrong(self) -> int:
        """How many tensors differ."""
        return len(self.missing) + len(self.left) + len(self.shapes)

    @property
    def nearness(self) -> float:
        """1 where all agree, 0 without a name in common; a tensor of another shape is half of one."""
        return (self.common + len(self.shapes) / 2) / max(1, self.common + self.wrong)

    def __str__(self) -> str:
        said = []
        if self.missing:
            said.append(f"{len(self.missing)} of {self.of_own} tensors missing ({listed(self.missing)})")
        if self.left:
            said.append(f"{len(self.left)} of {self.of_file} left over ({listed(self.left)})")
        if self.shapes:
            few = [f"'{name}' is {is_}, expected {own}" for name, (is_, own) in self.shapes.items()]
            said.append(f"{len(few)} of another shape ({_few(few, '; ')})")
        return ", ".join(said)


def shapes_of(state: Mapping[str, Tensor]) -> Shapes:
    """Names and shapes of tensors."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def listed(names: Sequence[str]) -> str:
    """The first few names.

    >>> listed(["a", "b", "c", "d", "e"])
    "'a', 'b', 'c' and 2 more"
    """
    return _few([f"'{name}'" for name in names], ", ")


def _few(texts: Sequence[str], between: str) -> str:
    more = f" and {len(texts) - _FEW} more" if len(texts) > _FEW else ""
    return between.join(texts[:_FEW]) + more


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
