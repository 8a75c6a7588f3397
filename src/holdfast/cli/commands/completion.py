"""`holdfast completion`: what a shell loads to complete commands, options and names."""

from __future__ import annotations

import click

from holdfast.cli.groups import command


@command(
    "completion",
    "Write the completion script of a shell. Names of instances are completed as well.",
    examples=(
        'eval "$(holdfast completion bash)"                           # for this shell',
        "holdfast completion bash > /etc/bash_completion.d/holdfast   # for all",
        "holdfast completion fish > ~/.config/fish/completions/holdfast.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    from click.shell_completion import get_completion_class

    from holdfast.cli.root import ROOT

    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"Nothing is known of the shell {shell}")
    click.echo(kind(ROOT, {}, "holdfast", "_HOLDFAST_COMPLETE").source())
