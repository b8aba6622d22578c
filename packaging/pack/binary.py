"""What a binary says of itself: its version, its processor, and the oldest C library that it runs on."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

#: The names of a processor: of Rust and the wheel, of npm, of Debian, and how objdump says it.
PROCESSORS = {"x86-64": ("x86_64", "x64", "amd64"), "aarch64": ("aarch64", "arm64", "arm64")}
#: Libraries that a wheel with a manylinux tag may expect, and the Debian packages of each.
PACKAGES = {
    "libc.so.6": "libc6",
    "libm.so.6": "libc6",
    "libdl.so.2": "libc6",
    "librt.so.1": "libc6",
    "libpthread.so.0": "libc6",
    "ld-linux-x86-64.so.2": "libc6",
    "ld-linux-aarch64.so.1": "libc6",
    "libgcc_s.so.1": "libgcc-s1",
}


@dataclass
class Binary:
    """A binary for Linux that is to be packed."""

    path: Path
    version: str
    rust: str
    npm: str
    debian: str
    #: The highest version of symbols of glibc that it needs; none when it is static.
    glibc: tuple[int, int] | None
    libraries: list[str]

    @property
    def wheel_tag(self) -> str:
        """The platform of a wheel with it. A static one runs on either C library."""
        if self.glibc is None:
            return f"manylinux_2_5_{self.rust}.musllinux_1_1_{self.rust}"
        major, minor = self.glibc
        return f"manylinux_{major}_{minor}_{self.rust}"

    @property
    def debian_depends(self) -> list[str]:
        """The Debian packages of the libraries that it needs."""
        packages = sorted({PACKAGES[library] for library in self.libraries})
        needs = "libc6" if self.glibc is None else "libc6 (>= {}.{})".format(*self.glibc)
        return [needs if package == "libc6" else package for package in packages]


def run(*command: str | Path) -> str:
    """The standard output of a command that succeeds."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def inspect(path: Path) -> Binary:
    """Looks at a binary. Exits when a package could not promise where it runs."""
    headers = run("objdump", "-f", "-p", path)
    processor = next((name for name in PROCESSORS if re.search(rf"architecture: .*{name}", headers)), None)
    if processor is None:
        sys.exit(f"{path} is for a processor that there is no package for:\n{headers}")
    libraries = re.findall(r"NEEDED\s+(\S+)", headers)
    if unknown := [library for library in libraries if library not in PACKAGES]:
        sys.exit(f"{path} needs libraries that not every Linux has: {' '.join(unknown)}")
    versions = re.findall(r"\bGLIBC_(\d+)\.(\d+)", headers)
    glibc = max((int(major), int(minor)) for major, minor in versions) if versions else None
    rust, npm, debian = PROCESSORS[processor]
    version = run(path, "--version").split()[1]
    return Binary(path, version, rust, npm, debian, glibc, libraries)
