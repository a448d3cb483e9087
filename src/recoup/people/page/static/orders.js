// The list of orders: its keys, what is selected, what is new. The page works without it.
const rows = [...document.querySelectorAll(".orders tbody tr")];
const boxes = rows.map((row) => row.querySelector("input[name=order]"));
let at = -1;

function move(step) {
  if (!rows.length) return;
  rows[at]?.classList.remove("here");
  at = Math.min(Math.max(at + step, 0), rows.length - 1);
  rows[at].classList.add("here");
  rows[at].querySelector("a.open").focus({ preventScroll: true });
  rows[at].scrollIntoView({ block: "nearest" });
}

const keys = {
  "/": () => document.getElementById("q").focus(),
  "?": () => document.querySelector("a[href='#keys']").click(), // at once: a change of the hash is told later
  j: () => move(1),
  k: () => move(-1),
  x: () => { if (at >= 0) boxes[at].click(); },
  Enter: () => { if (at >= 0) rows[at].querySelector("a.open").click(); },
  o: () => { if (at >= 0) open(rows[at].querySelector("a.open").href, "_blank", "noopener"); },
};

document.addEventListener("keydown", (event) => {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || target.isContentEditable) return;
  if (target.matches("input:not([type=checkbox]), select, textarea")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  // A link, button or menu that has the focus keeps its own Enter.
  if (event.key === "Enter" && target !== document.body) return;
  const act = keys[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});
rows.forEach((row, number) => row.querySelector("a.open").addEventListener("focus", () => {
  rows[at]?.classList.remove("here");
  at = number;
  row.classList.add("here");
}));

// What is selected: how many, and the sum of each currency, in whole units and never mixed.
const told = document.getElementById("selected");
function decimal(units, scale) {
  const digits = units.toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale).replace(/\B(?=(\d{3})+$)/g, ",");
  // Tokens have more places than anybody writes.
  const rest = digits.slice(-scale);
  return scale ? `${whole}.${scale > 4 ? rest.replace(/0+$/, "").padEnd(2, "0") : rest}` : whole;
}
const everything = document.getElementById("select-all");
function select() {
  for (const box of boxes) box.disabled = Boolean(everything?.checked);
  if (everything?.checked) {
    told.textContent = told.dataset.sayAll;
    return;
  }
  const sums = new Map();
  const chosen = boxes.filter((box) => box.checked);
  for (const { dataset } of chosen) {
    const sum = sums.get(dataset.asset) ?? { units: 0n, scale: Number(dataset.scale) };
    sum.units += BigInt(dataset.units);
    sums.set(dataset.asset, sum);
  }
  const amounts = [...sums].map(([asset, sum]) => `${decimal(sum.units, sum.scale)} ${asset}`);
  told.textContent = [told.dataset.saySome.replace("{}", chosen.length), ...amounts].join(" · ");
}
if (told) {
  for (const box of boxes) box.addEventListener("change", select);
  everything?.addEventListener("change", select);
  const all = document.getElementById("select-page");
  all.hidden = false;
  all.addEventListener("click", () => {
    const on = !boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = on;
    select();
  });
  select();
}

// What came in since: asked for while somebody looks, and never when the answer is no count.
const news = document.querySelector("[data-new]");
async function ask() {
  if (document.hidden) return;
  try {
    const headers = { accept: "application/json", "recoup-poll": "1" };
    const answer = await fetch(news.dataset.new, { headers, redirect: "error" });
    if (answer.status === 401) return clearInterval(asking); // signed out: the page stays as it is
    const found = answer.ok ? await answer.json() : { count: 0 };
    if (found.count) news.textContent = news.dataset.sayNew.replace("{}", `${found.count}${found.more ? "+" : ""}`);
    news.classList.toggle("primary", found.count > 0);
  } catch {
    clearInterval(asking);
  }
}
const asking = news ? setInterval(ask, 20_000) : 0;
