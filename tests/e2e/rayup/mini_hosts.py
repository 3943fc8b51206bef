"""Hosts as `ray up` sees them: each with an address, sshd, processes and files of its own.

A host is a network namespace on a bridge, and in it a process and mount namespace: what sshd
starts there dies with it, and what is written to /etc, /home, /opt, /tmp or /var/lib is gone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
ENVIRONMENT: Final = Path(os.path.realpath(ROOT / ".venv"))
PROGRAMS: Final = ("ip", "unshare", "sshd", "ssh", "ssh-keygen", "rsync")
START_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.1
COMMAND_SECONDS: Final = 300.0

_BOOT: Final = """
set -e
mount --make-rprivate /
mount -t tmpfs none /mnt
cp {secrets}/* /mnt/
for folder in etc var/lib; do
    mkdir -p /mnt/upper/$folder /mnt/work/$folder
    layers=lowerdir=/$folder,upperdir=/mnt/upper/$folder,workdir=/mnt/work/$folder
    mount -t overlay overlay -o $layers /$folder
done
for folder in /opt /home /run /dev/shm /tmp; do mount -t tmpfs none $folder; done
mkdir -p /run/sshd /etc/braid /var/lib/braid /opt/braid /home/root/.ssh
mount --bind {environment} /opt/braid
echo 'export PATH=/opt/braid/bin:$PATH' > /etc/profile.d/braid.sh
sed -i 's|^root:.*|root:x:0:0:root:/home/root:/bin/bash|' /etc/passwd
cp /mnt/key /home/root/.ssh/braid
cp /mnt/key.pub /home/root/.ssh/authorized_keys
chmod -R go= /home/root/.ssh /mnt/key
cat > /mnt/sshd_config <<'END'
ListenAddress {address}
HostKey /mnt/key
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
AuthorizedKeysFile /home/root/.ssh/authorized_keys
Subsystem sftp internal-sftp
SetEnv PYTHONPATH={root} PYTHONDONTWRITEBYTECODE=1
END
hostname {name}
exec {sshd} -D -e -f /mnt/sshd_config
"""


class MiniHost:
    """One host.

    Parameters
    ----------
    secrets
        Folder with the key of whoever may log in, which is the hosts' own key, too.
    """

    def __init__(self, name: str, address: str, bridge: str, secrets: Path) -> None:
        self.name = name
        self.address = address
        self._secrets = secrets
        self._namespace = f"{bridge}{name}"
        self._outside = f"{bridge}{name}v"
        ip(f"netns add {self._namespace}")
        ip(f"link add {self._outside} type veth peer name eth0 netns {self._namespace}")
        ip(f"link set {self._outside} master {bridge} up")
        ip(f"-n {self._namespace} addr add {address}/24 dev eth0")
        ip(f"-n {self._namespace} link set eth0 up")
        ip(f"-n {self._namespace} link set lo up")
        self._log = (secrets.parent / f"{name}.log").open("wb")
        self._process = subprocess.Popen(
            [
                *("ip", "netns", "exec", self._namespace),
                *("unshare", "--pid", "--mount", "--uts", "--fork", "--mount-proc"),
                *("--kill-child", "bash", "-c", self._boot()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            start_new_session=True,
        )

    def _boot(self) -> str:
        return _BOOT.format(
            secrets=self._secrets,
            environment=ENVIRONMENT,
            address=self.address,
            root=ROOT,
            name=self.name,
            sshd=shutil.which("sshd"),
        )

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.ask("true").returncode != 0:
            log = (self._secrets.parent / f"{self.name}.log").read_text()
            assert self._process.poll() is None, log
            assert time.monotonic() < deadline, f"{self.name} does not come up: {log}"
            time.sleep(POLL_SECONDS)

    def ask(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command there, as somebody who has logged in."""
        options = (
            *("-i", str(self._secrets / "key"), "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "ConnectTimeout=5"),
        )
        return subprocess.run(
            ["ssh", *options, f"root@{self.address}", command],
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )

    def must(self, command: str) -> str:
        """Run a command that succeeds; gives what it printed."""
        done = self.ask(command)
        assert done.returncode == 0, (
            f"{self.name}: {command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
        return done.stdout

    def write(self, path: str, content: str) -> None:
        self.must(f"mkdir -p $(dirname {path}) && cat > {path} <<'END'\n{content}\nEND")

    def processes(self) -> list[str]:
        """What runs there beside sshd and who asks."""
        lines = self.must("ps -eo comm=").split()
        return sorted(set(lines) - {"sshd", "ps", "bash", "sh"})

    def cut_power(self) -> None:
        """End everything on the host at once."""
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        self.cut_power()
        self._log.close()
        ip(f"netns del {self._namespace}")


def ip(arguments: str) -> None:
    """Run iproute2."""
    done = subprocess.run(
        ["ip", *arguments.split()], capture_output=True, text=True, check=False, timeout=10
    )
    assert done.returncode == 0, f"ip {arguments}: {done.stderr.strip()}"


def require_mini_hosts() -> None:
    """Skip where there can be none, and say why."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mini-hosts are namespaces")
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    hidden = [path for path in (ROOT, ENVIRONMENT) if path.is_relative_to("/tmp")]
    if hidden:
        pytest.skip(f"needs {hidden[0]} outside /tmp, which each mini-host has for itself")
    probe = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode != 0:
        pytest.skip(f"no namespaces here: {probe.stderr.strip()}")
