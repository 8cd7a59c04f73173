// Small things every page needs; no page depends on them to be read.
document.addEventListener("htmx:responseError", (event) => {
  const notice = document.getElementById("connection");
  if (event.detail.xhr.status < 500) return;
  notice.textContent = document.body.dataset.offline || "";
  notice.hidden = false;
});
// "/" goes to the page's search box, from anywhere but a field.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const box = document.querySelector("input[type=search]");
  if (box) { event.preventDefault(); box.focus(); box.select(); }
});
// A form that came back refused: the cursor stands in the first field to mend, however far down the page it is.
document.querySelector("[aria-invalid=true]")?.focus();
// The menu at the end of the bar closes as menus do: by Escape, by a click elsewhere, when the focus goes on.
(() => {
  const menu = document.querySelector(".bar-more");
  if (!menu) return;
  const away = (event) => { if (menu.open && !menu.contains(event.target)) menu.open = false; };
  document.addEventListener("click", away);
  document.addEventListener("focusin", away);
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  });
})();
// What the stream brings for a part with data-quiet waits while one types in it, and is asked for when it is left.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  const typing = document.activeElement?.matches("input, textarea") && target.contains(document.activeElement);
  if (!typing || !target.matches("[data-quiet]") || !requestConfig.triggeringEvent?.type.startsWith("sse:")) return;
  event.detail.shouldSwap = false;
  target.dataset.stale = "";
});
document.addEventListener("focusout", () => setTimeout(() => {
  for (const part of document.querySelectorAll("[data-stale]")) {
    if (part.contains(document.activeElement)) continue;
    delete part.dataset.stale;
    htmx.trigger(part, "quiet:refresh");
  }
}, 0));
