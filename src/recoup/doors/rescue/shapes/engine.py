"""Who decides about declined payments, the rescue engine or the ladder. Source: decision 0044."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from recoup.doors.rescue.wire import Cents, Moment, Shape, Text
from recoup.rules.rescue.arms import CURRENCIES_MAX, EXPLORE_MAX, HOLDOUT_MAX

ModeName = Literal["inherit", "off", "shadow", "share"]
Mode = Annotated[
    ModeName,
    Meta(
        description="`off`: the ladder decides. `shadow`: the ladder decides, and what the engine would have done is "
                    "stored. `share`: the engine decides for its share of the customers. `inherit`, only for sites: as "
                    "the merchant."
    ),
]
Share = Annotated[int, Meta(ge=0, le=100, description="Percent of the customers that the engine decides for.")]
Holdout = Annotated[
    int, Meta(ge=0, le=HOLDOUT_MAX, description="Percent of the customers that it never decides for; with `share` at "
                                                "most 100.")
]
Explore = Annotated[
    int, Meta(ge=0, le=EXPLORE_MAX, description="Percent of its decisions for which a nearly as good time is drawn.")
]
_Bounds = Annotated[dict[str, Cents], Meta(max_length=CURRENCIES_MAX)]
ExploreMax = Annotated[
    _Bounds,
    Meta(
        description="By currency, the amount up to which times are drawn, in minor units. Empty: any amount; "
                    "otherwise never in a currency that is missing here."
    ),
]


class EngineBody(Shape, kw_only=True):
    """Settings of the merchant or of one site. Missing fields stay unchanged."""

    mode: Mode
    site_id: Annotated[UUID | None, Meta(description="Without it: of all sites without settings of their own.")] = None
    share: Share | None = None
    holdout: Holdout | None = None
    explore: Explore | None = None
    explore_max: ExploreMax | None = None
    mid: Annotated[UUID | None, Meta(description="Optional; not used.")] = None


class EngineChange(Shape, kw_only=True):
    """The change that made the settings what they are."""

    at: Moment
    by: Annotated[str, Meta(description="`api`, `user` or `operator`, with an id.", examples=["api:pk_test_1"])]


class EngineSettings(Shape, kw_only=True):
    """Settings of the merchant or of one site, for new orders; earlier orders keep who decides about them."""

    site_id: Annotated[UUID | None, Meta(description="Null: of all sites without settings of their own.")]
    name: Annotated[str, Meta(description="Name of the site; empty for the merchant.")]
    mode: Mode
    share: Share
    holdout: Holdout
    explore: Explore
    explore_max: ExploreMax
    last_change: Annotated[EngineChange | None, Meta(description="Null if never changed.")]


class EngineStop(Shape, kw_only=True):
    """While it holds, the ladder decides about every order, open ones included."""

    all_merchants: Annotated[bool, Meta(description="True: the operator's, for all merchants.")]
    at: Moment
    by: str
    why: str


class Engine(Shape, kw_only=True):
    """The merchant's settings, then those of each site."""

    data: list[EngineSettings]
    model: Annotated[str | None, Meta(description="The model in use.", examples=["model-5f0c1d2ab9e4"])]
    why_none: Annotated[str, Meta(description="Why no model is in use; otherwise empty.")]
    stops: list[EngineStop]
    success: bool = True


class EngineStopBody(Shape, kw_only=True):
    """Why the engine is stopped."""

    why: Annotated[Text, Meta(min_length=1, description="Shown on the page of the engine.")]
    mid: Annotated[UUID | None, Meta(description="Optional; not used.")] = None


class EngineResumeBody(Shape, kw_only=True):
    """Nothing has to be said."""

    mid: Annotated[UUID | None, Meta(description="Optional; not used.")] = None
