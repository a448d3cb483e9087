// How one call and one list go; the generated classes say which calls there are.

import { address, type Credential, type Sent } from "./credentials.js";
import { BY_CODE, RecoupError } from "./errors.js";
import { told, UnreachableError, unanswered } from "./problem.js";

export interface ClientOptions {
  baseUrl: string;
  /** For proxies and tests. */
  fetch?: typeof fetch;
  /** Of one try, beside what a call asks the server to wait; 30. */
  timeoutSeconds?: number;
  /** Of a call that is safe to repeat; 3. */
  maxRetries?: number;
}

export interface CallOptions {
  /** Ends the call with the signal's reason; it may have had an effect. */
  signal?: AbortSignal | undefined;
}

export interface KeyedOptions extends CallOptions {
  idempotencyKey?: string | undefined;
}

export interface Given extends KeyedOptions {
  body?: unknown;
  query?: object;
}

export type Call = (method: string, path: string, given?: Given) => Promise<any>;

const PAUSE_SECONDS_MAX = 30;
const AGAIN = new Set([429, 500, 502, 503, 504]);
const IN_PROGRESS = "409002";
const KEYS = ["idempotencyKey", "merchant_order_id"];
const JSON_TYPE = "application/json";
const UTF8 = new TextEncoder();

/** The calls of one kind of object. */
export class Noun {
  constructor(protected readonly call: Call) {}
}

/** An id as one part of a path, whatever is in it: it never leads to another call. */
export function segment(id: string): string {
  if (id === "" || id === "." || id === "..") throw new RangeError(`"${id}" is no id`);
  return encodeURIComponent(id);
}

/** All records of a list, over all pages: `for await (const order of recoup.orders.list())`. */
export class Pages<Item, Answer> implements AsyncIterable<Item> {
  constructor(
    private readonly call: Call,
    private readonly path: string,
    private readonly query: object,
    private readonly items: readonly string[],
    private readonly parameter: string | null,
    private readonly options: CallOptions,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.pages()) yield* this.records(page);
  }

  /** Each page as the API answers it. One is fetched when it is asked for. */
  async *pages(): AsyncGenerator<Answer, void, undefined> {
    let query: Record<string, any> | undefined = { ...this.query };
    while (query) {
      const page: Answer = await this.call("GET", this.path, { query, ...this.options });
      yield page;
      query = this.following(query, page);
    }
  }

  private records(page: any): Item[] {
    return this.holder(page)[this.items.at(-1)!];
  }

  private holder(page: any): any {
    return this.items.slice(0, -1).reduce((found, name) => found[name], page);
  }

  /** The query of the next page; undefined after the last one. */
  private following(query: Record<string, any>, page: Answer): Record<string, any> | undefined {
    const name = this.parameter;
    const holder = this.holder(page);
    if (name === null) return undefined;
    if (name === "offset") {
      const count = this.records(page).length;
      const offset = (query[name] ?? 0) + count;
      return count && offset < (holder.total ?? Infinity) ? { ...query, offset } : undefined;
    }
    if (name === "pageNumber") {
      return holder.hasNextPage ? { ...query, pageNumber: (query[name] ?? 1) + 1 } : undefined;
    }
    const more = holder.next != null && holder.next !== query[name] && holder.hasMore !== false;
    return more ? { ...query, [name]: holder.next } : undefined;
  }
}

/** Performs calls, and repeats those that may be repeated. */
export class Client {
  private readonly url: string;
  private readonly fetch: typeof fetch;
  private readonly timeoutMs: number;
  private readonly retries: number;

  constructor(
    options: ClientOptions,
    private readonly credential: Credential,
  ) {
    this.url = address(options.baseUrl);
    this.fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.timeoutMs = 1000 * (options.timeoutSeconds ?? 30);
    this.retries = options.maxRetries ?? 3;
  }

