"""Which devices train, and in which dtype."""

from __future__ import annotations

import os
from pathlib import Path

import tensorflow as tf

from components.gan.settings import GanSettings
from components.gan.training.workers import worker_count

# The CPU flag of bfloat16 matrix units. AVX-512's bfloat16 dot products are no substitute: the training was 1.7 times slower than
# in float32 there (measured on a Xeon without AMX).
_BFLOAT16_FLAG = "amx_bf16"
_DEVICES, _NVIDIA = Path("/dev"), "nvidia[0-9]*"  # one node a GPU; a container has those that it was given
_HIDDEN = {"", "-1"}  # values of CUDA_VISIBLE_DEVICES that leave none; a scheduler's "0" leaves one


def dtype_policy(settings: GanSettings) -> str:
    """Return the Keras dtype policy of the training on this machine, "float32" or "mixed_bfloat16"."""
    if settings.precision == "auto":
        fast = _gpu_has_bfloat16() if tf.config.list_logical_devices("GPU") else _BFLOAT16_FLAG in _cpu_flags()
        return "mixed_bfloat16" if fast else "float32"
    return "mixed_bfloat16" if settings.precision == "bfloat16" else "float32"


def choose_strategy() -> tf.distribute.Strategy:
    """Return how the devices that are here share each batch: several workers, several devices of one process, or one device.

    To be called before any other TensorFlow operation where TF_CONFIG names several workers.

    Raises:
        UserError: TF_CONFIG can't be read.
    """
    if worker_count() > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    for kind in ("GPU", "CPU"):
        devices = tf.config.list_logical_devices(kind)
        if devices:
            return tf.distribute.MirroredStrategy([device.name for device in devices]) if len(devices) > 1 else _one_device()
    return _one_device()


def describe(strategy: tf.distribute.Strategy) -> str:
    """Name the devices that train, for the log."""
    gpus = tf.config.list_physical_devices("GPU")
    name = str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")) if gpus else "CPU"
    count = strategy.num_replicas_in_sync
    return name if count == 1 else f"{count} x {name}"


def unused_gpus() -> int:
    """Count the NVIDIA GPUs of this machine, or container, where TensorFlow finds none of them and nobody has hidden them."""
    if tf.config.list_physical_devices("GPU") or os.environ.get("CUDA_VISIBLE_DEVICES") in _HIDDEN:
        return 0
    return len(list(_DEVICES.glob(_NVIDIA)))


def _one_device() -> tf.distribute.Strategy:
    return tf.distribute.get_strategy()


def _gpu_has_bfloat16() -> bool:
    """Ampere (compute capability 8) and later have bfloat16 tensor cores."""
    details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return all(detail.get("compute_capability", (0, 0))[0] >= 8 for detail in details)


def _cpu_flags() -> set[str]:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())
