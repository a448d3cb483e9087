// A part of a page that changes by itself: [data-live] says after how many seconds it is looked at again. Without this
// script its Reload button does the same.
async function look(part) {
  if (!document.hidden && !part.contains(document.activeElement)) {
    try {
      const headers = { accept: "text/html", "recoup-poll": "1" };
      const answer = await fetch(location.href, { headers, redirect: "error" });
      if (answer.status === 401) return; // signed out: the page stays as it is
      const found = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      if (found) {
        part.replaceWith(found);
        part = found;
      }
    } catch { /* the next look may find it */ }
  }
  if (part.dataset.live) setTimeout(look, Number(part.dataset.live) * 1000, part);
}
for (const part of document.querySelectorAll("[data-live]")) setTimeout(look, Number(part.dataset.live) * 1000, part);
