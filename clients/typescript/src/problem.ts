// What a refusal says, in whichever of the two APIs' shapes it came; and that there was no answer.

export interface Said {
  status: number;
  code: string;
  message: string;
  fields: Record<string, string[]>;
  requestId: string;
}

/**
 * The base of all errors; each code has a class. `code`: six digits in the rescue API, a word in the
 * stablecoin API. `status`: of HTTP, 0 without an answer. `message`: the API's own words. `fields`:
 * name to complaints.
 */
export class RecoupError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: Record<string, string[]>;
  readonly requestId: string;

  constructor(said: Said, options?: ErrorOptions) {
    super(said.message, options);
    this.name = new.target.name;
    this.status = said.status;
    this.code = said.code;
    this.fields = said.fields;
    this.requestId = said.requestId;
  }
}

/** `unreachable`: nothing was heard, nothing was done. */
export class UnreachableError extends RecoupError {}

/** `no_answer`: the call may have been done. */
export class NoAnswerError extends RecoupError {}

/** `signature`: a webhook that Recoup did not sign with this secret, or not lately. */
export class SignatureError extends RecoupError {
  constructor(message: string) {
    super({ status: 0, code: "signature", message, fields: {}, requestId: "" });
  }
}

interface Cause {
  code?: string | number;
  message?: string;
  syscall?: string;
  errors?: Cause[];
}

/** What Node's fetch says of a call before it is sent: of DNS, connecting, TLS, or its address. */
const CODES = new RegExp(
  "^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|.*CERT.*|UNABLE_TO_VERIFY_LEAF_SIGNATURE|" +
    "ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNSUPPORTED_PROTOCOL|" +
    ".*HANDSHAKE_FAILURE|.*PROTOCOL_VERSION|.*UNRECOGNIZED_NAME))$",
);
const WORDS = /^(bad port|unknown scheme)$|before secure TLS connection was established/;

function isBeforeSending({ code, message = "", syscall = "", errors = [] }: Cause): boolean {
  if (CODES.test(String(code)) || WORDS.test(message)) return true;
  return ["connect", "getaddrinfo"].includes(syscall) || errors.some(isBeforeSending);
}

/** For a call that got no answer. `signsIn`: the call itself comes after it. */
export function unanswered(error: unknown, url: URL, signsIn: boolean): RecoupError {
  const cause: Cause = error instanceof Error ? ((error.cause as Cause | undefined) ?? error) : {};
  const why = cause.message || cause.code || String(error);
  const said = { status: 0, fields: {}, requestId: "" };
  if (signsIn || isBeforeSending(cause)) {
    const message = `${url.origin} cannot be reached: ${why}. Nothing was done.`;
    return new UnreachableError({ ...said, code: "unreachable", message }, { cause: error });
  }
  const message = `${url.origin} gave no answer: ${why}. It may have been done.`;
  return new NoAnswerError({ ...said, code: "no_answer", message }, { cause: error });
}

/** What the answer says; `body`: its JSON, or undefined. */
export function told(response: Response, body: any): Said {
  const json = typeof body === "object" && body !== null;
  let code = response.headers.get("x-recoup-code") ?? body?.statusCode;
  let message: string | undefined = body?.result ?? undefined;
  let fields: Record<string, string[]> = {};
  if (json && typeof body.error === "object" && body.error) {
    // the stablecoin API
    ({ code, message } = body.error);
    fields = body.error.param ? { [body.error.param]: [message ?? ""] } : {};
  } else if (json && response.status === 400) {
    // fields, each with its complaints
    const complaints = Object.entries(body).filter(
      ([name, texts]) => name !== "TraceId" && Array.isArray(texts),
    );
    fields = Object.fromEntries(complaints) as Record<string, string[]>;
    const first = Object.values(fields).flat()[0] ?? "";
    message = `${first} ${response.headers.get("x-recoup-hint") ?? ""}`.trim();
  } else if (!json) {
    const status = `${response.status} ${response.statusText}`;
    message = `${status}: no answer of Recoup. Is ${response.url} its address?`;
  }
  return {
    status: response.status,
    code: String(code ?? ""),
    message: message || response.statusText,
    fields,
    requestId: response.headers.get("x-request-id") ?? "",
  };
}
