# The benchmark with everything that it needs.
#
#   docker build --tag sisr-benchmark .
#   mkdir -p results resources .snakemake
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD/results:/work/results" \
#     --volume "$PWD/resources:/work/resources" --volume "$PWD/.snakemake:/work/.snakemake" sisr-benchmark
#   docker run --gpus all ... sisr-benchmark --cores all --config device=cuda
#
# For NVIDIA GPUs nothing else is needed: PyPI's PyTorch for x86-64 Linux brings CUDA's libraries; the host has the
# driver and the container toolkit. An image without them is several gigabytes smaller; give the address of PyTorch's
# index of CPU builds, which its site tells:
#
#   docker build --tag sisr-benchmark:cpu --build-arg TORCH_INDEX=ADDRESS .
#
# Versions are those of requirements*.txt and constraints.txt, as in .venv and envs/; a test compares. Keep in step
# with apptainer.def.
FROM python:3.11.14-slim-bookworm

ARG TORCH_INDEX=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONNOUSERSITE=1 \
    PYTHONUNBUFFERED=1

# Shared libraries that OpenCV and PyTorch want; no compiler, since all packages are wheels.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libglib2.0-0=2.74.* libgomp1=12.2.* \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /work
# In the order of the Makefile, for its reasons: torch first, BasicSR without what it would bring. Of two builds of
# one version pip takes that with a suffix, such as +cpu.
COPY requirements-torch.txt requirements.txt requirements-basicsr.txt requirements-cluster.txt constraints.txt ./
RUN pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} --requirement requirements-torch.txt \
    && pip install --requirement requirements.txt --requirement requirements-cluster.txt \
    && pip install --no-deps --requirement requirements-basicsr.txt

COPY pyproject.toml README.md LICENSE ./
COPY workflow workflow
COPY config config
COPY envs envs
COPY scripts scripts
# Any user may run it: Snakemake writes here, wants to know a name, and needs a place for caches.
RUN pip install --no-deps --no-build-isolation --editable . \
    && mkdir results resources .snakemake \
    && chmod 1777 . results resources .snakemake
ENV HOME=/tmp \
    LOGNAME=sisr
ENTRYPOINT ["snakemake"]
CMD ["--cores", "all", "--configfile", "config/demo.yaml"]
