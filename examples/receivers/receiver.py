"""A receiver of Recoup's webhooks, Python 3.9 or newer, nothing to install: WEBHOOK_KEY=… python receiver.py 8700"""

import base64  # noqa: E401
import hashlib
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

KEYS = [base64.b64decode(key) for key in os.environ["WEBHOOK_KEY"].split(",")]  # two while a key is replaced
seen, states = set(), {}


def b64hmac(key, text):
    return base64.b64encode(hmac.new(key, text, hashlib.sha512).digest()).decode()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):  # noqa: N802
        body, head = self.rfile.read(int(self.headers["content-length"])), self.headers
        content = base64.b64encode(hashlib.sha512(body).digest()).decode()
        told = f"POST\n{head['x-fc-nonce']};{head['x-fc-date']};{head['host']};{content}".encode()
        given = str(head["x-fc-authorization"]).rpartition("Signature=")[2]
        good = any([hmac.compare_digest(b64hmac(key, told), given) for key in KEYS])
        self.send_response(200 if good else 401)
        self.end_headers()
        data = json.loads(body)["EventData"] if good else {}
        if good and data["EventId"] not in seen:  # each comes at least once
            seen.add(data["EventId"])
            if "Order" in data and data["Sequence"] > states.get(json.loads(body)["OrderId"], (0,))[0]:
                states[json.loads(body)["OrderId"]] = data["Sequence"], data["Order"]
            print(json.loads(body)["Event"], json.loads(body)["OrderId"], flush=True)

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
