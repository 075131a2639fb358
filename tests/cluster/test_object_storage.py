"""A run whose files are in a bucket, on a server on this machine; and pods for Kubernetes."""

from __future__ import annotations

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

    def read(self, file: str) -> bytes:
        """A file of the run."""
        return self.call(
            f"sys.stdout.buffer.write(client.get_object(Bucket='bench', Key='run/{file}')['Body'].read())"
        )

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
    assert bucket.read(SCORES) == expected
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


@pytest.mark.release
@pytest.mark.timeout(900)
def test_pods_give_the_same_scores(bucket: Bucket, small: Project, expected: bytes, tmp_path: Path) -> None:
    """With the profile for Kubernetes, on a stand-in for its interface; the sources are what git knows."""
    git(small.root, "init", "--quiet")
    git(small.root, "add", "--all")
    # The image of the pods has the plugin that Snakemake would install there.
    image = tmp_path / "bin"
    image.mkdir()
    (image / "pip").write_text("#!/bin/sh\n")
    (image / "pip").chmod(0o755)
    path = f"{image}:{bucket.python.parent}:/usr/bin:/bin"
    with fake_kubernetes(tmp_path, small.environment() | CREDENTIALS | {"PATH": path}) as (cluster, address):
        options = [
            "--workflow-profile",
            "workflow/profiles/kubernetes",
            "--seconds-between-status-checks",
            "1",
        ]
        done = bucket.snakemake(small, *options, "--", SCORES, KUBECONFIG=str(address))
    assert done.returncode == 0, done.stdout + cluster.output
    assert bucket.read(SCORES) == expected
    # The other four rules: images that lie on this machine are prepared here.
    asked = [container(job)["resources"]["requests"] for job in cluster.jobs.values()]
    plain, gpu = {"cpu": "950m", "ephemeral-storage": "4000M"}, {"nvidia.com/gpu": "0"}
    make_lr, upscale = plain | {"memory": "2000M"}, plain | {"memory": "4000M"} | gpu
    score, gather = plain | {"memory": "3000M"}, plain | {"memory": "1000M"}
    assert sorted(asked, key=str) == sorted([make_lr, upscale, upscale, score, score, gather], key=str)
