"""Orders with whole histories, as the flows would have left them, written as rows: one story for
each status."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from recoup.kernel.ids import new_id
from recoup.kit.lists.folding import search_text
from recoup.orders.rules.faces import face
from recoup.orders.rules.lifecycle import FACTS, STEPS, Stage

STORIES = (
    "draft",
    "processing",
    "completed",
    "completed",
    "completed",
    "part_refunded",
    "returned",
    "declined",
    "expired",
    "cancelled",
    "onhold",
    "problem",
    "capture",
    "chargeback",
    "unknown",
)
_STEPS = {(s.happening, s.src): s for s in STEPS}
_FACTS = {f.happening: f for f in FACTS.values()}
REASONS = [
    "Next attempt Mon 23 Nov 2026 00:05 (cardholder’s local time), 4 planned in all.",
    "The last answer was: not enough money on the card (code 51).",
    "For insufficient funds the policy allows 6 attempts; 1 made so far.",
    "An approval elsewhere, a hard decline or the order's expiry would end the attempts.",
]
DECLINE = {
    "code": "51",
    "advice": None,
    "class": "funds",
    "meaning": "not sufficient funds",
    "reason": "insufficient_funds",
    "cure": "Nothing to do: Recoup tries again near a pay day.",
    "latency_ms": 412,
}


@dataclass
class Story:
    """Gathers the rows of one order; `at` moves on with each line."""

    merchant_id: uuid.UUID
    site_id: uuid.UUID
    external_id: str
    name: str
    email: str
    asset: str
    units: int
    at: datetime
    kind: str = "mit_managed"
    source: str = "ecommerce"
    items: list[dict[str, Any]] = field(default_factory=list)
    order_id: uuid.UUID = field(default_factory=new_id)

    def __post_init__(self) -> None:
        self.placed_at, self.stage = self.at, Stage.NEW
        self.log: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []
        self.tries: list[tuple[Any, ...]] = []
        self.attempts: list[dict[str, Any]] = []
        self.refunds: list[dict[str, Any]] = []
        self.postings: list[tuple[str, uuid.UUID, str, datetime, list[tuple[str, str, int]]]] = []
        self.decisions: list[tuple[uuid.UUID, datetime, str]] = []
        self.created_at: datetime | None = None
        self.next_at: datetime | None = None
        self.attention: str | None = None
        self.reason: str | None = None
        self.refunded = 0
        self.disputed = False

    @property
    def expires_at(self) -> datetime:
        return self.placed_at + timedelta(days=21)

    def line(
        self,
        happening: str,
        fact_id: uuid.UUID | None = None,
        decision_id: uuid.UUID | None = None,
        after: timedelta = timedelta(seconds=1),
        actor: str = "worker:clock",
        **body: Any,
    ) -> None:
        if self.log:
            self.at += after
        step = _STEPS.get((happening, self.stage))
        dst = step.dst if step else self.stage
        event = step.event if step else _FACTS[happening].event
        seq = len(self.log) + 1
        self.log.append(
            (
                self.merchant_id,
                self.order_id,
                seq,
                happening,
                str(self.stage),
                str(dst),
                None if step else _FACTS[happening].kind,
                fact_id,
                body,
                actor,
                "req",
                self.at,
                self.at,
                decision_id,
            )
        )
        if event:
            event_id = new_id()
            self.events.append(
                (
                    self.merchant_id,
                    self.order_id,
                    seq,
                    "order",
                    event_id,
                    event,
                    {},
                    self.at,
                    self.at,
                )
            )
            self.tries.append(
                (
                    new_id(),
                    self.order_id,
                    seq,
                    event_id,
                    1,
                    self.at + timedelta(seconds=1),
                    200,
                    None,
                    84,
                    "ok",
                    "delivered",
                )
            )
        if step and dst is not Stage.RECEIVED and self.created_at is None:
            self.created_at = self.at
        if step:
            self.reason = step.reason or self.reason
        self.stage = dst

    def decide(self) -> uuid.UUID:
        decision_id = new_id()
        self.decisions.append((decision_id, self.at, "plan"))
        return decision_id

    def begin(self) -> None:
        decision = self.decide()
        self.line("received", actor="api:0199aa00")
        self.line("started", decision_id=decision, after=timedelta(seconds=4))
        self.plan(decision)

    def plan(self, decision: uuid.UUID) -> None:
        self.next_at = self.at + timedelta(days=3, hours=6)
        self.line(
            "planned",
            decision_id=decision,
            after=timedelta(0),
            verdict="plan",
            next=self.next_at.isoformat(),
            reasons=REASONS,
        )
        self.attempts.append(
            {
                "attempt_id": new_id(),
                "attempt_no": len(self.attempts) + 1,
                "state": "planned",
                "due_at": self.next_at,
                "decision_id": decision,
            }
        )

    def send(self) -> dict[str, Any]:
        attempt = self.attempts[-1]
        self.next_at = None
        self.line(
            "attempt_sent",
            attempt["attempt_id"],
            after=timedelta(hours=30),
            number=attempt["attempt_no"],
            route="sandbox",
        )
        attempt |= {"state": "open", "sent_at": self.at, "route": "sandbox"}
        return attempt

    def decline(self) -> None:
        attempt = self.send()
        attempt |= {
            "state": "declined",
            "scheme_code": "51",
            "klass": "funds",
            "code_reason": "insufficient_funds",
            "latency_ms": 412,
        }
        self.line(
            "attempt_declined", attempt["attempt_id"], number=attempt["attempt_no"], **DECLINE
        )
        self.plan(self.decide())

    def collect(self) -> None:
        attempt = self.send()
        attempt |= {"state": "approved", "scheme_code": "00", "latency_ms": 388}
        self.line("attempt_approved", attempt["attempt_id"], number=attempt["attempt_no"])
        self.line(
            "collected",
            after=timedelta(0),
            units=self.units,
            route="sandbox",
            attempt=attempt["attempt_no"],
        )
        fee = self.units * 35 // 1000
        for recipe, entries in (
            ("approve", [("customer_due", "", self.units), ("merchant_payable", "", -self.units)]),
            ("fee", [("merchant_payable", "", fee), ("fees", "", -fee)]),
            ("charge", [("clearing", "sandbox", self.units), ("customer_due", "", -self.units)]),
        ):
            self.postings.append(("attempt", attempt["attempt_id"], recipe, self.at, entries))

    def refund(self, units: int) -> None:
        refund_id = new_id()
        self.refunds.append(
            {
                "refund_id": refund_id,
                "modification_no": len(self.refunds) + 1,
                "state": "done",
                "units": units,
                "message": "One box arrived damaged",
                "business_at": self.at,
            }
        )
        self.line(
            "refund_owed",
            refund_id,
            after=timedelta(hours=5),
            actor="user:maya@example.test",
            units=units,
            number=len(self.refunds),
            items=[],
        )
        self.refunded += units
        self.postings.append(
            (
                "refund",
                refund_id,
                "refund_owed",
                self.at,
                [("merchant_payable", "", units), ("refund_due", "", -units)],
            )
        )
        self.line("refund_sent", refund_id, units=units)
        self.line("refund_done", refund_id, units=units)
        self.postings.append(
            (
                "refund",
                refund_id,
                "refund_done",
                self.at,
                [("refund_due", "", units), ("clearing", "sandbox", -units)],
            )
        )


def tell(story: Story, name: str) -> Story:
    """Lets the order live through the named story."""
    if name == "draft":
        story.line("received", actor="api:0199aa00")
        return story
    story.begin()
    for _ in range(story.units % 3 if name not in ("capture", "declined") else 0):
        story.decline()
    match name:
        case "completed":
            story.collect()
        case "part_refunded":
            story.collect()
            story.refund(max(1, story.units // 3))
        case "returned":
            story.collect()
            story.refund(story.units)
        case "chargeback":
            story.collect()
            story.disputed = True
        case "declined" | "expired" | "cancelled":
            story.attempts[-1]["state"] = "not_sent"
            story.next_at = None
            story.line(
                name,
                after=timedelta(days=2),
                why="The rescue ends now.",
                decision_id=story.decide() if name == "declined" else None,
            )
        case "onhold":
            until = story.at + timedelta(days=9)
            story.line(
                "held",
                why="The card's allowance of 20 sends in 30 days is used up.",
                until=until.isoformat(),
            )
            story.attention = "held:The card's allowance of 20 sends in 30 days is used up."
        case "problem":
            story.send()["state"] = "unknown"
            story.line(
                "attempt_unknown", story.attempts[-1]["attempt_id"], number=len(story.attempts)
            )
            story.attention = "outcome_unknown"
            asked = "No answer for 24 hours: the processor is asked by hand."
            story.line("broke", after=timedelta(hours=24), why=asked)
        case "unknown":
            story.send()["state"] = "unknown"
            story.line(
                "attempt_unknown", story.attempts[-1]["attempt_id"], number=len(story.attempts)
            )
        case "capture":
            story.attempts[-1]["state"] = "not_sent"
            story.next_at = None
            story.line("authorised")
    return story


async def write(
    connection: asyncpg.Connection, endpoint_id: uuid.UUID, stories: list[Story]
) -> None:
    """In one transaction; foreign keys between log and order hold at once,
    so the log goes first."""
    async with connection.transaction():
        for story in stories:
            await _write(connection, endpoint_id, story)


async def _write(connection: asyncpg.Connection, endpoint_id: uuid.UUID, s: Story) -> None:
    token_id, m, o = uuid.uuid4(), s.merchant_id, s.order_id
    first, _, last = s.name.partition(" ")
    await connection.execute(
        "INSERT INTO vault (merchant_id, token_id, pan_id, scheme, bin, last4, exp_month, "
        "exp_year, kek_id,"
        " wrapped_dek, nonce, ciphertext, created_at) VALUES "
        "($1,$2,$3,'visa','411111','3184',9,2029,'k','','','',$4)",
        m,
        token_id,
        uuid.uuid4(),
        s.placed_at,
    )
    await connection.executemany(
        "INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, fact_kind, "
        "fact_id, body, actor,"
        " request_id, business_at, recorded_at, decision_id) VALUES "
        "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)",
        s.log,
    )
    door = "stablecoin" if s.kind == "stable" else "rescue"
    facts = {"decline": {"source": "nmi", "code": "51"}, "items": s.items}
    await connection.execute(
        "INSERT INTO orders (merchant_id, order_id, door, kind, external_id, generation, site_id,"
        " descriptor, asset, units, amount_text, token_id, placed_at, expires_at, facts)"
        " VALUES ($1,$2,$3,$4,$5,1,$6,'BRIGHTLEAF*TEA',$7,$8,'',$9,$10,$11,$12)",
        m,
        o,
        door,
        s.kind,
        s.external_id,
        s.site_id,
        s.asset,
        s.units,
        token_id,
        s.placed_at,
        s.expires_at,
        facts,
    )
    await connection.execute(
        "INSERT INTO order_states (merchant_id, order_id, stage, version) VALUES ($1,$2,$3,$4)",
        m,
        o,
        str(s.stage),
        len(s.log),
    )
    order_type = "CIT" if s.kind.startswith("cit") else "STABLE" if s.kind == "stable" else "MIT"
    status = face(s.stage, s.kind, s.units, s.refunded, s.disputed).status
    sent = sum(1 for a in s.attempts if a.get("sent_at"))
    await connection.execute(
        "INSERT INTO order_heads (merchant_id, order_id, placed_at, created_at, status, "
        "order_type, source, door,"
        " site_id, asset, units, refunded_units, disputed, attempts, expires_at, next_attempt_at, "
        "reason, attention,"
        " decline_code, decline_source, card_scheme, card_bin)"
        " VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22)",
        m,
        o,
        s.placed_at,
        s.created_at,
        status,
        order_type,
        s.source,
        door,
        s.site_id,
        s.asset,
        s.units,
        s.refunded,
        s.disputed,
        sent,
        s.expires_at,
        s.next_at,
        s.reason,
        s.attention,
        *(("51", "nmi", "visa", "405060") if s.kind != "stable" else ("", "", "", "")),
    )
    await connection.execute(
        "INSERT INTO order_refs VALUES ($1,$2,$3,1,$4)", m, door, s.external_id, o
    )
    await connection.execute(
        "INSERT INTO order_payer (merchant_id, order_id, first_name, last_name, email, phone, ip)"
        " VALUES ($1,$2,$3,$4,$5,'+1 555 010 2030','203.0.113.24')",
        m,
        o,
        first,
        last,
        s.email,
    )
    await connection.execute(
        "INSERT INTO order_search VALUES ($1,$2,$3,$4)",
        m,
        o,
        s.placed_at,
        search_text(first, last, (s.email, s.external_id, "3184")),
    )
    for decision_id, at, verdict in s.decisions:
        await connection.execute(
            "INSERT INTO decisions VALUES ($1,$2,$3,$4,$5,'{}','[]',$6,'[]',$7,$8)",
            m,
            decision_id,
            o,
            at,
            verdict,
            REASONS,
            [
                {
                    "name": "daily",
                    "chance": 0.21,
                    "note": "A try at the same hour each day; a rough prior.",
                }
            ],
            {"decider": "decide-1", "policy": "1", "knowledge": "2026-10", "model": None},
        )
    for a in s.attempts:
        await connection.execute(
            "INSERT INTO attempts (merchant_id, attempt_id, order_id, attempt_no, state, ladder, "
            "due_at, route, units,"
            " asset, initiator, sent_at, scheme_code, klass, code_reason, latency_ms, decision_id)"
            " VALUES ($1,$2,$3,$4,$5,'funds',$6,$7,$8,$9,'merchant',$10,$11,$12,$13,$14,$15)",
            m,
            a["attempt_id"],
            o,
            a["attempt_no"],
            a["state"],
            a["due_at"],
            a.get("route"),
            s.units,
            s.asset,
            a.get("sent_at"),
            a.get("scheme_code"),
            a.get("klass"),
            a.get("code_reason"),
            a.get("latency_ms"),
            a["decision_id"],
        )
    paid = next((a["attempt_id"] for a in s.attempts if a["state"] == "approved"), None)
    for r in s.refunds:
        await connection.execute(
            "INSERT INTO modifications (merchant_id, modification_id, order_id, modification_no, "
            "kind, attempt_id,"
            " state, units, asset, message, input_mac, business_at, actor)"
            " VALUES ($1,$2,$3,$4,'refund',$5,$6,$7,$8,$9,'',$10,'user:m')",
            m,
            r["refund_id"],
            o,
            r["modification_no"],
            paid,
            r["state"],
            r["units"],
            s.asset,
            r["message"],
            r["business_at"],
        )
    for source_kind, source_id, recipe, at, entries in s.postings:
        posting_id = new_id()
        await connection.execute(
            "INSERT INTO postings (merchant_id, posting_id, source_kind, source_id, recipe, "
            "order_id, content_hash,"
            " business_at, recorded_at) VALUES ($1,$2,$3,$4,$5,$6,'',$7,$7)",
            m,
            posting_id,
            source_kind,
            source_id,
            recipe,
            o,
            at,
        )
        await connection.execute("INSERT INTO postings_queue VALUES ($1,$2,$3)", m, posting_id, at)
        for number, (account, place, units) in enumerate(entries, 1):
            if units:
                await connection.execute(
                    "INSERT INTO entries (merchant_id, posting_id, line_no, account, asset, place, "
                    "units, available_at)"
                    " VALUES ($1,$2,$3,$4,$5,$6,$7,$8)",
                    m,
                    posting_id,
                    number,
                    account,
                    s.asset,
                    place,
                    units,
                    at,
                )
    await connection.executemany(
        "INSERT INTO outbox (merchant_id, subject_id, seq, subject_kind, event_id, event, body, "
        "business_at,"
        " recorded_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
        s.events,
    )
    await connection.executemany(
        "INSERT INTO outbox_queue (merchant_id, subject_id, seq, recorded_at) VALUES ($1,$2,$3,$4)",
        [(*event[:3], event[-1]) for event in s.events],
    )
    await connection.executemany(
        "INSERT INTO delivery_tries (merchant_id, endpoint_id, try_id, subject_id, seq, event_id, "
        "try_no, at, status,"
        " error, latency_ms, answer, result) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)",
        [(m, endpoint_id, *row) for row in s.tries],
    )
