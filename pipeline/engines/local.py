"""This machine."""

from __future__ import annotations

from pipeline.engines.base import NO_IMAGE, Engine


def keep_streams_whole() -> None:
    """Let Beam's local workers send what they wrote in the thread that writes, never by a clock; call it before they start.

    With several workers (`direct_running_mode` multi_threading or multi_processing) Beam 2.73's FnApiRunner has a second thread
    empty each stream once a second, without a lock against the writer (TimeBasedBufferingClosableOutputStream). Bytes are lost
    then, and what is left is read as other lengths, up to gigabytes. Without a clock Beam empties a stream by its size alone.
    """
    from apache_beam.runners.portability.fn_api_runner import worker_handlers

    worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = 0


class LocalEngine(Engine):
    """This process."""

    runner = "local"

    def arguments(self) -> list[str]:
        """See `Engine`.

        The in-memory runner: Beam's default first tries to download a Prism binary; multi-processing was slower on 2 cores.
        """
        in_memory = ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--direct_num_workers=1"]
        return [*in_memory, f"--sdk_container_image={NO_IMAGE}"]
