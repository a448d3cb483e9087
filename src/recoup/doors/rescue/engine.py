"""/engine: who decides when declined payments are tried again, the rescue engine or the fixed schedule.

Source: decision 0044.
"""

from typing import Any, Final

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.body import read_body
from recoup.doors.rescue.complaints import named_as_here
from recoup.doors.rescue.payment import check_own
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.engine import (
    Engine,
    EngineBody,
    EngineChange,
    EngineInForce,
    EngineResumeBody,
    EngineSettings,
    EngineStop,
    EngineStopBody,
    EngineTraining,
)
from recoup.flows.merchants import arms, sites
from recoup.flows.merchants.arms import ArmsChange, Standing
from recoup.kernel.time import iso


async def read(call: Call) -> Reply:
    world, merchant_id = call.services.world, call.scope.merchant_id
    standing = await arms.read_arms(world, merchant_id, await arms.clock_of(world, merchant_id))
    trained = standing.trained
    places = [(None, ""), *((site.site_id, site.name) for site in await sites.list_all(world, call.scope))]
    return Reply(
        Engine(
            data=[_settings(standing, site_id, name) for site_id, name in places],
            model=standing.model,
            why_none=standing.why_none,
            stops=[
                EngineStop(all_merchants=stop.merchant_id is None, at=iso(stop.stopped_at), by=stop.actor, why=stop.why)
                for stop in standing.stops
            ],
            last_training=EngineTraining(at=iso(trained.ended_at), result=trained.result) if trained else None,
        )
    )


async def change(call: Call) -> Reply:
    body, complaints = read_body(call.body, EngineBody)
    check_own(body.mid, call.scope.merchant_id, complaints)
    complaints.raise_if_any()
    arms_change = ArmsChange(body.mode, body.share, body.holdout, body.explore, body.explore_max)
    with named_as_here():
        await arms.set_arms(call.services.world, call.scope, body.site_id, arms_change, needs_model=True)
    call.services.merchants.forget(call.scope.merchant_id)
    return await read(call)


async def stop(call: Call) -> Reply:
    body, complaints = read_body(call.body, EngineStopBody)
    check_own(body.mid, call.scope.merchant_id, complaints)
    complaints.raise_if_any()
    with named_as_here():
        await arms.stop(call.services.world, call.scope, body.why)
    return await read(call)


async def resume(call: Call) -> Reply:
    body, complaints = read_body(call.body, EngineResumeBody)
    check_own(body.mid, call.scope.merchant_id, complaints)
    complaints.raise_if_any()
    await arms.resume(call.services.world, call.scope)
    return await read(call)


def _settings(standing: Standing, site_id: Any, name: str) -> EngineSettings:
    terms, row, left = standing.own(site_id), standing.changed.get(site_id), standing.cut(site_id)
    return EngineSettings(
        site_id=site_id,
        name=name,
        mode=terms.mode,
        share=terms.share,
        holdout=terms.holdout,
        explore=terms.explore,
        explore_max=dict(terms.explore_max or {}),
        in_force=EngineInForce(mode=left.terms.mode, share=left.terms.share, by=list(left.by)) if left else None,
        last_change=EngineChange(at=iso(row.changed_at), by=row.changed_by) if row is not None else None,
    )


_GROUP: Final = "Settings"
METHODS: Final = (
    Method(Operation("GET", "/v1/engine", "Settings of the rescue engine",
                     "Who decides about new orders, for the merchant and each site; the model in use; and whether the "
                     "engine is stopped.", group=_GROUP, answers={200: Engine}), read, "merchants"),
    Method(Operation("PUT", "/v1/engine", "Set who decides about declined payments",
                     "For the merchant or one site, for new orders. Missing fields stay unchanged. Customers are "
                     "assigned at random, once and for all: a customer in the comparison group stays there when the "
                     "share changes.", group=_GROUP, body=EngineBody, answers={200: Engine},
                     problems=("not_found",),
                     examples=(Example("shadow mode", {"mode": "shadow"}),
                               Example("half of the customers", {"mode": "share", "share": 50, "holdout": 10,
                                                                 "exploreMax": {"USD": 50000}}))),
           change, "merchants", strict=True),
    Method(Operation("POST", "/v1/engine/stop", "Stop the rescue engine",
                     "The fixed schedule applies at once, also to open orders. The settings stay.",
                     group=_GROUP, body=EngineStopBody, answers={200: Engine},
                     examples=(Example("a reason", {"why": "too many attempts"}),)), stop, "merchants", strict=True),
    Method(Operation("POST", "/v1/engine/resume", "Start the rescue engine again",
                     "Ends the merchant's own stop; only the operator can end the operator's.",
                     group=_GROUP, body=EngineResumeBody, answers={200: Engine}), resume, "merchants",
           body_optional=True, strict=True),
)  # fmt: skip
