// Dialogs as modals: the focus goes in and stays, Escape closes. Without this they open by :target, or with the page.
const FIELD = ".stack :is(input:not([type=hidden]), select, textarea):enabled";

function show(dialog) {
  if (dialog.open) return;
  dialog.classList.remove("open");
  dialog.showModal();
  [FIELD, "footer a", "header a"].map((one) => dialog.querySelector(one)).find(Boolean)?.focus();
}

const named = (hash) => {
  const found = hash.length > 1 ? document.getElementById(decodeURIComponent(hash.slice(1))) : null;
  return found instanceof HTMLDialogElement ? found : null;
};

function showNamed() {
  const dialog = named(location.hash);
  if (!dialog) return;
  location.replace("#"); // what is :target stays visible when it is closed
  show(dialog);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (!link.href.includes("#") || link.href.split("#")[0] !== location.href.split("#")[0]) return;
  const wanted = named(link.hash), around = link.closest("dialog");
  if (!wanted && !around) return;
  event.preventDefault();
  around?.close();
  if (wanted) show(wanted);
});

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    dialog.querySelector("header a").click(); // it may lead to another page
  });
  if (dialog.classList.contains("open")) show(dialog);
}
addEventListener("hashchange", showNamed);
showNamed();
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) print();
});

document.addEventListener("keydown", (event) => {
  const wanted = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && document.getElementById("to-find");
  if (!wanted) return;
  event.preventDefault();
  wanted.click();
});
