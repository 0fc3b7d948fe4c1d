"""A sequence diagram of exchanges, as SVG: what the client sent, what the target answered, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from conformance.evidence.exchange import Exchange
from conformance.report.phrases import printable

_MOST = 40  # exchanges drawn
_LEFT, _RIGHT, _TOP, _STEP = 70, 610, 56, 30  # pixels
_LONGEST = 70  # characters of a label


def diagram(exchanges: Sequence[Exchange]) -> str:
    """An SVG image of these exchanges; of more than 40 the first. Requests under way at once stand side by side."""
    rows = list(_arrows(exchanges[:_MOST]))
    height = _TOP + _STEP * (len(rows) + 1)
    left = f"{len(exchanges) - _MOST} more exchanges are not drawn" if len(exchanges) > _MOST else ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 {height}" width="680" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        *(_lifeline(x, name, height) for x, name in ((_LEFT, "client"), (_RIGHT, "target"))),
    ]
    for index, (leaves, label, lost) in enumerate(rows):
        parts.append(_arrow(_TOP + _STEP * index + 20, leaves, label, lost))
    if left:
        parts.append(f'<text x="340" y="{height - 8}" text-anchor="middle" fill="#666">{left}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _arrows(exchanges: Sequence[Exchange]) -> Iterator[tuple[bool, str, bool]]:
    """(it leaves the client, label, it never comes) of each arrow, in the order of time where all times are known."""
    events = []
    timed = all(one.started and one.ended for one in exchanges)
    for place, one in enumerate(exchanges):
        sent = f"#{one.number} {one.request.method} {one.request.path}"
        events.append((one.started if timed else 2 * place, place, (True, sent, False)))
        came = _answer(one)
        events.append((one.ended if timed else 2 * place + 1, place, (False, came, one.response is None)))
    yield from (arrow for _, _, arrow in sorted(events, key=lambda event: event[:2]))


def _answer(exchange: Exchange) -> str:
    if exchange.response is None:
        return f"#{exchange.number} {exchange.failure or 'no answer'}"
    body = exchange.response.json
    status = body.get("status") if isinstance(body, dict) else None
    return f"#{exchange.number} {exchange.response.status}" + (f" {status}" if isinstance(status, str) else "")


def _lifeline(x: int, name: str, height: int) -> str:
    return (
        f'<text x="{x}" y="24" text-anchor="middle" font-weight="bold" fill="#222">{name}</text>'
        f'<line x1="{x}" y1="34" x2="{x}" y2="{height - 20}" stroke="#999" stroke-dasharray="4 4"/>'
    )


def _arrow(y: int, leaves: bool, label: str, lost: bool) -> str:
    """One arrow with its label above; one that never comes ends half way, with a cross."""
    start, end = (_LEFT, _RIGHT) if leaves else (_RIGHT, _LEFT)
    colour = "#b00020" if lost else "#1a56a8" if leaves else "#2d6a33"
    if lost:
        end = (start + end) // 2
    back = 8 if end > start else -8
    head = (
        f'<text x="{end}" y="{y + 4}" text-anchor="middle" fill="{colour}">×</text>'
        if lost
        else f'<path d="M{end - back},{y - 4} L{end},{y} L{end - back},{y + 4}" fill="none" stroke="{colour}"/>'
    )
    label = printable(label)
    text = escape(label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…")
    return (
        f'<text x="340" y="{y - 5}" text-anchor="middle" fill="#222">{text}</text>'
        f'<line x1="{start}" y1="{y}" x2="{end}" y2="{y}" stroke="{colour}"/>{head}'
    )
