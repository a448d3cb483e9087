"""What can be wrong with a lived-in world: SQL that the owner plants, and words of the message that
must name it."""

import json
from typing import Any


def _of(external_id: str, column: str = "order_id") -> str:
    return f"(SELECT {column} FROM orders WHERE external_id = '{external_id}')"


def _line(external_id: str, happening: str) -> str:
    return f"order_id = {_of(external_id)} AND happening = '{happening}'"


def _posting(external_id: str, recipe: str) -> str:
    where = f"order_id = {_of(external_id)} AND recipe = '{recipe}'"
    return f"(SELECT posting_id FROM postings WHERE {where} ORDER BY posting_id DESC LIMIT 1)"


def _attempt(external_id: str, state: str) -> str:
    return (
        f"(SELECT attempt_id FROM attempts WHERE order_id = {_of(external_id)} AND state = "
        f"'{state}' LIMIT 1)"
    )


def _refund(external_id: str) -> str:
    return (
        f"(SELECT modification_id FROM modifications WHERE order_id = {_of(external_id)} AND "
        f"modification_no = 1)"
    )


def _decided(decider: str) -> str:
    return f"versions ->> 'decider' = '{decider}'"


_COPY = (
    "INSERT INTO {table} SELECT (jsonb_populate_record(t, '{change}'::jsonb)).* FROM {table} "
    "t WHERE {where}"
)
_ID = "01890000-0000-7000-8000-000000000001"


def _copy(table: str, where: str, **change: Any) -> str:
    return _COPY.format(table=table, where=where, change=json.dumps(change))


_SENT = "(SELECT mail_id FROM mails WHERE state = 'sent' LIMIT 1)"
_NEW_LINE = """
INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, body, actor, request_id,
  business_at,
  recorded_at)
SELECT merchant_id, order_id, version + 1, 'paid_elsewhere', stage, 'cancelled', '{}', 'x', 'x',
  now(), now()
FROM current_orders WHERE external_id = 'PLANNED'
"""

