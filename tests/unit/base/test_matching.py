"""Which LR or SR file belongs to which HR file: the names of the field's distributions."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from sisr.base.errors import ImageError
from sisr.base.matching import Role, match, references

#: HR, LR and SR names of one image as distributions and programs give them, at x4.
CONVENTIONS = {
    "plain": ("NAME", "NAME", "NAME"),
    "PAN": ("NAME", "NAMEx4", "NAMEx4"),
    "EDSR": ("NAME", "NAMEx4", "NAME_x4_SR"),
    "RCAN": ("NAME_HR_x4", "NAME_LRBI_x4", "NAME_RCAN_x4"),
    "RCAN of BD": ("NAME_HR_x4", "NAME_LRBD_x4", "NAME_RCAN_BD_x4"),
    "SelfExSR": ("NAME_SRF_4_HR", "NAME_SRF_4_LR", "NAME_SRF_4_SRCNN"),
    "RealSR": ("NAME_HR", "NAME_LR4", "NAME_LR4"),
    "HR and LR": ("NAME_HR_x4", "NAME_LR_x4", "NAME_SR_x4"),
    "GT": ("NAME_GT", "NAME_LQ", "NAME_SwinIR"),
    "factor first": ("NAME", "NAME4x", "NAME_4x"),
    "DIV2K mild": ("NAME", "NAMEx4m", "NAME_EDSR_x4"),
    "DIV2K wild": ("NAME", "NAMEx4w", "NAMEx4w_RRDB_x2pretrain"),
    "glued": ("NAMEx4_HR", "NAME-LRx4", "NAME-x4-HAT"),
    "Real-ESRGAN": ("NAME", "NAME", "NAME_RealESRGAN_x4plus"),
}
ROLES: tuple[Role, ...] = ("LR", "SR")
NAMES = ("baby", "0801", "img_001", "Canon_001", "ALLCAPS", "caf\u00e9")


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_conventions(convention: str) -> None:
    for name, role in product(NAMES, ROLES):
        check(*(form.replace("NAME", name) for form in CONVENTIONS[convention]), name, role)


def check(hr: str, lr: str, sr: str, name: str, role: Role) -> None:
    other = lr if role == "LR" else sr
    # A second image whose name begins as the first's; another kind of file, other case, accents apart.
    more = {"hr": hr.replace(name, f"{name}1"), "other": other.replace(name, f"{name}1")}
    files = [Path(f"a/{other}.bmp"), Path(f"a/{more['other']}.bmp")]
    for written in (files, [Path("a") / file.name.upper().replace("\u00c9", "E\u0301") for file in files]):
        names = references([Path(f"h/{hr}.png"), Path(f"h/{more['hr']}.png")], 4)
        assert list(names) == [name, f"{name}1"]
        assert list(match(names, written, 4, role).values()) == written


def test_roles_beside_each_other() -> None:
    """One folder with everything: what a file says that it is decides, never its order."""
    kinds = ("HR_x2", "HR_x4", "LR_x2", "LR_x4", "SR_x4", "SR_x8")
    folder = [Path(f"set/{name}_{kind}.png") for name, kind in product(("a", "b"), kinds)]
    names = references(folder, 4)
    assert [path.name for path in names.values()] == ["a_HR_x4.png", "b_HR_x4.png"]
    for role in ROLES:
        assert match(names, folder, 4, role)["b"] == Path(f"set/b_{role}_x4.png")


@pytest.mark.parametrize(
    ("hr", "files", "message"),
    [
        ("a.png A.png", "a.png", "^h: a.png and A.png are both HR of 'A'$"),
        ("a_HR.png a_GT.png", "a.png", "^h: a_HR.png and a_GT.png are both HR of 'a'$"),
        ("a_HR.png a_HR_x4.png", "a.png", "are both HR of 'a'"),
        ("a.png", "a.png a_x4.png", r"^h/a.png: 2 SR images in f: a.png, a_x4.png$"),
        ("a.png", "ax4.png a4x.jpg", "^h/a.png: 2 SR images in f: ax4.png, a4x.jpg$"),
        ("a.png", "a_SR.png a_SR_x4.png", "2 SR images"),
        ("a.png", "ax4m.png ax4d.png", "2 SR images"),
        # a_b is an HR image, or the output of a model b for a: nothing else says which.
        ("a.png a_b.png", "a_b.png a_b_b.png", "^h/a.png: no SR image|^h/a_b.png: 2 SR images"),
        ("a.png", "ax2.png", "^h/a.png: no SR image for scale 4 in f$"),
        ("a1.png", "a14.png", "^f/a14.png: no HR image of that name in h$"),
        ("a.png", "ax4y.png", "no HR image of that name"),
        ("a.png", "b.png", "no HR image of that name"),
    ],
)
def test_ambiguity_is_an_error(hr: str, files: str, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        match(references(Path("h") / file for file in hr.split()), [Path("f") / f for f in files.split()], 4)


def test_a_number_before_x_is_a_scale_only_where_it_is_the_scale() -> None:
    names = references([Path("img_1.png"), Path("img_14.png")], 4)
    assert match(names, [Path("img_14x.png"), Path("img_144x.png")], 4) == {
        "img_1": Path("img_14x.png"),
        "img_14": Path("img_144x.png"),
    }
