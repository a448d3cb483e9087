// The stablecoin API's signature, made in the browser: the secret is never sent and never stored.
const bytes = (text) => new TextEncoder().encode(text);
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

// Sorted as UTF-8 bytes; JavaScript's own order is that of UTF-16 and differs beyond the basic plane.
function byBytes(left, right) {
  const [a, b] = [bytes(left), bytes(right)];
  const at = a.findIndex((byte, place) => byte !== b[place]);
  return at < 0 ? a.length - b.length : a[at] - (b[at] ?? -1);
}

export async function signature(secret, { method, path, query, stamp, body }) {
  const sorted = query.split("&").sort(byBytes).join("&");
  const digest = hex(await crypto.subtle.digest("SHA-256", bytes(body)));
  const told = [method.toUpperCase(), path, sorted, stamp, digest].join("\n");
  const key = await crypto.subtle.importKey("raw", bytes(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return hex(await crypto.subtle.sign("HMAC", key, bytes(told)));
}
