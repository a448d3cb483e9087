"""Retention of each table of the core, in a world and among the people: how long its rows live.

A table that is new in the schema needs a line. An order's rows live for good;
what names a person is erased from them when its customer is.
"""

from datetime import timedelta
from itertools import chain
from typing import Final

from recoup.archive.store import forget_gone
from recoup.backtest.moves import KEPT as BACKTESTS_KEPT
from recoup.backtest.store import drop_oldest_backtests
from recoup.cards.store.vault import (
    CVV_KEPT,
    NUMBERS_KEPT,
    erase_numbers,
    forget_codes,
    forget_numbers,
)
from recoup.db.operation.damaged_pages import forget_page
from recoup.db.operation.live_marks import drop_mark
from recoup.db.partitions import DAILY, RETENTION_MONTHS
from recoup.db.upkeep import retain
from recoup.desk.flows.exports import forget_files
from recoup.desk.moves import KEPT as FILES_KEPT
from recoup.desk.store.export_parts import drop_parts
from recoup.imports.rules.attempt import IMPORTS_KEPT
from recoup.imports.store.imports import drop_rest, drop_taken, forget_imports
from recoup.keys.feature import ENDINGS_KEPT
from recoup.keys.store.api_calls import forget_gaps
from recoup.keys.store.key_checks import drop_checks
from recoup.keys.store.key_endings import forget_endings
from recoup.keys.store.merchant_keys import forget_expired_tokens, take_refresh_token
from recoup.kit.retention import GOOD, ORDER, RETENTION, STANDS, End, Line, lines, words_of
from recoup.mail.feature import CONTACTS_KEPT
from recoup.mail.store.contacts import forget_contacts
from recoup.merchants.store.merchants import end_overlap
from recoup.merchants.store.partner_alerts import forget_partner_alerts
from recoup.merchants.store.partners import forget_handovers, open_handover
from recoup.notifications.feature import KEPT as NOTIFICATIONS_KEPT
from recoup.notifications.store.alerts import ALERTS_KEPT, forget_alerts
from recoup.notifications.store.notification_settings import forget_notifications
from recoup.onboarding.store.applications import delete_document
from recoup.orders.store.requests import REQUESTS_KEPT, forget_requests
from recoup.people.feature import ASKS_KEPT
from recoup.people.flows.sign_in import SIGN_UP_GOES_ON
from recoup.people.store.account_log import forget_over
from recoup.people.store.list_preferences import delete_view, delete_views
from recoup.people.store.memberships import end_membership
from recoup.people.store.password_links import forget_links, forget_old_links
from recoup.people.store.second_factors import end_rule, forget_factor, forget_halves
from recoup.people.store.sign_ups import end_sign_up
from recoup.rescue.store.models import TRAININGS_KEPT, forget_trainings
from recoup.risk.store.risk import SIGHTINGS_KEPT, forget_sightings
from recoup.routes.flows.connect import erase_ended
from recoup.routes.store.card_routes import ROUTE_HOURS_KEPT, forget_route_hours
from recoup.routes.store.processor_notices import (
    NOTICE_DAYS_KEPT,
    forget_notice_counts,
    forget_notices,
    forget_unread_kinds,
)
from recoup.stablecoin.store.signatures import BUCKET_SECONDS, BUCKETS_KEPT, forget_signatures
from recoup.webhooks.store.endpoints import delete_endpoint

ERASED: Final = f"{ORDER}; what names a person until it is erased"


def _months(table: str, *ends: End, also: str = "") -> tuple[Line, ...]:
    return lines(table, f"{RETENTION_MONTHS[table]} months{also}", retain, *ends)