# name -> what is planted, and words of the message that names it
CORRUPTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # disputes
    "dispute deleted": (
        (f"DELETE FROM disputes WHERE order_id = {_of('APPROVED-2')}",),
        ("disputed units of the disputes",),
    ),
    "dispute of another amount": (
        (f"UPDATE disputes SET units = units + 1 WHERE order_id = {_of('APPROVED-2')}",),
        ("disputed units of the disputes",),
    ),
    "dispute's money not posted": (
        (
            f"DELETE FROM entries WHERE posting_id = {_posting('APPROVED-2', 'disputed')}",
            f"DELETE FROM postings WHERE posting_id = {_posting('APPROVED-2', 'disputed')}",
        ),
        ("posting disputed",),
    ),
    "won dispute that did not come back": (
        (
            f"DELETE FROM entries WHERE posting_id = {_posting('APPROVED-3', 'dispute_won')}",
            f"DELETE FROM postings WHERE posting_id = {_posting('APPROVED-3', 'dispute_won')}",
        ),
        ("posting dispute_won",),
    ),
    "dispute that the head does not show": (
        (f"UPDATE order_heads SET disputed = false WHERE order_id = {_of('APPROVED-2')}",),
        ("disputed, as the head says",),
    ),
    "dispute closed without a line": (
        (f"UPDATE disputes SET state = 'lost' WHERE order_id = {_of('APPROVED-2')}",),
        ("state of dispute 1",),
    ),
    "dispute borne by another": (
        (f"UPDATE disputes SET liable = 'merchant' WHERE order_id = {_of('APPROVED-2')}",),
        ("liability of dispute 1",),
    ),
    "dispute's fee that would be given back": (
        (f"UPDATE disputes SET fee_units = fee_units + 1 WHERE order_id = {_of('APPROVED-2')}",),
        ("fee for the merchant of dispute 1",),
    ),
    "dispute of another kind": (
        (f"UPDATE disputes SET kind = 'processing' WHERE order_id = {_of('APPROVED-2')}",),
        ("kind of dispute 1",),
    ),
    "deadline that nobody watches": (
        ("DELETE FROM due_work WHERE kind = 'dispute_deadline'",),
        ("due work of the deadline of dispute 1",),
    ),
    "issuer's case of another amount": (
        ("UPDATE issuer.disputes SET units = units + 1",),
        ("issuer's units of dispute",),
    ),
    "issuer that has decided otherwise": (
        ("UPDATE issuer.disputes SET status = 'lost' WHERE status = 'won'",),
        ("issuer's status of dispute 1",),
    ),
    "notice applied to nothing": (
        ("UPDATE dispute_notices SET content = jsonb_set(content, '{caseId}', '\"other\"')",),
        ("case of notice",),
    ),
    # switches
    "switch flipped without a word": (
        ("UPDATE sites SET mit = false WHERE site_id IN (SELECT subject_id FROM switch_changes)",),
        ("switch mit of site", "true", "false"),
    ),
    "change of a switch that was lost": (
        ("DELETE FROM switch_changes WHERE version = (SELECT max(version) FROM switch_changes)",),
        ("switch mit of site", "false", "true"),
    ),
    "change of a switch told twice": (
        ("UPDATE switch_changes SET is_on = true",),
        ("what it changes of switch change",),
    ),
    "change of a switch ahead of its merchant": (
        ("UPDATE switch_changes SET version = version + 1000 WHERE is_on",),
        ("version of switch change",),
    ),
    # the log
    "log line deleted in the middle": (
        (f"DELETE FROM order_log WHERE {_line('APPROVED-1', 'attempt_approved')}",),
        ("log line", "expected", "found"),
    ),
    "last log line deleted": (
        (f"DELETE FROM order_log WHERE {_line('EXPIRED', 'expired')}",),
        ("version of the order",),
    ),
    "whole log deleted": (
        (f"DELETE FROM order_log WHERE order_id = {_of('RECEIVED')}",),
        ("log", "no line"),
    ),
    "log line added ahead of the order": (
        (_NEW_LINE,),
        ("version of the order", "its last log line"),
    ),
    "log of an order that does not exist": (
        (
            "DELETE FROM orders WHERE external_id = 'RECEIVED'",
            "DELETE FROM order_heads WHERE order_id NOT IN (SELECT order_id FROM orders)",
        ),
        ("order of the log",),
    ),
    "happening changed": (
        (
            "ALTER DOMAIN lifecycle_row DROP CONSTRAINT order_log_lifecycle",
            f"UPDATE order_log SET happening = 'broke' WHERE {_line('EXPIRED', 'expired')}",
        ),
        ("a row of the lifecycle", "broke"),
    ),
    "happening changed to another row of the lifecycle": (
        (f"UPDATE order_log SET happening = 'warned' WHERE {_line('APPROVED-1', 'attempt_sent')}",),
        ("attempts sent, by the log",),
    ),
    "line that starts elsewhere": (
        (
            "ALTER DOMAIN lifecycle_row DROP CONSTRAINT order_log_lifecycle",
            f"UPDATE order_log SET src = 'held' WHERE {_line('APPROVED-1', 'collected')}",
        ),
        ("where it starts", "held"),
    ),
    # orders and faces
    "stage changed": (
        (f"UPDATE order_states SET stage = 'declined' WHERE order_id = {_of('EXPIRED')}",),
        ("stage of the order", "expired", "declined"),
    ),
    "version off": (
        (f"UPDATE order_states SET version = version - 1 WHERE order_id = {_of('APPROVED-1')}",),
        ("version of the order",),
    ),
    "state deleted": (
        (f"DELETE FROM order_states WHERE order_id = {_of('PLANNED')}",),
        ("order of the log", "an order"),
    ),
    "head deleted": (
        (f"DELETE FROM order_heads WHERE order_id = {_of('PLANNED')}",),
        ("head", "order_heads"),
    ),
    "face's status wrong": (
        (f"UPDATE order_heads SET status = 7 WHERE order_id = {_of('APPROVED-1')}",),
        ("status", "6 Returned", "7 Completed"),
    ),
    "refunded units of the head": (
        (f"UPDATE order_heads SET refunded_units = 1 WHERE order_id = {_of('APPROVED-0')}",),
        ("refunded units of the head", "1500", "1"),
    ),
    "reason changed": (
        (f"UPDATE order_heads SET reason = 'declined' WHERE order_id = {_of('EXPIRED')}",),
        ("reason", "expired", "declined"),
    ),
    "attempts of the head": (
        (f"UPDATE order_heads SET attempts = 9 WHERE order_id = {_of('APPROVED-1')}",),
        ("attempts of the head", "9"),
    ),
    "next attempt of the head": (
        (f"UPDATE order_heads SET next_attempt_at = NULL WHERE order_id = {_of('PLANNED')}",),
        ("next attempt of the head", "none"),
    ),
    "created at": (
        (f"UPDATE order_heads SET created_at = now() WHERE order_id = {_of('RECEIVED')}",),
        ("created at", "set"),
    ),
    "units of the head": (
        (f"UPDATE order_heads SET units = 1 WHERE order_id = {_of('PLANNED')}",),
        ("units of the head",),
    ),
    "units of the order and its head": (
        (
            f"UPDATE order_heads SET units = 9999 WHERE order_id = {_of('APPROVED-1')}",
            "UPDATE orders SET units = 9999 WHERE external_id = 'APPROVED-1'",
        ),
        ("approved units", "9999"),
    ),
    "order type": (
        (f"UPDATE order_heads SET order_type = 'CIT' WHERE order_id = {_of('PLANNED')}",),
        ("order type", "MIT", "CIT"),
    ),
    "order reference deleted": (
        (f"DELETE FROM order_refs WHERE order_id = {_of('PLANNED')}",),
        ("order reference", "PLANNED"),
    ),
    "a card lost from the vault": (
        (
            f"DELETE FROM vault WHERE token_id = (SELECT token_id FROM orders WHERE order_id = "
            f"{_of('PLANNED')})",
        ),
        ("card of the order", "a card in the vault", "none"),
    ),
    "key of an order that does not exist": (
        (f"UPDATE requests SET subject_id = '{_ID}' WHERE subject_id = {_of('PLANNED')}",),
        ("key of evaluate",),
    ),
    # the ledger
    "entry's units changed": (
        (
            f"UPDATE entries SET units = 1 WHERE line_no = 1 AND posting_id = "
            f"{_posting('APPROVED-1', 'charge')}",
        ),
        ("sum of posting charge",),
    ),
    "both entries' units changed": (
        (
            f"UPDATE entries SET units = units * 2 WHERE posting_id = "
            f"{_posting('APPROVED-1', 'charge')}",
        ),
        ("content hash of posting charge",),
    ),
    "entry deleted": (
        (
            (
                "DELETE FROM entries WHERE line_no = 2 "
                f"AND posting_id = {_posting('APPROVED-1', 'fee')}"
            ),
        ),
        ("entries of posting fee",),
    ),
    "posting deleted with its entries": (
        (
            f"DELETE FROM entries WHERE posting_id = {_posting('APPROVED-2', 'fee')}",
            f"DELETE FROM postings WHERE posting_id = {_posting('APPROVED-2', 'fee')}",
        ),
        ("posting fee of attempt",),
    ),
    "posting duplicated under another id": (
        (
            "ALTER TABLE postings DROP CONSTRAINT "
            "postings_merchant_id_source_kind_source_id_recipe_key",
            _copy("postings", f"posting_id = {_posting('APPROVED-1', 'charge')}", posting_id=_ID),
            _copy("entries", f"posting_id = {_posting('APPROVED-1', 'charge')}", posting_id=_ID),
        ),
        ("posting charge of attempt", "several"),
    ),
    "posting for which the log has no line": (
        (
            _copy(
                "postings",
                f"posting_id = {_posting('APPROVED-1', 'charge')}",
                posting_id=_ID,
                source_id=_ID,
            ),
            _copy("entries", f"posting_id = {_posting('APPROVED-1', 'charge')}", posting_id=_ID),
        ),
        ("posting charge of attempt", "by the log"),
    ),
    "content hash changed": (
        (
            f"UPDATE postings SET content_hash = '\\x00' WHERE posting_id = "
            f"{_posting('APPROVED-1', 'approve')}",
        ),
        ("content hash of posting approve",),
    ),
    # pages and balances
    "page's root changed": (
        ("UPDATE pages SET root = '\\x00' WHERE page_no = 1",),
        ("root", "page 1"),
    ),
    "page's sum changed": (
        (
            "UPDATE pages SET sums = jsonb_set(sums, '{fees|USD|}', '-1') WHERE page_no = 2 AND "
            "sums ? 'fees|USD|'",
        ),
        ("sums of page 2",),
    ),
    "page deleted": (("DELETE FROM pages WHERE page_no = 1",), ("page number", "2")),
    "last page deleted": (
        (
            "DELETE FROM pages p WHERE page_no = (SELECT max(page_no) FROM pages q WHERE "
            "q.merchant_id = p.merchant_id)",
        ),
        ("last page",),
    ),
    "closer's root changed": (("UPDATE closers SET root = '\\x00'",), ("last root",)),
    "posting moved within its page": (
        (
            f"UPDATE page_lines SET position = position + 100 WHERE posting_id = "
            f"{_posting('APPROVED-1', 'charge')}",
        ),
        ("positions of page",),
    ),
    "posting that is in no page and waits for none": (
        (f"DELETE FROM page_lines WHERE posting_id = {_posting('APPROVED-1', 'charge')}",),
        ("place of posting", "neither"),
    ),
    "posting in a page that waits for another": (
        (
            "INSERT INTO postings_queue SELECT merchant_id, posting_id, recorded_at FROM postings"
            f" WHERE posting_id = {_posting('APPROVED-1', 'charge')}",
        ),
        ("place of posting", "both"),
    ),
    "queued posting that there is not": (
        (
            f"INSERT INTO postings_queue SELECT merchant_id, '{_ID}', recorded_at FROM postings"
            f" WHERE posting_id = {_posting('APPROVED-1', 'charge')}",
        ),
        (f"queued posting {_ID}", "a posting", "none"),
    ),
    "page's line without a posting": (
        (
            f"UPDATE page_lines SET posting_id = '{_ID}'"
            f" WHERE posting_id = {_posting('APPROVED-1', 'charge')}",
        ),
        ("line of page", _ID, "a posting"),
    ),
    "balance after an entry": (
        (
            "UPDATE entries SET balance_after = 1"
            f" WHERE line_no = 1 AND posting_id = {_posting('APPROVED-1', 'charge')}",
        ),
        ("balance after entry 1", "clearing"),
    ),
    "balance of an account": (
        ("UPDATE account_balances SET units = units + 1 WHERE account = 'merchant_payable'",),
        ("balance of account", "merchant_payable|USD|"),
    ),
    # decisions
    "verdict of a decision": (
        (
            f"UPDATE decisions SET verdict = 'wait' WHERE verdict = 'plan' AND order_id = "
            f"{_of('PLANNED')}",
        ),
        ("verdict of decision", "plan", "wait"),
    ),
    "plan of a decision": (
        (
            (
                "UPDATE decisions SET plan = '[]' "
                f"WHERE verdict = 'plan' AND order_id = {_of('PLANNED')}"
            ),
        ),
        ("plan of decision",),
    ),
    "features of a decision": (
        (
            "UPDATE decisions SET features = jsonb_set(features, '{expires_at}', features -> "
            "'started_at')"
            f" WHERE verdict = 'plan' AND order_id = {_of('PLANNED')}",
        ),
        ("verdict of decision", "wait", "plan"),
    ),
    "features of no decision": (
        (f"UPDATE decisions SET features = '{{}}' WHERE order_id = {_of('PLANNED')}",),
        ("can be decided again",),
    ),
    "policy of a decision that nobody knows": (
        (
            """UPDATE decisions SET versions = versions || '{"policy": "retry-0"}'
              WHERE order_id ="""
            f" {_of('PLANNED')}",
        ),
        ("can be decided again", "retry-0"),
    ),
    "loss that an advance would be": (
        (
            "UPDATE decisions SET features = jsonb_set(features, '{limits,order_max_units}', '1')"
            f" WHERE verdict = 'approve_now' AND order_id = {_of('ADVANCED-DUE')}",
        ),
        ("verdict of decision",),
    ),
    "chance that an advance was risked on": (
        (
            "UPDATE decisions SET alternatives = jsonb_set(alternatives, '{0,chance}', '0.99')"
            f" WHERE {_decided('advance-3')}",
        ),
        ("alternatives of decision", "0.99"),
    ),
    "decider of a decision that is gone": (
        (
            f"""UPDATE decisions SET versions = versions || '{{"decider": "route-1"}}'
              WHERE {_decided("route-4")}""",
        ),
        ("decider of", "route-1, which is gone"),
    ),
    "bounds that an advance rested on": (
        (
            "UPDATE decisions SET features = jsonb_set(features, '{bounds,table,collected}', "
            "'[0,0,0,0,0,0,0,0,0,0]')"
            f" WHERE {_decided('advance-3')} AND features -> 'bounds' <> 'null'",
        ),
        ("decision",),
    ),
    "counts of a decision of the gate": (
        (
            f"UPDATE decisions SET features = jsonb_set(features, '{{tallies}}', '[]') WHERE "
            f"{_decided('gate-1')}",
        ),
        ("verdict of decision", "allow", "postpone"),
    ),
    "time until which a decision of the gate lets wait": (
        (f"UPDATE decisions SET plan = '[]' WHERE {_decided('gate-1')}",),
        ("plan of decision",),
    ),
    "limit of a decision of the gate": (
        (
            "UPDATE decisions "
            "SET features = jsonb_set(features, '{before}', features -> 'now') WHERE"
            f" {_decided('gate-1')}",
        ),
        ("verdict of decision", "refuse", "postpone"),
    ),
    "decision of the gate deleted": (
        (f"DELETE FROM decisions WHERE {_decided('gate-1')}",),
        ("decision of log line", "none of this order"),
    ),
    "route of a decision": (
        (f"UPDATE decisions SET taken = 'elsewhere' WHERE {_decided('route-4')}",),
        ("taken of decision", "elsewhere"),
    ),
    "candidates of a decision's route": (
        (
            "UPDATE decisions SET features = jsonb_set(features, '{routes,0,terms,name}', "
            "'\"elsewhere\"') WHERE"
            f" {_decided('route-4')}",
        ),
        ("rules of decision", "only_route", "every_route_failed"),
    ),
    "alternatives of a decision's route": (
        (f"UPDATE decisions SET alternatives = '[]' WHERE {_decided('route-4')}",),
        ("alternatives of decision",),
    ),
    "proof of a decision's route": (
        (
            f"UPDATE decisions SET features = jsonb_set(features, '{{failures}}', '[]') WHERE "
            f"{_decided('route-4')}",
        ),
        ("rules of decision", "only_route", "every_route_failed"),
    ),
    "request of a decision by hand": (
        (
            "UPDATE decisions SET features = jsonb_set(features, '{request}', '\"new_card\"') WHERE"
            f" {_decided('by_hand-1')}",
        ),
        ("rules of decision", "new_card"),
    ),
    "actor of a decision by hand": (
        (
            "UPDATE decisions "
            "SET features = jsonb_set(features, '{actor}', '\"user:somebody\"') WHERE"
            f" {_decided('by_hand-1')}",
        ),
        ("actor of decision", "user:somebody"),
    ),
    "plan before a decision by hand": (
        (
            f"UPDATE decisions SET features = jsonb_set(features, '{{before}}', 'null') WHERE "
            f"{_decided('by_hand-1')}",
        ),
        ("rules of decision", "nothing_planned"),
    ),
    "gate's word of a decision by hand": (
        (
            f"UPDATE decisions SET features = jsonb_set(features, '{{gate}}', 'null') WHERE "
            f"{_decided('by_hand-1')}",
        ),
        ("rules of decision", "gate_not_asked", "gate_refuses"),
    ),
    "charges that a decision counted": (
        (
            f"UPDATE decisions SET features = jsonb_set(features, '{{made}}', '99') WHERE "
            f"{_decided('charge-1')}"
            " AND verdict = 'plan'",
        ),
        ("verdict of decision", "write_off", "plan"),
    ),
    "policy of a charge that nobody knows": (
        (
            f"""UPDATE decisions SET versions = versions || '{{"policy": "collect-0"}}'
              WHERE {_decided("charge-1")}""",
        ),
        ("can be decided again", "collect-0"),
    ),
    # attempts, sends, the issuer
    "network send deleted": (
        (f"DELETE FROM network_sends WHERE send_id = {_attempt('APPROVED-1', 'approved')}",),
        ("network send of attempt 1", "none"),
    ),
    "network send's amount changed": (
        (
            (
                "UPDATE network_sends SET units = 1 "
                f"WHERE send_id = {_attempt('APPROVED-1', 'approved')}"
            ),
        ),
        ("units of the network send of attempt 1",),
    ),
    "network send's state changed": (
        (
            f"UPDATE network_sends SET state = 'not_sent' WHERE send_id = "
            f"{_attempt('APPROVED-1', 'approved')}",
        ),
        ("state of the network send of attempt 1", "not_sent"),
    ),
    "network send's date changed": (
        (
            "UPDATE network_sends SET at = at - interval '40 days'"
            f" WHERE send_id = {_attempt('APPROVED-1', 'approved')}",
        ),
        ("date of the network send",),
    ),
    "network send called a claim of the merchant": (
        (
            f"UPDATE network_sends SET claimed = true WHERE send_id = "
            f"{_attempt('APPROVED-1', 'approved')}",
        ),
        ("claim of network send", "false", "true"),
    ),
    "network send of nothing": (
        (_copy("network_sends", f"send_id = {_attempt('APPROVED-1', 'approved')}", send_id=_ID),),
        ("network sends of the decline that came in", "2"),
    ),
    "network send of an order that does not exist": (
        (
            _copy(
                "network_sends",
                f"send_id = {_attempt('APPROVED-1', 'approved')}",
                send_id=_ID,
                order_id=_ID,
            ),
        ),
        ("order of network send",),
    ),
    "the decline that came in is not counted": (
        (f"DELETE FROM network_sends WHERE order_id = {_of('PLANNED')}",),
        ("decline that came in", "0"),
    ),
    "approved attempt made declined": (
        (
            f"UPDATE attempts SET state = 'declined' WHERE attempt_id = "
            f"{_attempt('APPROVED-1', 'approved')}",
        ),
        ("state of attempt 1", "approved", "declined"),
    ),
    "declined attempt made approved": (
        (
            f"UPDATE attempts SET state = 'approved' WHERE attempt_id = "
            f"{_attempt('THIRD-TIME', 'declined')}",
        ),
        ("state of attempt", "declined", "approved"),
    ),
    "attempt deleted": (
        (f"DELETE FROM attempts WHERE attempt_id = {_attempt('PLANNED', 'planned')}",),
        ("next attempt of the head",),
    ),
    "attempt renumbered": (
        (
            f"UPDATE attempts SET attempt_no = 7 WHERE attempt_id = "
            f"{_attempt('APPROVED-1', 'approved')}",
        ),
        ("number of attempts", "7"),
    ),
    "attempt that its key does not find": (
        (f"DELETE FROM wire_keys WHERE movement_id = {_attempt('APPROVED-1', 'approved')}",),
        ("key to find it by of attempt 1", "none"),
    ),
    "charge that its reference does not find": (
        (f"DELETE FROM charges WHERE attempt_id = {_attempt('APPROVED-1', 'approved')}",),
        ("charge to find it by of attempt 1", "none"),
    ),
    "charge found by another amount": (
        (f"UPDATE charges SET units = 1 WHERE attempt_id = {_attempt('APPROVED-1', 'approved')}",),
        ("charge to find it by of attempt 1", " 1 USD"),
    ),
    "declined attempt found as a charge": (
        (
            "INSERT INTO charges SELECT merchant_id, attempt_id, reference, card_last4, units, "
            "asset, closed_at FROM attempts WHERE attempt_id = "
            f"{_attempt('THIRD-TIME', 'declined')}",
        ),
        ("charge to find it by of attempt", "none"),
    ),
    "charge of no attempt": (
        (_copy("charges", "card_last4 IS NOT NULL LIMIT 1", attempt_id=_ID),),
        (f"charge {_ID}", "an attempt", "none"),
    ),
    "reversal deleted": (
        (f"DELETE FROM modifications WHERE order_id = {_of('LATE')}",),
        ("reversal of attempt 1", "none"),
    ),
    "approved by the issuer without us": (
        (
            "INSERT INTO issuer.sends SELECT (jsonb_populate_record(s, jsonb_build_object('id', '"
            f"{_ID}'))).* FROM issuer.sends s WHERE id = {_attempt('APPROVED-1', 'approved')}",
        ),
        ("attempt for the issuer's approved charge",),
    ),
    "approved by the issuer, declined here": (
        (
            f"UPDATE issuer.sends SET decision = 'approved' WHERE id = "
            f"{_attempt('THIRD-TIME', 'declined')}",
        ),
        ("issuer's decision of attempt", "declined", "approved"),
    ),
    "approved here, unknown to the issuer": (
        (f"DELETE FROM issuer.sends WHERE id = {_attempt('APPROVED-1', 'approved')}",),
        ("issuer's decision of attempt 1", "none"),
    ),
    "issuer's amount": (
        (f"UPDATE issuer.sends SET units = 1 WHERE id = {_attempt('APPROVED-1', 'approved')}",),
        ("issuer's units of attempt 1",),
    ),
    "refund that the issuer does not know": (
        ("DELETE FROM issuer.reversals",),
        ("issuer's decision of re",),
    ),
    # due work, refunds
    "due work deleted": (
        (f"DELETE FROM due_work WHERE kind = 'retry' AND subject_id = {_of('PLANNED')}",),
        ("due work retry", "none"),
    ),
    "admission deleted": (
        (f"DELETE FROM due_work WHERE kind = 'admit' AND subject_id = {_of('RECEIVED')}",),
        ("due work admit", "none"),
    ),
    "expiry deleted": (
        (f"DELETE FROM due_work WHERE kind = 'expire' AND subject_id = {_of('PLANNED')}",),
        ("due work expire", "none"),
    ),
    "due work left on an ended order": (
        (
            f"UPDATE due_work SET subject_id = {_of('EXPIRED')} WHERE kind = 'retry' AND "
            f"subject_id = {_of('PLANNED')}",
            f"INSERT INTO due_work SELECT merchant_id, 'retry', order_id, due_at FROM attempts"
            f" WHERE attempt_id = {_attempt('PLANNED', 'planned')}",
        ),
        ("due work retry", "none"),
    ),
    "due work of nothing": (
        (_copy("due_work", "kind = 'expire' LIMIT 1", subject_id=_ID),),
        ("subject of due work expire",),
    ),
    "fee that its term does not make": (
        (
            f"UPDATE order_log SET body = body || '{{\"fee\": 1}}' WHERE "
            f"{_line('APPROVED-0', 'collected')}",
        ),
        ("fee of log line", "133", "1"),
    ),
    "fee given back twice": (
        (
            f"UPDATE order_log SET body = body || '{{\"fee_returned\": 77}}' WHERE "
            f"{_line('APPROVED-1', 'refund_owed')}",
        ),
        ("fee_returned of log line", "133", "77"),
    ),
    "refund's amount changed": (
        (
            f"UPDATE modifications SET units = 1 WHERE order_id = {_of('APPROVED-0')} AND "
            f"modification_no = 1",
        ),
        ("refunded units of the refunds", "1500", "501"),
    ),
    "reversal's amount changed": (
        (f"UPDATE modifications SET units = 1 WHERE order_id = {_of('LATE')}",),
        ("units of reversal 1", "80001", "1"),
    ),
    "refund's state changed": (
        (
            f"UPDATE modifications SET state = 'owed' WHERE order_id = {_of('APPROVED-0')} AND "
            f"modification_no = 1",
        ),
        ("state of refund 1", "done", "owed"),
    ),
    "refund that its key does not find": (
        (f"DELETE FROM wire_keys WHERE movement_id = {_refund('APPROVED-0')}",),
        ("keys to find it by of refund 1",),
    ),
    "refund that is done and queued": (
        (
            "INSERT INTO modifications_queue SELECT merchant_id, modification_id FROM "
            f"modifications WHERE modification_id = {_refund('APPROVED-0')}",
        ),
        ("place in the queue of refund 1", "none", "one"),
    ),
    "queued refund that there is not": (
        (
            f"INSERT INTO modifications_queue SELECT merchant_id, '{_ID}' FROM orders WHERE "
            f"order_id = {_of('APPROVED-0')}",
        ),
        (f"queued modification {_ID}", "a modification", "none"),
    ),
    "a refund's reference": (
        (
            f"UPDATE modifications SET reference = 'sbx_other' WHERE order_id = {_of('APPROVED-0')}"
            " AND modification_no = 1",
        ),
        ("reference of refund 1", "sbx_other"),
    ),
    "a refund's code": (
        (
            "UPDATE modifications SET processor_code = 'by_hand' "
            f"WHERE order_id = {_of('APPROVED-0')}"
            " AND modification_no = 1",
        ),
        ("code of refund 1", "by_hand"),
    ),
    "a reversal's reference": (
        (f"UPDATE modifications SET reference = NULL WHERE order_id = {_of('LATE')}",),
        ("reference of reversal 1", "none"),
    ),
    # notices and mails
    "a dispute's deadline": (
        (
            "UPDATE disputes SET respond_by = respond_by + interval '1 day'"
            f" WHERE order_id = {_of('APPROVED-2')}",
        ),
        ("deadline of dispute 1",),
    ),
    "a notice that is said to be stale": (
        ("UPDATE dispute_notices SET state = 'stale' WHERE state = 'applied'",),
        ("notice of log line", "stale"),
    ),
    "a notice that is said to be unmatched": (
        ("UPDATE dispute_notices SET state = 'unmatched' WHERE state = 'applied'",),
        ("reason of notice", "none"),
    ),
    "a notice that is said to be applied": (
        (
            _copy(
                "dispute_notices",
                "state = 'applied' LIMIT 1",
                notice_id="other",
                received_at="2020-01-01T00:00:00Z",
            ),
        ),
        ("line of the log of notice other",),
    ),
    "a mail that was sent without a try": (
        (f"UPDATE mails SET tries = 0 WHERE mail_id = {_SENT}",),
        ("tries of mail",),
    ),
    "a mail that was given up at once": (
        (f"UPDATE mails SET state = 'given_up' WHERE mail_id = {_SENT}",),
        ("tries of mail", "given_up"),
    ),
    "a mail that was refused without a reason": (
        (f"UPDATE mails SET state = 'refused' WHERE mail_id = {_SENT}",),
        ("reason of mail",),
    ),
    "a mail that nobody sends": (
        (f"UPDATE mails SET state = 'owed' WHERE mail_id = {_SENT}",),
        ("due work mail of mail",),
    ),
    # messages
    "event deleted": (
        (f"DELETE FROM outbox WHERE subject_id = {_of('EXPIRED')} AND event = 'order.expired'",),
        ("event of log line", "order.expired", "none"),
    ),
    "event changed": (
        (
            "UPDATE outbox SET event = 'order.cancelled'"
            f" WHERE subject_id = {_of('EXPIRED')} AND event = 'order.expired'",
        ),
        ("event of log line", "order.expired", "order.cancelled"),
    ),
    "fed event that is not in the feed": (
        (f"DELETE FROM feed WHERE subject_id = {_of('EXPIRED')} AND event = 'order.expired'",),
        ("feed place of event",),
    ),
    "queued event that is in the feed": (
        (
            "INSERT INTO outbox_queue SELECT merchant_id, subject_id, seq, recorded_at FROM outbox"
            f" WHERE subject_id = {_of('EXPIRED')} AND event = 'order.expired'",
        ),
        ("feed place of event", "none", "order.expired"),
    ),
    "queued event that there is not": (
        (
            "INSERT INTO outbox_queue SELECT merchant_id, subject_id, seq + 1000, recorded_at"
            f" FROM outbox WHERE subject_id = {_of('EXPIRED')} AND event = 'order.expired'",
        ),
        ("queued event 10", "an event", "none"),
    ),
    "feed gap": (
        ("UPDATE feed SET feed_no = feed_no + 1000 WHERE feed_no > 5",),
        ("feed number after a gap", "1006"),
    ),
    "feed of no event": (
        (_copy("feed", "feed_no = 1 LIMIT 1", subject_id=_ID, feed_no=0, number=None),),
        ("feed number",),
    ),
    "closer's feed number": (("UPDATE closers SET feed_no = feed_no + 1",), ("last feed number",)),
    "number of the feed": (
        ("UPDATE feed SET number = number + 1000 WHERE number > 5",),
        ("number in the rescue API", "1006"),
    ),
    "closer's number": (
        ("UPDATE closers SET number = number + 1",),
        ("last number in the rescue API",),
    ),
    "state in an event": (
        (
            "UPDATE outbox SET body = jsonb_set(body, '{Order,RefundedAmount}', '77')"
            f" WHERE subject_id = {_of('EXPIRED')}",
        ),
        ("state of the order in event", "77"),
    ),
    "feed out of order": (
        (
            f"UPDATE feed SET feed_no = -feed_no WHERE subject_id = {_of('EXPIRED')} AND event = "
            f"'order.expired'",
        ),
        ("feed number of event", "more than"),
    ),
    "lane points at nothing": (
        ("UPDATE lanes SET next_seq = 99",),
        ("next event 99 of a delivery lane",),
    ),
    "delivered out of order": (
        (
            "UPDATE delivery_tries SET at = at - interval '1 day' WHERE seq = (SELECT max(seq) "
            "FROM delivery_tries)",
        ),
        ("first delivery of event", "was done with"),
    ),
    "more exposure used than allotted": (
        (
            "ALTER TABLE exposure_allotments DROP CONSTRAINT exposure_allotments_check",
            "INSERT INTO exposure_allotments SELECT merchant_id, 'EUR', 0, 5, 6 FROM merchants",
        ),
        ("use of exposure slot 0 in EUR", "6"),
    ),
    "an advance's state": (
        (f"UPDATE advances SET state = 'netted' WHERE order_id = {_of('ADVANCED-LOST')}",),
        ("state of the advance", "uncollected", "netted"),
    ),
    "what is due of an advance": (
        (f"UPDATE advances SET due_units = due_units - 1 WHERE order_id = {_of('ADVANCED-DUE')}",),
        ("customer_due at the end of the walk", "4489", "4490"),
    ),
    "more of a customer's limit in use than was advanced": (
        ("UPDATE customer_exposure SET used = used + 1 WHERE used > 0",),
        ("exposure of customer", "4490", "4491"),
    ),
    "less of a slot in use than was advanced": (
        ("UPDATE exposure_allotments SET used = used - 1 WHERE used > 0",),
        ("use of exposure slot", "4490", "4489"),
    ),
    "more allotted than was drawn": (
        ("UPDATE exposure_limits SET drawn_units = 0",),
        ("exposure drawn in USD",),
    ),
    "what the operator counts": (
        ("UPDATE operator_exposure SET drawn_units = drawn_units + 1",),
        ("operator's exposure in USD",),
    ),
    "a planned charge that nobody looks after": (
        (f"DELETE FROM due_work WHERE kind = 'collect' AND subject_id = {_of('ADVANCED-DUE')}",),
        ("due work collect", "none"),
    ),
    "an advance that nobody writes off": (
        (f"DELETE FROM due_work WHERE kind = 'write_off' AND subject_id = {_of('ADVANCED-DUE')}",),
        ("due work write_off", "none"),
    ),
    "bad debt that is not posted": (
        (
            "DELETE FROM entries WHERE posting_id = (SELECT posting_id FROM postings WHERE recipe "
            "= 'uncollected')",
            "DELETE FROM postings WHERE recipe = 'uncollected'",
        ),
        ("posting uncollected of order", "one, by the log", "none"),
    ),
    "a charge posted for less": (
        (
            "UPDATE entries SET units = units - sign(units) WHERE posting_id = (SELECT posting_id "
            "FROM postings"
            f" WHERE recipe = 'charge' AND order_id = {_of('ADVANCED')})",
        ),
        ("content hash of posting charge",),
    ),
    "rows of a merchant that does not exist": (
        (
            f"UPDATE closers SET merchant_id = '{_ID}'"
            " WHERE merchant_id = (SELECT merchant_id FROM merchants LIMIT 1)",
        ),
        ("merchant of rows in closers",),
    ),
}
