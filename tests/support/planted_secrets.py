"""Code of many languages with one secret planted in each piece, for measuring how many of them a scanner finds.

Written before the scanner's rules and never read by them: shapes follow what the providers say about their own tokens, and
the places are those where such strings are found in practice. Nothing here is a real secret: every value comes
from the seed, and the prefixes are put together at run time so that no scanner of repositories stumbles over this file.
"""

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final

ALNUM: Final = string.ascii_letters + string.digits
LOWER: Final = string.ascii_lowercase + string.digits
UPPER: Final = string.ascii_uppercase + string.digits
HEX: Final = "0123456789abcdef"
URL_SAFE: Final = ALNUM + "-_"
BASE64: Final = ALNUM + "+/"
BASE32: Final = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class Planted:
    """`secret` stands in `text` exactly once. `provider` names the shape, `place` the template."""

    provider: str
    place: str
    text: str
    secret: str


Make = Callable[[random.Random], str]


def cases(seed: int, count: int) -> Iterator[Planted]:
    """`count` pieces: every shape in turn, each in a place drawn for it."""
    rng = random.Random(seed)
    shapes = cycle([*_TOKENS, *_NAMED, *_WHOLE])
    for provider in islice(shapes, count):
        if provider in _WHOLE:
            secret, text = _WHOLE[provider](rng)
            yield Planted(provider, "as such", text, secret)
            continue
        places = _PLACES if provider in _TOKENS else _NAMED_PLACES
        place = rng.choice(sorted(places))
        secret = (_TOKENS.get(provider) or _NAMED[provider])(rng)
        name = rng.choice(_NAMES.get(provider, _PLAIN_NAMES))
        yield Planted(provider, place, _planted(places[place], name, secret), secret)


def _planted(template: str, name: str, secret: str) -> str:
    words = name.split("_")
    camel = words[0] + "".join(word.title() for word in words[1:])
    return (
        template.replace("@NAME@", name.upper())
        .replace("@name@", name)
        .replace("@camel@", camel)
        .replace("@kebab@", "-".join(words))
        .replace("@secret@", secret)
    )


def _drawn(alphabet: str, length: int) -> Make:
    return lambda rng: "".join(rng.choices(alphabet, k=length))


def _shaped(*parts: str | tuple[str, int] | tuple[str, int, int]) -> Make:
    """Literal strings, `(alphabet, length)` and `(alphabet, shortest, longest)`, one after the other."""

    def make(rng: random.Random) -> str:
        drawn = ""
        for part in parts:
            if isinstance(part, str):
                drawn += part
            elif len(part) == 2:
                drawn += "".join(rng.choices(part[0], k=part[1]))
            else:
                drawn += "".join(rng.choices(part[0], k=rng.randint(part[1], part[2])))
        return drawn

    return make


def _either(*makes: Make) -> Make:
    return lambda rng: rng.choice(makes)(rng)


