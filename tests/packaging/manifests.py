"""The manifests for Kubernetes: `manifests.py packaging/kubernetes VERSION`, with the Python of requirements.txt.

Each is held to the schemas of the Kubernetes versions below, which come with the checker; then what no schema says: that
files are named, that labels, ports and accounts fit together, and that nothing exposes the admin port.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

#: `sleep` in preStop came with 1.30.
VERSIONS = ("1.30", "1.32", "1.34", "1.37")
ADMIN_PORT = 8081
Manifest = dict[str, Any]


def overlay(directory: Path) -> list[Manifest]:
    """What kustomize makes of a directory. It takes these files as they are: there are no patches and generators."""
    kustomization = yaml.safe_load((directory / "kustomization.yaml").read_text())
    assert kustomization.keys() == {"apiVersion", "kind", "resources"}, kustomization.keys()
    found: list[Manifest] = []
    for resource in kustomization["resources"]:
        path = directory / resource
        found += overlay(path) if path.is_dir() else list(yaml.safe_load_all(path.read_text()))
    unnamed = {path.name for path in directory.glob("*.yaml")} - set(kustomization["resources"])
    assert unnamed == {"kustomization.yaml"}, unnamed
    return found


def one(manifests: list[Manifest], *kinds: str) -> Manifest:
    """The one manifest of a kind."""
    (found,) = [manifest for manifest in manifests if manifest["kind"] in kinds]
    return found


def check(manifests: list[Manifest], version: str) -> None:
    """Checks what makes one installation."""
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests]
    assert len(set(names)) == len(names), names
    workload = one(manifests, "StatefulSet", "Deployment")["spec"]
    pod = workload["template"]
    labels = pod["metadata"]["labels"]
    account = one(manifests, "ServiceAccount")["metadata"]["name"]
    selectors = [workload["selector"]["matchLabels"]]
    for manifest in manifests:
        spec = manifest.get("spec", {})
        match manifest["kind"]:
            case "Service":
                selectors.append(spec["selector"])
            case "PodDisruptionBudget":
                selectors.append(spec["selector"]["matchLabels"])
            case "NetworkPolicy":
                selectors.append(spec["podSelector"]["matchLabels"])
    assert all(selector.items() <= labels.items() for selector in selectors), selectors
    assert len(selectors) >= 4, names

    (container,) = pod["spec"]["containers"]
    assert pod["spec"]["serviceAccountName"] == account
    assert container["image"] == f"jackfield:{version}", "the manifests name this version"
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ADMIN_PORT not in ports.values()
    policies = [manifest["spec"] for manifest in manifests if manifest["kind"] == "NetworkPolicy"]
    open_ports = [port["port"] for policy in policies for rule in policy.get("ingress", []) for port in rule["ports"]]
    assert open_ports == ["http"], open_ports
    for service in (manifest["spec"] for manifest in manifests if manifest["kind"] == "Service"):
        assert [port["targetPort"] for port in service["ports"]] == ["http"]
        assert service.get("type", "ClusterIP") == "ClusterIP"
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert container[probe]["httpGet"] == {"path": path, "port": "http"}

    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    volumes |= {claim["metadata"]["name"] for claim in workload.get("volumeClaimTemplates", [])}
    assert volumes == {mount["name"] for mount in container["volumeMounts"]}
    assert pod["spec"]["securityContext"]["runAsNonRoot"] and container["securityContext"]["readOnlyRootFilesystem"]


def main() -> None:
    """Checks both kinds of installation."""
    directory, version = Path(sys.argv[1]), sys.argv[2]
    for name in ("embedded", "postgres"):
        manifests = overlay(directory / name)
        for kubernetes in VERSIONS:
            for manifest in manifests:
                kubernetes_validate.validate(manifest, kubernetes, strict=True)
        check(manifests, version)
    embedded, postgres = (overlay(directory / name) for name in ("embedded", "postgres"))
    assert one(embedded, "StatefulSet")["spec"]["replicas"] == 1
    assert one(postgres, "Deployment")["spec"]["replicas"] == 2
    print(f"{len(embedded) + len(postgres)} manifests are good for Kubernetes {', '.join(VERSIONS)}")


if __name__ == "__main__":
    main()
