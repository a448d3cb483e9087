// Who calls: by a token of the rescue API, or by a signature of the stablecoin API.

/** Of an ArrayBuffer; before TypeScript 5.7 the type takes no argument. */
export type Bytes = ReturnType<InstanceType<typeof TextEncoder>["encode"]>;

/** A call as it will be sent. */
export interface Sent {
  method: string;
  url: URL;
  headers: Headers;
  body: Bytes | undefined;
}

export interface Credential {
  /** Makes the call the caller's own; `send` is for calls that this needs. */
  sign(sent: Sent, send: (sent: Sent) => Promise<any>): Promise<void>;
  /** After a 401 with this code: whether a new proof may be taken where this one was not. */
  renew(code: string): boolean;
}

export interface AppKeyOptions {
  appKey: string;
  appSecret: string;
}

export interface SignatureOptions {
  keyId: string;
  secret: string;
}

const EARLY_MS = 30_000;
const USED_MAX = 10_000;
const BACK_SECONDS_MAX = 60;
const UTF8 = new TextEncoder();

/** Of the server: the APIs' own prefixes may be there, too. */
export function address(baseUrl: string): string {
  if (!/^https?:\/\/./i.test(baseUrl) || !URL.canParse(baseUrl)) {
    throw new TypeError(`baseUrl must be like https://recoup.example.com, not "${baseUrl}"`);
  }
  return baseUrl.replace(/\/+$/, "").replace(/(\/api)?\/v1$/, "");
}

/** Signs in at the first call and again shortly before the token ends. */
export class AppKey implements Credential {
  private token = "";
  private until = 0;
  private asked: Promise<void> | undefined;

  constructor(private readonly options: AppKeyOptions & { baseUrl: string }) {}

  async sign(sent: Sent, send: (sent: Sent) => Promise<any>): Promise<void> {
    if (performance.now() >= this.until) {
      this.asked ??= this.signIn(send).finally(() => (this.asked = undefined));
      await this.asked;
    }
    sent.headers.set("authorization", `Bearer ${this.token}`);
  }

  renew(): boolean {
    this.until = 0;
    return true;
  }

  private async signIn(send: (sent: Sent) => Promise<any>): Promise<void> {
    const keys = { AppKey: this.options.appKey, AppSecret: this.options.appSecret };
    const told = await send({
      method: "POST",
      url: new URL(`${address(this.options.baseUrl)}/v1/oauth2/token`),
      headers: new Headers({ "content-type": "application/json" }),
      body: UTF8.encode(JSON.stringify(keys)),
    });
    const lives = told.expires - Date.now(); // by a clock that may be wrong: see `renew`
    this.token = told.accessToken;
    this.until = performance.now() + Math.max(lives - EARLY_MS, EARLY_MS);
  }
}

/** HMAC over method, path, sorted query, time and body. */
export class Signature implements Credential {
  private readonly used = new Set<string>();
  private back = 0;

  constructor(private readonly options: SignatureOptions) {}

  async sign(sent: Sent): Promise<void> {
    const query = sent.url.search.slice(1).split("&").sort().join("&");
    const digest = hex(await crypto.subtle.digest("SHA-256", sent.body ?? new Uint8Array()));
    const key = await hmacKey(UTF8.encode(this.options.secret), "SHA-256", "sign");
    let seconds = Math.floor(Date.now() / 1000) - this.back;
    this.back = 0;
    let proof: string;
    for (; ; seconds--) {
      // a signature works once; the same call within a second needs another
      const told = [sent.method, sent.url.pathname, query, seconds, digest].join("\n");
      proof = hex(await crypto.subtle.sign("HMAC", key, UTF8.encode(told)));
      if (!this.used.has(proof)) break;
    }
    if (this.used.size > USED_MAX) this.used.clear();
    this.used.add(proof);
    sent.headers.set("x-api-key", this.options.keyId);
    sent.headers.set("x-timestamp", String(seconds));
    sent.headers.set("x-signature", proof);
  }

  /** Signs an earlier second: another process may have made the same call in this one. */
  renew(code: string): boolean {
    this.back = 1 + Math.floor(BACK_SECONDS_MAX * Math.random());
    return code === "replayed_request";
  }
}

/** @internal */
export function hmacKey(
  secret: Bytes,
  hash: string,
  use: "sign" | "verify",
): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash }, false, [use]);
}

export function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (one) => one.toString(16).padStart(2, "0")).join("");
}
