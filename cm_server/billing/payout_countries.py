"""Where mentors can be paid: the countries between which the payment provider lets a platform transfer by itself."""

from types import MappingProxyType
from typing import Final

from cm_wire import faults

NAMES: Final = MappingProxyType(
    {
        "AT": "Austria",
        "BE": "Belgium",
        "BG": "Bulgaria",
        "CA": "Canada",
        "CH": "Switzerland",
        "CY": "Cyprus",
        "CZ": "Czechia",
        "DE": "Germany",
        "DK": "Denmark",
        "EE": "Estonia",
        "ES": "Spain",
        "FI": "Finland",
        "FR": "France",
        "GB": "United Kingdom",
        "GR": "Greece",
        "HR": "Croatia",
        "HU": "Hungary",
        "IE": "Ireland",
        "IS": "Iceland",
        "IT": "Italy",
        "LI": "Liechtenstein",
        "LT": "Lithuania",
        "LU": "Luxembourg",
        "LV": "Latvia",
        "MT": "Malta",
        "NL": "Netherlands",
        "NO": "Norway",
        "PL": "Poland",
        "PT": "Portugal",
        "RO": "Romania",
        "SE": "Sweden",
        "SI": "Slovenia",
        "SK": "Slovakia",
        "US": "United States",
    }
)


def checked(code: str) -> str:
    """The code itself, ISO 3166-1 alpha-2 in capitals; refuses one where nobody can be paid."""
    if code not in NAMES:
        raise faults.refusal(
            "bad-value",
            f"Mentors cannot be paid in {faults.shortened(code)!r}.",
            f"Name one of {', '.join(NAMES)}.",
            field="country",
        )
    return code
