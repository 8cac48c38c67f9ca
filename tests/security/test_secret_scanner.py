"""How many planted secrets are found, how often ordinary code is accused, and that nothing makes a scan slow."""

import sysconfig
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_wire.secrets import file_names, providers, scan
from tests.support import planted_secrets
from tests.support.planted_secrets import Planted

SEED = 20_240_501
PLANTED = 2_000
RECALL_MIN = 0.95
RECALL_OF_EACH_MIN = 0.8
CLEAN_LINES_PER_FALSE_ALARM_MIN = 5_000

PRIVATE_KEY = "-----BEGIN PRIVATE" + " KEY-----\n" + ("MIIEvQIBADANBgkqhkiG9w0B" * 2 + "\n") * 5
END = "-----END PRIVATE" + " KEY-----\n"


def is_left_in(text: str, planted: Planted) -> bool:
    """Whether the secret, or a part of it worth having, can still be read."""
    secret = planted.secret
    pieces = [secret, secret[len(secret) // 2 :][:8], secret[-8:]] if len(secret) > 12 else [secret]
    return any(piece in text for piece in pieces)


def test_planted_secrets_are_found_whoever_made_them_and_wherever_they_stand() -> None:
    left: Counter[str] = Counter()
    for planted in planted_secrets.cases(SEED, PLANTED):
        left[planted.provider] += is_left_in(scan.redacted(planted.text).text, planted)
    of_each = PLANTED // len(left)
    assert sum(left.values()) <= PLANTED * (1 - RECALL_MIN), left
    assert max(left.values()) <= of_each * (1 - RECALL_OF_EACH_MIN), left


def test_planted_corpus_is_large_and_of_many_kinds() -> None:
    cases = list(planted_secrets.cases(SEED, PLANTED))
    assert all(case.secret in case.text for case in cases)
    assert len({case.provider for case in cases}) >= 50
    assert len({case.place for case in cases}) >= 40


def ordinary_files() -> Iterator[Path]:
    """Python, C and text that come with CPython itself; its tests hold keys on purpose."""
    paths = sysconfig.get_paths()
    for folder, suffix in ((paths["stdlib"], ".py"), (paths["include"], ".h")):
        for path in sorted(Path(folder).rglob(f"*{suffix}")):
            inside = path.relative_to(folder).parts
            if not {"test", "tests", "idle_test", "site-packages", "dist-packages"} & set(inside):
                yield path


def test_ordinary_code_is_hardly_ever_accused() -> None:
    lines, accused = 0, []
    for path in ordinary_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        lines += text.count("\n")
        accused += [(path.name, text[found.start : found.end]) for found in scan.find(text)]
    assert lines > 100_000
    assert len(accused) * CLEAN_LINES_PER_FALSE_ALARM_MIN <= lines, accused


@pytest.mark.parametrize(
    "line",
    [
        'password = getpass.getpass("Password: ")',
        'token = os.environ["GITHUB_TOKEN"]',
        "const token = process.env.API_TOKEN;",
        'DATABASE_URL="postgresql://user:password@localhost/app"',
        "url = f'https://{user}:{password}@{host}/'",
        "API_KEY=${API_KEY}",
        'api_key = "your-api-key-here"',
        'password: "********"',
        "if token.type == TokenType.IDENTIFIER and token.value in KEYWORDS:",
        'parser.add_argument("--password-file", default="/run/secrets/password")',
        "def check(password: str, token: Optional[Token2Pair] = None) -> bool:",
        'integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC"',
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        'raise ValueError("the key must begin with -----BEGIN PRIVATE' + ' KEY-----")',
        '<input type="password" name="password2" id="id_password2">',
        '"secretName": "database-credentials-v2"',
        'sk-circle2 = "sk-fading-circle-animation-1"',
    ],
)
def test_code_that_only_speaks_of_secrets_is_left_alone(line: str) -> None:
    assert scan.redacted(line).text == line


@pytest.mark.parametrize("mark", sorted({rule.mark for rule in providers.RULES}))
@pytest.mark.parametrize("end", ["", "\n", "A1b2"])
def test_scan_time_grows_with_the_text_and_no_faster_for_repeated_marks(
    mark: str, end: str
) -> None:
    assert_linear(mark + end)


@pytest.mark.parametrize(
    "repeated",
    [
        "a", " ", "\t", "password", "password=", 'password="', "password: ", "token ", "token\n", "secret: a ",
        "token" + " " * 19, "bearer ", "basic QUFB ", "curl -u a", "://a:", "discord '", "machine login password ",
        "-----BEGIN PRIVATE" + " KEY-----", "-----BEGIN PRIVATE" + " KEY-----\n", "-----END PRIVATE" + " KEY-----",
        "A" * 64 + "\n", "Private-Lines: 1\n", "AKIA" + "A" * 16 + " ", "eyJaaaaaaaaaaaa.", "⟨secret:", "_pass_",
    ],
)  # fmt: skip
def test_scan_time_grows_with_the_text_and_no_faster_for_hostile_lines(repeated: str) -> None:
    assert_linear(repeated)


def assert_linear(repeated: str) -> None:
    """Four times the text, four times the work; twelve leaves room for a noisy machine, sixteen would be quadratic."""
    short = repeated * (20_000 // len(repeated))
    long = short * 4
    shorter = min(cpu_seconds(short) for _ in range(3))
    longer = min(cpu_seconds(long) for _ in range(2))
    assert longer <= 12 * max(shorter, 0.001)


def cpu_seconds(text: str) -> float:
    begin = time.process_time()
    scan.find(text)
    return time.process_time() - begin


def test_scan_stops_when_its_time_is_over() -> None:
    with pytest.raises(scan.TookTooLongError):
        scan.find("x = 1\n" * 100_000, is_over=lambda: True)


def test_secret_at_a_seam_of_two_pieces_is_found_whole() -> None:
    token = "ghp_" + "a1B2" * 9
    for start in range(scan.PIECE_CHARACTERS - 60, scan.PIECE_CHARACTERS + 10, 7):
        text = "-" * start + token + "-" * 2_000
        assert [(found.start, found.end) for found in scan.find(text)] == [(start, start + 40)]


@pytest.mark.parametrize("text", [PRIVATE_KEY + END, PRIVATE_KEY, PRIVATE_KEY[40:] + END])
def test_private_key_keeps_its_lines_and_goes_also_when_an_end_is_cut_off(text: str) -> None:
    around = f"before = 1\n{text}after = 2\n"
    redacted = scan.redacted(around)
    assert redacted.text.count("\n") == around.count("\n")
    assert "MIIEvQ" not in redacted.text
    assert redacted.text.startswith("before = 1\n")
    assert redacted.text.endswith("after = 2\n")
    assert len(redacted.findings) == 1


def test_redacted_text_has_no_secret_left_to_find() -> None:
    for planted in planted_secrets.cases(SEED, PLANTED):
        assert scan.find(scan.redacted(planted.text).text) == ()


def test_places_behind_a_secret_move_with_it() -> None:
    token = "ghp_" + "a1B2" * 9
    text = f"a = 1\nkey = '{token}' + tail\nz\n"
    redacted = scan.redacted(text)
    assert redacted.text == "a = 1\nkey = '⟨secret:github-token⟩' + tail\nz\n"
    for word in ("key", "tail", "z"):
        assert redacted.moved(text.index(word)) == redacted.text.index(word)
    assert redacted.moved(text.index(token) + 3) == redacted.text.index("⟨")
    assert redacted.moved(len(text)) == len(redacted.text)


@given(st.text(max_size=300))
def test_any_text_can_be_scanned_and_text_without_findings_stays_as_it_is(text: str) -> None:
    redacted = scan.redacted(text)
    ends = [0, *(found.end for found in redacted.findings)]
    assert all(found.start >= end for found, end in zip(redacted.findings, ends, strict=False))
    if not redacted.findings:
        assert redacted.text == text


@pytest.mark.parametrize(
    "path",
    [
        ".env", "web/.env.production", "prod.env", "deploy/id_rsa", "id_ed25519", "server.PEM", "tls.key", "me.ppk",
        ".netrc", "_netrc", ".npmrc", ".pypirc", "credentials", "credentials.json", ".aws/credentials", ".aws/config",
        "secrets.yml", ".kube/config", "terraform.tfstate", ".htpasswd", "store.jks", ".git-credentials",
    ],
)  # fmt: skip
def test_files_made_for_secrets_are_refused_by_name(path: str) -> None:
    assert file_names.refusal(path)


@pytest.mark.parametrize(
    "path",
    [
        "app.py", ".env.example", ".env.template", "id_generator.py", "credentials.py", "secrets/scan.py", "id_rsa.pub",
        "environment.ts", "src/keys.rs", "monkey.go", "docs/secrets.md", "",
    ],
)  # fmt: skip
def test_code_about_secrets_is_not_refused_by_name(path: str) -> None:
    assert file_names.refusal(path) == ""
