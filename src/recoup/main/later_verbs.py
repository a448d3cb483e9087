"""The verbs that are imported when they run. A test holds each line to the verb's own help."""

from collections.abc import Mapping
from typing import Final

from recoup.kit.cli.verb_group import LaterVerb, PackageVerb


def _of(module: str, help: str, *modules: str) -> LaterVerb:
    return LaterVerb(help, (f"recoup.{module}", *modules))


def _of_main(module: str, help: str) -> LaterVerb:
    return LaterVerb(help, (f"recoup.main.{module}",))


def _of_lab(name: str, help: str) -> PackageVerb:
    return PackageVerb(help, "recoup-lab", name)


LATER: Final[Mapping[str, LaterVerb | PackageVerb]] = {
    "applications": _of("onboarding.cli", "Lists and decides applications of new merchants."),
    "archive": _of(
        "archive.cli",
        "Moves a merchant's ended orders of old months to files that prove themselves, and back.",
    ),
    "backtest": _of(
        "backtest.cli.backtest",
        "Shows what a policy would have rescued of past declines, beside what was rescued.",
    ),
    "backup": _of_main(
        "backup_verb", "Copies of the embedded database by Barman; see docs/backup.md."
    ),
    "bank": _of("reconciliation.cli.bank", "Payouts to banks, and manual adjustments."),
    "bench": _of_lab(
        "bench",
        "Measures this machine's throughput, compared with pgbench running the same statements.",
    ),
    "cards": _of(
        "desk.cli.cards",
        "Says that two prints are one card: one person of the operator proposes it, another joins "
        "them for good.",
    ),
    "cells": _of_main(
        "cells_verb",
        "Further cells: each has tables of its own for a part of the merchants, on a node of "
        "Citus.",
    ),
    "chain": LaterVerb(
        "Chains that stablecoin orders are paid on; see docs/chains.md.", ("recoup.chains.cli",)
    ),
    "clock": _of("sandbox.cli.clock", "A sandbox merchant's business time."),
    "connect": _of(
        "routes.cli.connect",
        "Connects merchants' own accounts at processors; "
        "see docs/stripe.md and docs/processors.md.",
    ),
    "connector": _of_lab(
        "connector", "Checks a connector to a card processor; see docs/contributing/connectors.md."
    ),
    "credentials": _of(
        "keys.cli.credentials",
        "Shows a merchant's keys and what each allows; options decide what one waits for.",
    ),
    "demo": _of_main("demo_verb", ""),
    "disconnect": _of("routes.cli.connect", "Ends a merchant's connection."),
    "doctor": _of_main(
        "doctor_verb",
        "Examines this installation: schema, clocks, the worker, and each account at a processor.",
    ),
    "engine": _of(
        "engine.verbs",
        "Shows and sets who plans the attempts on declined payments: the rescue engine or the "
        "fixed schedule.",
    ),
    "erase": _of("desk.cli.erase", "Erases a customer's data."),
    "import": _of(
        "imports.cli",
        "Imports past attempts from a file that a processor or billing system exported.",
    ),
    "keys": _of_main(
        "keys_verb", "Shows and rotates the keys of this installation; see docs/operate.md."
    ),
    "lab": _of_lab("lab", "Simulated worlds that judge retry policies."),
    "learn": LaterVerb(
        "Trains the rescue engine on this installation's own attempts.", ("recoup.engine.cli",)
    ),
    "listen": _of(
        "webhooks.cli.listen",
        "Forwards a merchant's events to an address of this machine, signed as webhooks.",
    ),
    "live": _of_main("live_verb", "Sets up the live world: real cards, real money."),
    "monitoring": _of_main(
        "monitoring_verb",
        "Prints alert rules for Prometheus and a dashboard for Grafana; see docs/monitoring.md.",
    ),
    "openapi": _of_main("docs_verb", "Prints the OpenAPI 3.1 document of one API."),
    "orders": _of(
        "desk.api.orders",
        "Orders of a merchant, and why each was decided as it was.",
        "recoup.desk.api.order",
        "recoup.insight.api.decisions",
    ),
    "outcome": _of("rescue.cli", "What became of an order, with its history line by line."),
    "partner": _of(
        "partners.cli", "Shows all partners, or one; options change its limits and state."
    ),
    "people": _of("people.cli.people", "Helps people who cannot sign in to the portal."),
    "policy": _of(
        "desk.cli.policy",
        "Shows, checks and sets retry policies: when declined payments may be tried again, as "
        "versions.",
    ),
    "reconcile": _of(
        "reconciliation.cli.reconcile",
        "Compares a statement with the ledger: CSV, XLSX, ODS, camt.053, camt.054, MT940 or BAI2.",
    ),
    "recover": _of_main(
        "recover_verb",
        "Ends the quarantine after a restore: what may have left is asked for before it is sent "
        "again.",
    ),
    "report": _of("insight.cli", "Reports for a merchant's accounting."),
    "restore": _of_main(
        "backup_verb",
        "Restores a copy beside the running database and verifies it; --take puts it in its place.",
    ),
    "route": _of("routes.cli.route", "Card routes: their state, and the switch of each."),
    "sandbox": _of(
        "sandbox.cli.sandbox",
        "Simulates issuer, processor and cardholder in the sandbox.",
        "recoup.main.play_verb",
    ),
    "schema": _of_main(
        "schema_verb", "Sets up and checks the databases: schema, roles and partitions."
    ),
    "sending": _of(
        "main.sending_verb",
        "Switches off and on whatever moves money, of all merchants: charges, captures, refunds, "
        "voids, payouts.",
    ),
    "simulate": _of_lab(
        "simulate", "Simulates a seeded month with faults and crashes, verified every day."
    ),
    "terms": _of("desk.cli.terms", "Shows and changes the terms of a merchant's contract."),
    "sites": _of("switches.api.sites", "Sites of a merchant."),
    "settlements": _of("settlement.api.settlements", "Settlements of a merchant, and their lines."),
    "switches": _of(
        "switches.api.switches", "Switches of a merchant: which kinds of orders are taken."
    ),
    "uplift": _of(
        "uplift.cli", "Shows what the rescue engine brings more than the comparison group."
    ),
    "verify": _of(
        "desk.cli.verify",
        "Verifies log, statuses, ledger and balances; exits with 1 and prints the differences if a "
        "check fails.",
    ),
    "webhooks": _of(
        "webhooks.cli.webhooks", "Lists a merchant's webhook endpoints and replays events."
    ),
}
