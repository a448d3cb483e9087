// Prints each event once, if your Recoup signed it. WEBHOOK_KEY=… node consumer.mjs [PORT]
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const KEY = Buffer.from(process.env.WEBHOOK_KEY, "base64"), seen = new Set();

function isOurs({ "x-fc-nonce": nonce, "x-fc-date": date, host, "x-fc-authorization": told = "" }, body) {
  const digest = createHash("sha512").update(body).digest("base64");
  const mac = Buffer.from(createHmac("sha512", KEY).update(`POST\n${nonce};${date};${host};${digest}`).digest("base64"));
  const given = Buffer.from(told.split("&Signature=")[1] ?? "");
  const right = given.length === mac.length && timingSafeEqual(given, mac);
  return right && Math.abs(Date.now() - Date.parse(date)) < 300_000;
}

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts), ours = isOurs(request.headers, body);
  const event = ours ? JSON.parse(body) : null;
  if (ours && !seen.has(event.EventData.EventId)) console.log("signed:", event.Event, event.ExternalOrderId);
  if (ours) seen.add(event.EventData.EventId);
  response.writeHead(ours ? 204 : 401).end();
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
