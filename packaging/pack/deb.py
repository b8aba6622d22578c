"""The Debian package: program, unit, user, settings, man pages and completions.

`dpkg-deb` writes it from a directory, so that the archive is in the form that dpkg expects; owners and times are fixed.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import tempfile
from email.utils import formatdate
from pathlib import Path

from archive import How
from binary import Binary, run
from crates import ROOT
from extras import Extras

SOURCE = ROOT / "packaging" / "debian"

CONTROL = """\
Package: jackfield
Version: {version}
Architecture: {architecture}
Maintainer: The Jackfield contributors <contributors@jackfield.invalid>
Installed-Size: {size}
Depends: {depends}
Recommends: ca-certificates
Section: net
Priority: optional
Description: account association service for calls in smart properties
 For each service provider it maps the endpoints of a telephone network to
 Alexa communication profiles, and serves the Account Association REST API of
 Alexa Smart Properties. The package brings the server, its systemd unit, and
 the command line.
"""

CHANGELOG = """\
jackfield ({version}) unstable; urgency=medium

  * What changed is in /usr/share/doc/jackfield/changelog.gz.

 -- The Jackfield contributors <contributors@jackfield.invalid>  {date}
"""

#: Where each shell looks for completions of packages.
COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/jackfield",
    "zsh": "usr/share/zsh/vendor-completions/_jackfield",
    "fish": "usr/share/fish/vendor_completions.d/jackfield.fish",
}
MAINTAINER_SCRIPTS = ("postinst", "prerm", "postrm")


def write(binary: Binary, extras: Extras, out: Path, how: How, revision: str) -> Path:
    """Writes the package; answers its path."""
    version = f"{binary.version}-{revision}"
    file = out / f"jackfield_{version}_{binary.debian}.deb"
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        fill(root, binary, extras, version, how)
        for path in [*root.rglob("*"), root]:
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            os.utime(path, (how.epoch, how.epoch))
        # The bytes must not depend on how many processors there are.
        compression = ["-Zgzip", "-z1"] if how.fast else ["-Zxz", "-z6", "--threads-max=1"]
        command = ["dpkg-deb", "--root-owner-group", *compression, "--build", str(root), str(file)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(how.epoch)}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return file


def fill(root: Path, binary: Binary, extras: Extras, version: str, how: How) -> None:
    """Puts everything where it is on a machine."""

    def put(path: str, content: bytes, executable: bool = False) -> None:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(gzip.compress(content, 9, mtime=0) if place.suffix == ".gz" else content)
        if executable:
            place.chmod(0o755)

    put("usr/bin/jackfield", binary.path.read_bytes(), executable=True)
    put("usr/lib/systemd/system/jackfield.service", (ROOT / "packaging" / "jackfield.service").read_bytes())
    put("usr/lib/systemd/system/jackfield.service.d/package.conf", (SOURCE / "package.conf").read_bytes())
    put("etc/jackfield/jackfield.toml", (SOURCE / "jackfield.toml").read_bytes())
    manual = root / "usr/share/man/man1"
    run(binary.path, "man", manual)
    for page in sorted(manual.iterdir()):
        put(f"usr/share/man/man1/{page.name}.gz", page.read_bytes())
        page.unlink()
    for shell, path in COMPLETIONS.items():
        put(path, run(binary.path, "completions", shell).encode())
    documents = "usr/share/doc/jackfield"
    put(f"{documents}/copyright", (SOURCE / "copyright").read_bytes())
    put(f"{documents}/THIRD-PARTY-NOTICES.txt.gz", extras.notices)
    put(f"{documents}/jackfield.cdx.json.gz", extras.sbom)
    put(f"{documents}/changelog.gz", (ROOT / "CHANGELOG.md").read_bytes())
    changelog = CHANGELOG.format(version=version, date=formatdate(how.epoch))
    put(f"{documents}/changelog.Debian.gz", changelog.encode())
    # In KiB, before the files that describe the package.
    size = sum(-(-path.stat().st_size // 1024) for path in root.rglob("*") if path.is_file())
    depends = ", ".join([*binary.debian_depends, "passwd"])
    control = CONTROL.format(version=version, architecture=binary.debian, size=size, depends=depends)
    put("DEBIAN/control", control.encode())
    put("DEBIAN/conffiles", b"/etc/jackfield/jackfield.toml\n")
    for script in MAINTAINER_SCRIPTS:
        put(f"DEBIAN/{script}", (SOURCE / script).read_bytes(), executable=True)
