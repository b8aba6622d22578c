"""The Python wheel: the binary as a script, and the module `jackfield`."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from archive import Entry, How, tree, write_zip
from binary import Binary
from crates import ROOT
from extras import Extras

SOURCE = ROOT / "packaging" / "python"

METADATA = """\
Metadata-Version: 2.4
Name: jackfield
Version: {version}
Summary: Account association for WebRTC calling in smart properties: server, sandbox, command line, and a pytest fixture
License-Expression: Apache-2.0
License-File: LICENSE
License-File: THIRD-PARTY-NOTICES.txt
Keywords: alexa-smart-properties,account-association,webrtc,pytest
Classifier: Development Status :: 4 - Beta
Classifier: Framework :: Pytest
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: 3
Classifier: Programming Language :: Rust
Classifier: Typing :: Typed
Requires-Python: >=3.9
Description-Content-Type: text/markdown

"""

WHEEL = """\
Wheel-Version: 1.0
Generator: jackfield-pack
Root-Is-Purelib: false
{tags}
"""

ENTRY_POINTS = """\
[pytest11]
jackfield = jackfield.pytest_plugin
"""


def write(binary: Binary, extras: Extras, out: Path, how: How) -> Path:
    """Writes the wheel; answers its path."""
    name = f"jackfield-{binary.version}"
    info = f"{name}.dist-info"
    tags = "\n".join(f"Tag: py3-none-{platform}" for platform in binary.wheel_tag.split("."))
    metadata = METADATA.format(version=binary.version) + (SOURCE / "README.md").read_text()
    entries = tree(SOURCE / "jackfield", "jackfield/")
    entries += [
        Entry(f"{name}.data/scripts/jackfield", binary.path.read_bytes(), executable=True),
        Entry(f"{info}/METADATA", metadata.encode()),
        Entry(f"{info}/WHEEL", WHEEL.format(tags=tags).encode()),
        Entry(f"{info}/entry_points.txt", ENTRY_POINTS.encode()),
        Entry(f"{info}/licenses/LICENSE", extras.licence),
        Entry(f"{info}/licenses/THIRD-PARTY-NOTICES.txt", extras.notices),
        # Where PEP 770 wants bills of materials.
        Entry(f"{info}/sboms/jackfield.cdx.json", extras.sbom),
    ]
    record = "".join(f"{entry.path},sha256={digest(entry.content)},{len(entry.content)}\n" for entry in entries)
    entries.append(Entry(f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode()))
    file = out / f"{name}-py3-none-{binary.wheel_tag}.whl"
    write_zip(file, entries, how)
    return file


def digest(content: bytes) -> str:
    """A hash in the form of RECORD."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
