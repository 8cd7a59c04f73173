// Doubtful rows by keyboard: arrows choose one, its keys decide, and the next one is chosen by itself.
"use strict";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, select, textarea")) return;
  const rows = [...document.querySelectorAll("[data-doubt]")];
  if (!rows.length) return;
  const here = rows.indexOf(document.activeElement.closest("[data-doubt]"));
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const next = rows[event.key === "ArrowDown" ? here + 1 : Math.max(here - 1, 0)];
    if (next) { next.focus(); event.preventDefault(); }
    return;
  }
  const key = { KeyS: "S", KeyA: "A", KeyK: "K" }[event.code];
  const button = key && here >= 0 && !event.shiftKey && rows[here].querySelector(`[data-key="${key}"]`);
  if (button) { event.preventDefault(); button.click(); }
});
// The row that was decided is drawn anew: the cursor goes on to the next one.
let decided = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  const row = event.target.closest?.("[data-doubt]");
  if (row && row.contains(document.activeElement)) decided = row.id;
});
document.addEventListener("htmx:afterSettle", () => {
  const row = decided && document.getElementById(decided);
  decided = "";
  if (row) (row.nextElementSibling?.matches("[data-doubt]") ? row.nextElementSibling : row).focus();
});
