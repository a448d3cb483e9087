// Offers the browser's own time zone where it is another than the one that is kept.
for (const offer of document.querySelectorAll("[data-browser-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && zone !== offer.dataset.browserZone && !(zone === "UTC" && offer.dataset.browserZone === "GMT")) {
    const button = offer.querySelector("button");
    button.value = zone;
    button.textContent = offer.dataset.sayUse.replace("{}", zone);
    offer.hidden = false;
  }
}