_WORLD: Final = (
    # Of an order.
    *lines(
        """
        advances attempts challenges charges decisions dispute_notices dispute_priors
        disputes fraud_warnings mails order_heads order_log order_refs order_states outbox
        processor_ids processor_invoices settlements wire_keys
        """,
        ORDER,
    ),
    *lines(
        """
        orders order_payer order_search order_notes order_words modifications refund_requests
        dispute_notes dispute_files reconciliation_lines
        """,
        ERASED,
        "erase_orders",
    ),
    *lines("card_joins stored_methods", f"{GOOD}; ids and texts until erased", "erase_orders"),
    *lines("payers", f"{GOOD}; what names a person until it is erased", "erase_payer"),
    *lines("payer_looks subscriptions", f"{GOOD}; what it says until erased", "erase_payer"),
    *_months("transmissions", "erase_payer", also="; texts until they are erased"),
    *_months("delivery_tries", "erase_orders", also="; answers until they are erased"),
    # Books, logs, versions, and what they name.
    *lines(
        """
        adjustments advance_bounds advance_weeks arm_settings audit_lines bank_accounts
        bank_payout_states bank_payouts blocks bulk_act_rows bulk_acts campaigns certificates
        clock_moves dispute_terms engine_returns entries fee_terms feed go_live_requests imports
        archives merchants monitoring_months page_lines pages payouts person_log policy_sends
        policy_versions
        postings reconciliation_reports reconciliation_runs replays risk_settings
        settlement_batches settlement_lines settlement_terms
        sites switch_changes uplift_history upload_rows uploads wallets
        api_keys application_log applications card_route_stops card_routes endpoints engine_stops
        cells epochs merchants_cells model_choices models partner_keys partner_log
        partner_merchants partners
        policy_bounds risk_weights sending_stops signatures_since signing_keys tokenization_keys
        card_blocks card_prints cards network_sends partner_feed
        schema_migrations
        """,
        GOOD,
    ),
    # One row for what it is about, written anew.
    *lines(
        """
        account_balances card_results card_updates cell_mark certificate_clocks closers
        contact_addresses customer_exposure exposure_allotments exposure_limits fact_clocks
        hub_mark issuer_answers notice_settings reconciliation_clocks refund_limits refund_people
        rescue_watches reveals
        settlement_clocks uplift_reports issuers operator_exposure upkeep world partner_closers
        partner_reached
        """,
        STANDS,
    ),
    # What ends.
    *lines("alerts", ALERTS_KEPT, forget_alerts),
    *lines("partner_alerts", ALERTS_KEPT, forget_partner_alerts),
    *lines("api_calls", timedelta(days=DAILY["api_calls"]), retain),
    *lines("api_call_gaps", timedelta(days=DAILY["api_calls"]), forget_gaps),
    *lines("archived_orders", "until the order is put back", forget_gone),
    *lines("application_documents", "until it is taken off its application", delete_document),
    *lines(
        "backtests backtest_payments",
        f"the newest {BACKTESTS_KEPT} of a merchant",
        drop_oldest_backtests,
    ),
    *lines("card_route_hours", ROUTE_HOURS_KEPT, forget_route_hours),
    *lines("contacts", CONTACTS_KEPT, forget_contacts),
    *lines(
        "cvv_once", f"until it is sent, {words_of(CVV_KEPT)} at most", "write_changes", forget_codes
    ),
    *lines(
        "vault",
        f"{GOOD}; a number {words_of(NUMBERS_KEPT)} after its last order, or until it is erased",
        forget_numbers,
        erase_numbers,
    ),
    *lines("damaged_pages", "until it is read again", forget_page),
    *lines("due_work", "until it is done", "write_changes"),
    *lines("export_parts", timedelta(days=DAILY["export_parts"]), retain, drop_parts),
    *lines("exports", f"{GOOD}; file and wording {words_of(FILES_KEPT)}", forget_files),
    *lines("handovers", f"{GOOD}; keys until seen or over", open_handover, forget_handovers),
    *lines("imported_attempts import_lines", IMPORTS_KEPT, forget_imports),
    *lines("import_rows", "until it is taken over", drop_taken, drop_rest),
    *lines("key_checks", "until its key is forgotten", drop_checks),
    *lines("key_endings key_listeners", ENDINGS_KEPT, forget_endings),
    *lines("lanes", "until its events are delivered", "finish_lanes", delete_endpoint),
    *lines("live_marks", "until it is taken back", drop_mark),
    *lines("modifications_queue", "until it has ended", "write_changes"),
    *lines("outbox_queue", "until it stands in the feed", "feed_events"),
    *lines("postings_queue", "until it stands in a page", "close_page"),
    *lines("processor_connections", f"{GOOD}; keys until it has ended", erase_ended),
    *lines("processor_notices", NOTICE_DAYS_KEPT, forget_notices),
    *lines("processor_notice_counts", NOTICE_DAYS_KEPT, forget_notice_counts),
    *lines("unread_notice_kinds", NOTICE_DAYS_KEPT, forget_unread_kinds),
    *lines("refresh_tokens", "until it is used or over", take_refresh_token, forget_expired_tokens),
    *lines("requests", f"{words_of(REQUESTS_KEPT)}; where money moves {GOOD}", forget_requests),
    *lines("risk_sightings", SIGHTINGS_KEPT, forget_sightings),
    *lines("seen_signatures", timedelta(seconds=BUCKET_SECONDS * BUCKETS_KEPT), forget_signatures),
    *lines("trainings", TRAININGS_KEPT, forget_trainings),
    *lines("webhook_key_overlaps", "until the former key ends", end_overlap),
)
PEOPLE: Final = (
    *lines(
        """
        users partners merchant_worlds invitations membership_log account_log account_mails
        impersonations impersonation_mails failed_sign_ins installation_worlds schema_migrations
        """,
        GOOD,
    ),
    *lines("list_habits person_settings notification_choices", STANDS),
    *lines("digests notifications", NOTIFICATIONS_KEPT, forget_notifications),
    *lines("half_sign_ins", "until it is over", forget_over, forget_halves),
    *lines("key_checks", "until its key is forgotten", drop_checks),
    *lines("memberships", "until it ends", end_membership),
    *lines("password_asks", ASKS_KEPT, forget_old_links, forget_links),
    *lines("password_links", "until it is used or over", forget_old_links, forget_links),
    *lines("recovery_codes second_factors", "until it is taken off", forget_factor, forget_over),
    *lines("second_factor_rules", "until it is taken back", end_rule),
    *lines("saved_views", "until it is deleted", delete_view, delete_views),
    *lines("sessions signin_failures", "until it is over", forget_over),
    *lines("unfinished_sign_ups", SIGN_UP_GOES_ON, forget_over, end_sign_up),
)


def of_world() -> tuple[Line, ...]:
    """Those of features are said by them."""
    return (*_WORLD, *chain.from_iterable(RETENTION))
