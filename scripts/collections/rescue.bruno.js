// One token of each key; a new one a minute before it ends. NUMBER, NOW and EXPIRY make each call an order of its own.
const now = Date.now();
bru.setVar("NUMBER", String(now));
bru.setVar("NOW", new Date(now).toISOString());
bru.setVar("EXPIRY", new Date(now + 21 * 86400e3).toISOString());
for (const [prefix, name] of [["", "TOKEN"], ["PARTNER_", "PARTNER_TOKEN"]]) {
  const [key, secret] = ["APP_KEY", "APP_SECRET"].map((one) => bru.getEnvVar(prefix + one));
  if (!key || !secret || now < Number(bru.getVar(name + "_UNTIL"))) continue;
  const answer = await bru.sendRequest({
    url: bru.getEnvVar("BASE") + "/v1/oauth2/token",
    method: "POST",
    headers: { "Content-Type": "application/json" },
    data: { AppKey: key, AppSecret: secret },
  });
  bru.setVar(name, answer.data.accessToken);
  bru.setVar(name + "_UNTIL", String(answer.data.expires - 60000));
}
