"""As much of Kubernetes's interface as its executor uses; containers are processes of this machine."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

JOBS, CORE = "/apis/batch/v1/namespaces/default/jobs", "/api/v1/namespaces/default"


@dataclass
class FakeKubernetes:
    """The jobs that it was given, and their processes, each in an empty folder of its own."""

    root: Path
    environment: dict[str, str]
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def log(self, name: str) -> Path:
        return self.root / f"{name}.log"

    @property
    def output(self) -> str:
        """What all containers have printed."""
        return "".join(self.log(name).read_text() for name in self.processes)

    def refused(self, job: dict[str, Any]) -> str:
        """Why a real one would not take a job: what cannot be shared has a limit, as large as the request."""
        resources = container(job)["resources"]
        for name, asked in resources["requests"].items():
            if "/" in name and resources.get("limits", {}).get(name) != asked:
                return f"{name}: Limit must be set for non overcommitable resources"
        return ""

    def start(self, job: dict[str, Any]) -> None:
        name = job["metadata"]["name"]
        run = container(job)
        assert run["workingDir"] == "/workdir"  # an empty folder of the pod's
        self.jobs[name] = job
        of_secrets = {
            entry["name"]: self._secret(**entry["valueFrom"]["secretKeyRef"]) for entry in run["env"]
        }
        with self.log(name).open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [*run["command"], *run["args"]],
                cwd=tempfile.mkdtemp(dir=self.root),
                env=self.environment | of_secrets,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _secret(self, name: str, key: str) -> str:
        return base64.b64decode(self.secrets[name][key]).decode()

    def status(self, name: str) -> dict[str, int]:
        code = self.processes[name].poll()
        return {"active": 1} if code is None else {"succeeded": 1} if code == 0 else {"failed": 1}


def container(job: dict[str, Any]) -> dict[str, Any]:
    """The container of a job."""
    (only,) = job["spec"]["template"]["spec"]["containers"]
    return only


@contextmanager
def fake_kubernetes(root: Path, environment: dict[str, str]) -> Iterator[tuple[FakeKubernetes, Path]]:
    """A cluster, and the file for ``KUBECONFIG`` that says where it is."""
    cluster = FakeKubernetes(root, environment)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reason = cluster.refused(body) if self.path == JOBS else ""
            if reason:
                self._answer({"kind": "Status", "message": reason}, 422)
                return
            if self.path == JOBS:
                cluster.start(body)
            else:
                cluster.secrets[body["metadata"]["name"]] = body["data"]
            self._answer(body, 201)

        def do_GET(self) -> None:
            if self.path.startswith(f"{JOBS}/"):
                name = self.path.removeprefix(f"{JOBS}/").removesuffix("/status")
                self._answer({"status": cluster.status(name)})
            else:
                assert self.path.startswith(f"{CORE}/pods?")
                self._answer({"items": []})

        def do_DELETE(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer({"kind": "Status", "status": "Success"})

        def _answer(self, answer: dict[str, Any], status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    file = root / "kubeconfig"
    name = {"name": "fake"}
    address = f"http://127.0.0.1:{server.server_port}"
    file.write_text(
        json.dumps(
            {
                "current-context": "fake",
                "contexts": [{**name, "context": {"cluster": "fake", "user": "fake"}}],
                "clusters": [{**name, "cluster": {"server": address}}],
                "users": [{**name, "user": {}}],
            }
        )
    )
    try:
        yield cluster, file
    finally:
        server.shutdown()
        for process in cluster.processes.values():
            process.kill()
            process.wait()
