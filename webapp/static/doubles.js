// Two cards side by side by keyboard: up and down go from field to field, 1, 2 and 3 choose, Ctrl+Enter merges.
document.addEventListener("keydown", (event) => {
  const form = document.getElementById("compare");
  if (!form || event.altKey || event.metaKey || event.isComposing) return;
  if (event.ctrlKey) {
    if (event.key !== "Enter" || !form.querySelector(".btn-primary")) return;
    event.preventDefault();
    form.querySelector(".btn-primary").click();
    return;
  }
  const rows = [...form.querySelectorAll("[data-row]")];
  const row = document.activeElement.closest("[data-row]");
  const typing = document.activeElement.matches("input:not([type=radio], [type=checkbox]), textarea, select");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = row ? rows[rows.indexOf(row) + step] : typing && step < 0 ? rows[rows.length - 1] : rows[0];
    if (next) next.querySelector("input:checked").focus();
    else if (row && step > 0) form.querySelector("#why").focus();
    else return;
    event.preventDefault();
    return;
  }
  const side = typing || event.shiftKey ? -1 : ["1", "2", "3"].indexOf(event.key);
  const pick = side < 0 || !row ? null : row.querySelector(`input[value=${["left", "right", "both"][side]}]`);
  if (!pick) return;
  pick.checked = true;
  pick.focus();
  event.preventDefault();
});

// Probable doubles by keyboard: up and down go from pair to pair, 1 the same, 2 another one, 3 not sure.
document.addEventListener("keydown", (event) => {
  const list = document.getElementById("pairs");
  if (!list || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.isComposing) return;
  if (document.activeElement.matches("input, textarea, select")) return;
  const rows = [...list.querySelectorAll("[data-pair]")];
  const row = document.activeElement.closest("[data-pair]");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const next = row ? rows[rows.indexOf(row) + (event.key === "ArrowDown" ? 1 : -1)] : rows[0];
    if (!next) return;
    next.focus();
  } else {
    const button = row && !event.repeat && row.querySelector(`[data-key="${event.key}"]`);
    if (!button) return;
    button.click();
  }
  event.preventDefault();
});
// After a verdict the pair that comes next has the focus.
let place = 0;
document.addEventListener("htmx:beforeRequest", (event) => {
  const rows = [...document.querySelectorAll("#pairs [data-pair]")];
  const row = event.target.closest && event.target.closest("[data-pair]");
  if (row) place = rows.indexOf(row);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "pairs" && !event.target.closest?.("#pairs")) return;
  const rows = document.querySelectorAll("#pairs [data-pair]");
  const next = rows[Math.min(place, rows.length - 1)];
  if (next) next.focus();
});

// A search has come to its end: show what it found, unless somebody is among the pairs, and offer the next search.
document.addEventListener("htmx:afterSettle", () => {
  const form = document.getElementById("search");
  if (!form || !form.hidden || document.querySelector(".doubles-job [hx-get]")) return;
  form.hidden = false;
  const pairs = document.getElementById("pairs");
  if (!pairs.contains(document.activeElement)) {
    htmx.ajax("GET", location.pathname + location.search, { target: pairs, swap: "outerHTML" });
  }
});
