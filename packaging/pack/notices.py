"""The licence notices of everything in the program, and its bill of materials in the form of CycloneDX 1.6."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone

from crates import MIT, Crate, licence_texts

#: What a build puts into every Rust program.
STANDARD_LIBRARY = "The standard library of Rust"
#: The namespace of serial numbers: the same content has the same number.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "jackfield:sbom")


def notices(crates: list[Crate], compiler: str) -> str:
    """The notices as one text: each licence text once, below the crates that it is the text of."""
    owners: dict[str, list[str]] = {MIT.replace("<holders>", "The Rust Project Contributors"): [STANDARD_LIBRARY]}
    for crate in crates:
        if not crate.ours:
            for text in licence_texts(crate):
                owners.setdefault(text, []).append(f"{crate.name} {crate.version}")
    foreign = sum(1 for crate in crates if not crate.ours)
    parts = [
        f"Jackfield is built of its own sources, under the Apache License 2.0, of the standard library of Rust\n"
        f"({compiler}, MIT OR Apache-2.0) and of the following {foreign} crates, some of which only generate code.\n"
        f"Below each list of crates is a text of their licences, as the crates bring it.\n"
    ]
    width = max(len(f"{crate.name} {crate.version}") for crate in crates)
    parts.append("".join(f"{f'{c.name} {c.version}':<{width}}  {c.licence}\n" for c in crates if not c.ours))
    for text, owning in owners.items():
        names = "".join(f"  {name}\n" for name in owning)
        parts.append(f"{'=' * 100}\n\n{names}\n{'-' * 100}\n\n{text}\n")
    return "\n".join(parts)


def sbom(crates: list[Crate], version: str, compiler: str, epoch: int) -> str:
    """The bill of materials as JSON. It depends on nothing but its arguments."""
    program = next(crate for crate in crates if crate.name == "jackfield")
    references = {crate.id: crate.purl for crate in crates}
    rust = {
        "type": "library",
        "bom-ref": "rust-std",
        "name": STANDARD_LIBRARY,
        "version": compiler.split()[1],
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    }
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, timezone.utc).isoformat().replace("+00:00", "Z"),
            "component": {**component(program), "type": "application", "version": version},
        },
        "components": [component(crate) for crate in crates if crate is not program] + [rust],
        "dependencies": [
            {
                "ref": crate.purl,
                "dependsOn": sorted({references[id] for id in crate.needs} | ({"rust-std"} if crate is program else set())),
            }
            for crate in crates
        ]
        + [{"ref": "rust-std"}],
    }
    number = uuid.uuid5(NAMESPACE, json.dumps(document, sort_keys=True))
    return json.dumps({"serialNumber": f"urn:uuid:{number}", **document}, indent=1) + "\n"


def component(crate: Crate) -> dict[str, object]:
    """A crate as a component."""
    found: dict[str, object] = {
        "type": "library",
        "bom-ref": crate.purl,
        "name": crate.name,
        "version": crate.version,
        "licenses": [{"expression": crate.licence}],
        "purl": crate.purl,
    }
    if crate.checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": crate.checksum}]
    if crate.repository:
        found["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    return found
