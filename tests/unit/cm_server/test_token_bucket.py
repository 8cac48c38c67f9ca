from hypothesis import given
from hypothesis import strategies as st

from cm_server.token_bucket import TokenBucket


def test_a_burst_passes_at_once_and_then_the_rate_holds() -> None:
    bucket = TokenBucket(per_second=20, burst=60, now_ms=0)
    assert sum(bucket.take(0) for _ in range(100)) == 60
    assert not bucket.take(49)
    assert bucket.take(50)
    assert not bucket.take(50)


@given(
    st.integers(1, 50),
    st.integers(1, 100),
    st.lists(st.integers(0, 500), min_size=1, max_size=200),
)
def test_no_pattern_of_asking_gets_more_than_the_burst_and_the_rate(
    per_second: int, burst: int, gaps_ms: list[int]
) -> None:
    bucket, now_ms, taken = TokenBucket(per_second, burst, 0), 0, 0
    for gap_ms in gaps_ms:
        now_ms += gap_ms
        taken += bucket.take(now_ms)
        assert taken <= burst + now_ms * per_second / 1000
