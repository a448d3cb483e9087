"""The words of the sandbox's tools."""

from datetime import timedelta
from typing import Final

from recoup.doors.portal.words import CHANNELS

STEPS: Final = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "22d": timedelta(days=22)}
STEP_WORDS: Final = {"1h": "1 hour", "1d": "1 day", "7d": "7 days", "22d": "22 days", "next": "to the next due time"}
KINDS: Final = {
    "mit_managed": "MIT, retried for 21 days", "mit_sync": "MIT, answered at once",
    "cit_web": CHANNELS["cit_web"][0], "cit_callcenter": CHANNELS["cit_callcenter"][0],
}  # fmt: skip
ANSWERS: Final = {
    "approves": "Approve the first attempt", "declines_once": "Decline once more, then approve",
    "declines_thrice": "Decline three more times, then approve", "declines": "Always decline",
}  # fmt: skip
# Of the magic inputs: what an answer means to the reader; kinds in the order in which they help most.
INPUT_KINDS: Final = {
    "allow_list": "Always the same answer", "script": "Declines, then approves", "response": "Decline code by amount",
    "advice": "Advice code by amount", "fault": "The processor misbehaves", "dispute": "Disputed later",
    "updater": "What the account updater knows", "token": "How its network token behaves",
    "counting": "Counts towards the network’s limits",
}  # fmt: skip
EVALUATED: Final = {
    "APPROVED": "It was approved.", "DECLINED": "It was declined; check whether it is tried again.",
    "SUBMITTED": "It was accepted and is retried until it expires.", "CHALLENGE": "The customer must act.",
    "CAPTUREREQUIRED": "It is authorised and waits for capture.", "CANCELLED": "It was cancelled.",
}  # fmt: skip
