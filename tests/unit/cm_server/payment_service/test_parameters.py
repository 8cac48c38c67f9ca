from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from cm_server.payment_service.parameters import Parameters, decode_form
from cm_server.payment_service.problems import Problem

names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
forms = st.dictionaries(
    names,
    st.recursive(
        st.text(st.characters(codec="utf-8"), max_size=10),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=12)
            | st.dictionaries(names, inner, min_size=1, max_size=4)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@given(forms)
def test_what_the_library_encodes_is_decoded_again(form: dict[str, Any]) -> None:
    from urllib.parse import urlencode

    assert decode_form(urlencode(list(_api_encode(form)))) == form


@pytest.mark.parametrize("text", ["a[=1", "a]b=1", "[a]=1", "a[b]c=1", "=1", "a=1&a[b]=2"])
def test_malformed_names_are_refused(text: str) -> None:
    with pytest.raises(Problem):
        decode_form(text)


def test_leftovers_are_refused_by_their_full_name() -> None:
    parameters = Parameters({"a": "1", "group": {"known": "1", "unknown": "2"}})
    parameters.text("a")
    parameters.group("group").text("known")
    with pytest.raises(Problem) as refused:
        parameters.refuse_leftovers()
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "group[unknown]")


@pytest.mark.parametrize("value", ["", "0", "-1", "1.0", "1e3", "ten", "\u0661", "100000000"])
def test_amounts_are_whole_positive_and_of_at_most_eight_digits(value: str) -> None:
    with pytest.raises(Problem):
        Parameters({"amount": value}).amount("amount")


def test_the_largest_amount_is_read() -> None:
    assert Parameters({"amount": "99999999"}).amount("amount") == 99_999_999


@pytest.mark.parametrize("value", ["yes", "1", 1, None, {}])
def test_flags_are_true_or_false(value: object) -> None:
    with pytest.raises(Problem):
        Parameters({"confirm": value}).flag("confirm")


def test_metadata_is_bounded() -> None:
    for metadata in ({"k" * 41: "v"}, {"k": "v" * 501}, {str(n): "" for n in range(51)}):
        with pytest.raises(Problem):
            Parameters({"metadata": metadata}).metadata()
