"""Braintree's GraphQL over HTTP: one address, one pinned version, a document for each call, one
loop over pages."""

import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import Clocks
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Reply, Transport

VERSION: Final = "2019-01-01"
LIVE_URL: Final = "https://payments.braintree-api.com/graphql"
SANDBOX_URL: Final = "https://payments.sandbox.braintree-api.com/graphql"
ANSWER_BYTES_MAX: Final = 4_194_304
READ_SECONDS: Final = 10.0
PAGE: Final = 50
PAGES_MAX: Final = 10_000

_MONEY: Final = "{ value currencyCode }"
_CODES: Final = (
    "processorResponse { legacyCode message cvvResponse avsPostalCodeResponse "
    "avsStreetAddressResponse authorizationId "
    "additionalInformation } networkResponse { code } "
)
_PAYMENT: Final = f"""
  id legacyId orderId status merchantAccountId createdAt amount {_MONEY}
  statusHistory {{
    status
    ... on AuthorizedEvent {{ {_CODES} authorizationExpiresAt }}
    ... on ProcessorDeclinedEvent {{ {_CODES} merchantAdviceCodeResponse {{ code }} declineType }}
    ... on FailedEvent {{ {_CODES} merchantAdviceCodeResponse {{ code }} }}
    ... on GatewayRejectedEvent
      {{ {_CODES} merchantAdviceCodeResponse {{ code }} gatewayRejectionReason }}
  }}
  disbursementDetails {{ date amount {_MONEY} }}
"""
_TRANSACTION: Final = f"""
  {_PAYMENT}
  riskData {{ decision score }}
  paymentMethodSnapshot {{
    ... on CreditCardTransactionDetails {{ networkTransactionId creditCard {{ brandCode }} }}
  }}
"""
_REFUND: Final = f"{_PAYMENT} refundedTransaction {{ id orderId }}"
_DISPUTE: Final = f"""
  id legacyId status type receivedDate replyByDate amountDisputed {_MONEY} amountWon {_MONEY}
  processorResponse {{ reasonCode }} transaction {{ id orderId }}
  statusHistory {{ status effectiveDate }}
  evidence {{ ... on DisputeTextEvidence {{ content }} }}
"""
_PAGES: Final = "pageInfo { hasNextPage endCursor }"


def _mutation(field: str, input: str, answer: str) -> str:
    return f"mutation {field}($input: {input}!) {{ {field}(input: $input) {{ {answer} }} }}"


def _found(field: str, input: str, node: str) -> str:
    """A search: one page of what fits."""
    variables = f"$input: {input}!, $first: Int, $after: String"
    call = (
        f"{field}(input: $input, first: $first, after: $after) {{ {_PAGES} edges {{ node {{ "
        f"{node} }} }} }}"
    )
    return f"query {field}({variables}) {{ search {{ {call} }} }}"


