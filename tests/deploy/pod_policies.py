"""What every pod must hold itself to. Each policy gives its violations as sentences."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.deploy.pods import Manifest, Pod, all_pods, cluster_specs, of_kind

ROOT = Path(__file__).parents[2]
SECRET_NAME = re.compile(r"key|token|secret|passw|seed|credential", re.IGNORECASE)
# They say how to authenticate, and where the file is; not with what.
HARMLESS_VARIABLES = {"RAY_AUTH_TOKEN_PATH"}
# Made by hand from files that are in no repository: deploy/README.md says how.
SECRETS_BY_HAND = {"ray-token", "redis", "validator-0", "validator-1", "validator-2", "validator-3"}
CONFIGURATION_BY_HAND = {"genesis"}


def nobody_is_root(objects: list[Manifest]) -> Iterator[str]:
    """Pod Security's `restricted`, and a read-only root."""
    for pod in all_pods(objects):
        security = pod.spec.get("securityContext", {})
        if security.get("runAsNonRoot") is not True or not security.get("runAsUser", 0) > 0:
            yield f"{pod.owner} may run as root"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{pod.owner} has no seccomp profile"
        if any(pod.spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{pod.owner} shares the host's namespaces"
        for volume in pod.volumes.values():
            if "hostPath" in volume:
                yield f"{pod.owner} mounts the host's {volume['hostPath']}"
        for container in pod.containers:
            yield from _confined(f"{pod.owner}/{container['name']}", container)
    for name, spec in cluster_specs(objects):
        if spec.get("enableInTreeAutoscaling"):
            yield from _confined(f"{name}/autoscaler", spec.get("autoscalerOptions", {}))


def _confined(name: str, container: Manifest) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield f"{name} may gain privileges"
    if security.get("readOnlyRootFilesystem") is not True:
        yield f"{name} can write to its image"
    capabilities = security.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        yield f"{name} keeps capabilities"
    if "runAsUser" in security or "runAsNonRoot" in security:
        yield f"{name} overrides the pod's user"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield f"{name} takes a port of the host"


def no_account_without_need(objects: list[Manifest]) -> Iterator[str]:
    """Only an autoscaler talks to Kubernetes."""
    heads = {
        f"{name}/headgroup"
        for name, spec in cluster_specs(objects)
        if spec.get("enableInTreeAutoscaling")
    }
    for pod in all_pods(objects):
        is_needed = pod.owner in heads
        if not is_needed and pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.owner} mounts an account's token without need"


def no_secret_in_the_open(objects: list[Manifest]) -> Iterator[str]:
    """Secrets are files: never in a manifest, a variable, or a command."""
    for each in of_kind(objects, "Secret"):
        yield f"Secret {each['metadata']['name']} is in a manifest"
    for each in of_kind(objects, "ConfigMap"):
        for name, content in each.get("data", {}).items():
            if SECRET_NAME.search(name) or re.search(r"^\s*requirepass", content, re.MULTILINE):
                yield f"ConfigMap {each['metadata']['name']} holds a secret in {name}"
    for name, spec in cluster_specs(objects):
        yield from _variables(f"{name}/autoscaler", spec.get("autoscalerOptions", {}))
        password = spec.get("gcsFaultToleranceOptions", {}).get("redisPassword", {})
        if "value" in password:
            yield f"{name} has the store's password in the open"
        for group in [spec["headGroupSpec"], *spec.get("workerGroupSpecs", [])]:
            for parameter in group.get("rayStartParams", {}):
                if SECRET_NAME.search(parameter):
                    yield f"{name} has a secret among its start parameters: {parameter}"
    for pod in all_pods(objects):
        for container in pod.containers:
            yield from _variables(f"{pod.owner}/{container['name']}", container)
            for word in [*container.get("command", []), *container.get("args", [])]:
                if SECRET_NAME.search(word):
                    yield f"{pod.owner}/{container['name']} has a secret in its command: {word}"
        yield from _readable_secrets(pod)


def _variables(name: str, container: Manifest) -> Iterator[str]:
    for source in container.get("envFrom", []):
        if "secretRef" in source:
            yield f"{name} takes all variables from a Secret"
    for variable in container.get("env", []):
        is_named_so = SECRET_NAME.search(variable["name"]) is not None
        if "secretKeyRef" in variable.get("valueFrom", {}) or (
            is_named_so and variable["name"] not in HARMLESS_VARIABLES
        ):
            yield f"{name} has a secret in variable {variable['name']}"


