// The TypeScript client against a server that misbehaves, and its check of webhooks: VECTORS are
// signed as the server signs.

import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import {
  BadCredentialsError,
  BadSignatureError,
  ConflictError,
  constructEvent,
  InProgressError,
  NoAnswerError,
  Recoup,
  RecoupError,
  RecoupStablecoin,
  ReplayedRequestError,
  type RescueEvent,
  type rescue,
  SignatureError,
  UnauthenticatedError,
  UnreachableError,
} from "recoup-client";

type Reply = Response | Error;
const slept: number[] = [];
const later = globalThis.setTimeout;
globalThis.setTimeout = ((wake: () => void, ms: number) => {
  slept.push(ms);
  return later(wake, 0);
}) as typeof setTimeout;

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** Answers calls in turn, and every sign-in. */
class Heard {
  calls: Request[] = [];
  signedIn = 0;
  constructor(readonly replies: Reply[]) {}

  readonly fetch = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const call = new Request(url, init);
    if (call.url.endsWith("/v1/oauth2/token")) {
      this.signedIn += 1;
      return json({ accessToken: "t", expires: 4_102_444_800_000 });
    }
    this.calls.push(call);
    const reply = this.replies.shift();
    if (reply instanceof Error) throw reply;
    assert(reply);
    return reply;
  };

  get client(): Recoup {
    return new Recoup({
      baseUrl: "http://server.test/v1/",
      appKey: "k",
      appSecret: "s",
      fetch: this.fetch,
    });
  }
}

function failed(code: string, more: object = {}): Error {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code, ...more }) });
}

