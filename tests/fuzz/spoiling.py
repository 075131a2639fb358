"""What can be wrong with bytes, with documents and with names: strategies that all kinds of inputs share."""

from __future__ import annotations

import copy
import json
from typing import Any

import yaml
from hypothesis import strategies as st

#: Ways after which a file may be read only if nothing that counts was touched.
CUTTING = ("cut", "append", "whole")

WAYS = ("whole", "cut", "append", "flip", "zero", "insert", "drop", "twice", "other")


@st.composite
def bytes_of(draw: st.DrawFn, content: bytes, ways: tuple[str, ...] = WAYS) -> tuple[str, bytes]:
    """How a file was spoilt, and the file."""
    how = draw(st.sampled_from(ways))
    last = max(0, len(content) - 1)
    at = draw(
        st.integers(0, min(last, 199) if draw(st.booleans()) else last)
    )  # formats say what they are first
    size = draw(st.integers(1, 64))
    if how == "other":
        found = draw(st.one_of(st.just(b""), st.binary(max_size=400), st.text(max_size=99).map(encoded)))
    elif how == "flip":
        changed = bytearray(content)
        for place in [at, *draw(st.lists(st.integers(0, last), max_size=3))]:
            changed[place] ^= 1 << draw(st.integers(0, 7))
        found = bytes(changed)
    else:
        more = draw(st.binary(min_size=1, max_size=64))
        found = {
            "whole": content,
            "cut": content[:at],
            "append": content + more,
            "zero": content[:at] + bytes(size) + content[at + size :],
            "insert": content[:at] + more + content[at:],
            "drop": content[:at] + content[at + size :],
            "twice": content[:at] + content[at : at + size] * 2 + content[at + size :],
        }[how]
    return how, found


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


#: Values that are of another type, another size or another meaning than whatever stands there.
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 3, 17, 2**31, 2**63, -(2**63), 10**400),
    *(0.5, -0.0, 1e308, float("inf"), float("nan")),
    *("", " ", ".", "..", "/", "~", "a", "null", "x4", "\0", "\n", "\x1b[31m", "é", "\u202e", "\ud800"),
    *("a" * 9999, "../../x", "/dev/zero", "/etc/passwd", "C:\\x", "file:///dev/zero"),
    *("http://[::1/x", "http://\x00/", "{x}", "%00"),
    *([], [[]], [None], {}, {"a": {}}, {"": ""}, [{}], ["a", "a"]),
]  # fmt: skip


@st.composite
def document_of(draw: st.DrawFn, document: Any, times: int = 2) -> Any:
    """The document with one or two places changed."""
    found = {"": copy.deepcopy(document)}
    for _ in range(draw(st.integers(1, times))):
        place: Any = found
        key: Any = ""
        while isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 4)):
            place = place[key]
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
        how = draw(st.sampled_from(["odd", "odd", "delete", "rename", "add", "wrap", "text"]))
        odd = copy.deepcopy(draw(st.sampled_from(ODD)))  # which a later change may change
        if how == "odd" or place is found:
            place[key] = odd
        elif how == "delete":
            del place[key]
        elif how == "wrap":
            place[key] = draw(st.sampled_from([[place[key]], {"a": place[key]}, [place[key]] * 2]))
        elif how == "text":
            place[key] = draw(st.text(max_size=20))
        elif isinstance(place, dict):
            name = draw(
                st.one_of(st.sampled_from(["", "a", f"{key}s", str(key).upper(), "\0"]), st.text(max_size=5))
            )
            place[name] = place.pop(key) if how == "rename" else odd
        else:
            place.append(odd)
        if not isinstance(found[""], dict | list):
            break
    return found[""]


def as_yaml(document: Any) -> bytes:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


#: Names of files and folders, without their ending: what a file system takes, and people's programs write.
NAMES = st.one_of(
    st.sampled_from(
        ["-x", "--help", "a b", "a'b", 'a"b', "a\nb", "a\tb", "\x1b[31mred",
         "é", "e\u0301", "ﬁ", "😀",
         "\u202eabc", "a,b", "a;b", "a&b", "$HOME", "`x`", "%s", "{x}", "a..b", "x4", "_HR", "a_HR_x4",
         "n" * 200, "NUL", "a|b", "*", "[a]", "\udcff\udcfe", "=1+1", "@", "~", "#a", "a\\b", "a:b", " ",
         "a ", "0", "007", "1e5", "nan", "None", "true"]
    ),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=20),
).filter(
    lambda name: not name.startswith(".") and len(name.encode("utf-8", "surrogateescape")) < 240
)  # fmt: skip
