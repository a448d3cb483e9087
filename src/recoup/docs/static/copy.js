// A button on each piece of code.
for (const code of document.querySelectorAll("pre.code")) {
  if (!navigator.clipboard || code.hasAttribute("data-sent") || code.hasAttribute("data-answered")) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn small copy-code";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent.trimEnd() + "\n");
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  const holder = document.createElement("div");
  holder.className = "copied";
  if (code.dataset.language) holder.dataset.language = code.dataset.language;
  code.replaceWith(holder);
  holder.append(code, button);
}