const checks: Record<string, () => Promise<unknown>> = {
  async "an id leads to no other call"() {
    const heard = new Heard([json({})]);
    await heard.client.orders.cancel("X/refund?");
    assert.equal(new URL(heard.calls[0]!.url).pathname, "/v1/orders/X%2Frefund%3F/cancel");
    assert.throws(() => heard.client.orders.get(".."), /no id/);
  },
  async "busy servers are asked again as they wish"() {
    const heard = new Heard([
      json({}, 429, { "retry-after": "7" }),
      new Response("", { status: 503 }),
      json({ status: "x" }),
    ]);
    slept.length = 0;
    const answer = await heard.client.evaluate({ idempotencyKey: "k" } as never);
    assert.deepEqual([answer.status, heard.calls.length, slept[0]], ["x", 3, 7000]);
  },
  async "a call whose first is in progress is sent again with its key"() {
    const progress = () =>
      json({ success: false, statusCode: "409002", result: "still in progress" }, 409);
    const other = json({ success: false, statusCode: "409001", result: "another content" }, 409);
    const heard = new Heard([progress(), new Response("", { status: 500 }), json({})]);
    await heard.client.orders.refund("x", {}, { idempotencyKey: "k-1" });
    assert.deepEqual(
      heard.calls.map((call) => call.headers.get("idempotency-key")),
      ["k-1", "k-1", "k-1"],
    );
    const again = new Heard([other]);
    await assert.rejects(
      again.client.orders.refund("x", {}, { idempotencyKey: "k-1" }),
      ConflictError,
    );
    await assert.rejects(new Heard([progress()]).client.orders.cancel("x"), InProgressError);
  },
  async "what may have happened is not sent again without a key"() {
    const heard = new Heard([failed("UND_ERR_SOCKET"), json({})]);
    await assert.rejects(heard.client.orders.cancel("x"), (error) => {
      assert(error instanceof NoAnswerError);
      assert.deepEqual([error.status, error.code], [0, "no_answer"]);
      return /may have been done/.test(error.message);
    });
    assert.equal(heard.calls.length, 1);
    const silent = new Heard([new DOMException("late", "TimeoutError"), json({})]);
    await assert.rejects(silent.client.orders.cancel("x"), NoAnswerError);
  },
  async "what was never heard is sent again"() {
    const heard = new Heard([failed("ECONNREFUSED"), json({})]);
    assert.deepEqual(await heard.client.orders.cancel("x"), {});
    const server = createServer().listen(0);
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    const refused = new Recoup({
      baseUrl: `http://127.0.0.1:${port}`,
      appKey: "k",
      appSecret: "s",
    });
    await assert.rejects(refused.orders.get("x"), (error) => {
      assert(error instanceof UnreachableError);
      return /^http:\/\/127.0.0.1:\d+ cannot be reached/.test(error.message);
    });
  },
  async "what is no address is said at once"() {
    for (const baseUrl of ["127.0.0.1:8465", "", "localhost:8465", "ftp://h", "http://", undefined]) {
      const options = { baseUrl: baseUrl!, appKey: "k", appSecret: "s", keyId: "k", secret: "s" };
      for (const Made of [Recoup, RecoupStablecoin])
        assert.throws(() => new Made(options), {
          name: "TypeError",
          message: /baseUrl must be like https:\/\/recoup\.example\.com/,
        });
    }
  },
  async "only what surely never left is unreachable"() {
    const never = [
      failed("ENOTFOUND"),
      failed("EAI_AGAIN"),
      failed("UND_ERR_CONNECT_TIMEOUT"),
      failed("ERR_SSL_WRONG_VERSION_NUMBER"),
      failed("ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE"),
      failed("ERR_TLS_CERT_ALTNAME_INVALID"),
      failed("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
      failed("EHOSTUNREACH", { syscall: "connect" }),
      failed("ETIMEDOUT", { errors: [{ code: "ETIMEDOUT", syscall: "connect" }] }),
    ];
    for (const error of never) {
      const heard = new Heard([error, error, error, error]);
      await assert.rejects(heard.client.orders.cancel("x"), UnreachableError);
      assert.equal(heard.calls.length, 4, String(error.cause));
    }
    const perhaps = ["ECONNRESET", "EPIPE", "UND_ERR_HEADERS_TIMEOUT", "ERR_SSL_BAD_RECORD_MAC"];
    for (const error of [...perhaps.map((code) => failed(code)), failed("ETIMEDOUT", { syscall: "read" })]) {
      const heard = new Heard([error]);
      await assert.rejects(heard.client.orders.cancel("x"), NoAnswerError);
    }
    const plain = createServer((socket) => socket.once("data", () => socket.end("HTTP/1.1 400 x\r\n\r\n")));
    const cut = createServer((socket) => socket.once("data", () => socket.destroy()));
    for (const server of [plain, cut]) {
      await new Promise<void>((open) => server.listen(0, open));
      const { port } = server.address() as AddressInfo;
      const baseUrl = `https://127.0.0.1:${port}`;
      const client = new RecoupStablecoin({ baseUrl, keyId: "k", secret: "s", maxRetries: 0 });
      await assert.rejects(client.orders.cancel("x"), UnreachableError);
      server.close();
    }
    const bad = { baseUrl: "http://127.0.0.1:6000", keyId: "k", secret: "s", maxRetries: 0 };
    await assert.rejects(new RecoupStablecoin(bad).orders.cancel("x"), UnreachableError);
  },
  async "a call whose sign-in got no answer never left"() {
    let count = 0;
    const fetch = async () => {
      count++;
      throw failed("UND_ERR_SOCKET");
    };
    const client = new Recoup({ baseUrl: "http://server.test", appKey: "k", appSecret: "s", fetch });
    await assert.rejects(client.orders.cancel("x"), UnreachableError);
    assert.equal(count, 4);
  },
  async "repeats are as asked"() {
    for (const maxRetries of [0, 5]) {
      const busy = Array.from({ length: 9 }, () => json({}, 503));
      const heard = new Heard([json({}, 401), ...busy]); // a renewed token is no repeat
      const { fetch } = heard;
      const options = { baseUrl: "http://server.test", appKey: "k", appSecret: "s", fetch, maxRetries };
      await assert.rejects(new Recoup(options).orders.get("x"), { status: 503 });
      assert.equal(heard.calls.length, 2 + maxRetries);
    }
  },
  async "a signal ends a call, also between two tries"() {
    const ended = new AbortController();
    const heard = new Heard([json({}, 503, { "retry-after": "7" }), json({})]);
    const { signal } = ended;
    const quick = globalThis.setTimeout;
    globalThis.setTimeout = (() => queueMicrotask(() => ended.abort())) as never; // in place of the pause
    await assert.rejects(heard.client.orders.get("x", {}, { signal }), { name: "AbortError" });
    globalThis.setTimeout = quick;
    assert.equal(heard.calls.length, 1);
    await assert.rejects(heard.client.orders.list({}, { signal }).pages().next(), { name: "AbortError" });
    assert.equal(heard.calls.length, 1);
    const silent = new AbortController();
    const waiting = new RecoupStablecoin({
      baseUrl: "http://server.test",
      keyId: "k",
      secret: "s",
      fetch: (_url, init) =>
        new Promise((_, fail) => {
          init!.signal!.addEventListener("abort", () => fail(init!.signal!.reason));
          silent.abort(new Error("enough"));
        }),
    });
    await assert.rejects(waiting.orders.get("x", { signal: silent.signal }), /^Error: enough/);
  },
  async "closed lists are typed, and open when a program runs"() {
    const heard = new Heard([json({ status: "OF_TOMORROW" })]);
    const { status } = await heard.client.outcome({ orderId: "x" });
    const known: rescue.Outcome["status"] = "NOTFOUND";
    assert.notEqual(status, known);
    const name = "order.completed" as RescueEvent["Event"];
    // @ts-expect-error: it is no event
    assert(name !== "order.eaten");
    const body: rescue.RefundBody = { amountToRefund: 5.5 };
    assert(body);
  },
  async "a token that ended early is replaced once"() {
    const heard = new Heard([json({}, 401), json({ data: [] })]);
    for await (const site of heard.client.sites.list()) assert.fail(site.id);
    assert.equal(heard.signedIn, 2);
    const refused = { success: false, statusCode: "401001", result: "not you" };
    const never = new Heard([json(refused, 401), json(refused, 401), json(refused, 401)]);
    await assert.rejects(never.client.orders.get("x"), UnauthenticatedError);
    assert.equal(never.calls.length, 2);
  },
  async "calls at once share one sign-in"() {
    const heard = new Heard([json({}), json({}), json({})]);
    const client = heard.client;
    await Promise.all(["a", "b", "c"].map((id) => client.orders.get(id)));
    assert.equal(heard.signedIn, 1);
  },
  async "lists go through all their pages"() {
    const pages = [["1"], [], ["2", "3"]].map((ids, at) =>
      json({ orders: { data: ids.map((id) => ({ id })), next: at < 2 ? `p${at}` : null } }),
    );
    const heard = new Heard(pages);
    const found: string[] = [];
    for await (const order of heard.client.orders.list({
      isMIT: true,
      externalOrderId: ["a", "b"],
    }))
      found.push(order.id);
    assert.deepEqual(found, ["1", "2", "3"]);
    assert.equal(
      new URL(heard.calls[2]!.url).search,
      "?isMIT=true&externalOrderId=a&externalOrderId=b&after=p1",
    );
    const feed = new Heard([
      json({ data: [], next: "4", hasMore: true }),
      json({ data: [], next: "4", hasMore: false }),
    ]);
    for await (const page of feed.client.events.list({ after: 0 }).pages())
      assert.equal(page.next, "4");
    const settled = new Heard([
      json({ data: [{}], hasNextPage: true }),
      json({ data: [], hasNextPage: false }),
    ]);
    for await (const page of settled.client.settlements.list().pages()) assert(page);
    assert.equal(new URL(settled.calls[1]!.url).search, "?pageNumber=2");
  },
  async "a quiet feed is waited for beyond the usual time-out"() {
    const heard = new Heard([json({ data: [], next: "4", hasMore: false })]);
    const client = new Recoup({
      baseUrl: "http://server.test",
      appKey: "k",
      appSecret: "s",
      timeoutSeconds: 0.5,
      fetch: async (url, init) => {
        const { signal } = init!;
        await new Promise((wake, fail) => {
          later(wake, new URL(String(url)).searchParams.has("wait") ? 1000 : 0);
          signal!.addEventListener("abort", () => fail(signal!.reason));
        });
        return heard.fetch(url, init);
      },
    });
    const query = { after: 4, wait: 1, format: "standard" as const };
    for await (const page of client.events.listen.list(query).pages()) assert.equal(page.next, "4");
    assert.equal(new URL(heard.calls[0]!.url).search, "?after=4&wait=1&format=standard");
  },
  async "an offset grows until nothing is left"() {
    const heard = new Heard([json({ data: [1, 2] }), json({ data: [3] }), json({ data: [] })]);
    const client = new RecoupStablecoin({
      baseUrl: "http://server.test",
      keyId: "k",
      secret: "s",
      fetch: heard.fetch,
    });
    let count = 0;
    for await (const payout of client.payouts.list()) count += Number(Boolean(payout));
    assert.deepEqual([count, new URL(heard.calls[2]!.url).search], [3, "?offset=3"]);
    const total = new Heard([json({ data: [1], total: 1 })]);
    const other = new RecoupStablecoin({
      baseUrl: "http://server.test",
      keyId: "k",
      secret: "s",
      fetch: total.fetch,
    });
    for await (const order of other.orders.list()) assert(order);
  },
  async "a call that another process made in the same second is signed anew"() {
    const replayed = () =>
      json({ error: { code: "replayed_request", message: "used before" } }, 401);
    const heard = new Heard([replayed(), json({})]);
    const client = new RecoupStablecoin({
      baseUrl: "http://server.test",
      keyId: "k",
      secret: "s",
      fetch: heard.fetch,
    });
    await client.orders.cancel("x");
    const [first, second] = heard.calls.map((call) => Number(call.headers.get("x-timestamp")));
    assert(first! - second! >= 1 && first! - second! <= 61);
    const never = new Heard([replayed(), replayed()]);
    const other = new RecoupStablecoin({
      baseUrl: "http://server.test",
      keyId: "k",
      secret: "s",
      fetch: never.fetch,
    });
    await assert.rejects(other.orders.cancel("x"), ReplayedRequestError);
    const wrong = new Heard([json({ error: { code: "bad_signature", message: "no" } }, 401)]);
    const third = new RecoupStablecoin({
      baseUrl: "http://server.test",
      keyId: "k",
      secret: "s",
      fetch: wrong.fetch,
    });
    await assert.rejects(third.orders.cancel("x"), BadSignatureError);
  },
  async "an error has the API's words, and an unknown code the base"() {
    const body = { TraceId: ["t"], AppSecret: ["It does not match."] };
    const replies = [
      json(body, 400, {
        "x-recoup-code": "400201",
        "x-request-id": "r-1",
        "x-recoup-hint": "Check it.",
      }),
    ];
    await assert.rejects(new Heard(replies).client.orders.get("x"), (error) => {
      assert(error instanceof BadCredentialsError && error instanceof RecoupError);
      assert.deepEqual(error.fields, { AppSecret: ["It does not match."] });
      assert.deepEqual(
        [error.name, error.status, error.code, error.requestId],
        ["BadCredentialsError", 400, "400201", "r-1"],
      );
      return error.message === "It does not match. Check it.";
    });
    const newer = json({ success: false, statusCode: "409999", result: "of tomorrow" }, 409);
    await assert.rejects(new Heard([newer]).client.orders.get("x"), {
      name: "RecoupError",
      code: "409999",
    });
    const page = new Response("<h1>moved</h1>", {
      status: 308,
      headers: { "content-type": "text/html" },
    });
    await assert.rejects(new Heard([page]).client.orders.get("x"), /308 .*no answer of Recoup/);
  },
  async "webhooks are taken as signed and refused in words"() {
    for (const { name, body, headers, secret, now, host, words } of JSON.parse(
      process.env.VECTORS!,
    )) {
      const event = constructEvent<unknown>(Buffer.from(body, "base64"), headers, secret, {
        now,
        ...(host ? { host } : {}),
      });
      if (words) {
        await assert.rejects(event, (error) => {
          assert(error instanceof SignatureError, name);
          assert(error.message.includes(words), `${name}: ${error.message}`);
          return true;
        });
      } else {
        assert.deepEqual(await event, { Event: "order.completed", note: "é" }, name);
      }
    }
    await assert.rejects(constructEvent("{}", new Headers({ "x-other": "1" }), "s"), /No header/);
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log(`ok: ${name}`);
}
