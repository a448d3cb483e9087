"""All addresses of the portal. `main` puts them beside the other doors."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from recoup.doors import portal as PORTAL
from recoup.doors.portal.account import notifications as choices
from recoup.doors.portal.account import password, profile, second_factor, sessions
from recoup.doors.portal.account import time as account_time
from recoup.doors.portal.account.visit import AccountPage, account_endpoint
from recoup.doors.portal.any_visit import AnyPage, any_endpoint
from recoup.doors.portal.applications import page as applications
from recoup.doors.portal.audit import page as audit
from recoup.doors.portal.customers import act as on_customers
from recoup.doors.portal.customers.listing import customers_page
from recoup.doors.portal.customers.page import customer_page
from recoup.doors.portal.customers.page import find as find_customer
from recoup.doors.portal.design.page import PLACE as DESIGN
from recoup.doors.portal.design.page import design_page
from recoup.doors.portal.developers import page as developers
from recoup.doors.portal.developers.clock import post_clock
from recoup.doors.portal.developers.decline import post_decline
from recoup.doors.portal.disputes.dispute import add_note, decide, dispute_order, dispute_page, post_answer
from recoup.doors.portal.disputes.files import evidence_file, post_evidence
from recoup.doors.portal.disputes.page import disputes_page, notice_again
from recoup.doors.portal.endpoint import SET_UP, redirect
from recoup.doors.portal.engine import page as engine
from recoup.doors.portal.exports import page as exports
from recoup.doors.portal.fees.page import fees_page
from recoup.doors.portal.form_targets import page_of
from recoup.doors.portal.invitations import join
from recoup.doors.portal.invitations import page as invitations
from recoup.doors.portal.invitations import second_factor as requiring
from recoup.doors.portal.looks import page as looks
from recoup.doors.portal.mailbox.page import mailbox_page, switch_notices
from recoup.doors.portal.notifications import page as told
from recoup.doors.portal.notifications.unsubscribe import unsubscribe_page, unsubscribe_post
from recoup.doors.portal.onboarding import page as onboarding
from recoup.doors.portal.order import blocks, hand
from recoup.doors.portal.order.act import cancel_order, post_refund, review_refund
from recoup.doors.portal.order.desk import post_by_hand, post_give_back, post_settle_again
from recoup.doors.portal.order.page import find as find_order
from recoup.doors.portal.order.page import order_json, order_page
from recoup.doors.portal.orders import acts
from recoup.doors.portal.orders.bulk import post_bulk
from recoup.doors.portal.orders.export import orders_file
from recoup.doors.portal.orders.look import post_look, post_new_view, post_view
from recoup.doors.portal.orders.news import new_orders
from recoup.doors.portal.orders.page import orders_page
from recoup.doors.portal.outcome.page import outcome_page
from recoup.doors.portal.overview.page import overview_page
from recoup.doors.portal.pages import Page
from recoup.doors.portal.partner import merchant as partner
from recoup.doors.portal.partner.handover import handover_page, handover_post
from recoup.doors.portal.partner.keys import keys_page, make_key, name_key
from recoup.doors.portal.partner.merchants import merchants_page, switch_merchants
from recoup.doors.portal.partner.report import partner_report_file, partner_report_page
from recoup.doors.portal.partner.visit import PartnerPage, partner_endpoint
from recoup.doors.portal.personal import revealing
from recoup.doors.portal.portal import Portal
from recoup.doors.portal.reconciliation.files import FILES, file_page, files_page, post_booking, post_file
from recoup.doors.portal.reconciliation.report import report_file, report_page
from recoup.doors.portal.refunds import requests as refund_requests
from recoup.doors.portal.refunds.page import act as act_on_refund
from recoup.doors.portal.refunds.page import desk_page
from recoup.doors.portal.reports.page import report_file as origin_report_file
from recoup.doors.portal.reports.page import reports_page
from recoup.doors.portal.requests.page import requests_page
from recoup.doors.portal.roles import page as roles
from recoup.doors.portal.settlements import approvals, bank
from recoup.doors.portal.settlements.page import (
    lines_csv,
    lines_sheet,
    post_pay_again,
    proof,
    settlement_page,
    settlements_page,
)
from recoup.doors.portal.signin.code import code_page, code_post
from recoup.doors.portal.signin.forgot import forgot_page, forgot_post, new_password_page, new_password_post
from recoup.doors.portal.signin.page import choose, go_to_other_world, sign_in_page, sign_in_post, sign_out_post
from recoup.doors.portal.signup.page import sign_up_page, sign_up_post
from recoup.doors.portal.switches import campaigns
from recoup.doors.portal.switches.page import post_policy, post_switch, post_test, switches_page
from recoup.doors.portal.templates import STATIC
from recoup.doors.portal.unknown import page as unknown
from recoup.doors.portal.uploads import page as uploads
from recoup.doors.portal.visit import MemberPage, Visit, member_endpoint
from recoup.doors.portal.webhooks import delivery, endpoint, replay
from recoup.doors.portal.webhooks import page as webhooks
from recoup.doors.portal.webhooks import who as hooks
from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.tokenize import Vault
from recoup.flows.cards.uploads.row import Reader
from recoup.flows.known import Merchants
from recoup.flows.locked import Orders
from recoup.flows.messages.deliver import Deliveries
from recoup.flows.people.passwords import Passwords
from recoup.flows.world import World
from recoup.kernel.problem import Problem


def routes(
    world: World, orders: Orders, merchants: Merchants | None = None, readers: Mapping[str, Reader] | None = None
) -> list[BaseRoute]:
    """Needs `world.people`, the people database. `readers`: how rows of files are read; without, none are."""
    merchants = merchants or Merchants(world)
    evaluate = Evaluate(world, orders, merchants, Vault(world))
    portal = Portal(world, orders, merchants, Passwords(), readers or {}, evaluate, Deliveries(world))

    def on(path: str, work: MemberPage, *methods: str) -> Route:
        return Route(path, member_endpoint(portal, work), methods=list(methods) or ["GET"])

    def for_partner(path: str, work: PartnerPage, *methods: str) -> Route:
        return Route(path, partner_endpoint(portal, work), methods=list(methods) or ["GET"])

    def on_any(path: str, work: AnyPage, *methods: str) -> Route:
        return Route(path, any_endpoint(portal, work), methods=list(methods) or ["GET"])

    def of_person(path: str, work: AccountPage, *methods: str, sets_up: bool = False) -> Route:
        return Route(path, account_endpoint(portal, work, sets_up=sets_up), methods=list(methods) or ["GET"])

    made: list[BaseRoute] = portal.pages

    async def nowhere(visit: Visit) -> Response:
        """The address of a form that was sent leads to its page; so does the one that an error page left behind."""
        form_of = page_of(made, visit.request.url.path)
        if form_of is not None:
            return redirect(form_of)
        raise Problem("no_such_path", "There is no such page.", cure="Start from the orders page.")

    listed: list[Route] = [
        on("/", _home),
        Route("/signin", sign_in_page(portal), methods=["GET"]),
        Route("/signin", sign_in_post(portal), methods=["POST"]),
        Route("/signin/code", code_page(portal), methods=["GET"]),
        Route("/signin/code", code_post(portal), methods=["POST"]),
        Route("/signin/forgot", forgot_page(portal), methods=["GET"]),
        Route("/signin/forgot", forgot_post(portal), methods=["POST"]),
        Route("/signin/password/{token}", new_password_page(portal), methods=["GET"]),
        Route("/signin/password/{token}", new_password_post(portal), methods=["POST"]),
        Route("/signup", sign_up_page(portal), methods=["GET"]),
        Route("/signup", sign_up_post(portal), methods=["POST"]),
        Route("/handover/{token}", handover_page(portal), methods=["GET"]),
        Route("/handover/{token}", handover_post(portal), methods=["POST"]),
        for_partner("/partner", merchants_page),
        for_partner("/partner/switches", switch_merchants, "POST"),
        for_partner("/partner/merchants", partner.make_merchant, "POST"),
        for_partner("/partner/merchants/new", partner.new_merchant_page),
        for_partner("/partner/merchants/{mid}", partner.merchant_page),
        for_partner("/partner/merchants/{mid}", partner.change_merchant, "POST"),
        for_partner("/partner/merchants/{mid}/keys", partner.new_keys, "POST"),
        for_partner("/partner/keys", keys_page),
        for_partner("/partner/keys", make_key, "POST"),
        for_partner("/partner/keys/name", name_key, "POST"),
        for_partner("/partner/report", partner_report_page),
        for_partner("/partner/report.csv", partner_report_file),
        Route("/signout", sign_out_post(portal), methods=["POST"]),
        on("/merchant", choose, "POST"),
        on_any("/world", go_to_other_world, "POST"),
        of_person(profile.PLACE, profile.profile_page),
        of_person("/account/name", profile.post_name, "POST"),
        of_person(password.PLACE, password.password_page),
        of_person(password.PLACE, password.post_password, "POST"),
        of_person(SET_UP, second_factor.factor_page, sets_up=True),
        of_person("/account/second-factor/begin", second_factor.post_begin, "POST", sets_up=True),
        of_person("/account/second-factor/withdraw", second_factor.post_withdraw, "POST", sets_up=True),
        of_person("/account/second-factor/confirm", second_factor.post_confirm, "POST", sets_up=True),
        of_person("/account/second-factor/codes", second_factor.post_codes, "POST"),
        of_person("/account/second-factor/off", second_factor.post_off, "POST"),
        of_person(sessions.PLACE, sessions.sessions_page),
        of_person(sessions.PLACE, sessions.post_end, "POST"),
        on("/overview", overview_page),
        on("/orders", orders_page),
        on("/orders/export.{form}", orders_file),
        on("/orders/new", new_orders),
        on("/orders/bulk", post_bulk, "POST"),
        on("/orders/bulk", acts.acts_page),
        on("/orders/bulk/{act_id}", acts.act_page),
        on("/orders/bulk/{act_id}/stop", acts.post_stop, "POST"),
        on(exports.PLACE, exports.exports_page),
        on(exports.PLACE, exports.post_export, "POST"),
        on("/exports/new/{form}", exports.new_export),
        on("/exports/{export_id}/file", exports.export_file),
        on("/exports/{export_id}/cancel", exports.post_cancel, "POST"),
        on("/orders/look", post_look, "POST"),
        on("/orders/views", post_new_view, "POST"),
        on("/orders/views/{view_id}", post_view, "POST"),
        on("/orders/{order_id}.json", order_json),
        on("/orders/{order_id}", order_page),
        on("/orders/{order_id}/refund", review_refund),
        on("/orders/{order_id}/refund", post_refund, "POST"),
        on("/orders/{order_id}/cancel", cancel_order, "POST"),
        on("/orders/{order_id}/capture", hand.post_capture, "POST"),
        on("/orders/{order_id}/retry", hand.post_retry, "POST"),
        on("/orders/{order_id}/stop", hand.post_stop, "POST"),
        on("/orders/{order_id}/resume", hand.post_resume, "POST"),
        on("/orders/{order_id}/hold", hand.post_hold, "POST"),
        on("/orders/{order_id}/release", hand.post_release, "POST"),
        on("/orders/{order_id}/dealt-with", hand.post_deal_with, "POST"),
        on("/orders/{order_id}/notes", hand.post_note, "POST"),
        on("/orders/{order_id}/reveal", revealing("order", find_order), "POST"),
        on("/customers/{payer_id}/reveal", revealing("customer", find_customer), "POST"),
        on("/orders/{order_id}/block", blocks.post_block, "POST"),
        on("/orders/{order_id}/unblock", blocks.post_unblock, "POST"),
        on("/customers", customers_page),
        on("/customers/unblock", on_customers.post_unblock, "POST"),
        on("/customers/{payer_id}", customer_page),
        on("/customers/{payer_id}/block", on_customers.post_block, "POST"),
        on("/customers/{payer_id}/export", on_customers.post_export, "POST"),
        on("/customers/{payer_id}/erase", on_customers.post_erasure, "POST"),
        on("/outcome", outcome_page),
        on("/reconciliation", report_page),
        on("/reconciliation/report.csv", report_file),
        on(FILES, files_page),
        on(FILES, post_file, "POST"),
        on("/reconciliation/files/{run_id}", file_page),
        on("/reconciliation/files/{run_id}/book", post_booking, "POST"),
        on("/refunds", desk_page),
        on(unknown.PLACE, unknown.unknown_page),
        on("/refunds/{refund_id}", act_on_refund, "POST"),
        on("/mailbox", mailbox_page),
        on("/mailbox", switch_notices, "POST"),
        on("/orders/{order_id}/give-back", post_give_back, "POST"),
        on("/orders/{order_id}/settled-by-hand", post_by_hand, "POST"),
        on("/orders/{order_id}/settle-again", post_settle_again, "POST"),
        on("/orders/{order_id}/dispute", dispute_order, "POST"),
        on("/disputes", disputes_page),
        on("/disputes/notices", notice_again, "POST"),
        on("/disputes/{dispute_id}", dispute_page),
        on("/disputes/{dispute_id}/notes", add_note, "POST"),
        on("/disputes/{dispute_id}/files", post_evidence, "POST"),
        on("/disputes/{dispute_id}/files/{file_id}", evidence_file),
        on("/disputes/{dispute_id}/answer", post_answer, "POST"),
        on("/disputes/{dispute_id}/decide", decide, "POST"),
        on("/fees", fees_page),
        on("/settlements", settlements_page),
        on("/settlements/{batch_id}", settlement_page),
        on("/settlements/{batch_id}/lines.csv", lines_csv),
        on("/settlements/{batch_id}/lines.xlsx", lines_sheet),
        on("/settlements/{batch_id}/file", proof),
        on("/settlements/{batch_id}/pay-again", post_pay_again, "POST"),
        on("/bank", bank.bank_page),
        on("/bank", bank.post_account, "POST"),
        on("/bank/{account_id}/prove", bank.post_proof, "POST"),
        on("/bank/{account_id}/withdraw", bank.post_withdrawal, "POST"),
        on("/approvals", approvals.approvals_page),
        on("/approvals/refunds/{request_id}", refund_requests.post_on_desk, "POST"),
        on("/orders/{order_id}/refunds/{request_id}", refund_requests.post_on_order, "POST"),
        on("/approvals/payouts", approvals.approve_payouts, "POST"),
        on("/approvals/payouts/{id}/approve", approvals.approve_payout, "POST"),
        on("/approvals/payouts/{id}/outcome", approvals.payout_outcome, "POST"),
        on("/approvals/payouts/{id}/file", approvals.payout_file),
        on("/approvals/accounts/{id}", approvals.decide_account, "POST"),
        on("/approvals/adjustments", approvals.make_adjustment, "POST"),
        on("/approvals/adjustments/{id}", approvals.decide, "POST"),
        on(roles.PLACE, roles.roles_page),
        on("/roles/limits", roles.post_limits, "POST"),
        on("/roles/sight", roles.post_pii_access, "POST"),
        on(engine.PLACE, engine.engine_page),
        on(engine.PLACE, engine.post_engine, "POST"),
        on("/engine/stop", engine.post_stop, "POST"),
        on("/switches", switches_page),
        on("/switches", post_switch, "POST"),
        on("/switches/test", post_test, "POST"),
        on("/switches/unknown-sites", post_policy, "POST"),
        on("/switches/campaigns", campaigns.new_page),
        on("/switches/campaigns", campaigns.post_new, "POST"),
        on("/switches/campaigns/{campaign_id}", campaigns.campaign_page),
        on("/switches/campaigns/{campaign_id}", campaigns.post_change, "POST"),
        on("/switches/campaigns/{campaign_id}/retire", campaigns.post_retire, "POST"),
        on("/reports", reports_page),
        on("/reports/{report}.csv", origin_report_file),
        on(uploads.PLACE, uploads.uploads_page),
        on(uploads.PLACE, uploads.post_upload, "POST"),
        on("/uploads/{upload_id}", uploads.upload_page),
        on("/uploads/{upload_id}/answers", uploads.answers_file),
        on("/uploads/{upload_id}/stop", uploads.post_stop, "POST"),
        on_any(told.PLACE, told.list_page),
        on_any("/notifications/read", told.read_all, "POST"),
        on_any("/notifications/{notification_id}", told.open_page),
        on_any("/notifications/{notification_id}", told.act, "POST"),
        of_person(choices.PLACE, choices.choices_page),
        of_person(choices.PLACE, choices.post_choices, "POST"),
        of_person(account_time.PLACE, account_time.time_page),
        of_person(account_time.PLACE, account_time.post_time, "POST"),
        Route("/unsubscribe/{token}", unsubscribe_page(portal), methods=["GET"]),
        Route("/unsubscribe/{token}", unsubscribe_post(portal), methods=["POST"]),
        on_any("/invitations", invitations.people_page),
        on_any("/invitations", invitations.post_invitation, "POST"),
        on_any("/invitations/{invitation_id}/revoke", invitations.post_revocation, "POST"),
        on_any("/invitations/members/{user_id}/end", invitations.post_end, "POST"),
        on_any("/invitations/second-factor", requiring.post_rule, "POST"),
        on_any("/invitations/members/{user_id}/second-factor", requiring.lost_page),
        on_any("/invitations/members/{user_id}/second-factor", requiring.post_lost, "POST"),
        Route("/invitations/{token}", join.join_page(portal), methods=["GET"]),
        Route("/invitations/{token}", join.join_post(portal), methods=["POST"]),
        on("/onboarding", onboarding.onboarding_page),
        on("/onboarding", onboarding.act, "POST"),
        on_any("/applications", applications.applications_page),
        on_any("/applications", applications.begin, "POST"),
        on_any("/applications/{application_id}", applications.application_page),
        on_any("/applications/{application_id}", applications.act, "POST"),
        on_any("/applications/{application_id}/documents", applications.add_document, "POST"),
        on_any("/applications/{application_id}/documents/{document_id}", applications.document_file),
        on_any("/applications/{application_id}/documents/{document_id}/remove", applications.remove_document, "POST"),
        on(developers.PLACE, developers.developers_page),
        on("/developers/clock", post_clock, "POST"),
        on("/developers/decline", post_decline, "POST"),
        on(looks.PLACE, looks.look_page),
        on(looks.PLACE, looks.post_look, "POST"),
        on("/look-as/end", looks.post_end, "POST"),
        on(audit.PLACE, audit.audit_page),
        on("/audit.{form}", audit.audit_file),
        for_partner(audit.OF_PARTNER, audit.partner_page),
        for_partner("/partner/audit.{form}", audit.partner_file),
        on(DESIGN, design_page),
        on("/requests", requests_page),
        *_webhooks(hooks.PLACE, on),
        *_webhooks(hooks.OF_PARTNER, for_partner),
        on("/webhooks/{endpoint_id}/replay", replay.replay_page),
        on("/webhooks/{endpoint_id}/replay", replay.post_replay, "POST"),
        on("/webhooks/{endpoint_id}/deliveries/{try_id}/redeliver", delivery.post_redeliver, "POST"),
        Route("/static/{name}", _static, methods=["GET"]),
    ]
    listed += [route for page in pages() for route in page.routes(portal)]
    listed.sort(key=lambda route: _precedence(route.path))
    made += listed
    made.append(_ForBrowsers("/{path:path}", member_endpoint(portal, nowhere), methods=["GET"]))
    return made


def pages() -> list[Page[Any]]:
    """All that are declared in the portal's modules."""
    found = pkgutil.walk_packages(PORTAL.__path__, f"{PORTAL.__name__}.")
    modules = [importlib.import_module(module.name) for module in found]
    return [page for module in modules for page in vars(module).values()
            if isinstance(page, Page) and page.module == module.__name__]  # fmt: skip