  /**
   * The answer's JSON, its bytes where it is a file. Repeats a call that was not heard or was
   * refused for its rate, one whose first call is still in progress, and one that the server makes
   * once however often it comes.
   */
  protected readonly call: Call = async (method, path, given = {}) => {
    const repeatable = Boolean(given.idempotencyKey) || mayRepeat(method, given.body);
    const { signal } = given;
    let renewed = false;
    for (let tries = 1; ; tries++) {
      signal?.throwIfAborted();
      let response: Response;
      let content: Content;
      try {
        const sent = this.request(method, path, given);
        await this.credential.sign(sent, async (own) => read(...(await this.send(own, true))));
        signal?.throwIfAborted();
        [response, content] = await this.send(sent, false, signal);
      } catch (error) {
        signal?.throwIfAborted();
        const again =
          error instanceof UnreachableError || (repeatable && !(error as RecoupError).status);
        if (tries > this.retries || !(error instanceof RecoupError) || !again) throw error;
        await pause(secondsOf(tries, null), signal);
        continue;
      }
      if (response.status === 401 && !renewed) {
        renewed = true;
        if (this.credential.renew(told(response, content.json).code)) {
          tries--;
          continue;
        }
      }
      const again = isPassing(response, content) && (response.status === 429 || repeatable);
      if (again && tries <= this.retries) {
        await pause(secondsOf(tries, response.headers.get("retry-after")), signal);
        continue;
      }
      return read(response, content);
    }
  };

  private request(method: string, path: string, given: Given): Sent {
    const url = new URL(this.url + path);
    for (const [name, value] of Object.entries(given.query ?? {})) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined && one !== null) url.searchParams.append(name, String(one));
      }
    }
    const headers = new Headers();
    const { body, idempotencyKey } = given;
    if (idempotencyKey) headers.set("Idempotency-Key", idempotencyKey);
    if (body === undefined) return { method, url, headers, body };
    if (typeof body === "string") return { method, url, headers, body: UTF8.encode(body) };
    if (body instanceof Uint8Array) return { method, url, headers, body: new Uint8Array(body) };
    headers.set("content-type", JSON_TYPE);
    return { method, url, headers, body: UTF8.encode(JSON.stringify(body)) };
  }

  private async send(
    { url, ...sent }: Sent,
    signsIn: boolean,
    given?: AbortSignal,
  ): Promise<[Response, Content]> {
    try {
      const wait = Number(url.searchParams.get("wait")) || 0; // which the server may take
      const late = AbortSignal.timeout(this.timeoutMs + 1000 * wait);
      const signal = given ? AbortSignal.any([given, late]) : late;
      const response = await this.fetch(url, {
        ...sent,
        redirect: "manual",
        signal,
      } as RequestInit);
      return [response, contentOf(response, new Uint8Array(await response.arrayBuffer()))];
    } catch (error) {
      throw unanswered(error, url, signsIn);
    }
  }
}

interface Content {
  bytes: Uint8Array;
  json: any;
}

function isFile(response: Response): boolean {
  return (response.headers.get("content-type") ?? JSON_TYPE).split(";")[0] !== JSON_TYPE;
}

function contentOf(response: Response, bytes: Uint8Array): Content {
  if (isFile(response) || !bytes.length) return { bytes, json: undefined };
  try {
    return { bytes, json: JSON.parse(new TextDecoder().decode(bytes)) };
  } catch {
    return { bytes, json: undefined };
  }
}

/** Throws for a refusal, also for a refund or capture that is refused with HTTP 200. */
function read(response: Response, { bytes, json }: Content): any {
  const refused = json?.success === false && Object.hasOwn(BY_CODE, String(json.statusCode));
  if (response.ok && !refused) return json !== undefined || !isFile(response) ? json : bytes;
  const said = told(response, json);
  throw new (Object.hasOwn(BY_CODE, said.code) ? BY_CODE[said.code]! : RecoupError)(said);
}

/** Whether the same call may fare better in a moment. */
function isPassing(response: Response, content: Content): boolean {
  return (
    AGAIN.has(response.status) ||
    (response.status === 409 && told(response, content.json).code === IN_PROGRESS)
  );
}

/** Whether the same call twice does once what it does. */
function mayRepeat(method: string, body: unknown): boolean {
  const keyed =
    typeof body === "object" &&
    body !== null &&
    KEYS.some((key) => (body as Record<string, unknown>)[key]);
  return ["GET", "PUT", "DELETE"].includes(method) || keyed;
}

/** The server's own wish, else longer each time, never the same for all callers. */
function secondsOf(tries: number, asked: string | null): number {
  if (asked === null) return (0.25 + 0.25 * Math.random()) * 2 ** Math.min(tries, 6);
  const wish = /^\d+$/.test(asked) ? Number(asked) : (Date.parse(asked) - Date.now()) / 1000;
  return Math.min(Math.max(Number.isNaN(wish) ? 1 : wish, 0), PAUSE_SECONDS_MAX);
}

function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, seconds * 1000);
    signal?.addEventListener("abort", done);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    }
  });
}
