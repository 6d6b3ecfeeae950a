"""`forger serve`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.options import dataset_option, home_option
from pipeline.home import Home


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", default=8500, show_default=True, type=click.IntRange(0, 65535), help="gRPC port; 0 for any free one.")
@dataset_option
@home_option
@click.pass_context
def serve(context: click.Context, host: str, port: int, dataset: str, home: Path) -> None:
    """Serve the newest pushed version over TensorFlow Serving's gRPC contract."""
    import logging

    from pipeline.console import quiet
    from serving.contract import model_name
    from serving.server.app import serve as serve_model

    with quiet(debug=context.obj) as stream:
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=stream)
        logging.getLogger("forger").setLevel(logging.INFO)
        serve_model(Home.at(home).model_base(dataset), model_name(dataset), host, port)
