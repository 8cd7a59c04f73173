// Drawing on the week grid: drag over a day's hours to fill and send the form, drag a bar's edge to change it.
// Everything here can be done with the forms alone.
(() => {
  const STEP = 15, NUDGE = 5;
  const SVG = "http://www.w3.org/2000/svg";
  let drag = null;

  const clock = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

  function minutesAt(row, clientX) {
    const week = row.closest("[data-first]");
    const first = Number(week.dataset.first), last = Number(week.dataset.last);
    const box = row.getBoundingClientRect();
    const share = Math.min(Math.max((clientX - box.left) / box.width, 0), 1);
    return Math.round((first + share * (last - first)) / STEP) * STEP;
  }

  function show() {
    const { row, from, to } = drag;
    const week = row.closest("[data-first]");
    const first = Number(week.dataset.first), wide = Number(week.dataset.last) - first;
    if (!drag.shape) {
      drag.shape = document.createElementNS(SVG, "g");
      drag.shape.append(document.createElementNS(SVG, "rect"), document.createElementNS(SVG, "text"));
      drag.shape.firstChild.setAttribute("class", "bar-drawn");
      drag.shape.lastChild.setAttribute("class", "bar-drawn-times");
      row.append(drag.shape);
    }
    const [rect, text] = drag.shape.children;
    const low = Math.min(from, to), high = Math.max(from, to);
    rect.setAttribute("x", `${(low - first) / wide * 100}%`);
    rect.setAttribute("width", `${(high - low) / wide * 100}%`);
    rect.setAttribute("y", "1");
    rect.setAttribute("height", String(row.getBoundingClientRect().height - 2));
    text.setAttribute("x", `${(low - first) / wide * 100}%`);
    text.setAttribute("dx", "6");
    text.setAttribute("y", "16");
    text.textContent = `${clock(low)}–${clock(high)}`;
  }

  function make(row, low, high) {
    const form = document.getElementById("new-shift");
    form.hidden = false; // it steps aside while a shift is edited
    form.elements.day.value = row.dataset.day;
    form.elements.starts.value = clock(low);
    form.elements.ends.value = clock(high);
    form.elements.over_midnight.checked = false;
    if (form.elements.user_id.value === "0") form.elements.user_id.focus();
    else form.requestSubmit();
  }

  function change(bar, row, low, high) {
    const values = { "edit-user_id": bar.dataset.user, "edit-day": row.dataset.day, "edit-starts": clock(low), "edit-ends": clock(high), "edit-rank": bar.dataset.rank, "edit-place": bar.dataset.place, "edit-version": bar.dataset.version };
    if ("override" in bar.dataset) values["edit-override"] = "y";
    htmx.ajax("POST", bar.dataset.shift, { target: "#roster", swap: "outerHTML", values });
  }

  document.addEventListener("pointerdown", (event) => {
    const row = event.target.closest("[data-edit] .week-row");
    if (!row || event.button !== 0 || !event.isPrimary) return;
    const edge = event.target.dataset.edge, bar = event.target.closest("[data-shift]");
    const here = minutesAt(row, event.clientX);
    drag = { row, bar: edge ? bar : null, pressed: event.clientX, moved: false, from: here, to: here };
    if (edge) drag.from = Number(edge === "start" ? bar.dataset.end : bar.dataset.start);
  });

  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (!drag.moved && Math.abs(event.clientX - drag.pressed) < NUDGE) return;
    drag.moved = true;
    drag.to = minutesAt(drag.row, event.clientX);
    show();
  });

  // A week that arrives while somebody draws on the old one waits until the drawing is done.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!drag || event.detail.target.id !== "week") return;
    event.detail.shouldSwap = false;
    drag.stale = true;
  });

  function finish(done) {
    const { row, bar, moved, from, to, shape, stale } = drag;
    drag = null;
    if (shape) shape.remove();
    if (stale) htmx.trigger("#week", "stale");
    if (!moved) return;
    // The click that ends a drag is not a click on the bar underneath.
    const swallow = (event) => { event.preventDefault(); event.stopPropagation(); };
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
    if (!done || from === to) return;
    if (bar) change(bar, row, Math.min(from, to), Math.max(from, to));
    else make(row, Math.min(from, to), Math.max(from, to));
  }
  document.addEventListener("pointerup", () => { if (drag) finish(true); });
  document.addEventListener("pointercancel", () => { if (drag) finish(false); });
  document.addEventListener("keydown", (event) => { if (drag && event.key === "Escape") finish(false); });

  // Ctrl+Z takes back one's last change; in a field it is the field's own.
  document.addEventListener("keydown", (event) => {
    if (event.code !== "KeyZ" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || drag) return;
    if (event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, [contenteditable]")) return;
    const undo = document.getElementById("undo");
    if (!undo || undo.disabled) return;
    event.preventDefault();
    undo.click();
  });
  // What somebody else has done meanwhile is read before the form.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "roster" || event.target.id === "roster") document.getElementById("conflict")?.focus();
  });
  document.addEventListener("change", (event) => { event.target.closest("[data-submits]")?.form.requestSubmit(); });
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.(".week-row")) event.preventDefault(); });
})();
