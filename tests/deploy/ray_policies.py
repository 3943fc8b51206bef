"""A Ray cluster of ours: a head that works for nobody, validators apart, provers on demand."""

import json
from collections import Counter
from collections.abc import Iterator

from tests.deploy.pods import Manifest, Pod, all_pods, cluster_specs, of_kind, selects

HOST = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"


def asks_for_a_token(objects: list[Manifest]) -> Iterator[str]:
    """Who holds a Ray's token can do everything there; without one, everyone can."""
    for name, spec in cluster_specs(objects):
        if spec.get("authOptions", {}).get("mode") != "token":
            yield f"{name} asks for no token"


def head_works_for_nobody(objects: list[Manifest]) -> Iterator[str]:
    """The head of a cluster that stays has no processors, and its tables outlive it."""
    services = {each["metadata"]["name"] for each in of_kind(objects, "Service")}
    for each in of_kind(objects, "RayCluster"):
        name, spec = each["metadata"]["name"], each["spec"]
        if spec["headGroupSpec"]["rayStartParams"].get("num-cpus") != "0":
            yield f"{name} runs work on its head"
        store = spec.get("gcsFaultToleranceOptions", {})
        host = store.get("redisAddress", "").partition(":")[0]
        # No `backend`: released versions of KubeRay know Redis only, and no such field.
        if set(store) != {"redisAddress", "redisPassword"} or host not in services:
            yield f"{name} loses its actors with its head"


def validators_are_apart(objects: list[Manifest]) -> Iterator[str]:
    """One pod each, on machines and disks of their own, with keys of their own, and a budget."""
    validators = [pod for pod in all_pods(objects) if pod.role == "validator"]
    for pod in validators:
        yield from _single(pod)
        yield from _spread(pod)
        if not _has_budget(objects, pod):
            yield f"{pod.owner} has no disruption budget"
    for what, names in (
        ("disk", [_claim(pod) for pod in validators]),
        ("seed", [_seed(pod) for pod in validators]),
        ("resource", [_resource(pod) for pod in validators]),
    ):
        for value, count in Counter(names).items():
            if value is None:
                yield f"a validator has no {what} of its own"
            elif count > 1:
                yield f"{count} validators share {what} {value}"
    for each in of_kind(objects, "PersistentVolumeClaim"):
        is_validators = each["metadata"]["name"] in {_claim(pod) for pod in validators}
        if is_validators and each["spec"]["accessModes"] != ["ReadWriteOncePod"]:
            yield f"disk {each['metadata']['name']} can be written by two pods at once"


def _single(pod: Pod) -> Iterator[str]:
    counts = [pod.group.get(key) for key in ("replicas", "minReplicas", "maxReplicas")]
    if counts != [1, 1, 1]:
        yield f"{pod.owner} is not exactly one pod"
    if pod.group["rayStartParams"].get("num-cpus") != "0":
        yield f"{pod.owner} shares its processors with other work"


def _spread(pod: Pod) -> Iterator[str]:
    affinity = pod.spec.get("affinity", {}).get("podAntiAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", [])
    if not any(
        term["topologyKey"] == HOST and selects(term["labelSelector"], pod.labels)
        for term in required
    ):
        yield f"{pod.owner} may share a machine with another validator"
    spread = pod.spec.get("topologySpreadConstraints", [])
    if not any(
        each["topologyKey"] == ZONE and selects(each["labelSelector"], pod.labels)
        for each in spread
    ):
        yield f"{pod.owner} may share a zone with all other validators"


def _has_budget(objects: list[Manifest], pod: Pod) -> bool:
    return any(
        each["spec"].get("maxUnavailable") == 1 and selects(each["spec"]["selector"], pod.labels)
        for each in of_kind(objects, "PodDisruptionBudget")
    )


def _claim(pod: Pod) -> str | None:
    claims = [
        str(volume["persistentVolumeClaim"]["claimName"])
        for volume in pod.volumes.values()
        if "persistentVolumeClaim" in volume
    ]
    return claims[0] if len(claims) == 1 else None


