"""What goes into every package beside the program: licence, notices, bill of materials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from binary import Binary, run
from crates import ROOT, graph
from notices import notices, sbom


@dataclass
class Extras:
    """The files, as they are written."""

    licence: bytes
    notices: bytes
    sbom: bytes

    def write(self, out: Path) -> list[Path]:
        """Writes them beside the packages as well; answers where."""
        files = {"THIRD-PARTY-NOTICES.txt": self.notices, "jackfield.cdx.json": self.sbom}
        for name, content in files.items():
            (out / name).write_bytes(content)
        return [out / name for name in files]


def make(binary: Binary, epoch: int) -> Extras:
    """Makes them for the processor of a binary."""
    crates = graph(f"{binary.rust}-unknown-linux-gnu")
    compiler = " ".join(run("rustc", "--version").split()[:2])
    return Extras(
        licence=(ROOT / "LICENSE").read_bytes(),
        notices=notices(crates, compiler).encode(),
        sbom=sbom(crates, binary.version, compiler, epoch).encode(),
    )
