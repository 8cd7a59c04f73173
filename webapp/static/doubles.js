// Two cards side by side by keyboard: up and down go from field to field, 1, 2 and 3 choose, Ctrl+Enter merges.
document.addEventListener("keydown", (event) => {
  const form = document.getElementById("compare");
  if (!form || event.altKey || event.metaKey || event.isComposing) return;
  if (event.ctrlKey) {
    if (event.key !== "Enter" || !form.querySelector(".btn-primary")) return;
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  const rows = [...form.querySelectorAll("[data-row]")];
  const row = document.activeElement.closest("[data-row]");
  const typing = document.activeElement.matches("input:not([type=radio], [type=checkbox]), textarea, select");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = row ? rows[rows.indexOf(row) + step] : typing ? (step < 0 ? rows[rows.length - 1] : null) : rows[0];
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
