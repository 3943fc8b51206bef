"""The smoke test itself: what it lets pass, and which networks it does not."""

import importlib.util
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.deploy.rendering import ROOT

SCRIPT = ROOT / "deploy" / "k8s" / "jobs" / "smoke" / "smoke.py"
specification = importlib.util.spec_from_file_location("smoke", SCRIPT)
smoke = importlib.util.module_from_spec(specification)
specification.loader.exec_module(smoke)


class PlayedNode:
    """A node that answers as it is told to: one block more each time that it is asked."""

    def __init__(self, chain="a", healthy=True, grows=True, answer=None):
        self.chain, self.healthy, self.grows, self.answer = chain, healthy, grows, answer
        self.height = 10
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.reply(200 if node.healthy else 503, {"zk": node.healthy})

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self.reply(200, node.answer or {"result": node.result(request)})

            def reply(self, status, body):
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def result(self, request):
        if request["method"] == "braid_status":
            self.height += self.grows
            return {"final_height": self.height}
        (height,) = request["params"]
        return {"digest": f"{self.chain}{height}"}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def outcome(odd, seconds=0.0):
    """What the check says of two honest nodes and an odd one."""
    with PlayedNode() as first, PlayedNode() as second, odd:
        nodes = [smoke.Node(each.url) for each in (first, second, odd)]
        return smoke.check(nodes, seconds)


def test_nodes_that_go_on_and_agree_pass():
    assert outcome(PlayedNode(), seconds=10) == 12


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (lambda: PlayedNode(chain="b"), "different blocks at height 12"),
        (lambda: PlayedNode(healthy=False), "is not healthy"),
        (lambda: PlayedNode(grows=False), "height 12 is not final"),
        (lambda: PlayedNode(answer={"error": {"code": 1}}), "answers braid_status with"),
        (lambda: PlayedNode(answer=[1]), "answers braid_status with"),
    ],
    ids=["forked", "sick", "standing still", "refusing", "talking nonsense"],
)
def test_a_node_is_found_that_is(odd, message):
    with pytest.raises(smoke.Failed, match=message):
        outcome(odd())


def test_a_node_that_is_away_is_found_and_the_command_fails():
    with PlayedNode() as gone:
        url = gone.url
    done = subprocess.run(
        [sys.executable, SCRIPT, url], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"{url} does not answer" in done.stderr


def test_the_command_without_nodes_says_how_it_is_used():
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage" in done.stderr


@pytest.mark.slow
def test_a_real_network_passes():
    # In a process of its own: Ray and wasmtime both want its signals.
    code = f"""
import subprocess, sys
from cluster.launcher import silent
from cluster.session import temporary_network
from ledger.types import ChainRole
with temporary_network(4, silent) as session:
    urls = [session.url(node, ChainRole.ZK).removesuffix("/zk") for node in range(4)]
    sys.exit(subprocess.run([sys.executable, {str(SCRIPT)!r}, *urls]).returncode)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "4 nodes agree at height" in done.stdout
