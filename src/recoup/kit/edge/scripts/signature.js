// Signs method, path, query, time and body as they will be sent.
const CryptoJS = require("crypto-js");
const replaced = (text) => pm.variables.replaceIn(text || "");
const path = replaced(pm.request.url.getPath());
const query = replaced(pm.request.url.getQueryString());
const body = replaced(pm.request.body && pm.request.body.raw);
const stamp = String(Math.floor(Date.now() / 1000));
const sorted = query.split("&").sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).join("&");
const digest = CryptoJS.SHA256(body).toString();
const told = [pm.request.method.toUpperCase(), path, sorted, stamp, digest].join("\n");
const signature = CryptoJS.HmacSHA256(told, pm.variables.get("secret")).toString();
pm.request.headers.upsert({ key: "X-Api-Key", value: pm.variables.get("key_id") });
pm.request.headers.upsert({ key: "X-Timestamp", value: stamp });
pm.request.headers.upsert({ key: "X-Signature", value: signature });
