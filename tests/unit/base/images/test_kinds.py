"""Every kind of image file is read right or refused with its reason.

The files are made here by hand, bit by bit from the formats' specifications, or by OpenCV and tifffile; what
is expected is computed from the samples by the rules of docs/protocols.md.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from sisr.base.errors import ImageError
from sisr.base.images import decode_image
from test_images import png_bytes

RNG = np.random.default_rng(11)
HEIGHT, WIDTH = 7, 19


class Kind(NamedTuple):
    """A file, and its pixels or the reason for which it is refused."""

    label: object
    content: bytes
    expected: np.ndarray | str
    tolerance: int = 0


def wrong(kinds: Iterator[Kind]) -> tuple[int, list[str]]:
    """How many kinds there are, and those that are neither right nor refused as expected."""
    count, found = 0, []
    for kind in kinds:
        count += 1
        try:
            pixels: np.ndarray | str = decode_image(kind.content, "file").array
        except ImageError as error:
            pixels = str(error)
        if isinstance(pixels, str) or isinstance(kind.expected, str):
            right = isinstance(pixels, str) and isinstance(kind.expected, str)
            right = right and re.search(str(kind.expected), str(pixels)) is not None
            shown = str(pixels) if isinstance(pixels, str) else "read"
        else:
            right = pixels.shape == kind.expected.shape
            difference = np.abs(pixels.astype(int) - kind.expected).max() if right else -1
            right = right and difference <= kind.tolerance
            shown = f"{pixels.shape} for {kind.expected.shape}, off by {difference}"
        if not right:
            found.append(f"{kind.label}: {shown}")
    return count, found


def rounded(values: np.ndarray) -> np.ndarray:
    """0..1 as 0..255."""
    return np.floor(values * 255 + 0.5 + 1e-9).astype(np.uint8)


def on_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """8-bit colour composited on white."""
    a = alpha.astype(float) / 255
    return rounded((a * colour + (1 - a) * 255) / 255)


# --- TIFF -----------------------------------------------------------------------------------------------


def packbits(data: bytes) -> bytes:
    """Literal runs alone."""
    runs = [data[at : at + 128] for at in range(0, len(data), 128)]
    return b"".join(bytes([len(run) - 1]) + run for run in runs)


def lzw(data: bytes) -> bytes:
    """Literal codes alone, the table cleared before codes get longer."""
    codes: list[int] = []
    for at in range(0, len(data), 200):
        codes += [256, *data[at : at + 200]]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8)


COMPRESSIONS: dict[int, Callable[[bytes], bytes]] = {
    1: bytes,
    5: lzw,
    8: zlib.compress,
    32773: packbits,
    32946: zlib.compress,
    34925: lzma.compress,
}


def jpeg(data: bytes) -> bytes:
    """A tile of 16 x 16."""
    tile = np.frombuffer(data, np.uint8).reshape(16, 16, -1)
    return cv2.imencode(".jpg", tile[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()


def tiff(
    samples: np.ndarray,
    photometric: int,
    bits: int = 8,
    extras: tuple[int, ...] = (),
    *,
    planar: int = 1,
    order: str = "<",
    compression: int = 1,
    tile: int = 0,
    predictor: int = 1,
    big: bool = False,
    reverse: bool = False,
    more: dict[int, tuple[int, ...]] | None = None,
) -> bytes:
    """A TIFF of samples (h, w, c), written by hand (TIFF 6.0; BigTIFF)."""
    height, width, channels = samples.shape
    planes = [samples] if planar == 1 else [samples[..., at, None] for at in range(channels)]
    if tile:
        grown = [np.pad(p, ((0, -height % tile), (0, -width % tile), (0, 0)), "edge") for p in planes]
        where = list(product(range(0, height, tile), range(0, width, tile)))
        parts = [plane[y : y + tile, x : x + tile] for plane in grown for y, x in where]
    else:
        parts = [plane[at : at + 3] for plane in planes for at in range(0, height, 3)]
    segments = []
    for part in parts:
        values = part.copy()
        if predictor == 2:
            values[:, 1:] -= part[:, :-1]
        if bits in (8, 16, 32, 64):
            raw = values.astype(values.dtype.newbyteorder(order)).tobytes()
        else:
            rows = ["".join(f"{value:0{bits}b}" for value in row.ravel()) for row in values]
            rows = [row + "0" * (-len(row) % 8) for row in rows]
            raw = b"".join(int(row, 2).to_bytes(len(row) // 8) for row in rows)
        packed = {**COMPRESSIONS, 7: jpeg}.get(compression, bytes)(raw)
        segments.append(bytes(int(f"{byte:08b}"[::-1], 2) for byte in packed) if reverse else packed)
    head = 16 if big else 8
    starts = [head + sum(map(len, segments[:at])) for at in range(len(segments))]
    tags: dict[int, tuple[int, ...]] = {
        256: (width,),
        257: (height,),
        258: (bits,) * channels,
        259: (compression,),
        262: (photometric,),
        266: (2 if reverse else 1,),
        277: (channels,),
        284: (planar,),
        317: (predictor,),
        **({322: (tile,), 323: (tile,)} if tile else {278: (3,)}),
        (324 if tile else 273): tuple(starts),
        (325 if tile else 279): tuple(map(len, segments)),
        **({338: extras} if extras else {}),
        **(more or {}),
    }
    body = b"".join(segments)
    body += bytes(len(body) % 2)
    at = head + len(body)
    entry, size = ("QQ" if big else "II"), (8 if big else 4)
    values, beyond = b"", at + (8 + 20 * len(tags) + 8 if big else 2 + 12 * len(tags) + 4)
    directory = struct.pack(f"{order}{'Q' if big else 'H'}", len(tags))
    for tag, found in sorted(tags.items()):
        short = tag in (258, 259, 262, 266, 277, 284, 317, 320, 338, 339)
        packed = struct.pack(f"{order}{len(found)}{'H' if short else 'I'}", *found)
        directory += struct.pack(f"{order}HH{entry[0]}", tag, 3 if short else 4, len(found))
        if len(packed) > size:
            directory += struct.pack(f"{order}{entry[1]}", beyond + len(values))
            values += packed + bytes(len(packed) % 2)
        else:
            directory += packed.ljust(size, b"\0")
    mark = b"II" if order == "<" else b"MM"
    first = struct.pack(f"{order}HHHQ", 43, 8, 0, at) if big else struct.pack(f"{order}HI", 42, at)
    return mark + first + body + directory + bytes(size) + values


COLOURS = {"white is zero": (0, 1), "gray": (1, 1), "RGB": (2, 3), "CMYK": (5, 4)}
EXTRAS = {
    "no alpha": (),
    "unspecified": (0,),
    "premultiplied": (1,),
    "straight": (2,),
    "straight, unspecified": (2, 0),
    "opaque": (2,),
    "unstated": None,
    "unstated, opaque": None,
}


def pixels_of(samples: np.ndarray, colour: str, alpha: str, most: int) -> np.ndarray | str:
    """By the rules of docs/protocols.md, in floating point."""
    channels = COLOURS[colour][1]
    values = samples / most
    plain, a = values[..., :channels], values[..., channels : channels + 1]
    if alpha == "unstated":
        return "nothing states whether its last channel is alpha"
    if colour == "white is zero":
        plain = 1 - plain
    if alpha == "premultiplied":
        if colour not in ("gray", "RGB"):
            return "premultiplied alpha is read with gray .BlackIsZero. and RGB alone"
        eight = rounded(np.minimum(plain + 1 - a, 1))
    else:
        eight = rounded(plain)
    if colour == "CMYK":
        white = 255 - eight[..., 3:].astype(int)  # Pillow: light by ink, with its division by 255
        product_ = eight[..., :3] * white + 128
        eight = (white - ((product_ >> 8) + product_ >> 8)).astype(np.uint8)
    if alpha.startswith("straight"):
        eight = on_white(eight, rounded(a))
    return eight[..., 0] if eight.shape[2] == 1 else eight


def samples_of(colour: str, alpha: str, bits: int) -> np.ndarray:
    count = COLOURS[colour][1]
    beyond = len(alpha.split(",")) if alpha.startswith("straight") else int(alpha != "no alpha")
    dtype = np.uint8 if bits <= 8 else np.uint16
    samples = RNG.integers(0, 2**bits, (HEIGHT, WIDTH, count + beyond), dtype=dtype)
    if "opaque" in alpha:
        samples[..., -1] = 2**bits - 1
    if alpha == "premultiplied":
        samples[..., :count] = samples[..., :count] * (samples[..., count:] / (2**bits - 1))
    return samples


def tiffs_by_hand() -> Iterator[Callable[[], Kind]]:
    """Each made when it is called."""

    def kind(colour: str, alpha: str, bits: int, **options: Any) -> Callable[[], Kind]:
        def make() -> Kind:
            samples = samples_of(colour, alpha, bits)
            content = tiff(samples, COLOURS[colour][0], bits, EXTRAS[alpha] or (), **options)
            return Kind(
                (colour, alpha, bits, options), content, pixels_of(samples, colour, alpha, 2**bits - 1)
            )

        return make

    deep = product(COLOURS, EXTRAS, (8, 16), (1, 2), "<>", COMPRESSIONS)
    for number, (colour, alpha, bits, planar, order, compression) in enumerate(deep):
        predictor = 1 + (number % 2 if compression not in (1, 32773) else 0)
        more: dict[str, Any] = {
            "tile": 16 * (number % 3 == 0),
            "big": number % 5 == 0,
            "predictor": predictor,
        }
        yield kind(colour, alpha, bits, planar=planar, order=order, compression=compression, **more)
    shallow = product(COLOURS, (1, 2, 4, 10, 12, 14), (1, 2), "<>", (1, 5, 8), (0, 16))
    for colour, bits, planar, order, compression, tile in shallow:
        yield kind(colour, "no alpha", bits, planar=planar, order=order, compression=compression, tile=tile)
    for colour, bits, order, compression in product(COLOURS, (1, 4, 8, 16), "<>", (1, 5, 8)):
        yield kind(colour, "no alpha", bits, order=order, compression=compression, reverse=True)


def palettes_and_ycbcr() -> Iterator[Kind]:
    for bits, order, compression, wide in product((1, 2, 4, 8, 16), "<>", (1, 5), (True, False)):
        colours = RNG.integers(0, 256, (2**bits, 3))
        dtype = np.uint8 if bits <= 8 else np.uint16
        samples = RNG.integers(0, 2**bits, (HEIGHT, WIDTH, 1), dtype=dtype)
        table = {320: tuple((colours * (257 if wide else 1)).T.ravel().tolist())}
        content = tiff(samples, 3, bits, order=order, compression=compression, more=table)
        yield Kind(("palette", bits, order, compression, wide), content, colours[samples[..., 0]])
    for order, planar, compression in product("<>", (1, 2), (1, 5, 8)):
        samples = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        y, blue, red = (samples[..., at].astype(float) for at in range(3))
        blue, red = blue - 128, red - 128
        rgb = np.dstack([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue])
        whole = np.clip(np.floor(rgb + 0.5), 0, 255)
        for subsampling in ((1, 1), (2, 2)):
            content = tiff(
                samples, 6, order=order, planar=planar, compression=compression, more={530: subsampling}
            )
            said: Any = whole if subsampling == (1, 1) else "subsampled YCbCr is read with JPEG compression"
            yield Kind(("YCbCr", order, planar, compression, subsampling), content, said, tolerance=1)


def tiffs_that_are_refused() -> Iterator[Kind]:
    for dtype, channels, planar, order in product(("f2", "f4", "f8"), (1, 2, 3, 4), (1, 2), "<>"):
        samples = RNG.random((HEIGHT, WIDTH, channels)).astype(dtype)
        more = {339: (3,) * channels}
        content = tiff(
            samples, 1 if channels < 3 else 2, samples.itemsize * 8, planar=planar, order=order, more=more
        )
        yield Kind(("float", dtype, channels, planar, order), content, "found floating-point pixels")
    for bits, signed, order, photometric in product((8, 16, 32, 64), (False, True), "<>", (0, 1)):
        samples = np.zeros((HEIGHT, WIDTH, 1), f"{'i' if signed else 'u'}{bits // 8}")
        content = tiff(samples, photometric, bits, order=order, more={339: (1 + signed,)})
        if signed or bits > 16:
            said = f"found {'signed ' * signed}{bits}-bit integer pixels"
            yield Kind(("integer", bits, signed, order, photometric), content, said)
    other = {
        4: "transparency mask",
        8: "Lab",
        9: "Lab",
        10: "Lab",
        32803: "raw",
        32845: "LogLuv",
        34892: "raw",
    }
    for (photometric, said), bits in product(other.items(), (8, 16)):
        samples = np.zeros((HEIGHT, WIDTH, 3), f"u{bits // 8}")
        yield Kind(
            ("photometric", photometric), tiff(samples, photometric, bits), f"found {said}|{said} pixels"
        )
    for compression, said in {
        34712: "JPEG 2000",
        50002: "JPEG XL",
        34887: "LERC",
        50001: "WebP",
        34676: "LogLuv",
        7777: "7777",
    }.items():
        samples = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        content = tiff(samples, 2, compression=compression)
        yield Kind(("compression", compression), content, f"compression {said} is not read")
    planes = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    yield Kind("YCbCr", tiff(planes, 6, planar=2, tile=16, compression=7), "YCbCr in planes is not read")
    gray, colour = np.zeros((HEIGHT, WIDTH, 1), np.uint16), np.zeros((HEIGHT, WIDTH, 5), np.uint16)
    yield Kind("reduced", tiff(gray, 1, 16, more={254: (1,)}), "a reduced copy of another")
    yield Kind("predictor 3", tiff(gray, 1, 16, compression=8, predictor=3), "predictor 3 of 16 bits")
    yield Kind("predictor of nothing", tiff(gray, 1, 16, predictor=2), "predictor 2 .* compression 1 ")
    yield Kind("depths", tiff(colour[..., :3], 2, 16, more={258: (5, 6, 5)}), "channels of different depth")
    yield Kind("two alphas", tiff(colour, 2, 16, (2, 2)), "more than one alpha channel")
    yield Kind("bands", tiff(colour[..., :3], 1, 16, (0, 0)), "3 channels of which only the first is")
    yield Kind("extra", tiff(colour[..., :4], 2, 16, (7,)), "ExtraSamples 7 is not known")
    yield Kind("channels", tiff(colour[..., :2], 2, 16), "expected 3 to 6 channels, found 2")
    yield Kind("inks", tiff(colour[..., :4], 5, 16, more={332: (2,)}), "inks other than CMYK")
    yield Kind("12-bit JPEG", tiff(gray, 1, 12, more={259: (7,)}), "12-bit pixels with compression 7")
    yield Kind(
        "video range", tiff(colour[..., :3].astype("u1"), 6, more={530: (1, 1), 532: (16,) * 6}), "full range"
    )
    for order, tile in product("<>", (0, 16)):
        whole = tiff(gray, 1, 16, order=order, tile=tile, compression=8)
        yield Kind("cut", whole[: len(whole) // 2], "truncated or damaged")


def tiffs_by_others() -> Iterator[Kind]:
    """tifffile, OpenCV (LZW with a predictor), and Pillow (Zstandard, fax)."""
    for bits, planar, order, kind in product(
        (8, 16), ("contig", "separate"), "<>", ("rgb", "minisblack", "miniswhite")
    ):
        samples = RNG.integers(0, 2**bits, (HEIGHT, WIDTH, 3), dtype=f"u{bits // 8}")
        gray = kind != "rgb"
        given = (
            samples[..., 0] if gray else samples if planar == "contig" else samples.transpose(2, 0, 1).copy()
        )
        stream = io.BytesIO()
        tifffile.imwrite(
            stream,
            given,
            photometric=kind,
            byteorder=order,
            compression="zlib",
            planarconfig=None if gray else planar,
        )
        expected = rounded(samples / (2**bits - 1))
        expected = expected[..., 0] if gray else expected
        yield Kind(
            ("tifffile", bits, planar, order, kind),
            stream.getvalue(),
            255 - expected if kind == "miniswhite" else expected,
        )
    for bits, channels in product((8, 16), (1, 3)):
        samples = RNG.integers(0, 2**bits, (HEIGHT, WIDTH, channels), dtype=f"u{bits // 8}")
        expected = rounded(samples / (2**bits - 1))
        content = cv2.imencode(".tif", samples[..., ::-1])[1].tobytes()
        yield Kind(("OpenCV", bits, channels), content, expected[..., 0] if channels == 1 else expected)
    samples = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    # JPEG as OpenCV writes it, of one colour: gray, in planes, and YCbCr.
    colour = np.broadcast_to(np.array([10, 120, 240], np.uint8), (HEIGHT, WIDTH, 3))
    for order, (photometric, planar) in product("<>", ((0, 1), (1, 1), (2, 2), (6, 1))):
        content = tiff(
            colour if photometric > 1 else colour[..., 1:2],
            photometric,
            planar=planar,
            order=order,
            tile=16,
            compression=7,
        )
        expected = {0: 255 - colour[..., 1], 1: colour[..., 1]}.get(photometric, colour)
        yield Kind(("JPEG", order, photometric), content, expected, tolerance=2)
    for compression, photometric in product(("zstd", "group3", "group4", "tiff_ccitt"), (0, 1)):
        given = samples if compression == "zstd" else samples[..., 0] > 127
        stream = io.BytesIO()
        tags = {} if compression == "zstd" else {262: photometric}
        Image.fromarray(given).save(stream, "TIFF", compression=compression, tiffinfo=tags)
        expected = given if compression == "zstd" else np.where(given, 255, 0)
        yield Kind(("Pillow", compression, photometric), stream.getvalue(), expected)


def test_tiff_written_by_hand_is_tiff() -> None:
    """The writer of this file and another program agree."""
    for bits, planar, order, tile, big in product((8, 16), (1, 2), "<>", (0, 16), (False, True)):
        samples = samples_of("RGB", "straight", bits)
        content = tiff(samples, 2, bits, (2,), planar=planar, order=order, tile=tile, big=big, compression=8)
        read = tifffile.imread(io.BytesIO(content))
        assert np.array_equal(read if planar == 1 else read.transpose(1, 2, 0), samples)


# --- the others -----------------------------------------------------------------------------------------


def pngs() -> Iterator[Kind]:
    for bits, one in product((1, 2, 4, 8, 16), (False, True)):
        samples = RNG.integers(0, 2**bits, (HEIGHT, WIDTH), dtype=np.uint16)
        samples[0, 0] = value = 2 ** (bits - 1)
        expected = rounded(samples / (2**bits - 1))
        more = [b"tRNS" + struct.pack(">H", value)] if one else []
        if one:
            expected = np.where(samples == value, 255, expected)
        yield Kind(("gray", bits, one), png_of(samples[..., None], bits, 0, *more), expected)
    for bits, one in product((8, 16), (False, True)):
        samples = RNG.integers(0, 2**bits, (HEIGHT, WIDTH, 3), dtype=np.uint16)
        samples[0, :3] = samples[1, 1]
        samples[0, 1, 2] ^= 1  # the same but for the last bit
        expected = rounded(samples / (2**bits - 1))
        more = [b"tRNS" + struct.pack(">3H", *samples[1, 1].tolist())] if one else []
        if one:
            expected[(samples == samples[1, 1]).all(axis=2)] = 255
        yield Kind(("RGB", bits, one), png_of(samples, bits, 2, *more), expected)
    for bits, channels in product((8, 16), (1, 3)):
        samples = RNG.integers(0, 2**bits, (HEIGHT, WIDTH, channels + 1), dtype=np.uint16)
        eight = rounded(samples / (2**bits - 1))
        expected = on_white(eight[..., :-1], eight[..., -1:])
        expected = expected[..., 0] if channels == 1 else expected
        yield Kind(("alpha", bits, channels), png_of(samples, bits, 4 if channels == 1 else 6), expected)
    for bits, alpha in product((1, 2, 4, 8), ("none", "one", "all")):
        samples = RNG.integers(0, 2**bits, (HEIGHT, WIDTH, 1), dtype=np.uint16)
        colours = RNG.integers(0, 256, (2**bits, 3), dtype=np.uint8)
        opacity = (
            RNG.integers(0, 256, (2**bits, 1), dtype=np.uint8)
            if alpha == "all"
            else np.full((2**bits, 1), 255, np.uint8)
        )
        opacity[1] = 0 if alpha == "one" else opacity[1]
        more = [b"PLTE" + colours.tobytes()] + ([b"tRNS" + opacity.tobytes()] if alpha != "none" else [])
        expected = on_white(colours, opacity)[samples[..., 0]]
        yield Kind(("palette", bits, alpha), png_of(samples, bits, 3, *more), expected)


def png_of(samples: np.ndarray, bits: int, colour: int, *more: bytes) -> bytes:
    rows = ["".join(f"{value:0{bits}b}" for value in row.ravel()) for row in samples]
    rows = [row + "0" * (-len(row) % 8) for row in rows]
    return png_bytes(
        WIDTH, HEIGHT, bits, colour, [int(row, 2).to_bytes(len(row) // 8) for row in rows], *more
    )


def bmps() -> Iterator[Kind]:
    for name, (masks, shifts) in {
        "5-6-5": ((0xF800, 0x7E0, 0x1F), ((11, 5), (5, 6), (0, 5))),
        "5-5-5": ((0x7C00, 0x3E0, 0x1F), ((10, 5), (5, 5), (0, 5))),
    }.items():
        values = RNG.integers(0, 2**15, (HEIGHT, WIDTH), dtype=np.uint16)
        rows = b"".join(row.astype("<u2").tobytes() + bytes(-2 * WIDTH % 4) for row in values[::-1])
        head = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 16, 3, len(rows), 0, 0, 0, 0)
        table = struct.pack("<3I", *masks)
        content = b"BM" + struct.pack("<IHHI", 66 + len(rows), 0, 0, 66) + head + table + rows
        expected = np.dstack([rounded((values >> at & 2**bits - 1) / (2**bits - 1)) for at, bits in shifts])
        # Pillow does not round.
        yield Kind(("BMP", name), content, expected, tolerance=1)
    for bits, down in product((24, 32), (False, True)):
        samples = RNG.integers(0, 256, (HEIGHT, WIDTH, bits // 8), dtype=np.uint8)
        rows = b"".join(row.tobytes() + bytes(-row.size % 4) for row in (samples if down else samples[::-1]))
        head = struct.pack(
            "<IiiHHIIiiII", 40, WIDTH, -HEIGHT if down else HEIGHT, 1, bits, 0, len(rows), 0, 0, 0, 0
        )
        content = b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + head + rows
        yield Kind(("BMP", bits, down), content, samples[..., 2::-1])


def pnms() -> Iterator[Kind]:
    for most, channels, plain in product((1, 15, 100, 255, 1023, 4095, 65535), (1, 3), (False, True)):
        samples = RNG.integers(0, most + 1, (HEIGHT, WIDTH, channels), dtype=np.uint16)
        head = f"P{(2 if channels == 1 else 3) + 3 * (not plain)} {WIDTH} {HEIGHT} {most}\n".encode()
        dtype = np.dtype("u1" if most < 256 else ">u2")
        body = " ".join(map(str, samples.ravel())).encode() if plain else samples.astype(dtype).tobytes()
        expected = np.rint(samples * 255.0 / most)  # Pillow rounds halves to even
        yield Kind(
            ("PNM", most, channels, plain), head + body, expected[..., 0] if channels == 1 else expected
        )
    bits = RNG.integers(0, 2, (HEIGHT, WIDTH), dtype=np.uint8)
    yield Kind(
        "PBM", f"P4 {WIDTH} {HEIGHT}\n".encode() + np.packbits(bits, axis=1).tobytes(), (1 - bits) * 255
    )
    pfm = f"Pf {WIDTH} {HEIGHT} -1.0\n".encode() + bytes(4 * WIDTH * HEIGHT)
    yield Kind("PFM", pfm, "found floating-point pixels")


def by_opencv() -> Iterator[Kind]:
    """Lossless WebP and GIF, and JPEG of one colour."""
    for channels in (3, 4):
        samples = RNG.integers(0, 256, (HEIGHT, WIDTH, channels), dtype=np.uint8)
        samples[..., 3:] |= 1  # colour where nothing is seen is not kept
        content = cv2.imencode(".webp", samples, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
        rgb = samples[..., 2::-1]
        yield Kind(("WebP", channels), content, rgb if channels == 3 else on_white(rgb, samples[..., 3:]))
    for gray in (False, True):
        flat = np.full((HEIGHT, WIDTH) if gray else (HEIGHT, WIDTH, 3), 120, np.uint8)
        yield Kind(("JPEG", gray), cv2.imencode(".jpg", flat)[1].tobytes(), flat, tolerance=1)
    stripes = np.repeat(np.array([[[0, 0, 255], [0, 255, 0], [255, 0, 0]]], np.uint8), HEIGHT, axis=0)
    yield Kind("GIF", cv2.imencode(".gif", stripes)[1].tobytes(), stripes[..., ::-1], tolerance=8)


def others_by_name() -> Iterator[Kind]:
    """Images of kinds that are not read are never called "not an image"."""
    heads = {
        b"\0\0\0\x0cjP  \r\n": "JPEG 2000",
        b"\xffO\xffQ": "JPEG 2000",
        b"\0\0\0\x0cJXL ": "JPEG XL",
        b"\0\0\0\x1cftypavif": "AVIF",
        b"\0\0\0\x1cftypheic": "HEIC",
        b"v/1\x01": "OpenEXR",
        b"8BPS": "PSD",
        b"<svg ": "SVG",
        b"P7\n": "PAM",
    }
    for head, name in heads.items():
        yield Kind(name, head + bytes(50), f"^file: {name} is not read: convert to PNG$")
    damaged = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM" + bytes(20), b"RIFF\0\0\0\0WEBP")
    for head in damaged:
        yield Kind(head, head + b"\x07" * 40, "damaged")
    yield Kind("text", b"text", "not an image: expected one of PNG, JPEG")


def check(kinds: Iterator[Kind], least: int) -> None:
    count, found = wrong(kinds)
    assert found == [] and count >= least


def test_every_seventh_tiff() -> None:
    """Seven has no divisor in common with the number of anything that is combined."""
    check((make() for make in list(tiffs_by_hand())[::7]), 300)


@pytest.mark.release
def test_every_tiff() -> None:
    check((make() for make in tiffs_by_hand()), 2200)


# Pillow's words of damaged tags.
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    ("kinds", "least"),
    [
        (palettes_and_ycbcr, 60),
        (tiffs_that_are_refused, 100),
        (tiffs_by_others, 44),
        (pngs, 30),
        (bmps, 6),
        (pnms, 30),
        (by_opencv, 5),
        (others_by_name, 15),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_kinds(kinds: Callable[[], Iterator[Kind]], least: int) -> None:
    check(kinds(), least)
