"""Secrets that turn up in mid-session: in chat they are held, in a shared text they are found and said at once."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from lsprotocol import types

from tests.support import live_pair, planted_secrets
from tests.support.live_pair import TEXT

PLANTED = next(planted_secrets.cases(7, 1))
LINE = next(line.strip() for line in PLANTED.text.split("\n") if PLANTED.secret in line)


@pytest.mark.parametrize(("answer", "arrives"), [(0, None), (1, "⟨secret:"), (2, PLANTED.secret)])
async def test_a_chat_line_with_a_secret_waits_for_its_users_word(
    tmp_path: Path, answer: int, arrives: str | None
) -> None:
    def answers(text: str, titles: Sequence[str]) -> str | None:
        return titles[answer if "holds a secret" in text else 1]

    claims = {**live_pair.PLUGIN, "chat": True}
    async with live_pair.running(tmp_path, answers=answers, mentor_claims=claims) as pair:
        line = f"try this: {LINE}"
        assert await pair.learner.command("chat", text=line) == {"held": True}
        if arrives is None:
            await pair.until_said(pair.learner, "was not sent")
        await pair.learner.command("chat", text="and now without")
        await pair.mentor.until(
            lambda: (
                any("and now without" in chat.text for chat in pair.mentor.heard["codementor/chat"])
                and (arrives is None or len(pair.mentor.heard["codementor/chat"]) > 1)
            ),
            "what was said",
        )
        said = [chat.text for chat in pair.mentor.heard["codementor/chat"]]
        assert len(said) == (1 if arrives is None else 2)
        assert arrives is None or any(arrives in text for text in said)
        assert (PLANTED.secret in "".join(said)) == (answer == 2)


async def test_a_secret_typed_into_a_shared_file_is_marked_and_said_until_it_is_gone(
    tmp_path: Path,
) -> None:
    async with live_pair.running(tmp_path) as pair:
        line = LINE + "\n"
        pair.learner.append(pair.uri, line)
        said = await pair.until_said(pair.learner, "looks like it holds a secret")
        assert "line 9 of app.py" in said
        assert "sent at once" in said
        assert PLANTED.secret not in said

        def marks() -> list[types.Diagnostic]:
            shown = pair.learner.client.diagnostics.get(pair.uri, [])
            return [one for one in shown if "looks like a secret" in one.message]

        await pair.learner.until(lambda: bool(marks()), "the mark")
        (mark,) = marks()
        assert mark.range.start.line == 8
        assert mark.severity == types.DiagnosticSeverity.Warning
        pair.learner.type_at(pair.uri, len(TEXT), "", deleted=len(line))
        await pair.learner.until(lambda: not marks(), "the mark to go")
        assert len([text for text in pair.learner.said() if "holds a secret" in text]) == 1
        assert not [text for text in pair.mentor.said() if "secret" in text]