def _readable_secrets(pod: Pod) -> Iterator[str]:
    secrets = {name for name, volume in pod.volumes.items() if "secret" in volume}
    for name in secrets:
        if pod.volumes[name]["secret"].get("defaultMode", 0o644) & 0o337:
            yield f"{pod.owner} has secret {name} readable or writable by others"
    for container in pod.containers:
        for mount in container.get("volumeMounts", []):
            if mount["name"] in secrets and mount.get("readOnly") is not True:
                yield f"{pod.owner} mounts secret {mount['name']} for writing"


def images_are_pinned(objects: list[Manifest]) -> Iterator[str]:
    """By a version or a digest; never by what is newest today."""
    for pod in all_pods(objects):
        for container in pod.containers:
            image = container["image"]
            tag = image.rpartition("/")[2].partition(":")[2]
            is_versioned = re.match(r"\d+\.\d+\.\d+", tag) is not None
            if not is_versioned and "@sha256:" not in image:
                yield f"{pod.owner} runs {image}, whatever that is today"


def everything_is_bounded(objects: list[Manifest]) -> Iterator[str]:
    """Processor, memory, and scratch space."""
    for pod in all_pods(objects):
        for container in pod.containers:
            yield from _limits(f"{pod.owner}/{container['name']}", container.get("resources", {}))
        for name, volume in pod.volumes.items():
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"{pod.owner} has scratch volume {name} without a limit"
    for name, spec in cluster_specs(objects):
        if spec.get("enableInTreeAutoscaling"):
            resources = spec.get("autoscalerOptions", {}).get("resources", {})
            yield from _limits(f"{name}/autoscaler", resources)


def _limits(name: str, resources: Manifest) -> Iterator[str]:
    for kind in ("requests", "limits"):
        if not {"cpu", "memory"} <= resources.get(kind, {}).keys():
            yield f"{name} has no {kind} of cpu and memory"


def everything_is_probed(objects: list[Manifest]) -> Iterator[str]:
    """What runs for long says whether it lives and whether it is ready, on a port that it has."""
    for pod in all_pods(objects):
        if pod.runs_to_completion:
            continue
        agent = pod.group.get("rayStartParams", {}).get("dashboard-agent-listen-port")
        known = {*pod.ports, *pod.ports.values(), *([int(agent)] if agent else [])}
        for container in pod.containers:
            for probe in ("livenessProbe", "readinessProbe"):
                if probe not in container:
                    yield f"{pod.owner}/{container['name']} has no {probe}"
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                for handler in ("httpGet", "tcpSocket"):
                    port = container.get(probe, {}).get(handler, {}).get("port")
                    if port is not None and port not in known:
                        yield f"{pod.owner}/{container['name']} is probed on unknown port {port}"


def everything_mounted_exists(objects: list[Manifest]) -> Iterator[str]:
    """A pod that refers to something absent waits for ever."""
    claims = _names(objects, "PersistentVolumeClaim")
    maps = _names(objects, "ConfigMap") | CONFIGURATION_BY_HAND
    templates = {
        claim["metadata"]["name"]
        for each in of_kind(objects, "StatefulSet")
        for claim in each["spec"].get("volumeClaimTemplates", [])
    }
    for pod in all_pods(objects):
        for container in pod.containers:
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in pod.volumes.keys() | templates:
                    yield f"{pod.owner} mounts {mount['name']}, which is no volume"
        for volume in pod.volumes.values():
            wanted: Any = volume.get("persistentVolumeClaim", {}).get("claimName")
            if wanted is not None and wanted not in claims:
                yield f"{pod.owner} claims {wanted}, which nothing provides"
            wanted = volume.get("configMap", {}).get("name")
            if wanted is not None and wanted not in maps:
                yield f"{pod.owner} reads {wanted}, which nothing provides"
            wanted = volume.get("secret", {}).get("secretName")
            if wanted is not None and wanted not in SECRETS_BY_HAND:
                yield f"{pod.owner} reads secret {wanted}, which nobody is told to make"


def _names(objects: list[Manifest], kind: str) -> set[str]:
    return {each["metadata"]["name"] for each in of_kind(objects, kind)}


POLICIES = (
    nobody_is_root,
    no_account_without_need,
    no_secret_in_the_open,
    images_are_pinned,
    everything_is_bounded,
    everything_is_probed,
    everything_mounted_exists,
)
