"""Every pod that a set of manifests leads to, with the labels that KubeRay will give it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod template and where it stands."""

    owner: str
    template: Manifest
    labels: dict[str, str]
    group: Manifest = field(default_factory=dict)
    """The group of a Ray cluster that it is of, if any."""

    @property
    def spec(self) -> Manifest:
        return dict(self.template["spec"])

    @property
    def containers(self) -> list[Manifest]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def volumes(self) -> dict[str, Manifest]:
        return {volume["name"]: volume for volume in self.spec.get("volumes", [])}

    @property
    def role(self) -> str:
        return self.labels.get("braid.dev/role", "")

    @property
    def ports(self) -> dict[str, int]:
        return {
            port.get("name", str(port["containerPort"])): port["containerPort"]
            for container in self.containers
            for port in container.get("ports", [])
        }

    @property
    def runs_to_completion(self) -> bool:
        return self.spec.get("restartPolicy") == "Never"


def of_kind(objects: list[Manifest], kind: str) -> list[Manifest]:
    """All objects of a kind."""
    return [each for each in objects if each["kind"] == kind]


def cluster_specs(objects: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Every Ray cluster: those that stay, and those of jobs."""
    for each in of_kind(objects, "RayCluster"):
        yield each["metadata"]["name"], each["spec"]
    for each in of_kind(objects, "RayJob"):
        if "rayClusterSpec" in each["spec"]:
            yield f"{each['metadata']['name']}-job", each["spec"]["rayClusterSpec"]


def all_pods(objects: list[Manifest]) -> list[Pod]:
    """Every pod."""
    pods = []
    for name, spec in cluster_specs(objects):
        pods.append(_ray_pod(name, "head", "headgroup", spec["headGroupSpec"]))
        for group in spec.get("workerGroupSpecs", []):
            pods.append(_ray_pod(name, "worker", group["groupName"], group))
    for each in of_kind(objects, "RayJob"):
        template = each["spec"].get("submitterPodTemplate")
        if template is not None:
            pods.append(_pod(f"{each['metadata']['name']}/submitter", template))
    for kind in ("StatefulSet", "Deployment", "DaemonSet"):
        for each in of_kind(objects, kind):
            pods.append(_pod(f"{kind} {each['metadata']['name']}", each["spec"]["template"]))
    return pods


def _ray_pod(cluster: str, node_type: str, group_name: str, group: Manifest) -> Pod:
    labels = {
        "ray.io/cluster": cluster,
        "ray.io/node-type": node_type,
        "ray.io/group": group_name,
    }
    template = group["template"]
    own = template.get("metadata", {}).get("labels", {})
    return Pod(f"{cluster}/{group_name}", template, own | labels, group)


def _pod(owner: str, template: Manifest) -> Pod:
    return Pod(owner, template, dict(template.get("metadata", {}).get("labels", {})))


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector picks something with these labels; an empty one picks all."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", "no other operator is used here"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True
