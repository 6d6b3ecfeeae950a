"""This machine."""

from __future__ import annotations

from pipeline.engines.base import NO_IMAGE, Engine


class LocalEngine(Engine):
    """This process."""

    runner = "local"

    def arguments(self) -> list[str]:
        """See `Engine`.

        The in-memory runner: Beam's default first tries to download a Prism binary; multi-processing was slower on 2 cores.
        """
        in_memory = ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--direct_num_workers=1"]
        return [*in_memory, f"--sdk_container_image={NO_IMAGE}"]