def _jwt(rng: random.Random) -> str:
    def part(value: object) -> str:
        return (
            base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode())
            .rstrip(b"=")
            .decode()
        )

    head = part({"alg": rng.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"})
    body = part(
        {"sub": str(rng.randrange(10**9)), "iat": rng.randrange(10**9, 2 * 10**9), "admin": True}
    )
    return f"{head}.{body}.{''.join(rng.choices(URL_SAFE, k=rng.choice([43, 86, 342])))}"


def _uuid(rng: random.Random) -> str:
    digits = "".join(rng.choices(HEX, k=32))
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _password(rng: random.Random) -> str:
    """As people choose them: a word bent a little, with digits and often a sign."""
    word = rng.choice(
        ("summer", "dragon", "berlin", "monkey", "coffee", "thunder", "pepper", "falcon", "silver")
    )
    bent = rng.choice(
        [word, word.title(), word.replace("e", "3").replace("o", "0"), word.title() + "Of"]
    )
    number = str(rng.randrange(10, 2030))
    sign = rng.choice(["!", "#", "!!", "?", "", "_", "."])
    return rng.choice([bent + number + sign, number + bent + sign, bent + sign + number])


def _generated_password(rng: random.Random) -> str:
    """As password managers make them, without the few signs that would need escaping everywhere."""
    letters = rng.choices(ALNUM, k=rng.randint(12, 24))
    signs = rng.choices("!#%^*-_=+.?~", k=rng.randint(1, 3))
    drawn = [*letters[1:], *signs, rng.choice(string.digits)]
    rng.shuffle(drawn)
    return "".join([rng.choice(string.ascii_letters), *drawn, rng.choice(string.ascii_letters)])


_TOKENS: Final[dict[str, Make]] = {
    "aws key id": _shaped("AK" + "IA", (BASE32, 16)),
    "aws temporary key id": _shaped("AS" + "IA", (BASE32, 16)),
    "github classic": _either(
        *(_shaped(f"gh{kind}" + "_", (ALNUM, 36)) for kind in "pousr"),
    ),
    "github fine-grained": _shaped("github" + "_pat_", (ALNUM, 22), "_", (ALNUM, 59)),
    "gitlab": _either(
        _shaped("gl" + "pat-", (URL_SAFE, 20)),
        _shaped("gl" + "dt-", (URL_SAFE, 20)),
        _shaped("gl" + "rt-", (URL_SAFE, 20)),
        _shaped("gl" + "ptt-", (HEX, 40)),
    ),
    "slack bot": _shaped(
        "xo" + "xb-", (string.digits, 12), "-", (string.digits, 13), "-", (ALNUM, 24)
    ),
    "slack user": _shaped(
        "xo" + "xp-",
        (string.digits, 12),
        "-",
        (string.digits, 12),
        "-",
        (string.digits, 13),
        "-",
        (HEX, 32),
    ),
    "slack app": _shaped("xa" + "pp-1-A", (UPPER, 10), "-", (string.digits, 13), "-", (HEX, 64)),
    "slack webhook": _shaped(
        "https://hooks.slack" + ".com/services/T", (UPPER, 8), "/B", (UPPER, 10), "/", (ALNUM, 24)
    ),
    "stripe": _either(
        _shaped("sk" + "_live_", (ALNUM, 24)),
        _shaped("sk" + "_test_", (ALNUM, 99)),
        _shaped("rk" + "_live_", (ALNUM, 99)),
    ),
    "stripe webhook": _shaped("wh" + "sec_", (ALNUM, 32)),
    "google api": _shaped("AI" + "za", (URL_SAFE, 35)),
    "google oauth client": _shaped("GOC" + "SPX-", (URL_SAFE, 28)),
    "google access": _shaped("ya" + "29.a0A", (URL_SAFE, 150, 200)),
    "openai": _either(
        _shaped("s" + "k-", (ALNUM, 20), "T3Blbk" + "FJ", (ALNUM, 20)),
        _shaped("s" + "k-proj-", (URL_SAFE, 74), "T3Blbk" + "FJ", (URL_SAFE, 74)),
    ),
    "anthropic": _shaped("s" + "k-ant-api03-", (URL_SAFE, 93), "AA"),
    "hugging face": _shaped("h" + "f_", (string.ascii_letters, 34)),
    "npm": _shaped("np" + "m_", (ALNUM, 36)),
    "pypi": _shaped("py" + "pi-AgEIcHlwaS5vcmc", (URL_SAFE, 150, 170)),
    "rubygems": _shaped("ruby" + "gems_", (HEX, 48)),
    "docker hub": _shaped("dckr" + "_pat_", (URL_SAFE, 27)),
    "sendgrid": _shaped("S" + "G.", (URL_SAFE, 22), ".", (URL_SAFE, 43)),
    "mailgun": _shaped("ke" + "y-", (HEX, 32)),
    "mailchimp": _shaped((HEX, 32), "-us", ("12345678", 1)),
    "twilio": _shaped("S" + "K", (HEX, 32)),
    "telegram": _shaped(("123456789", 1), (string.digits, 9), ":A" + "A", (URL_SAFE, 33)),
    "shopify": _shaped("shp" + "at_", (HEX, 32)),
    "digitalocean": _shaped("do" + "p_v1_", (HEX, 64)),
    "databricks": _shaped("da" + "pi", (HEX, 32)),
    "grafana": _shaped("gl" + "sa_", (ALNUM, 32), "_", (HEX, 8)),
    "vault": _shaped("hv" + "s.", (URL_SAFE, 90, 100)),
    "atlassian": _shaped("ATATT" + "3xFfGF0", (URL_SAFE, 170, 180), "=", (UPPER, 8)),
    "new relic": _shaped("NR" + "AK-", (UPPER, 27)),
    "postman": _shaped("PM" + "AK-", (HEX, 24), "-", (HEX, 34)),
    "linear": _shaped("lin" + "_api_", (ALNUM, 40)),
    "tailscale": _shaped("ts" + "key-auth-", (ALNUM, 12), "CNTRL-", (ALNUM, 32)),
    "age": _shaped("AGE-SECRET" + "-KEY-1", ("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)),
    "azure client": _shaped((ALNUM, 3), "8" + "Q~", (URL_SAFE, 34)),
    "jwt": _jwt,
}
"""Shapes that say by themselves what they are, wherever they stand."""

_NAMED: Final[dict[str, Make]] = {
    "aws secret key": _drawn(BASE64, 40),
    "hex key": _either(_drawn(HEX, 32), _drawn(HEX, 40), _drawn(HEX, 64)),
    "uuid key": _uuid,
    "opaque token": _either(_drawn(ALNUM, 32), _drawn(URL_SAFE, 43), _drawn(LOWER, 25)),
    "short token": _drawn(ALNUM, 20),
    "base64 key": lambda rng: base64.b64encode(rng.randbytes(32)).decode(),
    "chosen password": _password,
    "generated password": _generated_password,
}
"""Shapes that only their name gives away."""

_PLAIN_NAMES: Final = ("value", "x", "client", "settings", "default_argument", "bot", "payload")
_NAMES: Final = {
    "aws secret key": ("aws_secret_access_key", "secret_access_key", "s3_secret_key"),
    "hex key": ("api_key", "datadog_api_key", "session_secret", "encryption_key", "auth_token"),
    "uuid key": ("heroku_api_key", "api_token", "client_secret", "access_token"),
    "opaque token": ("token", "access_token", "refresh_token", "client_secret", "bot_token"),
    "short token": ("api_token", "client_secret", "deploy_token", "service_secret"),
    "base64 key": ("secret_key", "signing_key", "storage_account_key", "master_key"),
    "chosen password": ("password", "db_password", "smtp_password", "passwd", "root_password"),
    "generated password": ("password", "db_password", "keystore_password", "admin_password"),
}

_NAMED_PLACES: Final[dict[str, str]] = {
    "python constant": 'import os\n\n@NAME@ = "@secret@"\nTIMEOUT_SECONDS = 30\n',
    "python argument": 'def connect():\n    return open_link(host="db", @name@="@secret@", port=1)\n',
    "python dict": "SETTINGS = {\n    'host': 'localhost',\n    '@name@': '@secret@',\n}\n",
    "python annotated": 'class Settings:\n    host: str = "db"\n    @name@: str = "@secret@"\n',
    "python default": 'url = os.environ.get("@NAME@", "@secret@")\n',
    "javascript const": "const http = require('http')\nconst @camel@ = '@secret@';\n",
    "javascript object": "module.exports = {\n  retries: 3,\n  @camel@: '@secret@',\n};\n",
    "javascript fallback": "const k = process.env.@NAME@ || '@secret@'\n",
    "typescript field": "export class Api {\n  private readonly @camel@: string = '@secret@';\n}\n",
    "go": 'package main\n\nvar @camel@ = "@secret@"\n\nfunc main() {}\n',
    "go field": 'cfg := Config{\n\tHost: "db",\n\t@camel@: "@secret@",\n}\n',
    "rust": 'const @NAME@: &str = "@secret@";\nfn main() {}\n',
    "java": 'class A {\n    private static final String @NAME@ = "@secret@";\n}\n',
    "java setter": 'Properties p = new Properties();\np.setProperty("@name@", "@secret@");\n',
    "c sharp": 'public string @camel@ { get; set; } = "@secret@";\n',
    "kotlin": 'val retries = 3\nval @camel@ = "@secret@"\n',
    "swift": 'let @camel@: String = "@secret@"\n',
    "php": "<?php\n$@name@ = '@secret@';\n",
    "php define": "<?php\ndefine('@NAME@', '@secret@');\n",
    "ruby": "config.@name@ = '@secret@'\n",
    "ruby hash": "{ :host => 'db', :@name@ => '@secret@' }\n",
    "c": '#define RETRIES 3\n#define @NAME@ "@secret@"\n',
    "cpp": 'const std::string @name@ = "@secret@";\n',
    "shell": '#!/bin/sh\nexport @NAME@="@secret@"\nrun\n',
    "shell bare": "#!/bin/sh\nexport @NAME@=@secret@\nrun\n",
    "shell flag": "tool login --@kebab@=@secret@ --quiet\n",
    "dotenv": "DEBUG=1\n@NAME@=@secret@\nPORT=8000\n",
    "dotenv quoted": "DEBUG=1\n@NAME@='@secret@'\n",
    "yaml": "database:\n  host: db\n  @name@: @secret@\n",
    "yaml quoted": 'database:\n  @name@: "@secret@"\n',
    "compose": "services:\n  db:\n    environment:\n      - @NAME@=@secret@\n",
    "kubernetes": "env:\n  - name: @NAME@\n    value: '@secret@'\n",
    "json": '{\n  "host": "db",\n  "@camel@": "@secret@"\n}\n',
    "toml": '[database]\n@name@ = "@secret@"\n',
    "properties": "db.host=db\ndb.@name@=@secret@\n",
    "dockerfile": "FROM alpine\nENV @NAME@=@secret@\n",
    "terraform": 'resource "x" "y" {\n  @name@ = "@secret@"\n}\n',
    "xml": "<config>\n  <@camel@>@secret@</@camel@>\n</config>\n",
    "app config": '<add key="@camel@" value="@secret@" />\n',
    "sql comment": "-- @name@: @secret@\nSELECT 1;\n",
    "lua": 'local @name@ = "@secret@"\n',
    "perl": "my $@name@ = '@secret@';\n",
    "powershell": '$env:@NAME@ = "@secret@"\n',
    "elixir": 'config :app, @name@: "@secret@"\n',
    "lisp": '(setq @kebab@ "@secret@")\n',
}

_PLACES: Final[dict[str, str]] = {
    **_NAMED_PLACES,
    "python call": 'api = Client("https://api.test", "@secret@")\n',
    "python header": 'requests.get(url, headers={"X-Thing": "@secret@"})\n',
    "javascript call": "bot.login('@secret@').then(run)\n",
    "go call": 'c := api.New(ctx, "@secret@")\n',
    "comment": "# worked once with @secret@ on my machine\nx = 1\n",
    "shell argument": "deploy @secret@ production\n",
    "url query": "fetch('https://api.test/v1/items?k=@secret@&page=2')\n",
    "log line": "2024-05-01 12:00:00 INFO sent @secret@ to server\n",
    "minified": "var a=1;" * 200 + 'b("@secret@");' + "c();" * 200,
}


def _basic_auth_url(rng: random.Random) -> tuple[str, str]:
    scheme = rng.choice(["https", "ftp", "http"])
    secret = rng.choice([_drawn(ALNUM, 20), _password, _drawn(HEX, 40)])(rng)
    return secret, f"git clone {scheme}://deploy:{secret}@git.corp.test/team/app.git\n"


def _database_url(rng: random.Random) -> tuple[str, str]:
    scheme = rng.choice(["postgresql", "mysql+pymysql", "mongodb+srv", "amqp", "redis"])
    secret = rng.choice([_password, _generated_password])(rng).replace("#", "7").replace("?", "4")
    user = "" if scheme == "redis" else "app"
    line = f"{scheme}://{user}:{secret}@db.corp.test:5432/app"
    return secret, rng.choice(
        ['DATABASE_URL="{}"\n', "engine = create_engine('{}')\n", "url: {}\n"]
    ).format(line)


def _connection_string(rng: random.Random) -> tuple[str, str]:
    secret = rng.choice([_password, _generated_password])(rng)
    name = rng.choice(["Password", "Pwd"])
    return secret, f'var c = "Server=db;Database=app;User Id=sa;{name}={secret};Encrypt=true";\n'


def _azure_storage(rng: random.Random) -> tuple[str, str]:
    secret = base64.b64encode(rng.randbytes(64)).decode()
    return (
        secret,
        f"CONN=DefaultEndpointsProtocol=https;AccountName=app;AccountKey={secret};EndpointSuffix=core.test\n",
    )


def _azure_signature(rng: random.Random) -> tuple[str, str]:
    secret = base64.b64encode(rng.randbytes(32)).decode().replace("+", "%2B").replace("/", "%2F")
    secret = secret.replace("=", "%3D")
    return (
        secret,
        f"wget 'https://app.blob.core.test/c/f?sv=2022-11-02&se=2024-01-01&sp=r&sig={secret}'\n",
    )


def _bearer_header(rng: random.Random) -> tuple[str, str]:
    secret = rng.choice([_drawn(ALNUM, 40), _drawn(HEX, 64), _drawn(URL_SAFE, 43)])(rng)
    return secret, rng.choice(
        [
            'curl -H "Authorization: Bearer {}" https://api.test\n',
            "headers = {{'Authorization': 'Bearer {}'}}\n",
            'req.Header.Set("Authorization", "Bearer {}")\n',
            "Authorization: Bearer {}\n",
        ]
    ).format(secret)


def _basic_header(rng: random.Random) -> tuple[str, str]:
    secret = base64.b64encode(f"admin:{_password(rng)}".encode()).decode()
    return secret, rng.choice(
        ["Authorization: Basic {}\n", "headers: {{ Authorization: 'Basic {}' }}\n"]
    ).format(secret)


def _curl_user(rng: random.Random) -> tuple[str, str]:
    secret = _password(rng)
    return secret, rng.choice(
        ["curl -u admin:{} https://api.test\n", "curl --user 'admin:{}' https://api.test\n"]
    ).format(secret)


def _netrc(rng: random.Random) -> tuple[str, str]:
    secret = _generated_password(rng)
    return secret, f"machine git.corp.test\nlogin deploy\npassword {secret}\n"


def _npmrc(rng: random.Random) -> tuple[str, str]:
    secret = _uuid(rng)
    return secret, f"//npm.corp.test/:_authToken={secret}\nsave-exact=true\n"


def _pem(rng: random.Random) -> tuple[str, str]:
    kind = rng.choice(["RSA ", "EC ", "", "OPENSSH ", "DSA ", "ENCRYPTED "])
    body = base64.b64encode(rng.randbytes(rng.choice([121, 600, 1190]))).decode()
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    head, tail = f"-----BEGIN {kind}PRIVATE" + " KEY-----", f"-----END {kind}PRIVATE" + " KEY-----"
    shape = rng.choice(["file", "python", "json", "indented"])
    if shape == "json":
        inner = "\\n".join([head, *lines, tail])
        return lines[0], f'{{"type": "service_account", "private_key": "{inner}\\n"}}\n'
    if shape == "python":
        inner = "\n".join([head, *lines, tail])
        return lines[0], f'KEY = """{inner}"""\n'
    pad = "    " if shape == "indented" else ""
    return lines[0], "key: |\n" + "".join(f"{pad}{line}\n" for line in [head, *lines, tail])


def _putty(rng: random.Random) -> tuple[str, str]:
    body = base64.b64encode(rng.randbytes(144)).decode()
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    head = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: me\nPublic-Lines: 1\nAAAAC3NzaC1lZDI1\n"
    inner = "\n".join(lines)
    return lines[0], f"{head}Private-Lines: {len(lines)}\n{inner}\nPrivate-MAC: {'0' * 64}\n"


def _pgp(rng: random.Random) -> tuple[str, str]:
    body = base64.b64encode(rng.randbytes(400)).decode()
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    head, tail = (
        "-----BEGIN PGP PRIVATE" + " KEY BLOCK-----",
        "-----END PGP PRIVATE" + " KEY BLOCK-----",
    )
    return lines[0], "\n".join([head, "", *lines, "=abcd", tail, ""])


def _aws_pair(rng: random.Random) -> tuple[str, str]:
    identity = _TOKENS["aws key id"](rng)
    secret = _drawn(BASE64, 40)(rng)
    return secret, f'session = boto3.Session("{identity}", "{secret}", region_name="eu-west-1")\n'


_WHOLE: Final[dict[str, Callable[[random.Random], tuple[str, str]]]] = {
    "url with a password": _basic_auth_url,
    "database url": _database_url,
    "connection string": _connection_string,
    "azure storage": _azure_storage,
    "azure signature": _azure_signature,
    "bearer header": _bearer_header,
    "basic header": _basic_header,
    "curl user": _curl_user,
    "netrc": _netrc,
    "npmrc": _npmrc,
    "pem": _pem,
    "putty": _putty,
    "pgp": _pgp,
    "aws pair": _aws_pair,
}
"""Secrets that come with the text around them: `(secret, text)`. Of a key of many lines, its first line of secret matter."""
