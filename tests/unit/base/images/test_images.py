"""Reading and writing image files: one test a row of the table in ``sisr.base.images``."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sisr.base.errors import ImageError
from sisr.base.image_files import list_images, natural_key
from sisr.base.images import modcrop, pixel_digest, read_image, write_png

RNG = np.random.default_rng(7)
GRAY = RNG.integers(0, 256, (6, 9), dtype=np.uint8)
RGB = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (6, 9), dtype=np.uint8)


def save(path: Path, array: np.ndarray, mode: str | None = None, **options: object) -> Path:
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def png_bytes(width: int, height: int, depth: int, colour: int, rows: list[bytes], *more: bytes) -> bytes:
    """A PNG written by hand, for kinds that Pillow cannot write (PNG specification, section 11)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    extra = b"".join(chunk(kind[:4], kind[4:]) for kind in more)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def png(path: Path, *content: Any) -> Path:
    path.write_bytes(png_bytes(*content))
    return path


def deep(array: np.ndarray) -> list[bytes]:
    return [row.astype(">u2").tobytes() for row in array]


def on_white(values: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    a = alpha.astype(float) / 255
    return np.floor(a * values + (1 - a) * 255 + 0.5 + 1e-9).astype(np.uint8)


# --- kinds of pixels ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["png", "tif", "bmp"])
def test_gray_and_rgb_are_kept(tmp_path: Path, ending: str) -> None:
    gray = read_image(save(tmp_path / f"g.{ending}", GRAY))
    rgb = read_image(save(tmp_path / f"c.{ending}", RGB))
    assert np.array_equal(gray.array, GRAY) and gray.array.dtype == np.uint8
    assert np.array_equal(rgb.array, RGB)
    assert gray.notes == rgb.notes == ()


def test_one_bit_becomes_0_and_255(tmp_path: Path) -> None:
    bits = GRAY > 127
    image = read_image(save(tmp_path / "b.png", bits))
    assert np.array_equal(image.array, bits * np.uint8(255))
    assert image.notes == ("1 bit spread over 0 and 255",)


@pytest.mark.parametrize(("depth", "step"), [(2, 85), (4, 17)])
def test_few_bits_are_spread(tmp_path: Path, depth: int, step: int) -> None:
    levels = list(range(2**depth))
    row = int("".join(f"{level:0{depth}b}" for level in levels), 2).to_bytes(len(levels) * depth // 8)
    array = read_image(png(tmp_path / "g.png", len(levels), 1, depth, 0, [row])).array
    assert array.tolist() == [[level * step for level in levels]]


def test_rgb_of_gray_content_stays_rgb(tmp_path: Path) -> None:
    image = read_image(save(tmp_path / "g.png", np.dstack([GRAY] * 3)))
    assert image.array.shape == (6, 9, 3)
    assert image.notes == ("gray content stored as RGB",)


def test_palette_becomes_rgb(tmp_path: Path) -> None:
    image = Image.fromarray(RGB).quantize(16)
    saved = tmp_path / "p.png"
    image.save(saved)
    image = read_image(saved)
    assert np.array_equal(image.array, np.asarray(Image.open(saved).convert("RGB")))
    assert image.notes == ("palette converted to RGB",)


def test_palette_with_transparency_is_composited(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "p.png", transparency=1)
    image = read_image(tmp_path / "p.png")
    assert image.array.tolist() == [[[10, 20, 30], [255, 255, 255]]]
    assert image.notes == ("palette converted to RGB", "alpha composited on white")


@pytest.mark.parametrize("values", [GRAY, RGB], ids=["LA", "RGBA"])
def test_alpha(tmp_path: Path, values: np.ndarray) -> None:
    opaque = read_image(save(tmp_path / "o.png", np.dstack([values, np.full_like(ALPHA, 255)])))
    assert np.array_equal(opaque.array, values)
    assert opaque.notes == ("opaque alpha dropped",)

    clear = read_image(save(tmp_path / "t.png", np.dstack([values, ALPHA])))
    assert np.array_equal(clear.array, on_white(values, ALPHA if values.ndim == 2 else ALPHA[..., None]))
    assert clear.notes == ("alpha composited on white",)


@pytest.mark.parametrize("values", [GRAY, RGB], ids=["L", "RGB"])
def test_one_transparent_value(tmp_path: Path, values: np.ndarray) -> None:
    first = values[0, 0].tolist()
    path = save(tmp_path / "t.png", values, transparency=first if values.ndim == 2 else tuple(first))
    array = read_image(path).array
    assert array.shape == values.shape
    assert (array[0, 0] == 255).all()
    assert np.array_equal(array[1, 1:], values[1, 1:])


def test_16_bit_gray_is_rounded(tmp_path: Path) -> None:
    # v / 257, by hand: 128.5 / 257 = 0.5 has no integer v, so that rounding has no ties
    values = np.array([[0, 128, 129, 256, 257, 385, 386, 65406, 65407, 65535]], np.uint16)
    expected = [[0, 0, 1, 1, 1, 1, 2, 254, 255, 255]]
    for name in ("g.png", "g.tif"):
        image = read_image(save(tmp_path / name, values))
        assert image.array.tolist() == expected
        assert image.notes == ("16 bits reduced to 8",)
    (tmp_path / "g.pgm").write_bytes(b"P5 10 1 65535\n" + values.astype(">u2").tobytes())
    assert read_image(tmp_path / "g.pgm").array.tolist() == expected


def test_16_bit_colour_is_rounded_and_not_truncated(tmp_path: Path) -> None:
    values = RNG.integers(0, 65536, (6, 9, 4), dtype=np.uint16)
    eight = np.floor(values / 257 + 0.5).astype(np.uint8)
    rgb = read_image(png(tmp_path / "c.png", 9, 6, 16, 2, deep(values[..., :3])))
    assert np.array_equal(rgb.array, eight[..., :3])
    assert rgb.notes == ("16 bits reduced to 8",)
    rgba = read_image(png(tmp_path / "ca.png", 9, 6, 16, 6, deep(values)))
    assert np.array_equal(rgba.array, on_white(eight[..., :3], eight[..., 3:]))
    assert rgba.notes == ("16 bits reduced to 8", "alpha composited on white")
    gray = read_image(png(tmp_path / "ga.png", 9, 6, 16, 4, deep(values[..., :2])))
    assert np.array_equal(gray.array, on_white(eight[..., 0], eight[..., 1]))


def test_cmyk_by_pillow(tmp_path: Path) -> None:
    image = Image.fromarray(RGB).convert("CMYK")
    saved = tmp_path / "c.tif"
    image.save(saved)
    image = read_image(saved)
    assert np.array_equal(image.array, np.asarray(Image.open(saved).convert("RGB")))
    assert image.notes == ("CMYK converted to RGB",)


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, ending: str) -> None:
    upright = {
        1: RGB,
        2: np.fliplr(RGB),
        3: np.rot90(RGB, 2),
        4: np.flipud(RGB),
        5: RGB.transpose(1, 0, 2),
        6: np.rot90(RGB, -1),
        7: np.rot90(RGB.transpose(1, 0, 2), 2),
        8: np.rot90(RGB, 1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = read_image(save(tmp_path / f"o.{ending}", RGB, exif=exif))
    assert np.array_equal(image.array, upright)
    assert len(image.notes) == (orientation != 1)
    assert all(f"EXIF orientation {orientation} applied" in note for note in image.notes)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_16_bit_colour(tmp_path: Path, orientation: int) -> None:
    exif = (
        b"eXIf" + b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([orientation]) + b"\0\0\0\0\0\0"
    )
    eight = read_image(png(tmp_path / "e.png", 9, 6, 8, 2, [row.tobytes() for row in RGB], exif))
    sixteen = read_image(png(tmp_path / "s.png", 9, 6, 16, 2, deep(RGB.astype(np.uint16) * 257), exif))
    assert np.array_equal(sixteen.array, eight.array)
    assert ("EXIF orientation" in " ".join(sixteen.notes)) == (orientation != 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_16_bit_colour_tiff(tmp_path: Path, orientation: int) -> None:
    tifffile = pytest.importorskip("tifffile")
    arrays = {}
    for name, pixels in {"8": RGB, "16": RGB.astype(np.uint16) * 257}.items():
        tag = (0x0112, "H", 1, orientation, True)
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels, photometric="rgb", extratags=[tag])
        arrays[name] = read_image(tmp_path / f"{name}.tif").array
    assert np.array_equal(arrays["16"], arrays["8"])


def test_jpeg_is_what_pillow_decodes(tmp_path: Path) -> None:
    path = save(tmp_path / "c.jpg", RGB, quality=95)
    with Image.open(path) as image:
        assert np.array_equal(read_image(path).array, np.asarray(image))


def test_icc_profile_and_frames_are_noted(tmp_path: Path) -> None:
    assert read_image(save(tmp_path / "i.png", RGB, icc_profile=b"profile")).notes == ("ICC profile ignored",)
    first, second = Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())
    first.save(tmp_path / "f.tif", save_all=True, append_images=[second])
    image = read_image(tmp_path / "f.tif")
    assert image.notes == ("first of 2 frames",)
    assert np.array_equal(image.array, RGB)


def test_orientation_of_what_telephones_write(tmp_path: Path) -> None:
    """JPEG and WebP with EXIF, and JPEG with a second image behind the first (MPO: HDR, depth)."""
    exif = Image.Exif()
    exif[0x0112] = 6
    small = Image.fromarray(RGB[:3].copy())
    more: dict[str, dict[str, object]] = {
        "jpg": {},
        "webp": {"lossless": True},
        "mpo": {"save_all": True, "append_images": [small]},
    }
    for ending, options in more.items():
        stored = save(tmp_path / f"a.{ending}", RGB, **options)
        turned = save(tmp_path / f"b.{ending}", RGB, exif=exif, **options)
        if ending == "mpo":
            stored, turned = (path.rename(path.with_suffix(".mpo.jpg")) for path in (stored, turned))
        image = read_image(turned)
        assert np.array_equal(image.array, np.rot90(read_image(stored).array, -1)), ending
        assert image.notes[-1] == "EXIF orientation 6 applied: turned by 90 degrees clockwise"
        assert ("first of 2 frames" in image.notes) == (ending == "mpo")


def test_kind_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    save(tmp_path / "a.png", RGB).rename(tmp_path / "a.jpg")
    assert np.array_equal(read_image(tmp_path / "a.jpg").array, RGB)


# --- errors ---------------------------------------------------------------------------------------------


def refusal(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.png")
    assert "directory" in refusal(tmp_path)


def test_empty_file_and_text_named_png(tmp_path: Path) -> None:
    (tmp_path / "e.png").touch()
    (tmp_path / "t.png").write_text("this is\nno image\n")
    assert "empty file" in refusal(tmp_path / "e.png")
    assert "not an image: expected one of PNG, JPEG" in refusal(tmp_path / "t.png")


@pytest.mark.parametrize("name", ["c.png", "c.jpg", "c.tif", "c.webp", "c.gif", "c.ppm", "c.bmp"])
def test_truncated_at_any_place(tmp_path: Path, name: str) -> None:
    image = np.kron(RGB, np.ones((8, 8, 1), np.uint8))
    whole = save(tmp_path / name, image).read_bytes()
    for share in (0.02, 0.3, 0.6, 0.9):
        (tmp_path / name).write_bytes(whole[: max(1, int(len(whole) * share))])
        refusal(tmp_path / name)


def test_png_cut_within_its_pixels_says_so(tmp_path: Path) -> None:
    path = save(tmp_path / "c.png", RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-2000])
    assert "truncated or damaged" in refusal(path)


def test_damaged_png_is_noticed_by_its_checksum(tmp_path: Path) -> None:
    path = save(tmp_path / "c.png", RGB)
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(bytes(data))
    assert "truncated or damaged" in refusal(path)


def test_no_pixels(tmp_path: Path) -> None:
    refusal(png(tmp_path / "z.png", 0, 0, 8, 2, []))
    (tmp_path / "z.ppm").write_bytes(b"P6 0 4 255\n")
    refusal(tmp_path / "z.ppm")


def test_decompression_bomb(tmp_path: Path) -> None:
    assert "too large" in refusal(png(tmp_path / "b.png", 20_000, 20_000, 8, 2, [b""]))


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_float_and_32_bit_pixels_are_refused(tmp_path: Path, dtype: type) -> None:
    assert "up to 16 bits, found" in refusal(save(tmp_path / "f.tif", GRAY.astype(dtype)))


# --- writing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "array", [GRAY, RGB, RGB[::-1, ::2], RGB[:1, :1]], ids=["gray", "rgb", "view", "1x1"]
)
def test_written_png_reads_back(tmp_path: Path, array: np.ndarray) -> None:
    write_png(tmp_path / "new" / "a.png", array)
    image = read_image(tmp_path / "new" / "a.png")
    assert np.array_equal(image.array, array)
    assert list((tmp_path / "new").iterdir()) == [tmp_path / "new" / "a.png"]


def test_same_pixels_give_same_bytes_without_metadata(tmp_path: Path) -> None:
    for name in "ab":
        write_png(tmp_path / f"{name}.png", RGB.copy())
    data = (tmp_path / "a.png").read_bytes()
    assert hashlib.sha256(data).digest() == hashlib.sha256((tmp_path / "b.png").read_bytes()).digest()
    kinds, at = [], 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kinds.append(data[at + 4 : at + 8])
        at += length + 12
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    write_png(path, RGB)
    before = path.read_bytes()

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(ImageError, match=r"a\.png: cannot write the image: No space left on device"):
        write_png(path, GRAY)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]  # noqa: PTH208


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match="cannot write the image"):
        write_png(tmp_path / "file" / "a.png", RGB)


