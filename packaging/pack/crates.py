"""What the program is built of: the crates of its dependency graph, their licence texts, and an SBOM of them.

Everything is read from `cargo metadata`, from Cargo.lock and from the sources of the crates, which a build has
brought, so nothing is asked of a network. A crate whose licence text cannot be found ends the run.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
#: The program itself; the crates of this repository have its licence.
PROGRAM = "jackfield"
#: Files that hold a licence or a notice, wherever in a crate: sources of C libraries bring their own.
LICENCE_FILE = re.compile(r"^(un)?(licen[cs]e|copying|copyright|notice)s?([-_.].*)?$", re.IGNORECASE)
#: What looks like one by name and is code or data.
NOT_TEXT = re.compile(r"\.(rs|c|h|cc|cpp|py|js|json|html|toml|sh|go|yml|yaml)$", re.IGNORECASE)

_GRANT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:"""
_NO_WARRANTY = """THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL
THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT,
TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE."""
MIT = f"""Copyright (c) <holders>

{_GRANT}

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

{_NO_WARRANTY}"""
ZERO_BSD = """Copyright (C) <holders>

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE."""


@dataclass
class Crate:
    """A crate of the graph."""

    id: str
    name: str
    version: str
    licence: str
    repository: str | None
    authors: list[str]
    directory: Path
    ours: bool
    checksum: str | None = None
    needs: list[str] = field(default_factory=list)

    @property
    def purl(self) -> str:
        """Its package URL, also its name within the SBOM."""
        return f"pkg:cargo/{self.name}@{self.version}"


def graph(target: str) -> list[Crate]:
    """The program and what becomes part of it on a target, by name: neither build scripts' crates nor those of tests."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={target}"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    built = tree(target)
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(entry["name"], entry["version"]): entry.get("checksum") for entry in locked}

    def needs(name: str) -> list[str]:
        normal = [dep["pkg"] for dep in nodes[name]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
        return sorted(id for id in normal if (packages[id]["name"], packages[id]["version"]) in built)

    waiting = [next(id for id in metadata["workspace_members"] if packages[id]["name"] == PROGRAM)]
    found: dict[str, Crate] = {}
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        package = packages[name]
        found[name] = Crate(
            id=name,
            name=package["name"],
            version=package["version"],
            licence=(package["license"] or "").replace("/", " OR "),
            repository=package["repository"],
            authors=package["authors"],
            directory=Path(package["manifest_path"]).parent,
            ours=package["source"] is None,
            checksum=checksums.get((package["name"], package["version"])),
            needs=needs(name),
        )
        waiting.extend(found[name].needs)
    return sorted(found.values(), key=lambda crate: (not crate.ours, crate.name, crate.version))


def tree(target: str) -> set[tuple[str, str]]:
    """Names and versions of what the program is built of. `cargo metadata` has the features of the whole workspace, and
    so also crates that only the tests turn on."""
    command = ["cargo", "tree", "--locked", "--package", PROGRAM, "--edges=normal", "--target", target]
    command += ["--prefix=none", "--format={p}"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    words = [line.split() for line in lines if line]
    return {(name, version.removeprefix("v")) for name, version, *_ in words}


def licence_texts(crate: Crate) -> list[str]:
    """The texts that come with a crate, shortest path first, each once; else the standard text of its licence.

    Exits when there is neither.
    """
    inside = [path.relative_to(crate.directory) for path in crate.directory.rglob("*") if path.is_file()]
    files = [path for path in inside if LICENCE_FILE.match(path.name) or "LICENSES" in path.parts]
    files = [path for path in files if not NOT_TEXT.search(path.name)]
    files.sort(key=lambda path: (len(path.parts), str(path)))
    texts = [(crate.directory / path).read_text(encoding="utf-8", errors="replace") for path in files]
    texts = [text.replace("\r\n", "\n").strip() for text in texts]
    return list(dict.fromkeys(text for text in texts if text)) or [standard_text(crate)]


def standard_text(crate: Crate) -> str:
    """The text of the licence that a crate states without bringing it; of several to choose from, one that is here."""
    choices = re.split(r"\s+OR\s+", crate.licence.strip("()"))
    authors = ", ".join(crate.authors) or f"the authors of {crate.name}"
    for name, text in (("Apache-2.0", (ROOT / "LICENSE").read_text().strip()), ("MIT", MIT), ("0BSD", ZERO_BSD)):
        if name in choices:
            return text.replace("<holders>", authors)
    sys.exit(f"{crate.name} {crate.version} ({crate.licence}) brings no licence text, and there is none here")
