"""Files whose name says that they hold secrets. They are not shared or asked about, whatever is in them.

A name is judged alone; texts of other files go through `scan`. Templates and public halves are fine.
"""

import re
from pathlib import PurePosixPath
from typing import Final

_FORMS: Final = (
    ("an environment file", re.compile(r"\.env(?:rc)?|\.env\.(?!example|sample|template|dist|defaults)[\w.-]+|[\w-]+\.env")),
    ("a private key", re.compile(r"id_[a-z0-9_]+|.+\.(?:pem|key|ppk|p12|pfx|jks|keystore|kdbx|asc|gpg|p8)")),
    ("a file of passwords", re.compile(r"[._]netrc|\.pgpass|\.my\.cnf|\.git-credentials|\.htpasswd|\.vault[-_]pass\w*|\.s3cfg|\.boto")),
    ("a registry's credentials", re.compile(r"\.npmrc|\.pypirc|\.yarnrc\.yml|\.dockercfg|\.dockerconfigjson")),
    ("a file of credentials", re.compile(r"\.?(?:credentials|secrets?)[\w-]*(?:\.(?:json|ya?ml|toml|ini|cfg|csv|xml|txt|properties|env|db))?")),
    ("a state of Terraform", re.compile(r".+\.tfstate(?:\.backup)?")),
)  # fmt: skip


def refusal(path: str) -> str:
    """What `path` is, as "a private key", where its name says that it holds secrets; empty for other files."""
    parts = PurePosixPath(path.replace("\\", "/").lower()).parts
    if not parts:
        return ""
    if parts[-2:] in ((".aws", "config"), (".kube", "config"), (".docker", "config.json")):
        return "a file of credentials"
    return next((what for what, form in _FORMS if form.fullmatch(parts[-1])), "")
