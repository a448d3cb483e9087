"""Samples for a shell. `BASE`, `TOKEN`, `STABLECOIN_KEY_ID` and `STABLECOIN_SECRET` are the
reader's; openssl signs."""

from recoup.docs.samples.literal import JSON_WORDS, Literals
from recoup.docs.samples.request import SampleRequest


def curl(request: SampleRequest) -> str:
    return _signed(request) if request.proof == "signature" else _plain(request)


def _plain(request: SampleRequest) -> str:
    lines = [f'curl -sSi{_method(request)} "{_url(request)}"']
    if request.proof == "token":
        lines.append(f'-H "Authorization: Bearer ${request.bearer}"')
    if request.body is None:
        return " \\\n  ".join(lines)
    lines += ['-H "Content-Type: application/json"', "--data-binary @- <<JSON"]
    return " \\\n  ".join(lines) + f"\n{_body(request)}\nJSON"


def _signed(request: SampleRequest) -> str:
    """The query's parts are sorted as bytes; without one its line stays, empty."""
    lines = ["stamp=$(date +%s)"]
    if request.body is None:
        lines.append("body=''")
    else:
        lines.append(f"body=$(cat <<JSON\n{_body(request)}\nJSON\n)")
    query = f'"{"&".join(sorted(request.query.split("&")))}"'
    lines += [
        """digest=$(printf %s "$body" | openssl dgst -sha256 -r | cut -d' ' -f1)""",
        (
            f"""signature=$(printf '%s\\n%s\\n%s\\n%s\\n%s' {request.method} "{request.path}" """
            f"""{query} "$stamp" "$digest" \\
  | openssl dgst -sha256 -hmac "$STABLECOIN_SECRET" -r | cut -d' ' -f1)"""
        ),
        "",
        f'curl -sSi{_method(request)} "{_url(request)}" \\',
        '  -H "X-Api-Key: $STABLECOIN_KEY_ID" \\',
        '  -H "X-Timestamp: $stamp" \\',
        '  -H "X-Signature: $signature"',
    ]
    if request.body is not None:
        lines[-1] += ' \\\n  -H "Content-Type: application/json" \\\n  --data-binary "$body"'
    return "\n".join(lines)


def _method(request: SampleRequest) -> str:
    """curl sends GET without a body and POST with one by itself."""
    usual = "GET" if request.body is None else "POST"
    return "" if request.method == usual else f" -X {request.method}"


def _url(request: SampleRequest) -> str:
    return f"$BASE{request.path}" + (f"?{request.query}" if request.query else "")


def _body(request: SampleRequest) -> str:
    """Writes the body. In a here-document the shell reads backslash, dollar and backtick; our own
    variables are written after."""
    text = Literals(JSON_WORDS, lambda name: f'"\0{name}"', "  ").write(request.body)
    for sign in ("\\", "$", "`"):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\0", "$")
