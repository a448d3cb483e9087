# Prints each event once, if your Recoup signed it. WEBHOOK_KEY=… python3 consumer.py [PORT]
import base64, email.utils, hashlib, hmac, http.server, json, os, sys, time

KEY, seen = base64.b64decode(os.environ["WEBHOOK_KEY"]), set()


def is_ours(head, body):
    nonce, date, host = (head.get(name, "") for name in ("x-fc-nonce", "x-fc-date", "host"))
    digest = base64.b64encode(hashlib.sha512(body).digest()).decode()
    mac = hmac.digest(KEY, f"POST\n{nonce};{date};{host};{digest}".encode(), "sha512")
    given = head.get("x-fc-authorization", "").partition("&Signature=")[2]
    right = hmac.compare_digest(given.encode(), base64.b64encode(mac))
    return right and abs(time.time() - email.utils.parsedate_to_datetime(date).timestamp()) < 300


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if ours := is_ours(self.headers, body):
            event = json.loads(body)
            if (number := event["EventData"]["EventId"]) not in seen:
                print("signed:", event["Event"], event["ExternalOrderId"], flush=True)
                seen.add(number)
        self.send_response(204 if ours else 401)
        self.end_headers()


server = http.server.ThreadingHTTPServer(
    ("127.0.0.1", int(sys.argv[1]) if sys.argv[1:] else 0), Hook
)
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
