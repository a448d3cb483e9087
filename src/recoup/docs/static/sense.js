// Gives each visit a random name of its own and puts it, as `senseKey`, into every form marked data-sense. Your server
// sends it on with /v1/evaluate. It is kept in this tab only, knows nothing of the visitor, and calls nobody.
(() => {
  const NAME = "recoup-sense-key";
  const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
  const fresh = () => {
    const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };
  const kept = () => {
    try {
      return sessionStorage.getItem(NAME) ?? "";
    } catch {
      return ""; // the visitor's browser keeps nothing: this page's key will do
    }
  };
  const key = GUID.test(kept()) ? kept() : fresh();
  try {
    sessionStorage.setItem(NAME, key);
  } catch {}
  const put = (form) => {
    const field = form.elements.senseKey ?? form.appendChild(document.createElement("input"));
    Object.assign(field, { type: "hidden", name: "senseKey", value: key });
  };
  document.querySelectorAll("form[data-sense]").forEach(put);
  globalThis.recoupSense = { key, put };
})();
