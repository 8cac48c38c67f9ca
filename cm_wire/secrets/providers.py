"""Secrets that say what they are: tokens with their provider's mark, and credentials inside addresses.

Shapes are from the providers' own documentation. Each rule has a mark, a literal that every match contains: a text without
it costs one `str` search and no regular expression.

What keeps every rule linear: a match begins where no token character stands before it, so each token is tried from its
start only; no repeat stands in a repeat; and two repeats side by side share no character.
"""

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cm_wire.secrets import randomness
from cm_wire.secrets.finding import Finding

_START: Final = r"(?<![A-Za-z0-9])"
_END: Final = r"(?![A-Za-z0-9])"


@dataclass(frozen=True, slots=True)
class _Rule:
    """The group `secret` is what is found, or all of the match where there is none."""

    kind: str
    mark: str
    shape: str
    is_real: Callable[[str], bool]
    begins_with_mark: bool


def _anything(_secret: str) -> bool:
    return True


def _rule(kind: str, mark: str, shape: str, is_real: Callable[[str], bool] = _anything) -> _Rule:
    return _Rule(kind, mark, shape, is_real, begins_with_mark=False)


def _token(kind: str, mark: str, rest: str, is_real: Callable[[str], bool] = _anything) -> _Rule:
    """A token that begins with its mark."""
    shape = f"{_START}{re.escape(mark)}{rest}"
    return _Rule(kind, mark, shape, is_real, begins_with_mark=True)


def _family(kind: str, marks: tuple[str, ...], rest: str) -> tuple[_Rule, ...]:
    return tuple(_token(kind, mark, rest) for mark in marks)


def _is_random(secret: str) -> bool:
    return randomness.looks_random(secret[3:])


def _is_chosen(secret: str) -> bool:
    """Whether the password part of an address is one, not a word of documentation or a variable."""
    return len(secret) > 4 and not randomness.is_placeholder(secret)


