// One token of each key; a new one a minute before it ends. NUMBER, NOW and EXPIRY make each call an order of its own.
const now = Date.now();
pm.collectionVariables.set("NUMBER", String(now));
pm.collectionVariables.set("NOW", new Date(now).toISOString());
pm.collectionVariables.set("EXPIRY", new Date(now + 21 * 86400e3).toISOString());
for (const [prefix, name] of [["", "TOKEN"], ["PARTNER_", "PARTNER_TOKEN"]]) {
  const [key, secret] = ["APP_KEY", "APP_SECRET"].map((one) => pm.variables.get(prefix + one));
  if (!key || !secret || now < Number(pm.collectionVariables.get(name + "_UNTIL"))) continue;
  pm.sendRequest({
    url: pm.variables.replaceIn("{{BASE}}/v1/oauth2/token"),
    method: "POST",
    header: { "Content-Type": "application/json" },
    body: { mode: "raw", raw: JSON.stringify({ AppKey: key, AppSecret: secret }) },
  }, (error, answer) => {
    if (error || answer.code !== 200) throw new Error("No access token: " + (error || answer.text()));
    const token = answer.json();
    pm.collectionVariables.set(name, token.accessToken);
    pm.collectionVariables.set(name + "_UNTIL", String(token.expires - 60000));
  });
}
