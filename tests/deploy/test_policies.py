"""Policies hold for every deployment; each refuses a manifest that breaks it."""

import copy

import pytest

from tests.deploy import network_policies, pod_policies, ray_policies

DEPLOYMENTS = (
    *("dev", "dev with its start and the smoke test"),
    *("operator", "operator with its start", "operator with proving job"),
)
POLICIES = (*pod_policies.POLICIES, *network_policies.POLICIES, *ray_policies.POLICIES)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_policy_holds(deployments, deployment, policy):
    assert list(policy(deployments[deployment])) == []


class Broken:
    """A copy of a deployment, to be broken in one place."""

    def __init__(self, objects):
        self.objects = copy.deepcopy(objects)

    def spec(self, kind, name):
        """An object's spec."""
        (found,) = [x for x in self.objects if (x["kind"], x["metadata"]["name"]) == (kind, name)]
        return found["spec"]

    @property
    def cluster(self):
        """The Ray cluster's spec."""
        return self.spec("RayCluster", "braid")

    def group(self, name):
        """A group of workers."""
        (found,) = [x for x in self.cluster["workerGroupSpecs"] if x["groupName"] == name]
        return found

    def pod(self, name):
        """Spec of the pods of a group."""
        return self.group(name)["template"]["spec"]

    def container(self, name):
        """The container of the pods of a group."""
        return self.pod(name)["containers"][0]

    @property
    def head(self):
        """Spec of the head's pod."""
        return self.cluster["headGroupSpec"]["template"]["spec"]

    def remove(self, kind, name):
        """Take an object away."""
        self.objects.remove(
            next(x for x in self.objects if (x["kind"], x["metadata"]["name"]) == (kind, name))
        )

    def add(self, kind, name, **fields):
        """Put an object in."""
        self.objects.append({"kind": kind, "metadata": {"name": name}, **fields})


def volume(pod, name):
    """A volume of a pod."""
    return next(each for each in pod["volumes"] if each["name"] == name)


def mount(container, name):
    """A mount of a container."""
    return next(each for each in container["volumeMounts"] if each["name"] == name)


V0, V1 = "validator-0", "validator-1"
ANYWHERE = [{"ipBlock": {"cidr": "0.0.0.0/0"}}]
SEED_BY_NAME = {"secretKeyRef": {"name": V0, "key": "seed"}}

