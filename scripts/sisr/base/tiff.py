"""TIFF, of which Pillow reads some kinds wrong and many not at all.

libtiff, which is in Pillow, undoes the compression; what the bytes then mean is worked out here from the
tags (TIFF 6.0): depth, byte order, planes, predictor, photometric interpretation, kind of alpha.  A kind that
could be read wrong is refused with its reason.  JPEG and fax compressions are left to Pillow.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL import TiffImagePlugin as Tag
from PIL.TiffImagePlugin import PREFIXES, ImageFileDirectory_v2, TiffImageFile

from sisr.base.errors import ImageError

Pixels = NDArray[np.uint8]

#: What TIFF begins with.
HEADS = tuple(PREFIXES)

_GRAY = (_WHITE_IS_ZERO, _BLACK_IS_ZERO) = (0, 1)
_RGB, _PALETTE, _CMYK, _YCBCR = 2, 3, 5, 6
#: Photometric interpretations that are read, with the channels of their colour.
_COLOURS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4, _YCBCR: 3}
_OTHER_COLOURS = {
    4: "transparency mask",
    **dict.fromkeys((8, 9, 10), "CIE Lab"),
    **dict.fromkeys((32803, 34892), "raw"),
    **dict.fromkeys((32844, 32845), "LogLuv"),
}
_FORMATS = {2: "signed", 3: "floating-point", 4: "undefined", 5: "complex", 6: "complex"}
#: Compressions that give back the bytes (none, PackBits), and those that a predictor goes with: LZW, deflate,
#: LZMA, Zstandard.
_PREDICTED = (5, 8, 32946, 34925, 50000)
_PACKED = (1, 32773, *_PREDICTED)
#: Fax; JPEG, old and new.  Pillow makes pixels of these.
_FAX, _JPEG = (2, 3, 4), (6, 7)
_OTHER_COMPRESSIONS = {
    **dict.fromkeys((33003, 33004, 33005, 34712), "JPEG 2000"),
    **dict.fromkeys((50002, 52546), "JPEG XL"),
    **dict.fromkeys((34676, 34677), "LogLuv"),
    **dict.fromkeys((34927, 50001), "WebP"),
    32809: "ThunderScan",
    34887: "LERC",
}
_UNSPECIFIED, _PREMULTIPLIED = 0, 1
#: ExtraSamples of alpha; 999 is CorelDRAW's.
_ALPHA = (_PREMULTIPLIED, 2, 999)
_MOST_CHANNELS = 6


def to_8_bits(values: NDArray[Any], most: int = 65535) -> Pixels:
    """``round(255 v / most)``; ``most`` of any number of bits is odd, so that there are no ties."""
    return ((values.astype(np.uint32) * 510 + most) // (2 * most)).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class TiffPage:
    """The first page of a TIFF: what its tags say, and the content of the file."""

    data: bytes
    tags: ImageFileDirectory_v2
    frames: int

    @classmethod
    def first(cls, data: bytes) -> TiffPage:
        """Read the tags; :class:`ImageError` for what is not read, other exceptions for damage."""
        page = cls(data, *_directories(data))
        page._require_kind()
        return page

    def _all(self, tag: int, default: Any = ()) -> tuple[Any, ...]:
        value = self.tags.get(tag, default)
        return value if isinstance(value, tuple) else (value,)

    def _one(self, tag: int, default: Any = None) -> Any:
        found = self._all(tag, default)
        return found[0]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored."""
        return int(self.tags[Tag.IMAGEWIDTH]), int(self.tags[Tag.IMAGELENGTH])

    @property
    def orientation(self) -> int:
        return int(self._one(0x0112, 1))

    @property
    def has_profile(self) -> bool:
        return Tag.ICCPROFILE in self.tags

    @property
    def for_pillow(self) -> bool:
        """Whether Pillow has to decode it."""
        return self._compression not in _PACKED

    @property
    def _compression(self) -> int:
        return int(self._one(Tag.COMPRESSION, 1))

    @property
    def _photometric(self) -> int:
        return int(self._one(Tag.PHOTOMETRIC_INTERPRETATION, -1))

    @property
    def _bits(self) -> int:
        return int(self._one(Tag.BITSPERSAMPLE, 1))

    @property
    def _channels(self) -> int:
        return int(self._one(Tag.SAMPLESPERPIXEL, 1))

    @property
    def _extras(self) -> tuple[int, ...]:
        """Kinds of the channels beyond colour, as far as the file states them."""
        return self._all(Tag.EXTRASAMPLES)[: self._channels - _COLOURS[self._photometric]]

    @property
    def _planar(self) -> bool:
        return self._channels > 1 and self._one(Tag.PLANAR_CONFIGURATION, 1) == 2

    def _require_kind(self) -> None:
        """Raise :class:`ImageError` for what is not read, with the reason."""
        reason = next(self._reasons(), None)
        if reason:
            raise ImageError(reason)
        pixels = self.size[0] * self.size[1]
        if Image.MAX_IMAGE_PIXELS is not None and pixels > 2 * Image.MAX_IMAGE_PIXELS:
            raise Image.DecompressionBombError(f"{pixels} pixels, of at most {2 * Image.MAX_IMAGE_PIXELS}")

    def _reasons(self) -> Iterator[str]:
        bits, kinds, compression = self._bits, self._all(Tag.SAMPLEFORMAT, 1), self._compression
        expected = "expected gray, RGB, palette or CMYK pixels of up to 16 bits, found"
        if self._photometric == -1 and compression not in _JPEG:
            yield "states no photometric interpretation: whether 0 is black or white is not known"
        if self._photometric not in (*_COLOURS, -1):
            found = _OTHER_COLOURS.get(self._photometric, f"photometric interpretation {self._photometric}")
            yield f"{expected} {found} pixels"
        if {*kinds} != {1}:
            sizes = f"{bits}-bit integer " if {*kinds} == {2} else ""
            yield f"{expected} {_FORMATS.get(max(kinds), 'unknown')} {sizes}pixels"
        if len({*self._all(Tag.BITSPERSAMPLE, 1)}) > 1:
            yield f"{expected} channels of different depth"
        if not 1 <= bits <= 16:
            yield f"{expected} {bits}-bit integer pixels"
        if self._one(254, 0) & 1:
            yield "its first page is a reduced copy of another, as in raw files of cameras"
        if compression not in (*_PACKED, *_FAX, *_JPEG):
            yield f"TIFF with compression {_OTHER_COMPRESSIONS.get(compression, compression)} is not read"
        yield from self._reasons_of_pillow() if self.for_pillow else self._reasons_of_packed(expected)

    def _reasons_of_pillow(self) -> Iterator[str]:
        bits, compression = self._bits, self._compression
        if bits != (1 if compression in _FAX else 8):
            yield f"{bits}-bit pixels with compression {compression} are not read"
        if self._planar and self._photometric == _YCBCR:
            yield "YCbCr in planes is not read with JPEG compression"
        beyond = self._photometric in _COLOURS and self._channels > _COLOURS[self._photometric]
        if beyond and self._extras not in ((_UNSPECIFIED,), (2,)):
            yield f"alpha of this kind with compression {compression} is not read"

    def _reasons_of_packed(self, expected: str) -> Iterator[str]:
        bits, compression, predictor = self._bits, self._compression, self._one(Tag.PREDICTOR, 1)
        if not _COLOURS[self._photometric] <= self._channels <= _MOST_CHANNELS:
            wanted = f"{_COLOURS[self._photometric]} to {_MOST_CHANNELS}"
            yield f"expected {wanted} channels, found {self._channels}"
        if not {*self._extras} <= {_UNSPECIFIED, *_ALPHA}:
            yield f"ExtraSamples {max(self._extras)} is not known"
        if self._photometric in _GRAY and self._extras.count(_UNSPECIFIED) > 1:
            yield f"{self._channels} channels of which only the first is stated to be gray"
        if sum(kind in _ALPHA for kind in self._extras) > 1:
            yield "more than one alpha channel"
        undone = predictor == 2 and bits in (8, 16) and compression in _PREDICTED
        if predictor != 1 and not undone:
            yield f"predictor {predictor} of {bits} bits with compression {compression} is not read"
        if self._photometric == _CMYK and self._one(332, 1) != 1:
            yield f"{expected} inks other than CMYK"
        if self._photometric == _YCBCR:
            if self._all(Tag.YCBCRSUBSAMPLING, (2, 2)) != (1, 1):
                yield "subsampled YCbCr is read with JPEG compression alone"
            black_white = self._all(Tag.REFERENCEBLACKWHITE, (0, 255, 128, 255, 128, 255))
            if bits != 8 or black_white not in ((0, 255, 128, 255, 128, 255),):
                yield "YCbCr is read in 8 bits of full range alone"

    # --- pixels -----------------------------------------------------------------------------------------

    def pixels(self, notes: list[str]) -> Pixels:
        """As stored: uint8 (h, w[, c]) with c = 2 (gray, alpha), 3 or 4 (RGB, alpha).

        Where colour is premultiplied with alpha, it is composited on white.
        """
        samples = self._samples()
        photometric, most, split = self._photometric, 2**self._bits - 1, _COLOURS[self._photometric]
        if self._bits > 8 and photometric != _PALETTE:
            notes.append(f"{self._bits} bits reduced to 8")
        colour, alpha = samples[..., :split], self._alpha(samples[..., split:], most, notes)
        if self._bits == 1 and photometric in _GRAY:
            notes.append("1 bit spread over 0 and 255")
        if photometric == _WHITE_IS_ZERO:
            colour = most - colour
        if alpha is not None and _PREMULTIPLIED in self._extras:
            if photometric not in (_BLACK_IS_ZERO, _RGB):
                raise ImageError("premultiplied alpha is read with gray (BlackIsZero) and RGB alone")
            notes.append("premultiplied alpha composited on white")
            colour = np.minimum(colour.astype(np.uint32) + most - alpha, most)
            alpha = None
        if photometric == _PALETTE:
            eight = self._colours()[colour[..., 0]]
            notes.append("palette converted to RGB")
        else:
            eight = to_8_bits(colour, most)
        if photometric in (_CMYK, _YCBCR):
            mode = "CMYK" if photometric == _CMYK else "YCbCr"
            eight = np.asarray(Image.frombytes(mode, self.size, eight.tobytes()).convert("RGB"))
            notes.append(f"{mode} converted to RGB")
        if alpha is not None:
            eight = np.dstack([eight, to_8_bits(alpha, most)])
        return eight[..., 0] if eight.shape[2] == 1 else eight

    def _alpha(self, extra: NDArray[Any], most: int, notes: list[str]) -> NDArray[Any] | None:
        """The alpha channel unless it is opaque everywhere, (h, w, 1); other channels are dropped."""
        stated = self._extras
        if (extra[..., len(stated) :] != most).any():
            raise ImageError("nothing states whether its last channel is alpha (tag ExtraSamples)")
        if dropped := sum(kind == _UNSPECIFIED for kind in stated):
            notes.append(f"{dropped} unspecified channel{'s' * (dropped > 1)} dropped")
        found = [extra[..., at, None] for at, kind in enumerate(stated) if kind in _ALPHA]
        if found and (found[0] != most).any():
            return found[0]
        if found or extra.shape[2] > len(stated):
            notes.append("opaque alpha dropped")
        return None

    def _colours(self) -> Pixels:
        """The palette: uint8 (n, 3)."""
        values = np.array(self._all(Tag.COLORMAP)).reshape(3, 2**self._bits).T
        # Of 16 bits; some programs write 8.
        return (values >> 8 if values.max() > 255 else values).astype(np.uint8)

    def _samples(self) -> NDArray[Any]:
        """uint8 or uint16 (h, w, channels)."""
        if not self._planar:
            return self._plane(0, self._channels)
        return np.concatenate([self._plane(number, 1) for number in range(self._channels)], axis=2)

    def _plane(self, number: int, channels: int) -> NDArray[Any]:
        width, height = self.size
        rows = self._rows(number, channels * self._bits)
        values: NDArray[Any]
        if self._bits == 8:
            values = rows
        elif self._bits == 16:
            order = "<" if self.tags.prefix == Tag.II else ">"
            values = np.ascontiguousarray(rows).view(f"{order}u2").astype(np.uint16)
        else:
            single = np.unpackbits(rows, axis=1, count=width * channels * self._bits)
            single = single.reshape(height, width * channels, self._bits)
            weights = 1 << np.arange(self._bits, dtype=np.uint16)[::-1]
            values = np.zeros(single.shape[:2], np.uint16)
            for bit, weight in enumerate(weights):
                values += single[..., bit] * weight
        values = values.reshape(height, width, channels)
        if self._one(Tag.PREDICTOR, 1) == 2:
            step = self._one(Tag.TILEWIDTH, width)
            parts = [values[:, at : at + step] for at in range(0, width, step)]
            values = np.concatenate([np.cumsum(part, axis=1, dtype=part.dtype) for part in parts], axis=1)
        return values

    def _rows(self, plane: int, bits: int) -> Pixels:
        """Bytes of a plane, uint8 (h, bytes of a row): as an 8-bit gray image of that width to libtiff."""
        width, height = self.size
        row = -(-width * bits // 8)
        if self._compression == 1 and len(self.data) < row * height:
            raise ValueError("fewer bytes than pixels")
        tags: dict[int, tuple[int, ...]] = {
            Tag.IMAGEWIDTH: (row,),
            Tag.IMAGELENGTH: (height,),
            Tag.BITSPERSAMPLE: (8,),
            Tag.COMPRESSION: (self._compression,),
            Tag.PHOTOMETRIC_INTERPRETATION: (_BLACK_IS_ZERO,),
            Tag.FILLORDER: (self._one(Tag.FILLORDER, 1),),
            Tag.SAMPLESPERPIXEL: (1,),
        }
        where, counts = Tag.STRIPOFFSETS, Tag.STRIPBYTECOUNTS
        if Tag.TILEOFFSETS in self.tags:
            where, counts = Tag.TILEOFFSETS, Tag.TILEBYTECOUNTS
            tags[Tag.TILEWIDTH] = (self._one(Tag.TILEWIDTH) * bits // 8,)
            tags[Tag.TILELENGTH] = (self._one(Tag.TILELENGTH),)
        else:
            tags[Tag.ROWSPERSTRIP] = (min(self._one(Tag.ROWSPERSTRIP, height), height),)
        if where not in self.tags:
            raise ValueError("states no place of its pixels")
        planes = self._channels if self._planar else 1
        for tag in (where, counts):
            if found := self._all(tag):
                each = len(found) // planes
                tags[tag] = found[plane * each : (plane + 1) * each]
        content = _file(self.data, tags)
        with TiffImageFile(io.BytesIO(content)) as image:
            return np.asarray(image)


def _directories(data: bytes) -> tuple[ImageFileDirectory_v2, int]:
    """The first directory of tags, and how many there are."""
    stream = io.BytesIO(data)
    # Pillow knows BigTIFF by its little-endian mark alone.
    head = b"II+\0" + data[4:16] if 43 in data[2:4] else data[:8]

    def new() -> ImageFileDirectory_v2:
        return ImageFileDirectory_v2(head, data[:2])

    seen: set[int] = set()
    first, at = None, new().next
    while at and at not in seen and at < len(data):
        seen.add(at)
        directory = new()
        stream.seek(at)
        directory.load(stream)
        first = first or directory
        at = directory.next
    if first is None:
        raise ValueError("no directory of tags")
    return first, len(seen)


def _file(data: bytes, tags: dict[int, tuple[int, ...]]) -> bytes:
    """The content of a TIFF under other tags."""
    start = len(data) + len(data) % 2
    beyond = start + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, found in sorted(tags.items()):
        packed = struct.pack(f"<{len(found)}I", *found)
        if len(packed) > 4:
            entries += struct.pack("<HHII", tag, 4, len(found), beyond + len(values))
            values += packed
        else:
            entries += struct.pack("<HHI", tag, 4, len(found)) + packed
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    head = b"II*\0" + struct.pack("<I", start)
    return b"".join([head, data[8:].ljust(start - 8, b"\0"), directory, values])
