"""What is in each package: `contents.py DIR`, with the Python of requirements.txt."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

DEB = {
    "usr/bin/jackfield": 0o755,
    "usr/lib/systemd/system/jackfield.service": 0o644,
    "usr/lib/systemd/system/jackfield.service.d/package.conf": 0o644,
    "etc/jackfield/jackfield.toml": 0o644,
    "usr/share/man/man1/jackfield.1.gz": 0o644,
    "usr/share/man/man1/jackfield-sync.1.gz": 0o644,
    "usr/share/bash-completion/completions/jackfield": 0o644,
    "usr/share/zsh/vendor-completions/_jackfield": 0o644,
    "usr/share/fish/vendor_completions.d/jackfield.fish": 0o644,
    "usr/share/doc/jackfield/copyright": 0o644,
    "usr/share/doc/jackfield/changelog.Debian.gz": 0o644,
    "usr/share/doc/jackfield/THIRD-PARTY-NOTICES.txt.gz": 0o644,
    "usr/share/doc/jackfield/jackfield.cdx.json.gz": 0o644,
}


def one(directory: Path, pattern: str) -> Path:
    """The one file of a pattern."""
    (found,) = directory.glob(pattern)
    return found


def wheel(file: Path) -> dict[str, bytes]:
    """Checks a wheel; answers its files."""
    with zipfile.ZipFile(file) as archive:
        content = {info.filename: archive.read(info) for info in archive.infolist()}
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    record = next(content[name] for name in content if name.endswith("/RECORD")).decode()
    stated = {line.split(",")[0]: line.split(",")[1] for line in record.splitlines()}
    assert stated.keys() == content.keys(), stated.keys() ^ content.keys()
    for name, digest in stated.items():
        real = base64.urlsafe_b64encode(hashlib.sha256(content[name]).digest()).rstrip(b"=").decode()
        assert digest in ("", f"sha256={real}"), name
    program = next(name for name in content if name.endswith(".data/scripts/jackfield"))
    assert modes[program] == 0o755
    assert {"jackfield/py.typed", "jackfield/testing.py", "jackfield/pytest_plugin.py"} <= content.keys()
    tags = next(content[name] for name in content if name.endswith("/WHEEL")).decode()
    for platform in file.stem.rsplit("-", 1)[1].split("."):
        assert f"Tag: py3-none-{platform}\n" in tags, tags
    return content


def tar(data: bytes) -> dict[str, tuple[bytes, tarfile.TarInfo]]:
    """The files of a tar archive, all of which belong to root."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for info in archive:
            assert (info.uid, info.gid) == (0, 0), info.name
            if info.isfile():
                extracted = archive.extractfile(info)
                assert extracted
                found[info.name.removeprefix("./")] = (extracted.read(), info)
    return found


def npm(directory: Path, version: str) -> bytes:
    """Checks the npm packages; answers the program."""
    main = tar(one(directory, f"jackfield-{version}.tgz").read_bytes())
    carrier = tar(one(directory, f"jackfield-linux-*-{version}.tgz").read_bytes())
    manifest = json.loads(main["package/package.json"][0])
    carried = json.loads(carrier["package/package.json"][0])
    assert manifest["optionalDependencies"] == {carried["name"]: carried["version"]}
    assert "dependencies" not in manifest and "scripts" not in manifest
    promised = set(re.findall(r'"\./([^"]+)"', json.dumps(manifest["exports"]))) - {"testing"} | {"bin/jackfield.js"}
    for path in promised:
        assert f"package/{path}" in main, path
    assert "package/LICENSE" in main
    assert main["package/bin/jackfield.js"][1].mode == 0o755
    program, info = carrier["package/bin/jackfield"]
    assert info.mode == 0o755
    return program


def deb(file: Path) -> dict[str, tuple[bytes, tarfile.TarInfo]]:
    """Checks the Debian package; answers its files."""
    content = tar(subprocess.run(["dpkg-deb", "--fsys-tarfile", file], check=True, stdout=subprocess.PIPE).stdout)
    for path, mode in DEB.items():
        assert path in content, path
        assert content[path][1].mode == mode, path
        assert content[path][0], f"{path} is empty"
    control = tar(subprocess.run(["dpkg-deb", "--ctrl-tarfile", file], check=True, stdout=subprocess.PIPE).stdout)
    assert control["conffiles"][0] == b"/etc/jackfield/jackfield.toml\n"
    for script in ("postinst", "prerm", "postrm"):
        subprocess.run(["sh", "-n"], input=control[script][0], check=True)
        assert control[script][1].mode == 0o755
    fields = control["control"][0].decode()
    for field in (r"Depends: .*libc6", r"Architecture: (amd64|arm64)\n", r"Installed-Size: \d{4,}\n"):
        assert re.search(field, fields), fields
    subprocess.run(["bash", "-n"], input=content["usr/share/bash-completion/completions/jackfield"][0], check=True)
    return content


def extras(sbom: bytes, notices: bytes) -> None:
    """Checks the bill of materials by its schema, and that the notices have everything that it lists."""
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom.decode())
    assert errors is None, errors
    document = json.loads(sbom)
    crates = {(entry["name"], entry["version"]): entry for entry in document["components"] if "hashes" in entry}
    assert len(crates) > 100, len(crates)
    assert ("tokio", ) in {(name,) for name, _ in crates}
    text = notices.decode()
    for name, version in crates:
        # In the list, and above a text.
        assert len(re.findall(rf"^ *{re.escape(name)} {re.escape(version)}\b", text, re.MULTILINE)) >= 2, name
    listed = {document["metadata"]["component"]["bom-ref"]} | {entry["bom-ref"] for entry in document["components"]}
    named = {ref for entry in document["dependencies"] for ref in [entry["ref"], *entry.get("dependsOn", [])]}
    assert named == listed, named ^ listed
    for secret in (str(Path.home()) + "/", str(Path(__file__).parent)):
        assert secret not in text and secret not in sbom.decode(), "a path of this machine"


def main() -> None:
    """Checks the packages of a directory."""
    directory = Path(sys.argv[1])
    sbom, notices = (directory / name for name in ("jackfield.cdx.json", "THIRD-PARTY-NOTICES.txt"))
    extras(sbom.read_bytes(), notices.read_bytes())
    python = wheel(one(directory, "*.whl"))
    version = json.loads(sbom.read_bytes())["metadata"]["component"]["version"]
    carried = npm(directory, version)
    debian = deb(one(directory, "*.deb"))
    program = next(python[name] for name in python if name.endswith("/jackfield"))
    assert program == carried == debian["usr/bin/jackfield"][0], "one program in all of them"
    for name, wanted in (("THIRD-PARTY-NOTICES.txt", notices), ("jackfield.cdx.json", sbom)):
        assert any(path.endswith(name) and python[path] == wanted.read_bytes() for path in python)
        assert gzip.decompress(debian[f"usr/share/doc/jackfield/{name}.gz"][0]) == wanted.read_bytes()
    print(f"contents: {len(python)} files in the wheel, {len(debian)} in the Debian package, as they should be")


if __name__ == "__main__":
    main()