RULES: Final = (
    *_family("aws-key-id", ("AKIA", "ASIA", "ABIA", "ACCA"), rf"[A-Z0-9]{{16}}{_END}"),
    *_family("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"[A-Za-z0-9]{36,255}"),
    _token("github-token", "github_pat_", r"[A-Za-z0-9_]{60,255}"),
    *_family(
        "gitlab-token",
        ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-", "glimt-", "glagent-", "gloas-", "glffct-"),
        r"[A-Za-z0-9_.-]{20,300}",
    ),
    *_family("slack-token", ("xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxe."), r"[A-Za-z0-9.-]{20,300}"),
    _token("slack-token", "xapp-", r"[A-Za-z0-9-]{20,300}"),
    _rule("slack-webhook", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/_-]{20,200})"),
    _rule("discord-webhook", "/api/webhooks/", r"/api/webhooks/(?P<secret>[0-9]{15,22}/[A-Za-z0-9_-]{50,100})"),
    _rule("discord-token", "discord", r"(?i:discord)[^\n]{0,300}?[\"'](?P<secret>[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})[\"']"),
    _rule("telegram-token", ":AA", rf"{_START}[0-9]{{8,10}}:AA[A-Za-z0-9_-]{{32,34}}{_END}"),
    *_family("stripe-key", ("sk_live_", "sk_test_", "rk_live_", "rk_test_"), r"[A-Za-z0-9]{16,255}"),
    _token("stripe-webhook-secret", "whsec_", r"[A-Za-z0-9+/=]{24,120}"),
    _token("google-key", "AIza", rf"[A-Za-z0-9_-]{{35}}{_END}"),
    _token("google-oauth-secret", "GOCSPX-", r"[A-Za-z0-9_-]{28}"),
    _token("google-token", "ya29.", r"[A-Za-z0-9_.-]{20,2000}"),
    _token("google-token", "1//0", r"[A-Za-z0-9_-]{40,200}"),
    _token("ai-key", "sk-", r"[A-Za-z0-9_-]{20,300}", _is_random),
    _token("ai-key", "gsk_", r"[A-Za-z0-9]{40,80}"),
    _token("ai-key", "xai-", r"[A-Za-z0-9]{60,100}"),
    _token("ai-key", "pplx-", r"[A-Za-z0-9]{40,80}"),
    _token("ai-key", "r8_", r"[A-Za-z0-9]{37}"),
    _token("hugging-face-token", "hf_", rf"[A-Za-z0-9]{{34,40}}{_END}"),
    _token("npm-token", "npm_", rf"[A-Za-z0-9]{{36}}{_END}"),
    _token("pypi-token", "pypi-", r"[A-Za-z0-9_-]{60,400}"),
    _token("rubygems-key", "rubygems_", r"[a-f0-9]{48}"),
    _token("crates-token", "cio", rf"[A-Za-z0-9]{{32}}{_END}", _is_random),
    _token("docker-token", "dckr_pat_", r"[A-Za-z0-9_-]{20,60}"),
    _token("docker-token", "dckr_oat_", r"[A-Za-z0-9_-]{20,60}"),
    _token("sendgrid-key", "SG.", r"[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64}"),
    _token("mailgun-key", "key-", rf"[0-9a-f]{{32}}{_END}"),
    _rule("mailchimp-key", "-us", rf"{_START}[0-9a-f]{{32}}-us[0-9]{{1,2}}{_END}"),
    _token("twilio-key", "SK", rf"[0-9a-f]{{32}}{_END}"),
    *_family("shopify-token", ("shpat_", "shpca_", "shppa_", "shpss_"), r"[a-fA-F0-9]{32}"),
    *_family("square-token", ("sq0atp-", "sq0csp-", "EAAAE"), r"[A-Za-z0-9_-]{22,80}"),
    *_family("digitalocean-token", ("dop_v1_", "doo_v1_", "dor_v1_"), r"[a-f0-9]{64}"),
    _token("databricks-token", "dapi", rf"[a-f0-9]{{32}}(?:-[0-9])?{_END}"),
    *_family("grafana-token", ("glsa_", "glc_"), r"[A-Za-z0-9_+/=]{32,400}"),
    *_family("vault-token", ("hvs.", "hvb.", "hvr."), r"[A-Za-z0-9_-]{24,300}"),
    _rule("terraform-token", ".atlasv1.", rf"{_START}[A-Za-z0-9]{{14}}\.atlasv1\.[A-Za-z0-9_=-]{{60,80}}"),
    *_family("atlassian-token", ("ATATT3", "ATCTT3"), r"[A-Za-z0-9_=-]{60,300}"),
    _token("new-relic-key", "NRAK-", r"[A-Z0-9]{27}"),
    _token("postman-key", "PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
    _token("linear-key", "lin_api_", r"[A-Za-z0-9]{32,64}"),
    _token("notion-token", "ntn_", r"[A-Za-z0-9]{40,60}"),
    _token("notion-token", "secret_", rf"[A-Za-z0-9]{{43}}{_END}"),
    _token("tailscale-key", "tskey-", r"[A-Za-z0-9-]{20,120}"),
    _token("doppler-token", "dp.pt.", r"[A-Za-z0-9]{40,50}"),
    _token("pulumi-token", "pul-", rf"[a-f0-9]{{40}}{_END}"),
    _token("planetscale-token", "pscale_tkn_", r"[A-Za-z0-9_.=-]{32,80}"),
    _token("supabase-token", "sbp_", r"[a-f0-9]{40}"),
    *_family("sentry-token", ("sntrys_", "sntryu_"), r"[A-Za-z0-9_+/=.-]{40,400}"),
    _token("figma-token", "figd_", r"[A-Za-z0-9_-]{36,60}"),
    _token("airtable-token", "pat", rf"[A-Za-z0-9]{{14}}\.[a-f0-9]{{64}}{_END}"),
    _rule("facebook-token", "EAA", r"(?<![A-Za-z0-9+/])EAA[A-Za-z0-9]{90,300}(?![A-Za-z0-9+/=])", _is_random),
    _token("age-key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{58}"),
    _rule("azure-client-secret", "Q~", r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),
    _rule("azure-signature", "sig=", r"[?&;]sig=(?P<secret>[A-Za-z0-9%+/=]{30,100})"),
    _rule("json-web-token", "eyJ", r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,4000}(?:\.[A-Za-z0-9_-]{1,2000})?"),
    _rule("password-in-address", "://", r"://[^\s/:@\"'<>`]{0,100}:(?P<secret>[^\s/@\"'<>`]{1,256})@[A-Za-z0-9\[{$%_-]", _is_chosen),
    _rule("password-in-command", "curl ", r"curl [^\n]{0,300}?(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,80}:(?P<secret>[^\s\"']{3,100})", _is_chosen),
)  # fmt: skip


def find(text: str) -> Iterator[Finding]:
    """Every provider's secret in `text`, rule by rule; findings may overlap."""
    for rule in RULES:
        if rule.mark not in text:
            continue
        shape = _compiled(rule.shape)
        group = "secret" if "secret" in shape.groupindex else 0
        for match in _matches(text, rule, shape):
            if rule.is_real(match[group]):
                yield Finding(rule.kind, match.start(group), match.end(group))
                if rule.kind == "aws-key-id":
                    yield from _aws_secrets_beside(text, match)


def _matches(text: str, rule: _Rule, shape: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """From mark to mark where a match begins with it, which is many times faster than trying every place."""
    if not rule.begins_with_mark:
        yield from shape.finditer(text)
        return
    at = text.find(rule.mark)
    while at >= 0:
        match = shape.match(text, at)
        if match is not None:
            yield match
        at = text.find(rule.mark, match.end() if match else at + 1)


@functools.cache
def _compiled(shape: str) -> re.Pattern[str]:
    """Made when first needed, for most texts hold no mark and opening an editor must cost nothing."""
    return re.compile(shape)


_AWS_SECRET: Final = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_BESIDE_CHARACTERS: Final = 300


def _aws_secrets_beside(text: str, identity: re.Match[str]) -> Iterator[Finding]:
    """The key that belongs to an id has no mark of its own, but it stands close by."""
    begin = max(0, identity.start() - _BESIDE_CHARACTERS)
    for beside in _AWS_SECRET.finditer(text, begin, identity.end() + _BESIDE_CHARACTERS):
        if not (beside[0].islower() or beside[0].isupper()):
            yield Finding("aws-secret-key", beside.start(), beside.end())
