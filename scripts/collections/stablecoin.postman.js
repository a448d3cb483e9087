// Signs what is sent: method, path, sorted query, time and the body's hash. A signature is accepted once.
pm.collectionVariables.set("NUMBER", String(Date.now()));
const body = pm.request.body && pm.request.body.raw ? pm.variables.replaceIn(pm.request.body.raw) : "";
if (body) pm.request.body.update({ mode: "raw", raw: body });
const path = pm.variables.replaceIn(pm.request.url.getPath());
const query = pm.variables.replaceIn(pm.request.url.getQueryString()).split("&").sort().join("&");
const last = Number(pm.collectionVariables.get("STAMP")) || 0;
const stamp = String(Math.max(Math.floor(Date.now() / 1000), last + 1));
pm.collectionVariables.set("STAMP", stamp);
const lines = [pm.request.method, path, query, stamp, CryptoJS.SHA256(body).toString()].join("\n");
pm.request.headers.upsert({ key: "X-Api-Key", value: pm.variables.get("STABLECOIN_KEY_ID") });
pm.request.headers.upsert({ key: "X-Timestamp", value: stamp });
pm.request.headers.upsert({
  key: "X-Signature",
  value: CryptoJS.HmacSHA256(lines, pm.variables.get("STABLECOIN_SECRET")).toString(),
});
