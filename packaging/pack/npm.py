"""The npm packages: `jackfield`, which is JavaScript, and the package of a platform, which is the binary.

npm installs of the optional dependencies the one that `os`, `cpu` and `libc` allow, so nobody downloads two binaries
and no install script runs.
"""

from __future__ import annotations

import json
from pathlib import Path

from archive import Entry, How, tree, write_tar_gz
from binary import Binary
from crates import ROOT
from extras import Extras

SOURCE = ROOT / "packaging" / "npm"


def write(binary: Binary, extras: Extras, out: Path, how: How) -> list[Path]:
    """Writes both packages; answers their paths."""
    platform = f"@jackfield/linux-{binary.npm}"
    manifest = json.loads((SOURCE / "package.json").read_text())
    manifest["version"] = binary.version
    manifest["optionalDependencies"] = {platform: binary.version}
    common = [
        Entry("package/LICENSE", extras.licence),
        Entry("package/THIRD-PARTY-NOTICES.txt", extras.notices),
        Entry("package/jackfield.cdx.json", extras.sbom),
    ]
    main = [entry for entry in tree(SOURCE, "package/") if entry.path != "package/package.json"]
    main = [json_entry(manifest), *main, common[0]]
    carrier = {
        "name": platform,
        "version": binary.version,
        "description": f"The binary of jackfield for Linux on {binary.npm}",
        "license": manifest["license"],
        "os": ["linux"],
        "cpu": [binary.npm],
        **({"libc": ["glibc"]} if binary.glibc else {}),
        "preferUnplugged": True,
    }
    carried = [json_entry(carrier), Entry("package/bin/jackfield", binary.path.read_bytes(), executable=True), *common]
    files = {
        out / f"jackfield-{binary.version}.tgz": main,
        out / f"jackfield-linux-{binary.npm}-{binary.version}.tgz": carried,
    }
    for file, entries in files.items():
        write_tar_gz(file, entries, how)
    return list(files)


def json_entry(manifest: dict[str, object]) -> Entry:
    """A package.json."""
    return Entry("package/package.json", (json.dumps(manifest, indent=2) + "\n").encode())
