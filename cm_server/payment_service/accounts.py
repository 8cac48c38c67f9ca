"""Mentors' accounts and the links to their onboarding page, in version 2 of the API.

Owns: the account, its one capability, what is missing for it. Does not own: money on it.
A reader would guess that an account can receive once created: only after the onboarding page.
"""

from __future__ import annotations

from msgspec.structs import replace

from cm_server.payment_service.parameters import Parameters
from cm_server.payment_service.problems import invalid_parameter
from cm_server.payment_service.records import Account, AccountLink
from cm_server.payment_service.world import Json, World, iso

LINK_LIFETIME_SECONDS = 600
_INCLUDABLE = {"configuration.recipient", "requirements", "identity", "defaults"}
_STATUS_EVENT = "v2.core.account[configuration.recipient].capability_status_updated"


def create(world: World, parameters: Parameters) -> Json:
    identity = parameters.group("identity")
    country = identity.text("country")
    _read_configuration(parameters)
    responsibilities = parameters.group("defaults").group("responsibilities")
    responsibilities.one_of("fees_collector", "application", "stripe", default="stripe")
    responsibilities.one_of("losses_collector", "application", "stripe", default="stripe")
    account = Account(
        id=world.new_id("acct", world.state.accounts),
        created=world.now(),
        email=parameters.optional_text("contact_email"),
        display_name=parameters.optional_text("display_name"),
        country=country,
        dashboard=parameters.one_of("dashboard", "express", "full", "none", default="none"),
        metadata=parameters.metadata(),
    )
    included = _included(parameters)
    parameters.refuse_leftovers()
    if len(country) != 2 or not country.isalpha() or not country.isupper():
        raise invalid_parameter("identity.country", f"Invalid country: {country}")
    world.state.accounts.put(account)
    _tell(world, "v2.core.account.created", account.id)
    return as_json(account, included)


def retrieve(world: World, parameters: Parameters, id_: str) -> Json:
    included = _included(parameters)
    parameters.refuse_leftovers()
    return as_json(world.state.accounts.get(id_), included)


def create_link(world: World, parameters: Parameters) -> Json:
    account = parameters.text("account")
    use_case = parameters.group("use_case")
    use_case.one_of("type", "account_onboarding", default="account_onboarding")
    onboarding = use_case.group("account_onboarding")
    link = AccountLink(
        id=world.new_id("link", world.state.account_links),
        created=world.now(),
        account=account,
        refresh_url=onboarding.text("refresh_url"),
        return_url=onboarding.optional_text("return_url"),
        expires_at=world.now() + LINK_LIFETIME_SECONDS,
    )
    parameters.refuse_leftovers()
    world.state.accounts.get(account)
    world.state.account_links.put(link)
    return {
        "object": "v2.core.account_link",
        "account": account,
        "created": iso(link.created),
        "expires_at": iso(link.expires_at),
        "livemode": False,
        "url": f"{world.settings.pages_url}/onboarding/{link.id}",
        "use_case": {
            "type": "account_onboarding",
            "account_onboarding": {"refresh_url": link.refresh_url, "return_url": link.return_url},
        },
    }


def finish_onboarding(world: World, link: AccountLink) -> str:
    """Everything asked for was entered; gives the address the browser goes on to."""
    world.state.account_links.put(replace(link, used=True))
    account = world.state.accounts.get(link.account)
    world.state.accounts.put(replace(account, transfers_status="active", missing=()))
    _tell(world, _STATUS_EVENT, account.id)
    return link.return_url or link.refresh_url


def restrict(world: World, id_: str, missing: str = "A document that proves who you are") -> None:
    """Stripe's doing: it wants more from this mentor before it goes on."""
    account = world.state.accounts.get(id_)
    world.state.accounts.put(replace(account, transfers_status="restricted", missing=(missing,)))
    _tell(world, _STATUS_EVENT, id_)


def _read_configuration(parameters: Parameters) -> None:
    capability = parameters.group("configuration").group("recipient").group("capabilities")
    transfers = capability.group("stripe_balance").group("stripe_transfers")
    if not transfers.flag("requested"):
        raise invalid_parameter("configuration", "Request the capability stripe_transfers.")


def _included(parameters: Parameters) -> set[str]:
    included = set(parameters.texts("include"))
    if not included <= _INCLUDABLE:
        raise invalid_parameter("include", f"Unknown: {', '.join(sorted(included - _INCLUDABLE))}")
    return included


def _tell(world: World, type_: str, account: str) -> None:
    world.emit_thin(type_, "v2.core.account", account, f"/v2/core/accounts/{account}")


def as_json(account: Account, included: set[str]) -> Json:
    configuration = requirements = None
    if "configuration.recipient" in included:
        status = {"status": account.transfers_status, "status_details": []}
        capabilities = {"stripe_balance": {"stripe_transfers": status}}
        recipient = {"applied": True, "capabilities": capabilities}
        configuration = {"customer": None, "merchant": None, "recipient": recipient}
    if "requirements" in included:
        entries = [_requirement(text) for text in account.missing]
        requirements = {"entries": entries, "summary": None}
    return {
        "id": account.id,
        "object": "v2.core.account",
        "applied_configurations": ["recipient"],
        "closed": False,
        "configuration": configuration,
        "contact_email": account.email,
        "created": iso(account.created),
        "dashboard": account.dashboard,
        "defaults": None,
        "display_name": account.display_name,
        "identity": None,
        "livemode": False,
        "metadata": account.metadata,
        "requirements": requirements,
    }


def _requirement(text: str) -> Json:
    due = {"status": "currently_due"}
    capability = "stripe_balance.stripe_transfers"
    restricts = {"capability": capability, "configuration": "recipient", "deadline": due}
    return {
        "awaiting_action_from": "user",
        "description": text,
        "errors": [],
        "impact": {"restricts_capabilities": [restricts]},
        "minimum_deadline": due,
        "requested_reasons": [{"code": "routine_onboarding"}],
    }
