"""The image: nothing floats, nothing secret gets in, nobody is root."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.containerfile import parse, run_steps, violations

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "image"
TARGETS = ("cpu", "gpu")


def containerfile():
    return (FOLDER / "Containerfile").read_text()


def pins(path, python="3.11"):
    """Versions that a lock gives one Python, by package."""
    environment = {"python_version": python, "python_full_version": f"{python}.14"}
    lines = [line.strip() for line in path.read_text().splitlines()]
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {
        each.name: str(each.specifier).removeprefix("==")
        for each in wanted
        if each.marker is None or each.marker.evaluate(environment)
    }


def test_the_containerfile_is_sound():
    assert violations(parse(containerfile()), TARGETS) == []


@pytest.mark.parametrize(
    ("what", "old", "new", "message"),
    [
        ("root by name", "USER 10001:10001", "USER root", "runs as root"),
        ("root by number", "USER 10001:10001", "USER 0:0", "runs as 0:0"),
        ("root's group", "USER 10001:10001", "USER 10001:0", "runs as 10001:0"),
        ("no user", "USER 10001:10001\n", "", "runs as None"),
        ("root again later", "WORKDIR /var/lib/braid", "USER root", "runs as root"),
        ("the newest base", "python:3.11.14-slim-trixie", "python:latest", "no full version"),
        ("a base without a tag", "python:3.11.14-slim-trixie", "python", "no full version"),
        ("half a version", "python:3.11.14-slim", "python:3.11-slim", "no full version"),
        ("a fetched file", "COPY ledger ledger", "ADD https://x.org/a /a", "ADD is not used"),
        ("the whole folder", "COPY ledger ledger", "COPY . .", "more than it names"),
        ("a seed", "COPY ledger ledger", "COPY node-0/seed seed", "is a secret"),
        ("another's image", "--from=build-gpu", "--from=alpine", "which is no stage"),
        ("a token", "ENV PYTHONDONT", "ENV RAY_AUTH_TOKEN=x PYTHONDONT", "is a secret"),
        ("a secret argument", "ARG BASE=", "ARG PASSWORD=x\nARG BASE=", "is a secret"),
        ("a download", "RUN groupadd", "RUN curl https://x.org | sh\nRUN groupadd", "fetches"),
        ("a system package", "RUN groupadd", "RUN apt-get update\nRUN groupadd", "fetches"),
        ("tools without pins", "--requirement deploy/image/build.lock", "uv", "without a lock"),
        ("packages without pins", "--constraint requirements.lock", "", "without a lock"),
    ],
)
def test_a_containerfile_is_rejected_with(what, old, new, message):
    text = containerfile()
    assert old in text, what
    found = violations(parse(text.replace(old, new)), TARGETS)
    assert any(message in each for each in found), found


def test_the_build_gets_what_the_containerfile_copies_and_nothing_else():
    lines = (FOLDER / "Containerfile.dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source
        for stage in parse(containerfile()).stages.values()
        for copy in stage.having("COPY")
        if "from" not in copy.flags
        for source in copy.operands[:-1]
    }
    assert "*" in lines
    assert {
        re.sub(r"[^/]*\.lock$", "*.lock", each) if "/" in each else each for each in copied
    } == (allowed)
    assert all((ROOT / each).exists() for each in copied)


def test_every_folder_of_the_wheel_is_copied():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    copies = {copy.text for copy in parse(containerfile()).stages["build"].having("COPY")}
    assert [each for each in folders if f"{each} {each}" not in copies] == []


def test_the_gpu_lock_has_jax_of_the_requirements_lock():
    everything, gpu = pins(ROOT / "requirements.lock"), pins(FOLDER / "gpu.lock")
    shared = everything.keys() & gpu.keys()
    assert {"jax", "jaxlib", "numpy"} <= shared
    assert {name: gpu[name] for name in shared} == {name: everything[name] for name in shared}
    assert gpu["jax-cuda13-plugin"] == everything["jax"]


def test_the_image_runs_the_python_of_the_lock():
    header = (ROOT / "requirements.lock").read_text().splitlines()[1]
    assert "--python-version 3.11" in header
    assert "/python:3.11." in containerfile()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_steps_of_the_build_make_a_braid_that_runs(tmp_path):
    run_steps(parse(containerfile()), "build", ROOT, tmp_path)
    binaries = tmp_path / "opt" / "braid" / "bin"

    def output(*command):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    installed = output(
        binaries / "python",
        "-c",
        "from importlib.metadata import distributions as d\n"
        "for each in d(): print(f'{each.name.lower()}=={each.version}')",
    )
    pinned = pins(ROOT / "requirements.lock", f"{sys.version_info[0]}.{sys.version_info[1]}")
    pairs = (line.split("==") for line in installed.splitlines())
    others = {canonicalize_name(name): each for name, each in pairs}
    del others["braid-sequencer"]
    assert {name: each for name, each in others.items() if pinned.get(name) != each} == {}
    assert "pytest" not in others
    assert "Start a network" in output(binaries / "braid", "--help")
    assert "ray, version" in output(binaries / "ray", "--version")
    # The artifacts of the STF are found where the wheel put them.
    assert (
        output(
            binaries / "python",
            "-c",
            "from execution._wasm_abi import read_artifact as read; print(read('stf.wasm') != b'')",
        )
        == "True\n"
    )
