// A button beside each field that is made to be copied. It talks to the clipboard only.
for (const field of document.querySelectorAll("input[data-copy]")) {
  const group = document.createElement("div"), button = document.createElement("button"), words = field.dataset;
  group.className = "group";
  button.type = "button";
  button.className = "btn";
  button.setAttribute("aria-live", "polite");
  button.setAttribute("aria-describedby", field.id + "-label");
  button.textContent = words.copy;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = words.copied;
    } catch {
      field.select();
      button.textContent = words.byHand;
    }
  });
  field.replaceWith(group);
  group.append(field, button);
}
