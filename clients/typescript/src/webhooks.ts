// Did Recoup send this? The check of each format that a webhook endpoint can have.

import { type Bytes, hmacKey } from "./credentials.js";
import { SignatureError } from "./problem.js";
import type { RescueEvent } from "./rescue-shapes.js";

export type WebhookHeaders = Headers | Record<string, string | string[] | undefined>;

export interface WebhookOptions {
  /** The host that Recoup called, where a proxy replaces the Host header. */
  host?: string;
  /** Unix seconds. */
  now?: number;
}

const SKEW_SECONDS = 300;
const SIGNATURES_MAX = 8;
const UTF8 = new TextEncoder();
const UNFIT =
  "The signature does not fit. Check that the secret is this endpoint's signing key (`recoup listen` prints a key of " +
  "its own), and that the body is passed as it came, not parsed and written again.";

/**
 * The event that Recoup sent, decrypted if it was encrypted; `SignatureError` for what it did not.
 *
 * `payload`: the body as it came. `secret`: the endpoint's signing key, as shown; of the stablecoin
 * API the webhook secret. Name the format's type: `constructEvent<StandardEvent>(…)`.
 */
export async function constructEvent<Event = RescueEvent>(
  payload: string | Uint8Array,
  headers: WebhookHeaders,
  secret: string,
  options: WebhookOptions = {},
): Promise<Event> {
  const body = typeof payload === "string" ? UTF8.encode(payload) : new Uint8Array(payload);
  const given = lowered(headers);
  const now = options.now ?? Date.now() / 1000;
  if (given.has("x-fc-authorization")) {
    await checkRescue(secret, options.host ?? given.get("host") ?? "", given, body, now);
  } else if (given.has("webhook-signature")) {
    await checkStandard(secret, given, body, now);
  } else if (given.has("x-fluxa-signature")) {
    await checkStablecoin(secret, given, body, now);
  } else {
    throw new SignatureError(
      "No header of the request is a signature of Recoup. Pass its headers as they came.",
    );
  }
  const event = JSON.parse(new TextDecoder().decode(body));
  return given.has("x-fluxa-encryption") ? JSON.parse(await decrypted(secret, event.data)) : event;
}

async function checkRescue(
  secret: string,
  host: string,
  given: Map<string, string>,
  body: Bytes,
  now: number,
) {
  const date = given.get("x-fc-date") ?? "";
  const sent = Date.parse(date) / 1000;
  if (Number.isNaN(sent)) throw new SignatureError("The header x-fc-date is no date.");
  const digest = btoa(
    String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-512", body))),
  );
  const signed = `POST\n${given.get("x-fc-nonce") ?? ""};${date};${host};${digest}`;
  const offered = given.get("x-fc-authorization")!.split("&Signature=")[1] ?? "";
  const key = await hmacKey(keyOf(secret), "SHA-512", "verify");
  const fits = await crypto.subtle.verify("HMAC", key, decoded(offered), UTF8.encode(signed));
  if (!fits || given.get("x-fc-content-sha512") !== digest) {
    throw new SignatureError(
      `${UNFIT} It covers the Host header, too: "${host}" here; behind a proxy, pass host.`,
    );
  }
  checkFresh(sent, now);
}

/** While a key is changed there are two signatures; one must fit. */
async function checkStandard(secret: string, given: Map<string, string>, body: Bytes, now: number) {
  const sent = secondsOf(given, "webhook-timestamp");
  const signed = joined(
    UTF8.encode(`${given.get("webhook-id") ?? ""}.${given.get("webhook-timestamp")}.`),
    body,
  );
  const key = await hmacKey(keyOf(secret.replace(/^whsec_/, "")), "SHA-256", "verify");
  const offered = given.get("webhook-signature")!.split(/\s+/).slice(0, SIGNATURES_MAX);
  const proofs = offered.filter((one) => one.startsWith("v1,"));
  const fits = await Promise.all(
    proofs.map((one) => crypto.subtle.verify("HMAC", key, decoded(one.slice(3)), signed)),
  );
  if (!fits.includes(true)) throw new SignatureError(UNFIT);
  checkFresh(sent, now);
}

/** Of an encrypted body, over its envelope. */
async function checkStablecoin(
  secret: string,
  given: Map<string, string>,
  body: Bytes,
  now: number,
) {
  const sent = secondsOf(given, "x-fluxa-timestamp");
  const key = await hmacKey(UTF8.encode(secret), "SHA-256", "verify");
  const signed = joined(UTF8.encode(`${given.get("x-fluxa-timestamp")}.`), body);
  const digits =
    given
      .get("x-fluxa-signature")!
      .match(/^(?:[0-9a-f]{2}){32}$/)?.[0]
      .match(/../g) ?? [];
  const proof = Uint8Array.from(digits, (pair) => parseInt(pair, 16));
  if (!(await crypto.subtle.verify("HMAC", key, proof, signed))) throw new SignatureError(UNFIT);
  checkFresh(sent, now);
}

function checkFresh(sent: number, now: number) {
  const off = Math.round(now - sent);
  if (Math.abs(off) > SKEW_SECONDS) {
    const when = off > 0 ? "ago" : "ahead of now";
    throw new SignatureError(
      `It was signed ${Math.abs(off)} s ${when}, by this machine's clock; at most ${SKEW_SECONDS} s ` +
        "are accepted. Check the clock.",
    );
  }
}

function secondsOf(given: Map<string, string>, name: string): number {
  const stamp = given.get(name) ?? "";
  if (!/^\d{1,15}$/.test(stamp))
    throw new SignatureError(`The header ${name} is no number of seconds.`);
  return Number(stamp);
}

function keyOf(secret: string): Bytes {
  const key = decoded(secret);
  if (!key.length) {
    throw new SignatureError(
      "The secret is not base64. Pass the endpoint's signing key as it is shown.",
    );
  }
  return key;
}

async function decrypted(secret: string, data: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", UTF8.encode(secret));
  const key = await crypto.subtle.importKey("raw", digest, "AES-GCM", false, ["decrypt"]);
  const sealed = decoded(data);
  const plain = await crypto.subtle.decrypt(
    { name: "AES-GCM", iv: sealed.slice(0, 12) },
    key,
    sealed.slice(12),
  );
  return new TextDecoder().decode(plain);
}

/** Of base64; nothing of what is none. */
function decoded(text: string): Bytes {
  try {
    return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

function joined(head: Bytes, body: Bytes): Bytes {
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return whole;
}

function lowered(headers: WebhookHeaders): Map<string, string> {
  const entries = headers instanceof Headers ? [...headers] : Object.entries(headers);
  return new Map(
    entries.map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(" ") : (value ?? ""),
    ]),
  );
}
