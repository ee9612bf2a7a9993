"""Who owns each shard, and the release, by the claims on the log."""

from __future__ import annotations


class Claims:
    """Who owns each shard, and the release (None), as the log says: the newest claim's token is the owner's."""

    def __init__(self) -> None:
        self._history: dict[int | None, list[tuple[int, int]]] = {}

    def add(self, owned: int | None, token: int, offset: int) -> None:
        """The log has a claim at ``offset``; an older one than is known changes nothing."""
        if token > self.token(owned):
            self._history.setdefault(owned, []).append((offset, token))

    def token(self, owned: int | None) -> int:
        """The owner's token; -1 if nobody has claimed it."""
        history = self._history.get(owned)
        return history[-1][1] if history else -1

    def admits(self, owned: int | None, token: int, offset: int) -> bool:
        """Whether ``token`` is the owner's: what carries an older one was written by somebody who no longer owns it."""
        self.add(owned, token, offset)
        return token == self.token(owned)

    def before(self, position: int) -> list[tuple[int | None, int]]:
        """The tokens by the log before ``position``; older claims are forgotten."""
        tokens: list[tuple[int | None, int]] = []
        for owned, history in self._history.items():
            earlier = [claim for claim in history if claim[0] < position]
            if earlier:
                tokens.append((owned, earlier[-1][1]))
                self._history[owned] = history[len(earlier) - 1 :]
        return tokens
