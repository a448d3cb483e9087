// Signs what is sent: method, path, sorted query, time and the body's hash. A signature is accepted once.
const CryptoJS = require("crypto-js");
bru.setVar("NUMBER", String(Date.now()));
const given = req.getBody();
const body = given ? bru.interpolate(typeof given === "string" ? given : JSON.stringify(given)) : "";
if (body) req.setBody(body);
const [path, query] = bru.interpolate(req.getUrl()).replace(/^[a-z]+:\/\/[^/]+/, "").split("?");
const sorted = (query || "").split("&").sort().join("&");
const stamp = String(Math.max(Math.floor(Date.now() / 1000), (Number(bru.getVar("STAMP")) || 0) + 1));
bru.setVar("STAMP", stamp);
const lines = [req.getMethod(), path, sorted, stamp, CryptoJS.SHA256(body).toString()].join("\n");
req.setHeader("X-Api-Key", bru.getEnvVar("STABLECOIN_KEY_ID"));
req.setHeader("X-Timestamp", stamp);
req.setHeader("X-Signature", CryptoJS.HmacSHA256(lines, bru.getEnvVar("STABLECOIN_SECRET")).toString());
