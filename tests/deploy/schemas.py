"""Strict schemas: an unknown field is an error, as a typing mistake would otherwise pass unseen."""

import functools
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

CRD_FOLDER = Path(__file__).parents[2].parent / "shared" / "vectors" / "k8s"
CRD_FILES = {"RayCluster": "ray.io_rayclusters.yaml", "RayJob": "ray.io_rayjobs.yaml"}
# The oldest and the newest that the manifests are for.
KUBERNETES_VERSIONS = ("1.32.0", "1.37.0")

# No schema of the Prometheus operator's is at hand: what we use of it, by its API reference.
_LABELS = {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}
_DURATION = {"type": "string", "pattern": "^[0-9]+(ms|s|m)$"}
SERVICE_MONITOR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "apiVersion": {"const": "monitoring.coreos.com/v1"},
        "kind": {"const": "ServiceMonitor"},
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "properties": {
                "selector": {
                    "type": "object",
                    "properties": {"matchLabels": _LABELS},
                    "required": ["matchLabels"],
                    "additionalProperties": False,
                },
                "endpoints": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {
                            "port": {"type": "string"},
                            "interval": _DURATION,
                            "scrapeTimeout": _DURATION,
                        },
                        "required": ["port"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["selector", "endpoints"],
            "additionalProperties": False,
        },
    },
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
}
# The packaged schema of Kubernetes lets anything pass here.
DISRUPTION_BUDGET: dict[str, Any] = {
    "type": "object",
    "properties": {
        "apiVersion": {"const": "policy/v1"},
        "kind": {"const": "PodDisruptionBudget"},
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "properties": {
                "maxUnavailable": {"type": "integer", "minimum": 1},
                "minAvailable": {"type": "integer", "minimum": 1},
                "unhealthyPodEvictionPolicy": {"enum": ["AlwaysAllow", "IfHealthyBudget"]},
                "selector": {
                    "type": "object",
                    "properties": {"matchLabels": _LABELS},
                    "required": ["matchLabels"],
                    "additionalProperties": False,
                },
            },
            "oneOf": [{"required": ["maxUnavailable"]}, {"required": ["minAvailable"]}],
            "required": ["selector"],
            "additionalProperties": False,
        },
    },
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
}


def problems(manifest: dict[str, Any]) -> list[str]:
    """Where a manifest does not fit its schema."""
    kind = manifest["kind"]
    if kind in CRD_FILES:
        return _errors(_custom_validator(kind), manifest)
    if kind == "ServiceMonitor":
        return _errors(jsonschema.Draft202012Validator(SERVICE_MONITOR), manifest)
    found = [
        f"Kubernetes {version}: {each}"
        for version in KUBERNETES_VERSIONS
        for each in _errors(_kubernetes_validator(version, kind, manifest["apiVersion"]), manifest)
    ]
    if kind == "PodDisruptionBudget":
        found += _errors(jsonschema.Draft202012Validator(DISRUPTION_BUDGET), manifest)
    return found


def _errors(validator: Any, manifest: dict[str, Any]) -> list[str]:
    return [
        f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(manifest)
    ]


@functools.cache
def _custom_validator(kind: str) -> Any:
    path = CRD_FOLDER / CRD_FILES[kind]
    if not path.exists():
        pytest.skip(f"KubeRay's schemas are absent: {path}")
    definition = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    (served,) = [each for each in definition["spec"]["versions"] if each["name"] == "v1"]
    schema = made_strict(served["schema"]["openAPIV3Schema"])
    # Objects carry their own metadata, which a definition leaves open.
    return jsonschema.Draft202012Validator(schema)


def made_strict(schema: Any) -> Any:
    """The same schema, in which an object has no fields but those that are listed."""
    if isinstance(schema, list):
        return [made_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: made_strict(value) for key, value in schema.items() if key != "properties"}
    properties = schema.get("properties")
    if isinstance(properties, dict):
        strict["properties"] = {key: made_strict(value) for key, value in properties.items()}
        is_open = schema.get("x-kubernetes-preserve-unknown-fields", False)
        if not is_open:
            strict.setdefault("additionalProperties", False)
    return strict


@functools.cache
def _definitions(version: str) -> Any:
    return json.loads(_packaged(version, "_definitions.json"))


@functools.cache
def _kubernetes_validator(version: str, kind: str, api_version: str) -> Any:
    group, _, number = api_version.rpartition("/")
    prefix = f"{group.partition('.')[0]}-" if group else ""
    schema = json.loads(_packaged(version, f"{kind.lower()}-{prefix}{number}.json"))
    registry = Resource.from_contents(schema) @ Registry()
    registry = Resource.from_contents(_definitions(version)) @ registry
    return jsonschema.Draft202012Validator(schema, registry=registry)


def _packaged(version: str, name: str) -> bytes:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}-local-strict"
    return (folder / name).read_bytes()


def pod_templates(manifest: Any) -> Iterator[dict[str, Any]]:
    """Everything inside a manifest that becomes a pod."""
    if isinstance(manifest, dict):
        if isinstance(manifest.get("spec"), dict) and "containers" in manifest["spec"]:
            yield manifest
        for value in manifest.values():
            yield from pod_templates(value)
    elif isinstance(manifest, list):
        for value in manifest:
            yield from pod_templates(value)
