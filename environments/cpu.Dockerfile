# Written by `make environments` from requirements.lock; change that file instead.
FROM python:3.11-slim
COPY Snakefile /dheads/Snakefile
COPY rules /dheads/rules
COPY profiles /dheads/profiles
COPY config /dheads/config
COPY workflow_scripts /dheads/workflow_scripts
COPY dheads_model /dheads/dheads_model
COPY pyproject.toml /dheads/pyproject.toml
COPY README.md /dheads/README.md
COPY LICENSE /dheads/LICENSE
COPY requirements.lock /dheads/requirements.lock
COPY requirements-cuda.lock /dheads/requirements-cuda.lock
RUN python -m pip install --no-cache-dir --no-deps --extra-index-url https://download.pytorch.org/whl/cpu --constraint /dheads/requirements.lock torch
RUN python -m pip install --no-cache-dir --no-deps --requirement /dheads/requirements.lock
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation --editable /dheads
WORKDIR /work
