"""Cases for the rebase test, made by the code that defines what is right: prints JSON, one list of cases.

Each case: a text, what the user did since (as LSP changes), an edit over the text, and the text that must come out, or
null where nothing is left to do. Usage: rebase_cases.py SEED COUNT
"""

import json
import random
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from cm_lsp.sharing import edits

ALPHABET = ["a", "b", "é", "漢", "😀", "\n", "\n", "\r\n", " "]


def position(text: str, offset: int) -> dict[str, int]:
    """LSP's, in UTF-16 code units."""
    before = re.split(r"\r\n|\r|\n", text[:offset])
    return {"line": len(before) - 1, "character": len(before[-1].encode("utf-16-le")) // 2}


def random_text(rng: random.Random, length_max: int) -> str:
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randint(0, length_max)))


def random_replacement(rng: random.Random, text: str) -> edits.Replacement:
    """Never between \\r and \\n, where LSP has no position."""
    places = [i for i in range(len(text) + 1) if text[i - 1 : i + 1] != "\r\n"]
    start = rng.choice(places)
    end = rng.choice([p for p in places if start <= p <= start + rng.choice([0, 0, 1, 2, 6])])
    return edits.Replacement(start, end, random_text(rng, 4) if rng.random() < 0.8 else "")


def change(text: str, made: edits.Replacement) -> dict[str, object]:
    return {
        "from": position(text, made.start),
        "to": position(text, made.end),
        "text": made.text,
    }


def case(rng: random.Random) -> dict[str, object]:
    text = random_text(rng, 16)
    remote = edits.replacement(*random_replacement(rng, text))
    if rng.random() < 0.5:
        second = random_replacement(rng, edits.apply(text, remote))
        remote = edits.compose(remote, edits.replacement(*second))
    pieces = [change(text, made) for made in edits.replacements(remote)]
    now, local, left = text, [], remote
    for _ in range(rng.randint(0, 4)):
        typed = random_replacement(rng, now)
        local.append(change(now, typed))
        step = edits.replacement(*typed)
        _, left = edits.transform(step, left)
        now = edits.apply(now, step)
    return {
        "text": text,
        "local": local,
        "pieces": pieces,
        "typed": now,
        "expected": edits.apply(now, left) if left else None,
    }


def is_readable(made: dict[str, object]) -> bool:
    """Whether no step joins a lone \\r and \\n to one line end, which shifts lines under everybody's feet."""
    return not any("\r" in str(made[key]).replace("\r\n", "") for key in ("text", "typed", "expected"))


if __name__ == "__main__":
    generator = random.Random(int(sys.argv[1]))
    cases = (case(generator) for _ in range(int(sys.argv[2])))
    json.dump([made for made in cases if is_readable(made)], sys.stdout)
