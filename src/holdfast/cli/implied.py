"""Nouns with one verb that need not be said: `holdfast snapshot web` means `holdfast snapshot create web`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click
from click.shell_completion import CompletionItem

from holdfast.cli.groups import Entry, Group
from holdfast.cli.references import complete_instances


class ImpliedGroup(Group):
    """A group whose first word alone decides: it is one of the verbs, or the implied verb stands before it.

    Nobody has to ask the server what a word means: an instance named like a verb is reached by saying the verb.
    """

    def __init__(
        self,
        name: str,
        summary: str,
        entries: Mapping[str, Entry],
        *,
        implied: str,
        examples: Sequence[str],
        is_implied_alone: bool = False,
    ) -> None:
        """With `is_implied_alone` the verb is also meant where no word is said; it is about no instance then."""
        super().__init__(name, summary, entries, examples=examples)
        self.implied, self._is_implied_alone = implied, is_implied_alone

    def with_verb(self, words: Sequence[str]) -> list[str]:
        """Return the words with the verb said."""
        if not words:
            return [self.implied] if self._is_implied_alone else []
        if words[0] in ("-h", "--help", *self.entries, *self.other_names):
            return list(words)
        return [self.implied, *words]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self.with_verb(args))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        return found if self._is_implied_alone else [*found, *complete_instances(incomplete)]
