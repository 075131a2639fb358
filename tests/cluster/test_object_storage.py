"""A run whose files are in a bucket, on a server on this machine; and pods for Kubernetes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from deployments import git
from fake_kubernetes import container, fake_kubernetes
from tiny_project import CONFIG_FILE, SCORES, Project

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
PREFIX = "s3://bench/run"


@dataclass(frozen=True)
class Bucket:
    """A server with an empty bucket, and the Python that has the plugins for it."""

    python: Path
    address: str

    def call(self, code: str) -> bytes:
        """What a piece of Python writes; ``client`` is a connection to the server."""
        head = f"import boto3, sys; client = boto3.client('s3', endpoint_url='{self.address}')"
        command = [self.python, "-c", f"{head}\n{code}"]
        return subprocess.run(command, env=os.environ | CREDENTIALS, capture_output=True, check=True).stdout

    def snakemake(
        self, project: Project, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        storage = ["--default-storage-provider", "s3", "--default-storage-prefix", PREFIX]
        storage += ["--storage-s3-endpoint-url", self.address]
        return subprocess.run(
            [self.python, "-m", "snakemake", "--configfile", CONFIG_FILE, *storage, *arguments],
            cwd=project.root,
            env=project.environment() | CREDENTIALS | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture
def bucket(storage: Path) -> Iterator[Bucket]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"
    server = subprocess.Popen([storage, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.1)
        made = Bucket(storage, f"http://127.0.0.1:{port}")
        made.call("client.create_bucket(Bucket='bench')")
        yield made
    finally:
        server.kill()
        server.wait()


def test_a_run_in_a_bucket_gives_the_same_scores(bucket: Bucket, small: Project, expected: bytes) -> None:
    done = bucket.snakemake(small, "--cores", "2", "--", SCORES)
    assert done.returncode == 0, done.stdout
    found = bucket.call(
        f"sys.stdout.buffer.write(client.get_object(Bucket='bench', Key='run/{SCORES}')['Body'].read())"
    )
    assert found == expected
    # User images stay where they are; all else is in the bucket.
    assert not (small.root / SCORES).exists()
    keys = bucket.call("print(*(o['Key'] for o in client.list_objects_v2(Bucket='bench')['Contents']))")
    assert b"images/" not in keys

    again = bucket.snakemake(small, "--cores", "2", "--dry-run", "--", SCORES)
    assert "Nothing to be done" in again.stdout, again.stdout


def test_the_kubernetes_profile_plans_a_run_in_a_bucket(bucket: Bucket, small: Project) -> None:
    done = bucket.snakemake(small, "--workflow-profile", "workflow/profiles/kubernetes", "--dry-run")
    assert done.returncode == 0, done.stdout
    assert "render_report" in done.stdout


def test_pods_upscale_what_is_in_a_bucket(bucket: Bucket, small: Project, tmp_path: Path) -> None:
    """With the profile for Kubernetes, on a stand-in for its interface; images come with the sources, as git has them."""
    git(small.root, "init", "--quiet")
    git(small.root, "add", "--all")
    # The image of the pods has Python with the plugins; what it would install for Snakemake is in it.
    pod = tmp_path / "bin"
    pod.mkdir()
    (pod / "pip").write_text("#!/bin/sh\n")
    (pod / "pip").chmod(0o755)
    path = os.pathsep.join([str(pod), str(bucket.python.parent), "/usr/bin:/bin"])
    inside = Project.environment(small) | CREDENTIALS | {"PATH": path}
    status = "results/tiny/sr/tiny/matlab-bicubic/x2/bicubic/0of1.json"
    with fake_kubernetes(tmp_path, inside) as (cluster, kubeconfig):
        profile = ["--workflow-profile", "workflow/profiles/kubernetes", "--seconds-between-status-checks", "1"]
        done = bucket.snakemake(small, *profile, "--retries", "0", "--", status, KUBECONFIG=str(kubeconfig))
    assert done.returncode == 0, done.stdout + cluster.output
    made = bucket.call(f"sys.stdout.buffer.write(client.get_object(Bucket='bench', Key='run/{status}')['Body'].read())")
    assert json.loads(made)["status"] == "ok"
    asked = [container(job)["resources"]["requests"] for job in cluster.jobs.values()]
    print(asked)
    assert 0
