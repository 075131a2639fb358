"""Image files in and out: every kind of file becomes 8-bit gray or RGB by a stated rule.

Files are told apart by content, not by name.  The rules are the table of docs/protocols.md, "Reading images";
those that applied to an image are in :attr:`DecodedImage.notes`.

Written files are PNG with nothing in them but the pixels; the same pixels always give the same bytes (under
one version of Pillow).
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from sisr.base import tiff
from sisr.base.atomic import replacing
from sisr.base.errors import ImageError
from sisr.base.image_files import FORMATS, kind_not_read, no_file

# What Pillow warns of leaves the pixels as they are, as a tag of EXIF that is cut, or an image of 100
# megapixels: its lines would stand between those that a command prints.
warnings.filterwarnings("ignore", module=r"PIL\.")

Pixels = NDArray[np.uint8]

_ORIENTATION = 0x0112  # EXIF tag
_TURNED = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "flipped",
    5: "transposed",
    6: "turned by 90 degrees clockwise",
    7: "transversed",
    8: "turned by 90 degrees counter-clockwise",
}

#: Pillow's mode as decoded -> the mode it is converted to, and what is noted.
_CONVERSIONS = {
    "L": ("L", ""),
    "LA": ("LA", ""),
    "RGB": ("RGB", ""),
    "RGBA": ("RGBA", ""),
    "1": ("L", "1 bit spread over 0 and 255"),
    "P": ("RGB", "palette converted to RGB"),
    "PA": ("RGBA", "palette converted to RGB"),
    "CMYK": ("RGB", "CMYK converted to RGB"),
    "YCbCr": ("RGB", "YCbCr converted to RGB"),
}

#: The beginning of files of the formats that are read.
_READ = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|BM....\0{4}|P[1-6]\s|II[*+]\0|MM\0[*+]", re.DOTALL
)
#: Of images of kinds that are not read, what stands at their beginning or four bytes behind it.
_OTHER_KINDS = {
    **dict.fromkeys((b"jP  ", b"\xffO\xffQ"), "JPEG 2000"),
    **dict.fromkeys((b"JXL ", b"\xff\n"), "JPEG XL"),
    **dict.fromkeys((b"ftypavif", b"ftypavis"), "AVIF"),
    **dict.fromkeys((b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1"), "HEIC"),
    **dict.fromkeys((b"ftypcrx", b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"IIU\0"), "a raw file of a camera"),
    b"v/1\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"8BPS": "PSD",
    b"DDS ": "DDS",
    b"qoif": "QOI",
    b"<svg": "SVG",
    b"P7\n": "PAM",
    b"SIMPLE  =": "FITS",
    b"gimp xcf": "XCF",
    b"\0\0\1\0": "ICO",
    b"icns": "ICNS",
    b"%!PS": "EPS",
    b"%PDF": "PDF",
    b"\x01\xda": "SGI",
    b"\n\5\1": "PCX",
}

#: Level 1 writes a 1024x680 photograph in 67 ms and 1.35 MB; level 6 takes 260 ms for 1.31 MB.
_COMPRESS_LEVEL = 1


#: What is raised, by format, for content that breaks off or contradicts itself.
_DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError),
    *(struct.error, zlib.error),
)


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """``array``: uint8 (h, w) gray or (h, w, 3) RGB; ``notes``: rules that applied."""

    array: Pixels
    notes: tuple[str, ...] = ()


# --- reading --------------------------------------------------------------------------------------------


def read_image(path: Path) -> DecodedImage:
    """Read an image file by the rules of docs/protocols.md.

    Raises
    ------
    ImageError
        The file cannot be read, is no image, is truncated or damaged, has no pixels, is of a kind that is
        refused, or has more than about 179 million pixels (Pillow's limit against decompression bombs).
    """
    return decode_image(read_bytes(path), str(path))


def stored_size(path: Path) -> tuple[int, int, str]:
    """Width, height and Pillow's mode that a file states, without decoding it.

    A file that states nothing readable has size 0: :func:`read_image` says what is wrong with it.
    """
    try:
        with Image.open(path, formats=tuple(FORMATS)) as image:
            return *image.size, image.mode
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return 0, 0, ""


def read_bytes(path: Path) -> bytes:
    """Content of a file; :class:`ImageError` instead of ``OSError``."""
    path = Path(path)
    try:
        if (found := no_file(path)) and not path.is_dir():
            raise ImageError(f"{path}: expected an image, found {found}")
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot read the image: {error.strerror}") from None


def decode_image(data: bytes, name: str) -> DecodedImage:
    """As :func:`read_image` for the content of a file; ``name`` is what errors call it."""
    if not data:
        raise ImageError(f"{name}: expected an image, found an empty file")
    try:
        notes: list[str] = []
        page = tiff.TiffPage.first(data) if data.startswith(tiff.HEADS) else None
        if page is not None and not page.for_pillow:
            array = _of_tiff(page, notes)
        else:
            with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as image:
                image.verify()  # PNG checksums, which decoding skips
            with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as image:
                array = _oriented(image, data, notes)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from None
    except UnidentifiedImageError:
        raise ImageError(f"{name}: {_unread(data, name)}") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: too large: {_one_line(error)}") from None
    except MemoryError:
        raise ImageError(f"{name}: too large: not enough memory") from None
    except _DAMAGE as error:
        raise ImageError(f"{name}: truncated or damaged image: {_one_line(error)}") from None

    array = _without_alpha(array, notes)
    if array.size == 0:
        raise ImageError(f"{name}: the image has no pixels ({array.shape[1]}x{array.shape[0]})")
    if array.ndim == 3 and (array[..., :1] == array[..., 1:]).all():
        notes.append("gray content stored as RGB")
    return DecodedImage(np.ascontiguousarray(array), tuple(notes))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _unread(data: bytes, name: str) -> str:
    """Why Pillow finds no image of the kinds that are read."""
    kinds = (
        kind for head, kind in _OTHER_KINDS.items() if head in (data[: len(head)], data[4 : 4 + len(head)])
    )
    kind = next(kinds, None) or kind_not_read(Path(name))
    if _READ.match(data):
        return "damaged, or of a kind of its format that is not read"
    if kind:
        return f"{kind} is not read: convert to PNG"
    return f"not an image: expected one of {', '.join(FORMATS)}"


def _of_tiff(page: tiff.TiffPage, notes: list[str]) -> Pixels:
    """As :func:`_oriented`."""
    _note_frames(page.frames, notes)
    array = page.pixels(notes)
    _note_rest(page.orientation, page.has_profile, notes)
    return _turn(array, page.orientation)


def _note_frames(frames: int, notes: list[str]) -> None:
    if frames > 1:
        notes.append(f"first of {frames} frames")


def _note_rest(orientation: int, profile: bool, notes: list[str]) -> None:
    if orientation in _TURNED:
        notes.append(f"EXIF orientation {orientation} applied: {_TURNED[orientation]}")
    if profile:
        notes.append("ICC profile ignored")


def _oriented(image: Image.Image, data: bytes, notes: list[str]) -> Pixels:
    """Pixels of an opened image, upright: uint8 (h, w[, c]) with c = 2 (gray, alpha), 3 or 4 (RGB, alpha)."""
    tiles = getattr(image, "tile", [])
    layout = tiles[0].args if tiles else ""  # gone once the image is loaded, which getexif() may do
    _note_frames(getattr(image, "n_frames", 1), notes)
    declared = image.getexif().get(_ORIENTATION, 1)
    array = _channels(image, layout, data, notes)
    # Pillow and OpenCV turn TIFF themselves; the EXIF of a PNG may stand behind its pixels: known only now.
    remaining = image.getexif().get(_ORIENTATION, 1)
    turned = declared if declared in _TURNED else remaining
    _note_rest(turned, bool(image.info.get("icc_profile")), notes)
    return _turn(array, remaining)


def _turn(array: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation (TIFF 6.0, tag 274)."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return array


def _channels(image: Image.Image, layout: Any, data: bytes, notes: list[str]) -> Pixels:
    """Pixels as stored, in 8 bits: uint8 (h, w[, c]); ``layout`` names the channels and bits of the file."""
    image.load()
    mode = image.mode
    one = image.info.get("transparency")  # a value that stands for transparent
    if image.format == "PPM" and mode in ("I", "RGB"):
        most = layout[1] if isinstance(layout, tuple) else 65535 if mode == "I" else 255
        if most > 255:
            notes.append(f"{most.bit_length()} bits reduced to 8")
        if mode == "I":  # Pillow has spread it over 16 bits
            return tiff.to_8_bits((np.asarray(image).astype(np.int64) * most + 32767) // 65535, most)
    if mode == "I;16":  # PNG
        notes.append("16 bits reduced to 8")
        values = np.asarray(image)
        gray = tiff.to_8_bits(values)
        return gray if one is None else np.dstack([gray, np.where(values == one, 0, 255).astype(np.uint8)])
    if layout in ("L;2", "L;4") and one is not None:  # Pillow has spread the pixels and not this value
        bits = int(layout[-1])
        image.info["transparency"] = one % 2**bits * 255 // (2**bits - 1)
    if image.format == "PNG" and ";16" in layout:
        # Pillow keeps only the high byte of 16-bit colour, so that OpenCV decodes these.
        notes.append("16 bits reduced to 8")
        return tiff.to_8_bits(_decode_deep_colour(data, gray="LA;16" in layout))
    if mode not in _CONVERSIONS:
        found = {"F": "floating-point", "I": "32-bit integer", "LAB": "CIE Lab"}.get(mode, f"mode {mode}")
        raise ImageError(f"expected gray, RGB, palette or CMYK pixels of up to 16 bits, found {found} pixels")
    target, note = _CONVERSIONS[mode]
    if note:
        notes.append(note)
    if mode != target:
        image = image.convert("RGBA" if mode == "P" and "transparency" in image.info else target)
    if "transparency" in image.info and image.mode in ("L", "RGB"):  # one value stands for transparent
        image = image.convert(image.mode + "A")
    return np.asarray(image)


def _decode_deep_colour(data: bytes, gray: bool) -> NDArray[np.uint16]:
    """16-bit RGB, RGBA, or gray with alpha: uint16 (h, w, 3 | 4 | 2)."""
    import cv2

    array: NDArray[Any] | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.ndim != 3 or array.dtype != np.uint16:
        raise ImageError("this kind of 16-bit colour is not supported")
    if gray:
        return array[..., [0, -1]]
    return array[..., [2, 1, 0, 3][: array.shape[2]]]


def _without_alpha(array: Pixels, notes: list[str]) -> Pixels:
    """Drop or composite on white the last of 2 or 4 channels; (h, w) or (h, w, 3)."""
    if array.ndim == 2 or array.shape[2] == 3:
        return array
    colour, alpha = array[..., :-1], array[..., -1:].astype(np.uint32)
    if (alpha == 255).all():
        notes.append("opaque alpha dropped")
    else:
        notes.append("alpha composited on white")
        colour = ((alpha * colour + (255 - alpha) * 255 + 127) // 255).astype(np.uint8)
    return colour[..., 0] if colour.shape[2] == 1 else colour


# --- writing --------------------------------------------------------------------------------------------


def write_png(path: Path, array: Pixels) -> None:
    """Write uint8 (h, w) or (h, w, 3) as PNG: whole or not at all, deterministic, without metadata.

    Raises
    ------
    ImageError : the file cannot be written, or the array is not such an image
    """
    require_pixels(array, str(path))
    try:
        with replacing(path) as temporary:
            Image.fromarray(array).save(temporary, format="PNG", compress_level=_COMPRESS_LEVEL)
    except OSError as error:
        raise ImageError(f"{path}: cannot write the image: {error.strerror or _one_line(error)}") from None


def require_pixels(array: NDArray[Any], name: str) -> None:
    """Raise :class:`ImageError` unless uint8 (h, w) or (h, w, 3) with at least one pixel."""
    if array.dtype != np.uint8 or array.size == 0 or (array.ndim != 2 and array.shape[2:] != (3,)):
        found = f"{array.dtype} {array.shape}"
        raise ImageError(f"{name}: expected a uint8 image (h, w) or (h, w, 3), found {found}")


def pixel_digest(array: Pixels) -> str:
    """SHA-256 of the pixel values in row order, whatever file they came from."""
    return hashlib.sha256(array.tobytes()).hexdigest()


# --- folders and sizes ----------------------------------------------------------------------------------


def modcrop(array: Pixels, scale: int) -> Pixels:
    """Crop at the bottom and the right to a multiple of ``scale`` (a view).

    Raises
    ------
    ImageError : a side is shorter than ``scale``

    >>> modcrop(np.zeros((10, 9), np.uint8), 4).shape
    (8, 8)
    """
    height, width = array.shape[:2]
    if height < scale or width < scale:
        raise ImageError(f"expected an image of at least {scale}x{scale}, found {width}x{height}")
    return array[: height - height % scale, : width - width % scale]
