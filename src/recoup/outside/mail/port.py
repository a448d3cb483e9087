"""Port for a way out for mail."""

from typing import Any, Literal, Protocol, TypeGuard
from uuid import UUID

from recoup.kernel.frozen import frozen


@frozen
class Message:
    """`id` is ours and stays the same however often it is sent: the Message-ID is made of it.
    Without `html` it is plain text; `headers` stand besides the usual ones."""

    id: UUID
    to: str
    sender_name: str
    reply_to: str
    subject: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...] = ()


@frozen
class Posted:
    """`sent`; `refused`, for good; `later`: it may or may not have left, and is sent again with the
    same id."""

    state: Literal["sent", "refused", "later"]
    why: str = ""


class Mail(Protocol):
    """Way out for mail. No method raises for anything a network or counterpart does: that is a
    Posted."""

    async def send(self, message: Message, timeout_seconds: float) -> Posted: ...

    async def greet(self, timeout_seconds: float) -> Posted:
        """Checks that a mail could leave now: connects and signs in as `send` does, and sends
        none."""
        ...


class KeepsMail(Mail, Protocol):
    """A twin of the sandbox: mails stay there instead of leaving for their recipients."""

    async def inbox(self, ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
        """Mails among these that arrived."""
        ...


def is_kept(mail: Mail | None) -> TypeGuard[KeepsMail]:
    """True when mails by this way stay here."""
    return hasattr(mail, "inbox")
