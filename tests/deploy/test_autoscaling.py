"""Ray's own reading of a Ray cluster: what its autoscaler takes each group to be."""

import re

import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import (
    _derive_autoscaling_config_from_ray_cr as read_by_ray,
)

from tests.deploy.rendering import ROOT

VALIDATORS = {"overlays/dev": 4, "overlays/operator": 1}


def cluster_of(objects):
    (cluster,) = [each for each in objects if each["kind"] == "RayCluster"]
    return cluster


def locked_ray():
    (version,) = re.findall(r"^ray==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    return version


@pytest.mark.parametrize(("name", "count"), VALIDATORS.items())
def test_ray_reads_validators_and_provers(rendered, name, count):
    config = read_by_ray(cluster_of(rendered[name]))
    types = config["available_node_types"]
    expected = {"headgroup", "prover-cpu", "prover-gpu"}
    expected |= {f"validator-{index}" for index in range(count)}
    assert types.keys() == expected
    assert types["headgroup"]["resources"]["CPU"] == 0
    for index in range(count):
        validator = types[f"validator-{index}"]
        assert (validator["min_workers"], validator["max_workers"]) == (1, 1)
        assert validator["resources"][f"validator-{index}"] == 1
        assert validator["resources"]["CPU"] == 0
    for kind in ("cpu", "gpu"):
        prover = types[f"prover-{kind}"]
        assert (prover["min_workers"], prover["max_workers"]) == (0, 4)
        assert prover["resources"]["prover"] == 1
        assert prover["resources"]["CPU"] == 8
        assert prover["resources"].get("GPU", 0) == (kind == "gpu")


def test_resources_that_ray_cannot_read_are_found(rendered):
    cluster = yaml.safe_load(yaml.safe_dump(cluster_of(rendered["overlays/dev"])))
    # Plain JSON, without the second pair of quotes that Ray's reader takes off.
    cluster["spec"]["workerGroupSpecs"][0]["rayStartParams"]["resources"] = '{"validator-0": 1}'
    with pytest.raises(ValueError, match=r"Expecting|Extra data"):
        read_by_ray(cluster)


def test_ray_in_the_manifests_is_ray_in_the_lock(deployments):
    text = str(deployments["operator with proving job"])
    versions = set(re.findall(r"'rayVersion': '([^']+)'", text))
    assert versions == {locked_ray()}
