// Offers the browser's own time zone where it is another than the one that is kept.
for (const button of document.querySelectorAll("[data-browser-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && zone !== button.dataset.browserZone && !(zone === "UTC" && button.dataset.browserZone === "GMT")) {
    button.value = zone;
    button.textContent = button.dataset.sayUse.replace("{}", zone);
    button.hidden = false;
  }
}
