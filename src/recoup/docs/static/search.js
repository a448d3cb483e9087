// Looks through all pages in the browser: the index is fetched once, when the field is first used.
const SHOWN_MAX = 12;
const holder = document.querySelector("[data-search]");
const field = document.getElementById("find");
const list = document.getElementById("found");
let index;

holder.hidden = false;
field.addEventListener("focus", load, { once: true });
field.addEventListener("input", show);
field.addEventListener("keydown", move);
list.addEventListener("keydown", move);
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    field.focus();
  }
});
document.addEventListener("click", (event) => { if (!holder.contains(event.target)) close(); });

async function load() {
  const answer = await fetch("/docs/search.json");
  index = (await answer.json()).map(([title, page, path, text, synonyms]) => ({
    title, page, path, head: title.toLowerCase(), text: `${page} ${path} ${text}`.toLowerCase(),
    synonyms: synonyms.split("|").filter(Boolean).map(wordsOf),
  }));
  show();
}

function wordsOf(text) {
  return text.toLowerCase().split(/[\s-]+/).filter(Boolean);
}

// Of one, or of several: "chargeback", "chargebacks".
function isWord(one, other) {
  return one === other || `${one}s` === other || one === `${other}s`;
}

// All words must be there; in the title they count most, then in the address. What the field calls a page in so many
// words comes first, the longest such name before all.
function matches(words) {
  const found = [];
  for (const entry of index) {
    const named = entry.synonyms.filter((name) => name.every((part) => words.some((word) => isWord(part, word))));
    const length = Math.max(0, ...named.map((name) => name.length));
    if (!length && !words.every((word) => entry.head.includes(word) || entry.text.includes(word))) continue;
    const weight = (word) => 2 * entry.head.includes(word) + entry.path.includes(word);
    found.push([100 * length + words.reduce((sum, word) => sum + weight(word), 0), entry]);
  }
  return found.sort((a, b) => b[0] - a[0]).slice(0, SHOWN_MAX).map(([, entry]) => entry);
}

function show() {
  const words = wordsOf(field.value);
  if (!words.length || !index) return close();
  const found = matches(words);
  list.replaceChildren(...found.map(line));
  if (!found.length) list.append(Object.assign(document.createElement("li"), { textContent: "Nothing found." }));
  list.hidden = false;
}

function line(entry) {
  const item = document.createElement("li");
  const link = Object.assign(document.createElement("a"), { href: entry.path, textContent: entry.title });
  link.append(Object.assign(document.createElement("small"), { textContent: entry.page }));
  link.addEventListener("click", close);
  item.append(link);
  return item;
}

function move(event) {
  if (event.key === "Escape") {
    close();
    field.focus();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const links = [...list.querySelectorAll("a")];
  if (event.key === "Enter" && event.target === field && links.length) links[0].click();
  if (!step || !links.length) return;
  event.preventDefault();
  const at = links.indexOf(document.activeElement) + step;
  (links[at] ?? (step < 0 ? field : links.at(-1))).focus();
}

function close() {
  list.hidden = true;
}
