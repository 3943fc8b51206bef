"""Each object fits its schema, and a typing mistake in one does not."""

import copy

import pytest

from tests.deploy.rendering import KUSTOMIZATIONS
from tests.deploy.schemas import pod_templates, problems


def as_pod(template):
    """The pod of a template; its own metadata has no name."""
    metadata = {"name": "pod"} | template.get("metadata", {})
    return {"apiVersion": "v1", "kind": "Pod"} | template | {"metadata": metadata}


@pytest.mark.parametrize("name", KUSTOMIZATIONS)
def test_every_object_fits_its_schema(rendered, name):
    found = {
        f"{each['kind']} {each['metadata']['name']}": problems(each) for each in rendered[name]
    }
    assert found
    assert {key: value for key, value in found.items() if value} == {}


@pytest.mark.parametrize("name", KUSTOMIZATIONS)
def test_every_pod_within_them_fits_the_schema_of_pods(rendered, name):
    templates = [each for manifest in rendered[name] for each in pod_templates(manifest)]
    assert templates
    assert [problem for each in templates for problem in problems(as_pod(each))] == []


def only(objects, kind, name):
    (found,) = [x for x in objects if (x["kind"], x["metadata"]["name"]) == (kind, name)]
    return copy.deepcopy(found)


def cluster(change):
    return ("overlays/operator", "RayCluster", "braid", change)


@pytest.mark.parametrize(
    ("place", "what"),
    [
        (cluster(lambda spec: spec.update(authOption={})), "'authOption' was unexpected"),
        (cluster(lambda spec: spec["authOptions"].update(mode="tokens")), "'tokens' is not one of"),
        (
            cluster(lambda spec: spec["headGroupSpec"]["rayStartParams"].update({"num-cpus": 0})),
            "0 is not of type 'string'",
        ),
        (cluster(lambda spec: spec.pop("headGroupSpec")), "'headGroupSpec' is a required property"),
        (
            cluster(
                lambda spec: spec["workerGroupSpecs"][0]["template"]["spec"]["containers"][
                    0
                ].update(readyProbe={})
            ),
            "'readyProbe' was unexpected",
        ),
        (
            ("jobs/smoke", "RayJob", "smoke", lambda spec: spec.update(entryPoint="x")),
            "'entryPoint' was unexpected",
        ),
        (
            (
                "overlays/operator",
                "NetworkPolicy",
                "dns",
                lambda spec: spec["egress"][0].update(port=53),
            ),
            "'port' was unexpected",
        ),
        (
            ("overlays/operator", "Service", "libp2p", lambda spec: spec.update(ports="9645")),
            "'9645' is not of type",
        ),
        (
            (
                "overlays/operator",
                "PodDisruptionBudget",
                "validators",
                lambda spec: spec.update(maxUnavailable="one"),
            ),
            "'one' is not of type 'integer'",
        ),
        (
            (
                "overlays/operator",
                "PodDisruptionBudget",
                "validators",
                lambda spec: spec.update(minAvailable=1),
            ),
            "is valid under each of",
        ),
        (
            (
                "overlays/operator",
                "PodDisruptionBudget",
                "validators",
                lambda spec: spec.update(selector={}),
            ),
            "'matchLabels' is a required property",
        ),
        (
            (
                "overlays/operator",
                "ServiceMonitor",
                "ray",
                lambda spec: spec["endpoints"][0].update(path_="/"),
            ),
            "'path_' was unexpected",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1],
)
def test_an_object_that_does_not_fit_is_found(rendered, place, what):
    name, kind, title, change = place
    manifest = only(rendered[name], kind, title)
    before = problems(manifest)
    change(manifest["spec"])
    found = problems(manifest)
    assert before == []
    assert any(what in each for each in found), found


def test_a_pod_with_an_unknown_field_is_found(rendered):
    (template, *_) = pod_templates(only(rendered["overlays/dev"], "RayCluster", "braid"))
    template["spec"]["runAsRoot"] = True
    assert any("runAsRoot" in each for each in problems(as_pod(template)))
