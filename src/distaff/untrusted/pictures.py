"""Pictures: PNG, JPEG, BMP, PPM, TIFF and WebP, known by their content, of bounded size.

Formats that are programs (EPS, PS, PDF, WMF) are not among them: Pillow would hand them to Ghostscript.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from distaff.errors import DistaffError
from distaff.untrusted.bounds import size_text
from distaff.untrusted.reading import reading
from distaff.untrusted.regular import open_regular

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FORMATS = ("PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP")
PIXELS = 2**26  # 8192 x 8192: images of data sets have thousands
LARGEST = 2**29  # bytes of a file: uncompressed pixels in any of the formats

logging.getLogger("PIL").addHandler(logging.NullHandler())  # it logs what it then raises


@contextlib.contextmanager
def open_picture(path: Path) -> Iterator[Picture]:
    """A picture, decoded; raises `DistaffError` for what is none of the formats, damaged or too large."""
    from PIL import Image, UnidentifiedImageError

    with reading(path, "cannot be read as a picture"), open_regular(path) as file:
        if (size := os.fstat(file.fileno()).st_size) > LARGEST:
            raise DistaffError(f"{path} has {size_text(size)}; a picture has at most {size_text(LARGEST)}")
        try:
            picture = Image.open(file, formats=FORMATS)
        except UnidentifiedImageError as error:
            known = ", ".join(FORMATS)
            raise DistaffError(f"{path} cannot be read as a picture: by its content it is none of {known}") from error
        with picture:
            width, height = picture.size
            if width * height > PIXELS:
                raise DistaffError(f"{path} has {width} x {height} pixels; pictures have at most {PIXELS:,}")
            picture.load()
            yield picture
