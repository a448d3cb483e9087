// The rescue API's token: fetched with key and secret, kept in this page's memory until it ends.
const EARLY_MS = 30_000;
let kept = { pair: "", token: "", ends: 0 };

export async function token(prefix, key, secret) {
  const pair = `${key}\n${secret}`;
  if (kept.pair === pair && Date.now() < kept.ends - EARLY_MS) return kept.token;
  const answer = await fetch(`${prefix}/oauth2/token`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ AppKey: key, AppSecret: secret }),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(`No token: ${JSON.stringify(told, null, 2)}`);
  kept = { pair, token: told.accessToken, ends: told.expires };
  return kept.token;
}
