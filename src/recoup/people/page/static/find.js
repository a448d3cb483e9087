// What is typed leaves of the pages and acts those that have its words. Enter opens the first, or searches the orders.
const find = document.getElementById("find");
const none = document.getElementById("find-none");
const field = find.querySelector("input"), places = [...find.querySelectorAll("li")];
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/);
  for (const one of places) {
    const said = `${one.textContent} ${one.dataset.also ?? ""}`.toLowerCase();
    one.hidden = !words.every((word) => said.includes(word));
  }
  if (none) none.hidden = places.some((one) => !one.hidden);
});
find.addEventListener("keydown", (event) => {
  const links = [...find.querySelectorAll("li:not([hidden]) a")], at = links.indexOf(document.activeElement);
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) (links[at + by] ?? field).focus();
  else if (event.key === "Enter" && event.target === field && field.value && links.length) links[0].click();
  else return;
  event.preventDefault();
});
