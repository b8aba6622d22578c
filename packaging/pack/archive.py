"""Archives whose bytes follow from what is in them: entries in order, one owner, one time."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Entry:
    """A file of an archive."""

    path: str
    content: bytes
    executable: bool = False

    @property
    def mode(self) -> int:
        """Its rights."""
        return 0o755 if self.executable else 0o644


@dataclass
class How:
    """How archives are made: the time of what is in them, in seconds since 1970, and whether size counts or time."""

    epoch: int
    fast: bool

    @property
    def level(self) -> int:
        """How hard deflate tries."""
        return 1 if self.fast else 9


def write_zip(file: Path, entries: list[Entry], how: How) -> None:
    """Writes a zip file, with Unix rights."""
    moment = time.gmtime(max(how.epoch, 315_532_800))[:6]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=how.level) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.path, moment)
            info.create_system = 3
            info.external_attr = (0o100000 | entry.mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.content, compresslevel=how.level)


def write_tar_gz(file: Path, entries: list[Entry], how: How) -> None:
    """Writes a compressed tar file."""
    with file.open("wb") as raw, gzip.GzipFile("", "wb", how.level, raw, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for entry in entries:
                info = tarfile.TarInfo(entry.path)
                info.size, info.mode, info.mtime = len(entry.content), entry.mode, how.epoch
                archive.addfile(info, io.BytesIO(entry.content))


def tree(directory: Path, prefix: str = "") -> list[Entry]:
    """The files below a directory, in the order of their paths, without what Python compiles beside them."""
    files = sorted(path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return [
        Entry(f"{prefix}{path.relative_to(directory)}", path.read_bytes(), bool(path.stat().st_mode & 0o100)) for path in files
    ]