# Deployment, what is broken, and what is said of it.
BREAKS = [
    # --- nobody is root
    ("dev", lambda b: b.pod(V0)["securityContext"].update(runAsUser=0), "may run as root"),
    ("dev", lambda b: b.pod(V0)["securityContext"].pop("runAsNonRoot"), "may run as root"),
    ("dev", lambda b: b.pod(V0).pop("securityContext"), "has no seccomp profile"),
    ("dev", lambda b: b.head.update(hostNetwork=True), "shares the host's namespaces"),
    ("dev", lambda b: volume(b.head, "tmp").update(hostPath={"path": "/"}), "mounts the host's"),
    (
        "dev",
        lambda b: b.container(V0)["securityContext"].update(allowPrivilegeEscalation=True),
        "may gain privileges",
    ),
    (
        "dev",
        lambda b: b.container(V0)["securityContext"].pop("readOnlyRootFilesystem"),
        "can write to its image",
    ),
    (
        "dev",
        lambda b: b.container(V0)["securityContext"].update(capabilities={"add": ["NET_ADMIN"]}),
        "keeps capabilities",
    ),
    (
        "dev",
        lambda b: b.container(V0)["securityContext"].update(runAsUser=0),
        "overrides the pod's user",
    ),
    ("dev", lambda b: b.container(V0)["ports"][0].update(hostPort=1), "takes a port of the host"),
    (
        "dev",
        lambda b: b.cluster["autoscalerOptions"].pop("securityContext"),
        "braid/autoscaler can write to its image",
    ),
    (
        "operator with proving job",
        lambda b: b.spec("RayJob", "prove")["rayClusterSpec"]["headGroupSpec"]["template"][
            "spec"
        ].pop("securityContext"),
        "prove-job/headgroup may run as root",
    ),
    # --- accounts
    (
        "dev",
        lambda b: b.pod("prover-cpu").pop("automountServiceAccountToken"),
        "mounts an account's token",
    ),
    (
        "dev",
        lambda b: b.cluster.update(enableInTreeAutoscaling=False),
        "braid/headgroup mounts an account's token",
    ),
    # --- secrets
    ("dev", lambda b: b.add("Secret", V0, data={}), "Secret validator-0 is in a manifest"),
    (
        "dev",
        lambda b: b.add("ConfigMap", "c", data={"seed": "00"}),
        "ConfigMap c holds a secret in seed",
    ),
    (
        "dev",
        lambda b: b.add("ConfigMap", "c", data={"redis.conf": "dir /\nrequirepass x"}),
        "holds a secret in redis.conf",
    ),
    (
        "dev",
        lambda b: b.container(V0).update(env=[{"name": "VALIDATOR_SEED", "value": "00"}]),
        "has a secret in variable VALIDATOR_SEED",
    ),
    (
        "dev",
        lambda b: b.container(V0).update(env=[{"name": "X", "valueFrom": SEED_BY_NAME}]),
        "has a secret in variable X",
    ),
    (
        "dev",
        lambda b: b.container(V0).update(envFrom=[{"secretRef": {"name": V0}}]),
        "takes all variables from a Secret",
    ),
    (
        "dev",
        lambda b: b.cluster["autoscalerOptions"].update(env=[{"name": "API_KEY", "value": "1"}]),
        "braid/autoscaler has a secret in variable API_KEY",
    ),
    (
        "dev",
        lambda b: b.cluster["gcsFaultToleranceOptions"].update(redisPassword={"value": "x"}),
        "password in the open",
    ),
    (
        "dev",
        lambda b: b.cluster["headGroupSpec"]["rayStartParams"].update({"redis-password": "x"}),
        "among its start parameters",
    ),
    ("dev", lambda b: b.container(V0).update(args=["--seed=00"]), "has a secret in its command"),
    (
        "dev",
        lambda b: volume(b.pod(V0), "seed")["secret"].update(defaultMode=0o644),
        "readable or writable by others",
    ),
    (
        "dev",
        lambda b: volume(b.pod(V0), "seed")["secret"].pop("defaultMode"),
        "readable or writable by others",
    ),
    (
        "dev",
        lambda b: mount(b.container(V0), "seed").pop("readOnly"),
        "mounts secret seed for writing",
    ),
    # --- images, limits, probes
    ("dev", lambda b: b.container(V0).update(image="braid"), "whatever that is today"),
    ("dev", lambda b: b.container(V0).update(image="x.org/b:latest"), "whatever that is today"),
    (
        "dev",
        lambda b: b.container(V0)["resources"].pop("limits"),
        "validator-0/ray-worker has no limits",
    ),
    ("dev", lambda b: b.container(V0)["resources"]["requests"].pop("cpu"), "has no requests"),
    (
        "dev",
        lambda b: b.cluster["autoscalerOptions"].pop("resources"),
        "braid/autoscaler has no limits",
    ),
    (
        "dev",
        lambda b: volume(b.head, "tmp").update(emptyDir={}),
        "scratch volume tmp without a limit",
    ),
    ("dev", lambda b: b.container(V0).pop("livenessProbe"), "has no livenessProbe"),
    ("dev", lambda b: b.container(V0).pop("readinessProbe"), "has no readinessProbe"),
    (
        "dev",
        lambda b: b.container(V0)["readinessProbe"]["httpGet"].update(port=8546),
        "is probed on unknown port 8546",
    ),
    # --- what is mounted
    (
        "dev",
        lambda b: b.remove("PersistentVolumeClaim", V1),
        "claims validator-1, which nothing provides",
    ),
    (
        "dev",
        lambda b: volume(b.pod(V0), "genesis")["configMap"].update(name="gone"),
        "reads gone, which nothing provides",
    ),
    (
        "dev",
        lambda b: volume(b.pod(V0), "seed")["secret"].update(secretName="gone"),
        "which nobody is told to make",
    ),
    ("dev", lambda b: mount(b.container(V0), "tmp").update(name="gone"), "which is no volume"),
    # --- network
    ("dev", lambda b: b.remove("NetworkPolicy", "default-deny"), "no policy denies"),
    (
        "dev",
        lambda b: b.spec("NetworkPolicy", "default-deny").update(policyTypes=["Ingress"]),
        "no policy denies",
    ),
    (
        "operator",
        lambda b: b.spec("NetworkPolicy", "libp2p")["ingress"][0].update({"from": ANYWHERE}),
        "lets in the whole Internet",
    ),
    (
        "dev",
        lambda b: b.spec("NetworkPolicy", "rpc")["ingress"][0].pop("from"),
        "lets in everyone",
    ),
    (
        "dev",
        lambda b: b.spec("NetworkPolicy", "ray")["ingress"][0].pop("ports"),
        "or on every port",
    ),
    (
        "dev",
        lambda b: b.spec("NetworkPolicy", "l1")["egress"][0].pop("to"),
        "lets out to everyone",
    ),
    (
        "dev",
        lambda b: b.container(V0)["ports"].append({"name": "debug", "containerPort": 5678}),
        "reach braid/validator-0 on port 5678",
    ),
    (
        "dev",
        lambda b: b.spec("NetworkPolicy", "ray")["ingress"][0]["ports"].pop(),
        "reach braid/headgroup on port 11000",
    ),
    (
        "dev",
        lambda b: b.group(V0)["rayStartParams"].pop("node-manager-port"),
        "leaves node-manager-port to Ray",
    ),
    (
        "dev",
        lambda b: b.remove("NetworkPolicy", "redis-clients"),
        "braid/headgroup is let in by redis on port 6379, and not let out",
    ),
    (
        "dev with its start and the smoke test",
        lambda b: b.remove("NetworkPolicy", "submitter"),
        "smoke/submitter is let in by dashboard on port 8265, and not let out",
    ),
    ("dev", lambda b: b.remove("NetworkPolicy", "dns"), "no pod may ask DNS"),
    ("dev", lambda b: b.remove("NetworkPolicy", "l1"), "no validator may reach L1"),
    (
        "dev",
        lambda b: b.spec("NetworkPolicy", "l1")["egress"][0]["to"][0]["ipBlock"].pop("except"),
        "policy l1 lets validators out too far",
    ),
    (
        "dev",
        lambda b: b.spec("NetworkPolicy", "kubernetes-api").update(podSelector={}),
        "policy kubernetes-api lets validators out too far",
    ),
    (
        "operator",
        lambda b: b.spec("NetworkPolicy", "libp2p").pop("egress"),
        "braid/validator-0 has no egress for libp2p",
    ),
    # --- Ray
    ("dev", lambda b: b.cluster.pop("authOptions"), "braid asks for no token"),
    (
        "operator with proving job",
        lambda b: b.spec("RayJob", "prove")["rayClusterSpec"]["authOptions"].update(
            mode="disabled"
        ),
        "prove-job asks for no token",
    ),
    (
        "dev",
        lambda b: b.cluster["headGroupSpec"]["rayStartParams"].pop("num-cpus"),
        "runs work on its head",
    ),
    (
        "dev",
        lambda b: b.cluster.pop("gcsFaultToleranceOptions"),
        "loses its actors with its head",
    ),
    (
        "dev",
        lambda b: b.cluster["gcsFaultToleranceOptions"].update(backend="rocksdb"),
        "loses its actors with its head",
    ),
    ("dev", lambda b: b.remove("Service", "redis"), "loses its actors with its head"),
    # --- validators
    ("dev", lambda b: b.group(V0).update(replicas=2, maxReplicas=2), "is not exactly one pod"),
    ("dev", lambda b: b.group(V0).update(minReplicas=0), "is not exactly one pod"),
    (
        "dev",
        lambda b: b.group(V0)["rayStartParams"].pop("num-cpus"),
        "shares its processors with other work",
    ),
    ("dev", lambda b: b.pod(V0).pop("affinity"), "may share a machine"),
    (
        "dev",
        lambda b: b.pod(V0)["affinity"]["podAntiAffinity"].update(
            preferredDuringSchedulingIgnoredDuringExecution=b.pod(V0)["affinity"][
                "podAntiAffinity"
            ].pop("requiredDuringSchedulingIgnoredDuringExecution")
        ),
        "may share a machine",
    ),
    ("dev", lambda b: b.pod(V0).pop("topologySpreadConstraints"), "may share a zone"),
    (
        "dev",
        lambda b: b.remove("PodDisruptionBudget", "validators"),
        "has no disruption budget",
    ),
    (
        "dev",
        lambda b: b.spec("PodDisruptionBudget", "validators").update(maxUnavailable=2),
        "has no disruption budget",
    ),
    (
        "dev",
        lambda b: b.spec("PodDisruptionBudget", "validators")["selector"].update(
            matchLabels={"braid.dev/role": "validators"}
        ),
        "has no disruption budget",
    ),
    (
        "dev",
        lambda b: volume(b.pod(V1), "node")["persistentVolumeClaim"].update(claimName=V0),
        "2 validators share disk validator-0",
    ),
    (
        "dev",
        lambda b: volume(b.pod(V1), "seed")["secret"].update(secretName=V0),
        "2 validators share seed validator-0",
    ),
    (
        "dev",
        lambda b: b.group(V1)["rayStartParams"].update(
            resources=b.group(V0)["rayStartParams"]["resources"]
        ),
        "2 validators share resource validator-0",
    ),
    (
        "dev",
        lambda b: mount(b.container(V0), "seed").update(mountPath="/seed"),
        "a validator has no seed of its own",
    ),
    (
        "dev",
        lambda b: b.spec("PersistentVolumeClaim", V0).update(accessModes=["ReadWriteMany"]),
        "can be written by two pods at once",
    ),
    # --- provers
    ("dev", lambda b: b.group("prover-gpu").update(minReplicas=1), "does not scale from none"),
    ("dev", lambda b: b.group("prover-cpu").update(maxReplicas=0), "does not scale from none"),
    ("dev", lambda b: b.cluster.update(enableInTreeAutoscaling=False), "braid does not scale"),
    (
        "dev",
        lambda b: b.cluster["workerGroupSpecs"].remove(b.group("prover-gpu")),
        "has no provers with GPU",
    ),
    (
        "dev",
        lambda b: b.pod("prover-cpu")["volumes"].append(volume(b.pod(V0), "seed")),
        "braid/prover-cpu holds a secret",
    ),
    (
        "dev",
        lambda b: b.group("prover-gpu")["rayStartParams"].update({"num-gpus": "2"}),
        "has 1 GPUs, and Ray is told 2",
    ),
    (
        "dev",
        lambda b: b.pod("prover-gpu").pop("nodeSelector"),
        "may wait on a machine without GPUs",
    ),
    (
        "dev",
        lambda b: b.pod("prover-gpu").pop("tolerations"),
        "is not let on machines with GPUs",
    ),
    # --- services
    (
        "dev",
        lambda b: b.spec("Service", V1)["selector"].update({"braid.dev/validator": "9"}),
        "service validator-1 leads nowhere",
    ),
    (
        "operator",
        lambda b: b.spec("Service", "libp2p")["ports"][0].update(targetPort="p2p"),
        "service libp2p leads nowhere",
    ),
    (
        "operator",
        lambda b: b.spec("ServiceMonitor", "ray")["endpoints"][0].update(port="prom"),
        "monitor ray finds no port prom",
    ),
]


@pytest.mark.parametrize(
    ("deployment", "change", "message"), BREAKS, ids=[message for _, _, message in BREAKS]
)
def test_it_is_refused_that_a_manifest(deployments, deployment, change, message):
    broken = Broken(deployments[deployment])
    change(broken)
    found = [each for policy in POLICIES for each in policy(broken.objects)]
    assert any(message in each for each in found), found


def test_every_policy_has_a_manifest_that_it_refuses(deployments):
    refusing = set()
    for deployment, change, _ in BREAKS:
        broken = Broken(deployments[deployment])
        change(broken)
        refusing |= {policy for policy in POLICIES if list(policy(broken.objects))}
    assert refusing == set(POLICIES)
