// Missed callers by keys: 1 to 9 ring that row back, arrows choose a row, V rings it back, C opens its reasons; Escape
// leaves a field. The list renews itself, but never under the fingers: a row being closed stays until it is done.
(() => {
  const rows = () => [...document.querySelectorAll(".lost")];
  const here = () => document.activeElement.closest?.(".lost");
  const typing = () => document.activeElement.matches("input:not([type=checkbox]), select, textarea");
  const inHand = (part) => Boolean(part.querySelector("details[open], .htmx-request"));
  let stale = false;

  function choose(step) {
    const all = rows();
    const next = all[Math.max(0, Math.min(all.length - 1, all.indexOf(here()) + step))];
    if (next) next.focus();
  }
  const dial = (row) => row?.querySelector(".dial-button:not(:disabled)")?.click();
  function reasons(row) {
    const details = row?.querySelector("details");
    if (!details) return;
    details.open = true;
    details.querySelector("input").focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.repeat && !event.key.startsWith("Arrow")) return;
    if (event.key === "Escape") {
      const row = here();
      for (const open of document.querySelectorAll(".lost details[open]")) open.open = false;
      if (row) row.focus();
      return;
    }
    if (typing()) return;
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    if (digit && !event.shiftKey) dial(rows()[Number(digit[1]) - 1]);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") choose(event.key === "ArrowDown" ? 1 : -1);
    else if (event.code === "KeyV") dial(here() || rows()[0]);
    else if (event.code === "KeyC") reasons(here() || rows()[0]);
    else return;
    event.preventDefault();
  });

  let at = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.target;
    if (part.id !== "missed-now" || event.detail.requestConfig.verb !== "get") return;
    if (inHand(part)) {
      event.detail.shouldSwap = false;
      stale = true;
    } else {
      at = here()?.id || "";
    }
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (at && document.activeElement === document.body) document.getElementById(at)?.focus();
    at = "";
  });
  // What came while a row was in hand is asked for again once it is not.
  function catchUp() {
    const part = document.getElementById("missed-now");
    if (!stale || !part || inHand(part)) return;
    stale = false;
    htmx.trigger(part, "missed:refresh");
  }
  document.addEventListener("toggle", () => setTimeout(catchUp, 0), true);
  document.addEventListener("htmx:afterRequest", () => setTimeout(catchUp, 0));
})();
