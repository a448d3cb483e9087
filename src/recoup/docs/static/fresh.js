// Each visit's samples are an order of their own; the page itself is the same for everybody who asks within ten minutes.
const was = document.querySelector("[data-number]")?.dataset.number;
if (was) {
  const bytes = crypto.getRandomValues(new Uint8Array(5));
  const now = Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    if (texts.currentNode.data.includes(was)) texts.currentNode.data = texts.currentNode.data.replaceAll(was, now);
  }
  for (const field of document.querySelectorAll("[data-body], [data-query]")) field.value = field.value.replaceAll(was, now);
}
