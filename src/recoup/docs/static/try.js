// The forms that call this address with what was filled in, and show what went out and what came back.
import { credentials, headersFor } from "./proof.js";

const TOKEN_SHOWN = 16;

for (const hidden of document.querySelectorAll("[data-credentials], .try")) hidden.hidden = false;
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-try], [data-credentials]")) return;
  event.preventDefault();
  if (event.target.matches("[data-try]")) perform(event.target);
});

async function perform(form) {
  const button = form.querySelector("button");
  const [sent, answered] = [form.querySelector("[data-sent]"), form.querySelector("[data-answered]")];
  button.disabled = true;
  sent.textContent = answered.textContent = "";
  try {
    const request = read(form);
    const headers = await headersFor(form.dataset.proof, request);
    if (request.body) headers["Content-Type"] = "application/json";
    sent.textContent = shownRequest(request, headers);
    const url = request.path + (request.query ? `?${request.query}` : "");
    const answer = await fetch(url, { method: request.method, headers, body: request.body || undefined });
    answered.textContent = shownAnswer(answer, await answer.text());
  } catch (error) {
    answered.textContent = error.message;
  } finally {
    form.querySelector("[data-result]").hidden = false;
    button.disabled = false;
  }
}

function read(form) {
  const values = {};
  for (const field of form.querySelectorAll("[data-variable]")) values[field.dataset.variable] = field.value.trim();
  const missing = Object.keys(values).find((name) => !values[name] && form.dataset.path.includes(`$${name}`));
  if (missing) throw new Error(`Fill in ${missing} first: it is part of the path.`);
  const filled = (text, write) => text.replace(/\$([A-Z][A-Z_]*)/g, (all, name) => (name in values ? write(values[name]) : all));
  const body = form.querySelector("[data-body]")?.value.trim() ?? "";
  return {
    method: form.dataset.method,
    path: filled(form.dataset.path, encodeURIComponent),
    query: filled(form.querySelector("[data-query]")?.value.trim() ?? "", encodeURIComponent),
    body: body.replace(/"\$([A-Z][A-Z_]*)"/g, (all, name) => (name in values ? JSON.stringify(values[name] || null) : all)),
  };
}

// As it went out, but for what a glance over the shoulder must not get.
function shownRequest(request, headers) {
  const lines = [`${request.method} ${request.path}${request.query ? `?${request.query}` : ""}`];
  for (const [name, value] of Object.entries(headers)) {
    const cut = name === "Authorization" ? `${value.slice(0, TOKEN_SHOWN)}…` : value;
    lines.push(`${name}: ${cut}`);
  }
  const { secret } = credentials();
  const body = secret ? request.body.replaceAll(secret, "…") : request.body;
  return body ? `${lines.join("\n")}\n\n${body}` : lines.join("\n");
}

function shownAnswer(answer, text) {
  const lines = [`${answer.status} ${answer.statusText}`.trim()];
  for (const [name, value] of answer.headers) lines.push(`${name}: ${value}`);
  let body = text;
  try {
    body = JSON.stringify(JSON.parse(text), null, 2);
  } catch { /* no JSON: shown as it came */ }
  return body ? `${lines.join("\n")}\n\n${body}` : lines.join("\n");
}
