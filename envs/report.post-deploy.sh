#!/usr/bin/env bash
# pip's packages of report.yaml. Where there is a pin file, Snakemake reads it instead of the YAML and these are missing;
# where there is none, they are there and this does nothing. `envs/lock.py` writes the list.
set -euo pipefail
# What the user has elsewhere does not count as installed.
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1
pip() { "$CONDA_PREFIX/bin/python" -m pip "$@"; }
pip install --disable-pip-version-check --quiet --requirement /dev/stdin <<'PINS'
filelock==4.2.11
jsonschema==4.26.0
numpy==2.4.6
pillow==13.0.0
pygments==2.21.0
pyyaml==6.0.3
snakemake==9.27.1
tqdm==4.70.1
annotated-types==0.8.0
argparse-dataclass==2.0.0
attrs==26.1.0
certifi==2026.10.18
charset-normalizer==3.5.2
conda-inject==1.3.2
configargparse==1.9.0
connection-pool==0.0.3
docutils==0.22.4
dpath==2.2.0
fastjsonschema==2.22.3
gitdb==4.0.12
gitpython==3.2.1
greenlet==3.5.6
humanfriendly==10.0
idna==3.20
immutables==0.21
jinja2==3.1.6
jsonschema-specifications==2025.9.1
jupyter-core==5.9.1
markupsafe==3.0.4
nbformat==5.11.1
packaging==25.0
platformdirs==4.14.7
psutil==7.2.2
pulp==3.3.2
pydantic==2.14.3
pydantic-core==2.50.4
referencing==0.37.0
requests==2.34.2
rpds-py==2026.9.1
smart-open==7.7.1
smmap==5.0.3
snakemake-interface-common==1.23.0
snakemake-interface-executor-plugins==9.4.0
snakemake-interface-logger-plugins==2.1.0
snakemake-interface-report-plugins==1.3.0
snakemake-interface-scheduler-plugins==2.0.2
snakemake-interface-storage-plugins==4.4.1
sqlalchemy==2.0.58
sqlmodel==0.0.37
tabulate==0.10.0
tenacity==9.2.1
throttler==1.2.3
traitlets==5.16.1
typing-extensions==4.16.0
typing-inspection==0.4.5
urllib3==2.8.0
wrapt==2.5.2
yte==1.9.4
PINS
