"""How well the ranking finds who can solve this very diagnostic: nDCG@5 and MRR against simpler ways.

    python -m bench.ranking_quality [--asks 150] [--seeds 101 102 103 104] [--release-notes FOLDER] [--tried]

There is no public set of asks with the mentors who solved them. Two stand in for it, and each says where it is from:
`made_up_people` has real diagnostics and made-up people, `release_notes` real people and what they really did. The
weights were chosen on one part of each (seeds 1 to 6; releases up to 3.8; `--tried` measures those) and are measured on
another that had no part in it. Fails where the ranking as it is shipped has not `--limit` times the nDCG@5 of the best
baseline, on any of the sets.
"""

import argparse
import math
import random
import sqlite3
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench import made_up_people, release_notes
from bench.labelled import Labelled, Question
from cm_server.matching import facets as ask_facets
from cm_server.matching import ranking
from cm_server.matching.weights import DEFAULT, Weights
from cm_wire.asking import Terms
from cm_wire.ids import PersonId
from cm_wire.money import Money

AT = 5
TERMS = Terms(cap_minutes=30, price_max=Money(100_000, "USD"))
TRIED_SEEDS = (1, 2, 3, 4, 5, 6)
SHIPPED = "the ranking"
BASELINES = ("random", "tags only", "BM25 (FTS5)")

Order = Callable[[Question], Sequence[PersonId]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--asks", type=int, default=150, help="for each seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103, 104])
    parser.add_argument("--release-notes", type=Path, default=release_notes.FOLDER)
    parser.add_argument("--tried", action="store_true", help="what the weights were chosen on")
    parser.add_argument("--limit", type=float, default=1.1, help="least ratio to the best baseline")
    chosen = parser.parse_args()
    seeds = TRIED_SEEDS if chosen.tried else chosen.seeds
    passed = _measure([made_up_people.made(chosen.asks, seed) for seed in seeds], chosen.limit)
    if release_notes.are_here(chosen.release_notes):
        notes = release_notes.tried if chosen.tried else release_notes.held_out
        passed &= _measure([notes(chosen.release_notes)], chosen.limit)
    else:
        print(f"\nPython's release notes left out: not in {chosen.release_notes} (python3.11-doc)")
    return 0 if passed else 1


def _measure(sets: Sequence[Labelled], limit: float) -> bool:
    print(f"\n{sets[0].name}{f', and {len(sets) - 1} more' if len(sets) > 1 else ''}")
    print(f"  {len(sets[0].candidates)} people, {sum(len(one.questions) for one in sets)} asks")
    scores: dict[str, float] = {}
    in_time = bool(sets[0].questions[0].labels_in_time)
    print(f"  {'':28} nDCG@{AT} (of each)        MRR{'    nDCG, answering in time' * in_time}")
    for name, ways in _orders(sets).items():
        each = [_ndcg(way, one, _labels) for way, one in zip(ways, sets, strict=True)]
        scores[name] = statistics.mean(each)
        mrr = statistics.mean(_mrr(way, one) for way, one in zip(ways, sets, strict=True))
        spread = f"({min(each):.3f} to {max(each):.3f})" if len(each) > 1 else ""
        late = ""
        if in_time:
            soon = (_ndcg(way, one, _labels_in_time) for way, one in zip(ways, sets, strict=True))
            late = f"{statistics.mean(soon):10.3f}"
        print(f"  {name:28} {scores[name]:.3f} {spread:18} {mrr:.3f}{late}", flush=True)
    best = max(scores[name] for name in BASELINES)
    print(
        f"  the ranking has {scores[SHIPPED] / best:.2f} times the nDCG@{AT} of the best baseline"
    )
    return scores[SHIPPED] >= limit * best


def _orders(sets: Sequence[Labelled]) -> dict[str, list[Order]]:
    without_answers = replace(DEFAULT, responsiveness=0.0)
    return {
        "random": [_at_random(one) for one in sets],
        "tags only": [_by_tags(one) for one in sets],
        "BM25 (FTS5)": [_by_bm25(one) for one in sets],
        SHIPPED: [_by_ranking(one, DEFAULT) for one in sets],
        "… without responsiveness": [_by_ranking(one, without_answers) for one in sets],
        "… without solved diagnostics": [_without_history(one) for one in sets],
    }


def _ndcg(
    order: Order, labelled: Labelled, labels_of: Callable[[Question], Mapping[PersonId, float]]
) -> float:
    gains = []
    for question in labelled.questions:
        labels = labels_of(question)
        ideal = sorted(labels.values(), reverse=True)
        if ideal[0]:
            gains.append(_dcg([labels[who] for who in order(question)[:AT]]) / _dcg(ideal))
    return statistics.mean(gains)


def _mrr(order: Order, labelled: Labelled) -> float:
    """The mean of one over the place of the first with the best label there is."""
    reciprocals = []
    for question in labelled.questions:
        best = max(question.labels.values())
        if best:
            places = (
                at for at, who in enumerate(order(question), 1) if question.labels[who] == best
            )
            reciprocals.append(1 / next(places, math.inf))
    return statistics.mean(reciprocals)


def _labels(question: Question) -> Mapping[PersonId, float]:
    return question.labels


def _labels_in_time(question: Question) -> Mapping[PersonId, float]:
    return question.labels_in_time


def _dcg(labels: Sequence[float]) -> float:
    return sum((2**label - 1) / math.log2(at + 2) for at, label in enumerate(labels[:AT]))


def _at_random(labelled: Labelled) -> Order:
    people = [one.person for one in labelled.candidates]
    return lambda question: random.Random(question.text).sample(people, len(people))


def _by_tags(labelled: Labelled) -> Order:
    """How many of the language and libraries somebody names; equals in an order by chance."""
    claims = {one.person: one.skills.keys() for one in labelled.candidates}
    by_chance = _at_random(labelled)

    def order(question: Question) -> Sequence[PersonId]:
        tags = {library.name for library in question.context.libraries} | {"python"}
        return sorted(by_chance(question), key=lambda person: -len(tags & claims[person]))

    return order


def _by_bm25(labelled: Labelled) -> Order:
    """SQLite's FTS5 over what they claim and the texts of what they solved; it is told more than the ranking."""
    texts = sqlite3.connect(":memory:")
    texts.execute(
        "CREATE VIRTUAL TABLE profile USING fts5(person UNINDEXED, words, tokenize=porter)"
    )
    texts.executemany("INSERT INTO profile VALUES (?, ?)", labelled.texts.items())

    def order(question: Question) -> Sequence[PersonId]:
        words = {"".join(filter(str.isalnum, word)) for word in question.text.split()} - {""}
        query = " OR ".join(f'"{word}"' for word in sorted(words | {"python"}))
        rows = texts.execute(
            "SELECT person FROM profile WHERE profile MATCH ? ORDER BY bm25(profile)", (query,)
        )
        return [PersonId(person) for (person,) in rows]

    return order


def _by_ranking(labelled: Labelled, weights: Weights) -> Order:
    def order(question: Question) -> Sequence[PersonId]:
        facets = ask_facets.facets(question.context)
        return [one.mentor for one in ranking.rank(labelled.candidates, facets, TERMS, weights)]

    return order


def _without_history(labelled: Labelled) -> Order:
    """The ranking, not told what was solved before: what knowing that is worth."""
    blind = replace(labelled, candidates=[replace(one, solved={}) for one in labelled.candidates])
    return _by_ranking(blind, DEFAULT)


if __name__ == "__main__":
    sys.exit(main())
