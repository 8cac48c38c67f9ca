"""What each editor does with an edit it is sent, as far as the bridge must know it.

Measured with the real editors; what a client says of itself is not enough, since some answer that they
applied what they refused. An editor that is not listed is taken for one that follows the specification;
one that turns out to apply stale edits is repaired, not lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cm_lsp.sharing.positions import PositionEncoding


@dataclass(frozen=True, slots=True)
class ClientProfile:
    """How one editor applies, answers and counts."""

    checks_version: bool = True
    """An edit for a version that is not the document's own is not applied."""

    truthful: bool = True
    """The answer to an edit says what happened. Else only the text it reports counts."""

    checks_version_zero: bool = True
    """Also checks the version 0 that it may open a document with."""

    barrier: bool = False
    """Reports everything typed before it answers `workspace/semanticTokens/refresh`."""

    rebases: bool = False
    """Takes `codementor/applyEdit` (contract: `cm_lsp.sharing.bridge`)."""

    pulls: bool = False
    """Takes edits only inside a command of its user, and answers none: what is asked for is `Bridge.offer`."""

    encoding: PositionEncoding | None = None
    """What it really counts in, where that differs from what was negotiated."""

    lone_carriage_return: str = "\n"
    """What a carriage return alone is on our side; a stand-in where the editor counts a character."""


STANDARD = ClientProfile()

REBASING = ClientProfile(rebases=True)

UNCHECKED = ClientProfile(checks_version=False, truthful=False)
"""Applies whatever comes wherever it now falls, and says yes."""

_SUBSTITUTE = "\x1a"

_BY_NAME: Mapping[str, ClientProfile] = {
    "Neovim": ClientProfile(
        truthful=False,
        checks_version_zero=False,
        barrier=True,
        lone_carriage_return=_SUBSTITUTE,
    ),
    "emacs": ClientProfile(encoding=PositionEncoding.UTF32, lone_carriage_return=_SUBSTITUTE),
}


def profile_of(client_name: str | None, *, applies_edits: bool, rebases: bool) -> ClientProfile:
    """The profile for `clientInfo.name`.

    `applies_edits`: the client announces `workspace.applyEdit`. `rebases`: it claims that capability
    of ours, which a plugin does.
    """
    profile = _BY_NAME.get(client_name or "", STANDARD)
    if rebases:
        return replace(profile, rebases=True, truthful=True, barrier=False)
    if applies_edits:
        return profile
    return replace(profile, pulls=True, truthful=False, barrier=False)
