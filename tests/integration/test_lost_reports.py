"""An editor that swallows the report of a change: both texts are one again when it saves."""

from pathlib import Path

from tests.support import live_pair
from tests.support.live_pair import TEXT


async def test_a_change_that_was_never_reported_is_shared_when_it_is_saved(tmp_path: Path) -> None:
    async with live_pair.running(tmp_path) as pair:
        pair.learner.swallow(pair.uri, "# swallowed\n")
        pair.mentor.type_at(pair.shared, 0, "# the mentor's\n")
        await pair.learner.until_text(pair.uri, "# the mentor's\n" + TEXT + "# swallowed\n")
        assert "swallowed" not in pair.mentor.text(pair.shared)
        pair.learner.save(pair.uri)
        await pair.until_both("# the mentor's\n" + TEXT + "# swallowed\n")
        await pair.until_said(pair.learner, "had not told of a change of app.py")
        pair.learner.append(pair.uri, "# and on\n")
        await pair.until_both("# the mentor's\n" + TEXT + "# swallowed\n# and on\n")


async def test_a_report_that_comes_after_the_saving_is_not_taken_twice(tmp_path: Path) -> None:
    async with live_pair.running(tmp_path) as pair:
        pair.learner.swallow(pair.uri, "# ")
        pair.learner.save(pair.uri)
        pair.learner.append(pair.uri, "late\n")
        await pair.mentor.until(lambda: "late" in pair.mentor.text(pair.shared), "the report")
        pair.learner.save(pair.uri)
        await pair.until_both(TEXT + "# late\n")
