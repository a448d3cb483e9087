// A button on each block that is made to be copied. It talks to the clipboard only: the page may call nobody.
const words = document.currentScript.dataset;
for (const block of document.querySelectorAll("pre[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn small";
  button.textContent = words.sayCopy;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = words.sayCopied;
    } catch {
      getSelection().selectAllChildren(block);
      button.textContent = words.sayByHand;
    }
    setTimeout(() => { button.textContent = words.sayCopy; }, 3000);
  });
  block.after(button);
}
