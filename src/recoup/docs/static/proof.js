// The headers that prove who calls, from what stands in the page's credential fields.
import { signature } from "./signature.js";
import { token } from "./token.js";

let last = 0;

export function credentials() {
  const form = document.querySelector("[data-credentials]");
  const value = (id) => form.querySelector(id).value.trim();
  return { key: value("#key"), secret: value("#secret"), prefix: form.dataset.prefix };
}

export async function headersFor(proof, request) {
  if (proof === "none") return {};
  const { key, secret, prefix } = credentials();
  if (!key || !secret) throw new Error("Fill in the credentials at the top of this page first.");
  if (proof === "token") return { Authorization: `Bearer ${await token(prefix, key, secret)}` };
  if (!globalThis.crypto?.subtle) throw new Error("Browsers can sign only over https or on this machine: open this page there.");
  // A signature works once: the same call again takes the next second.
  last = Math.max(Math.floor(Date.now() / 1000), last + 1);
  const stamp = String(last);
  return { "X-Api-Key": key, "X-Timestamp": stamp, "X-Signature": await signature(secret, { ...request, stamp }) };
}
