// What a wrong key, clock or version hears: one line a refusal.

import { Recoup, RecoupError, RecoupStablecoin } from "recoup-client";

const { BASE, APP_KEY, APP_SECRET, KEY_ID, SECRET, ORDER } = process.env as Record<string, string>;

async function heard(call: () => Promise<unknown>): Promise<void> {
  try {
    console.log("not refused", await call());
  } catch (error) {
    if (!(error instanceof RecoupError)) throw error;
    console.log(error.name, error.status, error.code, error.message);
  }
}

if (APP_KEY) {
  const recoup = (appSecret: string) => new Recoup({ baseUrl: BASE!, appKey: APP_KEY, appSecret });
  await heard(() => recoup("sk_test_another").orders.get(ORDER!));
  const right = recoup(APP_SECRET!) as unknown as {
    call(method: string, path: string): Promise<unknown>;
  };
  await heard(() => right.call("GET", "/v1/of-tomorrow"));
  await heard(() => recoup(APP_SECRET!).policy.set({ ofTomorrow: 1 } as never));
  await heard(() => recoup(APP_SECRET!).orders.refund(ORDER!, { amountToRefund: "1.00" }));
}
if (KEY_ID) {
  const recoup = (keyId: string, secret: string) =>
    new RecoupStablecoin({ baseUrl: BASE!, keyId, secret });
  await heard(() => recoup("pk_test_another", SECRET!).me.get());
  await heard(() => recoup(KEY_ID, "sk_test_another").me.get());
  const now = Date.now;
  Date.now = () => now() - 400_000;
  await heard(() => recoup(KEY_ID, SECRET!).me.get());
}