def _precedence(path: str) -> list[tuple[int, str]]:
    """An address as it stands comes before one with an id in its place."""
    return [(2 if part.startswith("{") and part.endswith("}") else 1 if "{" in part else 0, part)
            for part in path.split("/")]  # fmt: skip


def _webhooks(place: str, on: Callable[..., Route]) -> list[Route]:
    """The same pages over a merchant's endpoints and over a partner's."""
    one = f"{place}/{{endpoint_id}}"
    return [
        on(place, webhooks.webhooks_page),
        on(place, webhooks.post_new, "POST"),
        on(f"{place}/new", webhooks.new_page),
        on(one, endpoint.endpoint_page),
        on(one, endpoint.post_change, "POST"),
        on(f"{one}/state", endpoint.post_state, "POST"),
        on(f"{one}/delete", endpoint.post_delete, "POST"),
        on(f"{one}/test", endpoint.post_test, "POST"),
        on(f"{one}/rotate", endpoint.post_rotate, "POST"),
        on(f"{one}/deliveries/{{try_id}}", delivery.delivery_page),
    ]


class _ForBrowsers(Route):
    """Takes what no page took, but leaves the APIs' paths and callers that want no HTML alone."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        accepted = next((value for name, value in scope.get("headers", ()) if name == b"accept"), b"")
        if scope["type"] != "http" or scope["path"].startswith(("/v1", "/api")) or b"text/html" not in accepted:
            return Match.NONE, {}
        return super().matches(scope)


async def _home(visit: Visit) -> Response:
    return redirect("/orders")


async def _static(request: Request) -> Response:
    file = STATIC.get(request.path_params["name"])
    if file is None:
        return Response("There is no such file.", status_code=404, media_type="text/plain")
    headers = {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
    return FileResponse(file, headers=headers)
