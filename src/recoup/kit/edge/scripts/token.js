// A token is fetched when there is none or it is about to end; the call that fetches one goes without.
const ends = Number(pm.collectionVariables.get("token_ends") || 0);
const open = pm.request.url.getPath().includes("/oauth2/");
if (!open && Date.now() > ends - 30000) {
  pm.sendRequest({
    url: pm.variables.get("base_url") + "/v1/oauth2/token",
    method: "POST",
    header: { "Content-Type": "application/json" },
    body: { mode: "raw", raw: JSON.stringify({
      AppKey: pm.variables.get("app_key"), AppSecret: pm.variables.get("app_secret") }) },
  }, (error, answer) => {
    if (error || answer.code !== 200) throw new Error("No token: check app_key and app_secret.");
    pm.collectionVariables.set("token", answer.json().accessToken);
    pm.collectionVariables.set("token_ends", String(answer.json().expires));
  });
}
