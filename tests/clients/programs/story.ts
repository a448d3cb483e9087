// A merchant's day by the TypeScript client; what it prints is compared with the API's own answers.

import assert from "node:assert/strict";
import { InvalidError, NotFoundError, Recoup, RecoupStablecoin } from "recoup-client";

const { BASE, APP_KEY, APP_SECRET, KEY_ID, SECRET, BODIES } = process.env as Record<string, string>;
const { declined, later, charge } = JSON.parse(BODIES!);

if (declined) {
  const recoup = new Recoup({ baseUrl: BASE!, appKey: APP_KEY!, appSecret: APP_SECRET! });
  const [taken, ...others] = await Promise.all([1, 2, 3, 4].map(() => recoup.evaluate(declined)));
  assert(taken && others.every((other) => other.orderId === taken.orderId));
  const second = await recoup.evaluate(later);
  assert.deepEqual(await recoup.orders.cancel(second.orderId), {});
  const found: string[] = [];
  const wanted = [declined.orderId, later.orderId];
  for await (const order of recoup.orders.list({ externalOrderId: wanted, pageSize: 1 }))
    found.push(order.externalOrderId);
  assert.deepEqual(found, [later.orderId, declined.orderId]);
  const site = await recoup.sites.create({
    url: "https://third.merchant.example",
    name: "Three",
    descriptor: "THIRD*SHOP",
  });
  assert.equal(await recoup.sites.delete(site.id), undefined);
  const file = JSON.stringify(later).replaceAll("\n", "");
  const upload = await recoup.uploads.create(new TextEncoder().encode(`${file}\n`), {
    kind: "evaluate",
  });
  assert((await recoup.uploads.answers.get(upload.id)) instanceof Uint8Array);
  await assert.rejects(recoup.orders.get("0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c0d"), (error) => {
    assert(error instanceof NotFoundError);
    return error.code === "404101" && error.requestId !== "" && error.message !== "";
  });
  const bent = { ...declined, transaction: { ...declined.transaction, amount: -1 } };
  await assert.rejects(recoup.evaluate(bent), (error) => {
    assert(error instanceof InvalidError);
    return "Transaction.Amount" in error.fields;
  });
}
if (charge) {
  const recoup = new RecoupStablecoin({ baseUrl: BASE!, keyId: KEY_ID!, secret: SECRET! });
  const made = await recoup.charges.create(charge);
  for (let again = 0; again < 3; again++) {
    // the same call in one second needs a proof of its own each time
    const found: string[] = [];
    for await (const order of recoup.orders.list({
      limit: 5,
      merchant_order_id: charge.merchant_order_id,
    }))
      found.push(order.id);
    assert.deepEqual(found, [made.order.id]);
  }
}
console.log("done");
