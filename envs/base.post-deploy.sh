#!/usr/bin/env bash
# pip's packages of base.yaml. Where there is a pin file, Snakemake reads it instead of the YAML and these are missing;
# where there is none, they are there and this does nothing. `envs/lock.py` writes the list.
set -euo pipefail
# What the user has elsewhere does not count as installed.
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1
pip() { "$CONDA_PREFIX/bin/python" -m pip "$@"; }
pip install --disable-pip-version-check --quiet --requirement /dev/stdin <<'PINS'
filelock==4.2.11
jinja2==3.1.6
jsonschema==4.26.0
matplotlib==3.11.2
numpy==2.4.6
opencv-contrib-python-headless==5.0.0.93
pandas==3.1.1
pillow==13.0.0
pooch==1.9.0
pyarrow==26.0.1
pyyaml==6.0.3
rocrate==0.16.0
scipy==1.17.1
seaborn==0.13.2
tqdm==4.70.1
vl-convert-python==1.9.0.post1
arcp==0.2.1
attrs==26.1.0
certifi==2026.10.18
charset-normalizer==3.5.2
click==8.5.1
contourpy==1.3.3
cycler==0.12.1
fonttools==4.68.0
idna==3.20
jsonschema-specifications==2025.9.1
kiwisolver==1.5.1
markupsafe==3.0.4
packaging==25.0
platformdirs==4.14.7
pyparsing==3.3.3
python-dateutil==4.0.0
referencing==0.37.0
requests==2.34.2
rpds-py==2026.9.1
typing-extensions==4.16.0
tzdata==2026.6
urllib3==2.8.0
PINS
