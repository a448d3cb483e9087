"""Serial numbers of the sandbox's script cards that select what others know of the card. Pure."""

from typing import Final

# of the account updater
NEW_NUMBER, NEW_EXPIRY, CLOSED, CONTACT, SILENT = 901, 902, 903, 904, 905
UPDATES: Final = {
    NEW_NUMBER: "the account updater knows a new number, which approves",
    NEW_EXPIRY: "the account updater knows the same number, four years later",
    CLOSED: "the account updater says that the account is closed",
    CONTACT: "the account updater advises contacting the customer",
    SILENT: "the account updater does not answer",
}
# of the service of network tokens
NO_TOKEN, NO_ANSWER, SUSPENDED, DELETED, REFRESHED, NO_CRYPTOGRAM = 911, 912, 913, 914, 915, 916
TOKENS: Final = {
    NO_TOKEN: "no network token is made for it",
    NO_ANSWER: "the service of network tokens does not answer",
    SUSPENDED: "its network token is suspended: a charge by it is refused unprocessed",
    DELETED: "its network token is deleted: a charge by it is declined with 14",
    REFRESHED: "its network token has four more years when it is asked about",
    NO_CRYPTOGRAM: "no cryptogram is given for its network token",
}