# Each by the name of its operation, which is that of its field.
DOCUMENTS: Final[Mapping[str, str]] = {
    **{
        name: _mutation(
            name, f"{name[0].upper()}{name[1:]}Input", f"transaction {{ {_TRANSACTION} }}"
        )
        for name in (
            "chargePaymentMethod",
            "authorizePaymentMethod",
            "chargeCreditCard",
            "authorizeCreditCard",
        )
    },
    "captureTransaction": _mutation(
        "captureTransaction", "CaptureTransactionInput", f"transaction {{ {_TRANSACTION} }}"
    ),
    "partialCaptureTransaction": _mutation(
        "partialCaptureTransaction",
        "PartialCaptureTransactionInput",
        f"capture {{ {_TRANSACTION} }}",
    ),
    "refundTransaction": _mutation(
        "refundTransaction", "RefundTransactionInput", f"refund {{ {_REFUND} }}"
    ),
    "reverseTransaction": _mutation(
        "reverseTransaction",
        "ReverseTransactionInput",
        f"reversal {{ __typename ... on Transaction {{ {_PAYMENT} }} ... on Refund {{ {_PAYMENT} "
        f"}} }}",
    ),
    "acceptDispute": _mutation("acceptDispute", "AcceptDisputeInput", f"dispute {{ {_DISPUTE} }}"),
    "finalizeDispute": _mutation(
        "finalizeDispute", "FinalizeDisputeInput", f"dispute {{ {_DISPUTE} }}"
    ),
    "createDisputeTextEvidence": _mutation(
        "createDisputeTextEvidence", "CreateDisputeTextEvidenceInput", "evidence { id }"
    ),
    "transactions": _found("transactions", "TransactionSearchInput", _TRANSACTION),
    "refunds": _found("refunds", "RefundSearchInput", _REFUND),
    "disputes": _found("disputes", "DisputeSearchInput", _DISPUTE),
    "transaction": f"""query transaction($id: ID!) {{ node(id: $id) {{
        ... on Transaction {{ {_TRANSACTION} refunds {{ {_PAYMENT} }} }} }} }}""",
    "dispute": f"query dispute($id: ID!) {{ node(id: $id) {{ ... on Dispute {{ {_DISPUTE} }} }} }}",
    "paymentMethod": """query paymentMethod($id: ID!) { node(id: $id) { ... on PaymentMethod {
        id usage customer { id legacyId }
        details { ... on CreditCardDetails { brandCode last4 expirationMonth expirationYear
          uniqueNumberIdentifier
          binData { debit prepaid countryOfIssuance } } } } } }""",
    "idFromLegacyId": """query idFromLegacyId($legacyId: ID!, $type: LegacyIdType!) {
        idFromLegacyId(legacyId: $legacyId, type: $type) }""",
    "viewer": """query viewer { viewer { merchant { id status merchantAccounts(first: 50) {
        edges { node { id currencyCode status } } } } } }""",
    "report": """query report($date: Date!) { report { paymentLevelFees(date: $date) { url } } }""",
}


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A public key and its private one, which reaches the header, signatures and nothing else."""

    public: str
    private: str

    def __repr__(self) -> str:
        return "KeyPair(…)"


def key_pair(text: str) -> KeyPair:
    """`public:private`. Raises: Problem(invalid)."""
    public, colon, private = text.partition(":")
    if not (public and colon and private) or ":" in private:
        cure = "Write public and private key into the file with a colon between them."
        raise Problem("invalid", "A key of Braintree has two halves.", field="key_file", cure=cure)
    return KeyPair(public, private)


class Api:
    def __init__(self, url: str, keys: KeyPair, clocks: Clocks) -> None:
        self._url, self._clocks = url, clocks
        basic = base64.b64encode(f"{keys.public}:{keys.private}".encode()).decode()
        self._headers = {
            "authorization": f"Basic {basic}",
            "braintree-version": VERSION,
            "content-type": "application/json",
        }
        self._transport = Transport(clocks, ANSWER_BYTES_MAX)
        self.calls = set[str]()

    async def close(self) -> None:
        await self._transport.close()

    async def call(
        self,
        name: str,
        variables: Mapping[str, Any],
        *,
        key: str = "",
        until: float | None = None,
        send_before: float | None = None,
    ) -> Reply:
        """`key`: which action this is, for thirty days. `until`: when the answer has to be there,
        on the monotonic clock. Raises: NotSentError, NoAnswerError."""
        left = READ_SECONDS if until is None else until - self._clocks.monotonic()
        if left <= 0:
            raise NotSentError("too late to send")
        self.calls.add(name)
        message: dict[str, Any] = {
            "query": DOCUMENTS[name],
            "operationName": name,
            "variables": variables,
        }
        if key:
            message["extensions"] = {"apiRequestKey": key}
        return await self._transport.call(
            "POST",
            self._url,
            self._headers,
            msgspec.json.encode(message),
            timeout_seconds=left,
            send_before=send_before,
        )

    async def report_text(self, url: str) -> bytes:
        """A report, without the key: it lies elsewhere. Raises: Problem(unavailable)."""
        if not url.startswith("https://") and not url.startswith(
            self._url.rpartition("/")[0] + "/"
        ):
            raise unavailable("the report has no safe address")
        self.calls.add("GET report")
        try:
            reply = await self._transport.call("GET", url, {}, b"", timeout_seconds=READ_SECONDS)
        except (NotSentError, NoAnswerError) as error:
            raise unavailable(f"{error}") from None
        if reply.status != 200 or reply.body is None:
            raise unavailable(f"HTTP {reply.status}")
        return reply.body

    async def pages(
        self, name: str, search: Mapping[str, Any]
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Results of a search, some at a time. Raises: Problem(unavailable) for an answer that is
        none, or a list that goes round."""
        after, seen = None, set[str]()
        for _ in range(PAGES_MAX):
            try:
                reply = await self.call(name, {"input": search, "first": PAGE, "after": after})
            except (NotSentError, NoAnswerError) as error:
                raise unavailable(f"{error}") from None
            found = _connection(reply, name)
            if found is None:
                raise unavailable(f"HTTP {reply.status}")
            yield [edge.node for edge in found.edges]
            if not found.pageInfo.hasNextPage:
                return
            after = found.pageInfo.endCursor
            if not after or after in seen:
                raise unavailable("a list goes round")
            seen.add(after)
        raise unavailable("a list has no end")


class _PageInfo(msgspec.Struct, frozen=True):
    hasNextPage: bool
    endCursor: str | None = None


class _Edge(msgspec.Struct, frozen=True):
    node: dict[str, Any]


class _Connection(msgspec.Struct, frozen=True):
    pageInfo: _PageInfo
    edges: list[_Edge]


def _connection(reply: Reply, name: str) -> _Connection | None:
    """The connection of that name; None for an answer with an error in it: a list that lacks
    something is no list."""
    try:
        plain = msgspec.json.decode(reply.body or b"", type=dict[str, Any])
        if reply.status != 200 or plain.get("errors"):
            return None
        return msgspec.convert(plain["data"]["search"][name], _Connection)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return None


def unavailable(why: str) -> Problem:
    message = Sentence("Braintree's answer cannot be used: {0}.", why)
    return Problem("unavailable", message, cure="Try again in a few minutes.")
