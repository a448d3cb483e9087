// Whoever chooses a language once has chosen it for the page.
document.addEventListener("change", (event) => {
  if (!event.target.matches(".langs > input")) return;
  const above = event.target.getBoundingClientRect().top;
  for (const other of document.querySelectorAll(`.langs > input[value="${event.target.value}"]`)) other.checked = true;
  scrollBy(0, event.target.getBoundingClientRect().top - above);
});
