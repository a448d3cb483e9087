// A check draws anew what it found, so that the form keeps its chosen file. Without this script the whole page comes
// back, and the file is chosen again.
const form = document.querySelector("form[data-found]");
let plain = false;
form.addEventListener("submit", async (event) => {
  if (plain || event.submitter?.value !== "check") return;
  event.preventDefault();
  const button = event.submitter, found = document.getElementById(form.dataset.found), data = new FormData(form);
  const buttons = form.querySelectorAll("button"), open = (yes) => buttons.forEach((one) => (one.disabled = !yes));
  data.append(button.name, button.value);
  open(false); // files are read one by one
  found.ariaBusy = "true";
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, headers: { accept: "text/html" }, redirect: "error" });
    const part = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(found.id);
    part.querySelector("[data-again]")?.remove();
    found.replaceWith(part);
    part.tabIndex = -1;
    part.focus();
    open(true);
  } catch {
    plain = true; // signed out, or the file has changed since: the browser sends it itself
    open(true);
    form.requestSubmit(button);
  }
});
