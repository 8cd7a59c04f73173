// The page of tasks by keyboard: J and K walk the rows, a letter presses what it names in the row that has the focus,
// Enter opens its card. A refresh never takes away a row that is being worked on, and keeps the row that has the focus.
(() => {
  const list = () => document.getElementById("tasks");
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const typing = () => document.activeElement?.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
  const current = () => document.activeElement?.closest("[data-row]");

  function step(by) {
    const all = rows();
    const at = all.indexOf(current());
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  }
  function press(own) {
    own.click();
    // A fold that opens has its first field under the fingers.
    if (own.matches("summary")) setTimeout(() => own.parentElement.querySelector("input:not([type=hidden])")?.focus(), 0);
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && current()) {
      const row = current();
      for (const fold of row.querySelectorAll("details[open]")) fold.open = false;
      row.focus();
      return;
    }
    if (typing() || event.repeat || event.shiftKey) return;
    const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
    if (letter === "J" || event.key === "ArrowDown") { step(1); event.preventDefault(); return; }
    if (letter === "K" || event.key === "ArrowUp") { step(-1); event.preventDefault(); return; }
    const onPage = letter && document.querySelector(`[data-page-key="${letter}"]`);
    if (onPage) { onPage.click(); event.preventDefault(); return; }
    const row = current();
    if (!row || document.activeElement !== row) return;
    const own = event.key === "Enter" ? row.querySelector("[data-open]") : letter && row.querySelector(`[data-task-key="${letter}"]`);
    if (own) { press(own); event.preventDefault(); }
  });
  // Enter in "or: fri 15:00" puts off to what is typed, not by the first shortcut of the form.
  document.addEventListener("keydown", (event) => {
    const form = event.key === "Enter" && event.target.matches("input[name=when]") && event.target.closest(".task-later");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("[data-enter]"));
  });
  // What the stream brings waits while a row is worked on, and is asked for again when it is left.
  let focused = "", stale = false;
  const held = () => list()?.querySelector("details[open]") || (typing() && list()?.contains(document.activeElement));
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig } = event.detail;
    if (target !== list()) return;
    if (requestConfig.elt === target && held()) { // its own refresh, not a filter that was chosen
      event.detail.shouldSwap = false;
      stale = true;
      return;
    }
    stale = false;
    focused = current()?.id || "";
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    focused = "";
    // A row that came back as it is now keeps the focus: on what is to be mended, else on itself.
    const changed = document.querySelector("[data-changed]");
    if (changed) {
      changed.removeAttribute("data-changed");
      (changed.querySelector("[aria-invalid=true]") || changed).focus({ preventScroll: true });
    }
    catchUp();
  });
  function catchUp() {
    if (!stale || held()) return;
    stale = false;
    htmx.trigger(list(), "tasks:refresh");
  }
  document.addEventListener("focusout", () => setTimeout(catchUp, 0));
  document.addEventListener("toggle", () => setTimeout(catchUp, 0), true);
})();
