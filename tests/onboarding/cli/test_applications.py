"""`recoup applications`: the operator's desk at the command line."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner
from tests.here import Here, Work
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.onboarding.cli import applications
from recoup.onboarding.flows.application_documents import attach_document
from recoup.onboarding.flows.applications import Applicant, create_application, submit_application
from recoup.onboarding.rules.form import Form, SiteForm

FORM = Form(
    legal_name="Tea Ltd",
    country="GB",
    registration_number="1",
    business_category="5499",
    contact_name="Ana",
    contact_email="ana@example.test",
    currency="GBP",
    monthly_units=1,
    kinds=("mit",),
    sites=(SiteForm("https://tea.example", "Tea", "TEASHOP"),),
)
PDF = b"%PDF-1.7\n%%EOF\n"


def test_the_operator_decides_at_the_command_line(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop, opened = (
                await make_shop(*made),
                Opened(made[0], Services(*made[1:]), tmp_path, "http://127.0.0.1"),
            )
            loop = asyncio.get_running_loop()
            who = Applicant(("merchant", shop.merchant_id), Actor("api", "pk"), "test")
            ids = []
            for _ in range(2):
                row = await create_application(shop.world, who, FORM)
                await attach_document(
                    shop.world, who, row.application_id, "registration", "x.pdf", PDF
                )
                await submit_application(shop.world, who, row.application_id)
                ids.append(str(row.application_id))
            draft = await create_application(shop.world, who, Form())

            async def run(*words: str) -> Any:
                return await asyncio.to_thread(_run, opened, loop, words)

            assert {
                row["id"] for row in await run("list", "--status", "submitted", "--json")
            } == set(ids)
            assert (await run("approve", ids[0], "--note", "hello", "--json"))[
                "status"
            ] == "APPROVED"
            declined = await run("decline", ids[1], "--reason", "identity", "--json")
            assert (declined["status"], declined["reason"]) == ("DECLINED", "identity")
            shown = await run("show", str(draft.application_id), "--json")
            assert "LegalName" in shown["missing"]
            for words, code in (
                (("approve", ids[1]), "wrong_state"),
                (("show", "x"), "invalid"),
                (("approve", "0" * 32), "not_found"),
            ):
                problem = await run(*words)
                assert isinstance(problem, Problem)
                assert problem.code == code
            assert isinstance(await run("decline", ids[1]), click.MissingParameter)
            assert "Tea Ltd" in await run("list")

    asyncio.run(story())


def _run(opened: Opened, loop: asyncio.AbstractEventLoop, words: tuple[str, ...]) -> Any:
    def does(work: Work) -> Any:
        return asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)

    done = CliRunner().invoke(applications, words, obj=Here(does), standalone_mode=False)
    if done.exception is not None:
        return done.exception
    return json.loads(done.output) if "--json" in words else done.output
