"""`forger sample`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.options import dataset_option, home_option, label_option
from pipeline.home.home import Home
from serving.repository.errors import UserError

_PEM = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option("--server", metavar="HOST:PORT", help="Ask a running model server.")
@click.option(
    "--model", type=click.Path(path_type=Path), help="Load a SavedModel: a version's directory, or that of all versions."
)
@dataset_option
@click.option("--version", type=click.IntRange(1), metavar="VERSION", help="A version; without it, the one that is served.")
@click.option("--version-label", metavar="LABEL", help="The version with this label: stable, previous or canary.")
@click.option("--count", default=100, show_default=True, type=click.IntRange(1, 1_000_000), help="How many images.")
@label_option
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 2**63 - 1), help="Equal seeds give equal images.")
@click.option("--first-row", default=0, show_default=True, type=click.IntRange(0), help="Begin with this row of the seed's rows.")
@click.option("--to-seed", type=click.IntRange(0, 2**63 - 1), help="Draw the way from --seed to this seed, in --count steps.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="FILE.png (a grid) or FILE.npy.")
@click.option("--labels-out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the labels to FILE.npy.")
@click.option("--timeout", default=30.0, show_default=True, type=click.FloatRange(0.1), help="Seconds for one request.")
@click.option("--tls", is_flag=True, help="Speak TLS with --server; implied by the three files.")
@click.option("--tls-ca", type=_PEM, help="PEM file of the certificates that are trusted.")
@click.option("--tls-cert", type=_PEM, help="PEM file of this client's certificate, for mutual TLS.")
@click.option("--tls-key", type=_PEM, help="PEM file of this client's key, for mutual TLS.")
@home_option
@click.pass_context
def sample(
    context: click.Context,
    server: str | None,
    model: Path | None,
    dataset: str,
    version: int | None,
    version_label: str | None,
    count: int,
    label: str | None,
    seed: int,
    first_row: int,
    to_seed: int | None,
    out: Path,
    labels_out: Path | None,
    timeout: float,
    tls: bool,
    tls_ca: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    home: Path,
) -> None:
    """Draw images with the pushed version that is stable, any other one, a SavedModel, or a running server."""
    from pipeline.home.versions import find
    from pipeline.sampling.draw import draw, open_server
    from pipeline.terminal.console import quiet
    from serving.client.images import check_names

    if server and model:
        raise UserError("name either --server or --model, not both")
    if model and (version or version_label):
        raise UserError("--version and --version-label choose among pushed versions or a server's: leave --model out")
    if first_row and to_seed is not None:
        raise UserError("--first-row begins among one seed's rows, --to-seed leads to another seed: name one of them")
    check_names(out, labels_out)
    how = {"count": count, "label": label, "seed": seed, "first_row": first_row, "last_seed": to_seed}
    how |= {"out": out, "labels_out": labels_out}
    with quiet(debug=context.obj):
        if server:
            from serving.client import ClientTls

            wanted = ClientTls(tls_ca, tls_cert, tls_key) if tls or tls_ca or tls_cert or tls_key else None
            with open_server(
                server, dataset, version=version, version_label=version_label, timeout=timeout, tls=wanted
            ) as client:
                shown = draw(client, server, **how)
        else:
            from serving.saved_model.generator import LocalGenerator

            directory = model or find(Home.at(home).model_base(dataset), version, version_label)
            shown = draw(LocalGenerator(directory), str(directory), **how)
    click.echo(shown)
