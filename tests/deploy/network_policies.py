"""Who may talk to whom: nobody, and then by hand."""

from collections.abc import Iterator

from tests.deploy.pods import Manifest, Pod, all_pods, of_kind, selects

PRIVATE = {"10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"}
# Ray's parameters that open ports; of pairs, the first and the last of a range.
RAY_PORTS = (
    ("port",),
    ("dashboard-port",),
    ("dashboard-agent-listen-port",),
    ("dashboard-agent-grpc-port",),
    ("runtime-env-agent-port",),
    ("metrics-export-port",),
    ("node-manager-port",),
    ("object-manager-port",),
    ("min-worker-port", "max-worker-port"),
)
HEAD_ONLY = {"port", "dashboard-port"}


def denied_by_default(objects: list[Manifest]) -> Iterator[str]:
    """One policy takes everything from everyone; no rule gives it back at large."""
    specs = [each["spec"] for each in of_kind(objects, "NetworkPolicy")]
    nothing = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    if nothing not in specs:
        yield "no policy denies what no other allows"
    for each in of_kind(objects, "NetworkPolicy"):
        name, spec = each["metadata"]["name"], each["spec"]
        for rule in spec.get("ingress", []):
            if not rule.get("from") or not rule.get("ports"):
                yield f"policy {name} lets in everyone, or on every port"
            if any(_is_everywhere(peer) for peer in rule.get("from", [])):
                yield f"policy {name} lets in the whole Internet"
        for rule in spec.get("egress", []):
            if not rule.get("to") or not rule.get("ports"):
                yield f"policy {name} lets out to everyone, or on every port"


def _is_everywhere(peer: Manifest) -> bool:
    cidr = peer.get("ipBlock", {}).get("cidr", "")
    return cidr.endswith("/0") or peer == {"namespaceSelector": {}}


def ports_are_named(objects: list[Manifest]) -> Iterator[str]:
    """Somebody may reach every port of a container; else it would not be there."""
    for pod in all_pods(objects):
        if pod.labels.get("ray.io/cluster", "").endswith("-job"):
            # A cluster of one pod: its own name is not known before it starts.
            wanted = set(pod.ports.values())
        else:
            wanted = set(pod.ports.values()) | _ray_ports(pod)
        for port in sorted(wanted):
            if not _is_reachable(objects, pod, port):
                yield f"no policy lets anyone reach {pod.owner} on port {port}"


def _ray_ports(pod: Pod) -> set[int]:
    parameters = pod.group.get("rayStartParams", {})
    return {int(parameters[key]) for keys in RAY_PORTS for key in keys if key in parameters}


def ray_ports_are_fixed(objects: list[Manifest]) -> Iterator[str]:
    """A port that Ray chooses itself is one that no policy can name."""
    for pod in all_pods(objects):
        cluster = pod.labels.get("ray.io/cluster", "")
        if not cluster or cluster.endswith("-job"):
            continue
        for keys in RAY_PORTS:
            for key in keys:
                is_head = pod.labels["ray.io/node-type"] == "head"
                is_wanted = is_head or key not in HEAD_ONLY
                if is_wanted and key not in pod.group["rayStartParams"]:
                    yield f"{pod.owner} leaves {key} to Ray"


def _is_reachable(objects: list[Manifest], pod: Pod, port: int) -> bool:
    return any(
        _covers(entry, port)
        for each in of_kind(objects, "NetworkPolicy")
        if selects(each["spec"]["podSelector"], pod.labels)
        for rule in each["spec"].get("ingress", [])
        for entry in rule.get("ports", [])
    )


def _covers(entry: Manifest, port: int) -> bool:
    if entry.get("protocol") != "TCP":
        return False
    first = int(entry["port"])
    return first <= port <= int(entry.get("endPort", first))


def both_ends_agree(objects: list[Manifest]) -> Iterator[str]:
    """A pod of ours that one policy lets in, another lets out; else the connection hangs."""
    pods = all_pods(objects)
    policies = of_kind(objects, "NetworkPolicy")
    for each in policies:
        targets = [pod for pod in pods if selects(each["spec"]["podSelector"], pod.labels)]
        for rule in each["spec"].get("ingress", []):
            for peer in rule.get("from", []):
                if set(peer) != {"podSelector"}:
                    continue
                sources = [pod for pod in pods if selects(peer["podSelector"], pod.labels)]
                for entry in rule.get("ports", []):
                    for source in sources:
                        if targets and not _may_leave(policies, source, targets, entry["port"]):
                            yield (
                                f"{source.owner} is let in by {each['metadata']['name']} on port "
                                f"{entry['port']}, and not let out"
                            )


def _may_leave(policies: list[Manifest], source: Pod, targets: list[Pod], port: int) -> bool:
    return any(
        _covers(entry, port)
        and any(selects(peer["podSelector"], target.labels) for target in targets)
        for each in policies
        if selects(each["spec"]["podSelector"], source.labels)
        for rule in each["spec"].get("egress", [])
        for entry in rule.get("ports", [])
        for peer in rule.get("to", [])
        if set(peer) == {"podSelector"}
    )


def names_are_resolved(objects: list[Manifest]) -> Iterator[str]:
    """DNS, for every pod."""
    for each in of_kind(objects, "NetworkPolicy"):
        for rule in each["spec"].get("egress", []):
            ports = {(entry["protocol"], entry["port"]) for entry in rule.get("ports", [])}
            if each["spec"]["podSelector"] == {} and ports == {("UDP", 53), ("TCP", 53)}:
                return
    yield "no pod may ask DNS"


def ethereum_is_reached_and_nothing_beside_it(objects: list[Manifest]) -> Iterator[str]:
    """A validator reaches HTTPS on public addresses only; other pods, no public address at all."""
    validators = [pod for pod in all_pods(objects) if pod.role == "validator"]
    reached = False
    for each in of_kind(objects, "NetworkPolicy"):
        for rule in each["spec"].get("egress", []):
            for peer in rule.get("to", []):
                block = peer.get("ipBlock", {})
                chosen = [
                    pod for pod in validators if selects(each["spec"]["podSelector"], pod.labels)
                ]
                if not block.get("cidr", "").endswith("/0") or not chosen:
                    continue
                ports = [entry["port"] for entry in rule["ports"]]
                if not set(block.get("except", [])) >= PRIVATE or ports != [443]:
                    yield f"policy {each['metadata']['name']} lets validators out too far"
                else:
                    reached = True
    if validators and not reached:
        yield "no validator may reach L1"


def validators_reach_each_other(objects: list[Manifest]) -> Iterator[str]:
    """The libp2p port, in and out."""
    for pod in all_pods(objects):
        if pod.role != "validator":
            continue
        port = pod.ports.get("libp2p")
        for direction in ("ingress", "egress"):
            is_open = port is not None and any(
                _covers(entry, port)
                for each in of_kind(objects, "NetworkPolicy")
                if selects(each["spec"]["podSelector"], pod.labels)
                for rule in each["spec"].get(direction, [])
                for entry in rule.get("ports", [])
            )
            if not is_open:
                yield f"{pod.owner} has no {direction} for libp2p"


POLICIES = (
    denied_by_default,
    ports_are_named,
    ray_ports_are_fixed,
    both_ends_agree,
    names_are_resolved,
    ethereum_is_reached_and_nothing_beside_it,
    validators_reach_each_other,
)
