"""An ask as its sender sees it before it leaves, and an offer as a mentor reads it. Pure: values in, text out."""

import re
from collections import Counter
from collections.abc import Sequence

from cm_lsp import lsp_ext
from cm_lsp.asking.not_secrets import Replaced
from cm_lsp.session import meter_view
from cm_wire import printable
from cm_wire.asking import AskContext, Diagnostic, Library, OfferView, RankedMentor, Span, Terms
from cm_wire.secrets import scan


def of_ask(context: AskContext, terms: Terms, replaced: Sequence[Replaced] = ()) -> str:
    """Every byte that an ask sends, verbatim and each part in a fence of its own, so that no Markdown changes it."""
    excerpt = context.excerpt
    parts = [
        "# What a mentor will see",
        "",
        "Nothing else leaves this machine. You are asked before it is sent.",
        "",
        f"- You pay at most: {terms.cap_minutes} minutes "
        f"at no more than {meter_view.per_minute(terms.price_max)}",
    ]
    if terms.spoken_languages:
        parts.append(f"- You speak: {', '.join(terms.spoken_languages)}")
    parts += _redaction_lines(context, replaced)
    if printable.hidden(excerpt.text):
        parts.append("- **The code holds characters that cannot be seen.**")
    parts += _section("File", _place_lines(context))
    parts += _section("Question", context.question)
    parts += _section("No secrets, as you said: sent as they are", "\n".join(context.not_secrets))
    parts += _section("Diagnostics", "\n\n".join(map(_diagnostic_sent, context.diagnostics)))
    parts += _section("Libraries", _listed(context.libraries))
    parts += _section("Tools", _listed(context.tools))
    return "\n".join([*parts, "", "## Code", "", _fenced(excerpt.text, excerpt.language_id), ""])


def _redaction_lines(context: AskContext, replaced: Sequence[Replaced]) -> list[str]:
    """How many secrets of each kind were replaced in all that is sent, and where each is."""
    texts = (context.excerpt.text, context.question, *(one.message for one in context.diagnostics))
    found = Counter(mark for text in texts for mark in scan.placeholders(text))
    if not found:
        return []
    kinds = ", ".join(f"{count} of {mark}" for mark, count in sorted(found.items()))
    lines = [
        f"- Secrets replaced by placeholders ({context.excerpt.redactions} in the code): {kinds}"
    ]
    if replaced:
        named = ", ".join(one.title for one in replaced)
        lines.append(f"- If one of them is no secret, say so before you send: {named}")
    return lines


def _place_lines(context: AskContext) -> str:
    excerpt = context.excerpt
    # A line's end at the end of the text begins no line that anybody would count.
    last_line = excerpt.first_line + excerpt.text.removesuffix("\n").count("\n")
    return (
        f"{excerpt.path}\nlanguage: {excerpt.language_id}\n"
        f"lines {excerpt.first_line + 1} to {last_line + 1}, selected: {_span_text(excerpt.selection)}"
    )


def _diagnostic_sent(found: Diagnostic) -> str:
    origin = "".join(f" · {part}" for part in (found.source, found.code) if part)
    return f"{_span_text(found.span)} · {found.severity}{origin}\n{found.message}"


def _span_text(span: Span) -> str:
    start, end = span.start, span.end
    return f"{start.line + 1}:{start.column + 1} to {end.line + 1}:{end.column + 1}"


def _listed(libraries: Sequence[Library]) -> str:
    return "\n".join(f"{library.name} {library.version}".rstrip() for library in libraries)


def _section(title: str, text: str) -> list[str]:
    return ["", f"## {title}", "", _fenced(text, "text")] if text else []