def _seed(pod: Pod) -> str | None:
    """The Secret that is mounted as the file ``seed`` of the node's directory, on its disk."""
    mounts = {mount["name"]: mount for mount in pod.containers[0].get("volumeMounts", [])}
    disks = [
        mounts[name]["mountPath"]
        for name, volume in pod.volumes.items()
        if "persistentVolumeClaim" in volume and name in mounts
    ]
    for name, volume in pod.volumes.items():
        is_at_home = mounts.get(name, {}).get("mountPath") in {f"{disk}/seed" for disk in disks}
        if "secret" in volume and is_at_home:
            return str(volume["secret"]["secretName"])
    return None


def _resource(pod: Pod) -> str | None:
    written = pod.group["rayStartParams"].get("resources", "")
    try:
        names = list(json.loads(json.loads(written)))
    except (ValueError, TypeError):
        return None
    return names[0] if len(names) == 1 else None


def provers_come_and_go(objects: list[Manifest]) -> Iterator[str]:
    """With processors and with GPUs; none while nothing is to prove; no key anywhere near."""
    for each in of_kind(objects, "RayCluster"):
        name, spec = each["metadata"]["name"], each["spec"]
        if spec.get("enableInTreeAutoscaling") is not True:
            yield f"{name} does not scale"
        kinds = set()
        for group in spec["workerGroupSpecs"]:
            if not group["groupName"].startswith("prover"):
                continue
            kinds.add("GPU" if "num-gpus" in group["rayStartParams"] else "CPU")
            if (group["replicas"], group["minReplicas"]) != (0, 0) or group["maxReplicas"] < 1:
                yield f"{group['groupName']} does not scale from none"
        for kind in {"CPU", "GPU"} - kinds:
            yield f"{name} has no provers with {kind}"
    for pod in all_pods(objects):
        if pod.role.startswith("prove") and any("secret" in each for each in pod.volumes.values()):
            yield f"{pod.owner} holds a secret"


def gpus_are_where_they_are_asked_for(objects: list[Manifest]) -> Iterator[str]:
    """As many as Ray is told, on machines that have them, which nothing else is let on."""
    for pod in all_pods(objects):
        limit = pod.containers[0].get("resources", {}).get("limits", {}).get("nvidia.com/gpu", 0)
        told = int(pod.group.get("rayStartParams", {}).get("num-gpus", 0))
        if limit != told:
            yield f"{pod.owner} has {limit} GPUs, and Ray is told {told}"
        if not limit:
            continue
        if "nvidia.com/gpu.present" not in pod.spec.get("nodeSelector", {}):
            yield f"{pod.owner} may wait on a machine without GPUs"
        tolerations = pod.spec.get("tolerations", [])
        if not any(each.get("key") == "nvidia.com/gpu" for each in tolerations):
            yield f"{pod.owner} is not let on machines with GPUs"


def services_lead_somewhere(objects: list[Manifest]) -> Iterator[str]:
    """To a pod that has the port; a monitor, to a Service."""
    pods = all_pods(objects)
    services = of_kind(objects, "Service")
    for each in services:
        name = each["metadata"]["name"]
        chosen = [
            pod for pod in pods if selects({"matchLabels": each["spec"]["selector"]}, pod.labels)
        ]
        for port in each["spec"]["ports"]:
            if not chosen or any(port["targetPort"] not in pod.ports for pod in chosen):
                yield f"service {name} leads nowhere on {port['name']}"
    for each in of_kind(objects, "ServiceMonitor"):
        chosen = [
            service
            for service in services
            if selects(each["spec"]["selector"], service["metadata"].get("labels", {}))
        ]
        ports = {port["name"] for service in chosen for port in service["spec"]["ports"]}
        for endpoint in each["spec"]["endpoints"]:
            if endpoint["port"] not in ports:
                yield f"monitor {each['metadata']['name']} finds no port {endpoint['port']}"


POLICIES = (
    asks_for_a_token,
    head_works_for_nobody,
    validators_are_apart,
    provers_come_and_go,
    gpus_are_where_they_are_asked_for,
    services_lead_somewhere,
)
