# Where this workflow lies on disk.
#
# From a clone that is plain.  Of a hosted workflow (`github(…)`, `gitlab(…)`, `git+file://…@TAG`, which is also what
# `snakedeploy deploy-workflow` writes) Snakemake keeps a copy of the git repository and takes single files out of it, so
# that scripts would not find the library beside them.  The commit is therefore unpacked once, and all else is read there.
import os
import tarfile
import tempfile
from pathlib import Path

from snakemake.exceptions import WorkflowError


def checkout_of(base):
    """Root of the checkout that the folder ``base`` (a Snakemake source file) belongs to, unpacked where it is hosted."""
    if not hasattr(base, "ref"):
        if not base.is_local:
            raise WorkflowError(
                f"{base}: use this workflow from a clone, or by github(…), gitlab(…) or git+file:…@TAG"
            )
        return Path(str(base)).parents[1]
    import git

    repository = git.Repo(base.repo_path) if base.is_local else base.hosted_repo.repo
    commit = repository.commit(base.ref).hexsha
    root = Path(".snakemake", "sisr", commit).absolute()
    if not root.is_dir():
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root.parent) as folder:
            archive = Path(folder, "files.tar")
            repository.git.archive(commit, output=str(archive.absolute()))
            with tarfile.open(archive) as files:
                files.extractall(Path(folder, "files"), filter="data")
            try:
                Path(folder, "files").rename(root)
            except OSError:  # another process was first
                if not root.is_dir():
                    raise
    return root


CHECKOUT = checkout_of(workflow.current_basedir)
RULES = CHECKOUT / "workflow" / "rules"
HELPERS = CHECKOUT / "workflow" / "helpers"