def of_offer(offer: OfferView) -> str:
    """What a mentor without a plugin reads before accepting."""
    context = offer.context
    parts = [
        f"# {printable.markdown(offer.learner_name)} asks for help",
        "",
        f"- You earn at most {offer.earns_at_most} in {offer.cap_minutes} minutes, "
        f"at {meter_view.per_minute(offer.price_per_quarter)}",
        f"- File: {_code(context.excerpt.path)} ({printable.markdown(context.excerpt.language_id)})",
    ]
    if context.question:
        parts += ["", printable.markdown(context.question)]
    parts += ["", *(f"- {_diagnostic_line(found)}" for found in _shapes(context))]
    code = _fenced(printable.plain(context.excerpt.text), context.excerpt.language_id)
    return "\n".join([*parts, "", code, ""])


def mentor_line(mentor: RankedMentor) -> str:
    """One line of the list to choose from."""
    reasons = "; ".join(printable.line(reason) for reason in mentor.reasons[:2])
    price = meter_view.per_minute(mentor.price_per_quarter)
    return f"{printable.line(mentor.name)} · {price} · in {mentor.eta_seconds} s · {reasons}"


def mentor_title(mentor: RankedMentor) -> str:
    """Short enough for a button."""
    return f"{printable.line(mentor.name)} ({mentor.price_per_quarter})"


def offer_shape(offer: OfferView) -> lsp_ext.Offer:
    """An offer as a plugin is told it."""
    context = offer.context
    return lsp_ext.Offer(
        offer_id=offer.offer_id,
        state="open",
        learner=printable.line(offer.learner_name),
        question=printable.plain(context.question),
        path=printable.line(context.excerpt.path),
        language_id=printable.line(context.excerpt.language_id),
        excerpt=printable.plain(context.excerpt.text),
        first_line=context.excerpt.first_line,
        diagnostics=_shapes(context),
        price_text=meter_view.per_minute(offer.price_per_quarter),
        earns_text=str(offer.earns_at_most),
        cap_minutes=offer.cap_minutes,
        answer_within_ms=offer.answer_within_ms,
        text=offer_line(offer),
    )


def offer_line(offer: OfferView) -> str:
    """The question put to a mentor."""
    context = offer.context
    about = context.question or next((found.message for found in context.diagnostics), "")
    asked = f": {printable.line(about)[:120]}" if about else ""
    return (
        f"{printable.line(offer.learner_name)} asks about {printable.line(context.excerpt.path)}"
        f"{asked} (up to {offer.cap_minutes} min, you earn up to {offer.earns_at_most})"
    )


def _shapes(context: AskContext) -> tuple[lsp_ext.OfferDiagnostic, ...]:
    return tuple(
        lsp_ext.OfferDiagnostic(
            message=printable.plain(found.message),
            line=found.span.start.line,
            severity=found.severity,
            source=printable.line(found.source),
            code=printable.line(found.code),
        )
        for found in context.diagnostics
    )


def _diagnostic_line(found: lsp_ext.OfferDiagnostic) -> str:
    named = " ".join(part for part in (found.source, found.code) if part)
    origin = f" ({printable.markdown(named)})" if named else ""
    return f"line {found.line + 1}, {found.severity}: {printable.markdown(found.message)}{origin}"


def _code(text: str) -> str:
    """Code within a line: shown as it is in an editor that draws Markdown and in one that does not."""
    line = printable.line(text)
    longest = max(map(len, re.findall("`+", line)), default=0)
    mark = "`" * (longest + 1)
    return f"{mark} {line} {mark}" if longest else f"{mark}{line}{mark}"


def _fenced(text: str, language_id: str) -> str:
    """A fence longer than any in the text, so that nothing in it ends the block."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    name = language_id if language_id.isalnum() else ""
    return f"{fence}{name}\n{text}\n{fence}"


def titles(mentors: Sequence[RankedMentor]) -> dict[str, RankedMentor]:
    """Titles to choose by; two of one name get a number."""
    named: dict[str, RankedMentor] = {}
    for mentor in mentors:
        title, number = mentor_title(mentor), 2
        while title in named:
            title, number = f"{mentor_title(mentor)} #{number}", number + 1
        named[title] = mentor
    return named
