// A button beside each id that is made to be copied: [data-copy] holds it whole. It talks to the clipboard only.
const words = document.currentScript.dataset;
const said = document.createElement("span");
said.className = "sr";
said.setAttribute("role", "status");
document.body.append(said);
const SVG = "http://www.w3.org/2000/svg";
function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", "i");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  made.append(use);
  return made;
}
for (const id of document.querySelectorAll("[data-copy]:not(pre)")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.title = words.sayCopy;
  button.setAttribute("aria-label", words.sayCopyIt.replace("{}", () => id.dataset.copy));
  button.append(icon("copy"));
  button.addEventListener("click", async (event) => {
    event.stopPropagation();
    try {
      await navigator.clipboard.writeText(id.dataset.copy);
      said.textContent = words.sayCopiedIt.replace("{}", () => id.dataset.copy);
      button.replaceChildren(icon("check"));
      setTimeout(() => button.replaceChildren(icon("copy")), 2000);
    } catch {
      id.textContent = id.dataset.copy;
      id.append(button);
      getSelection().selectAllChildren(id);
      said.textContent = words.sayByHand;
    }
  });
  id.append(button);
}