@pytest.mark.parametrize("array", [RGB.astype(float), np.dstack([RGB, ALPHA]), RGB[:0], RGB[0, 0]])
def test_arrays_that_are_no_image_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(ImageError, match="expected a uint8 image"):
        write_png(tmp_path / "a.png", array)


def test_pixel_digest_is_of_the_values() -> None:
    assert pixel_digest(RGB[:, ::-1]) == hashlib.sha256(RGB[:, ::-1].tobytes()).hexdigest()


# --- folders and sizes ----------------------------------------------------------------------------------


def test_images_are_listed_in_natural_order(tmp_path: Path) -> None:
    listed = ["Img_1.jpg", "img_2.PNG", "img_10.png", "x.tiff", "y.JFIF", "z.jpe"]
    for name in (*listed[::-1], "notes.txt", ".hidden.png", ".hidden.heic"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    assert [path.name for path in list_images(tmp_path)] == listed


def test_natural_key_is_a_total_order() -> None:
    names = ["a", "A", "a1", "a01", "a1b", "1", "1a", "", "b10", "b9", "é2", "²"]
    assert len({natural_key(name) for name in names}) == len(names)


def test_folder_without_images(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no image in this folder .*\.png"):
        list_images(tmp_path)
    with pytest.raises(ImageError, match="none: expected a folder of images: No such file or directory"):
        list_images(tmp_path / "none")


def test_modcrop_cuts_bottom_and_right() -> None:
    assert np.array_equal(modcrop(RGB, 4), RGB[:4, :8])
    assert np.array_equal(modcrop(GRAY, 3), GRAY)
    with pytest.raises(ImageError, match="at least 8x8, found 9x6"):
        modcrop(GRAY, 8)
