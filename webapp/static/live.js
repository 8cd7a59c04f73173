// Pages that show this moment ([data-live] is the frame that asks for itself anew): clocks that run, lists that stay
// where they were scrolled to, and nothing replaced between the press and the release of a mouse button.
(() => {
  let offset = 0;
  const two = (n) => String(n).padStart(2, "0");
  function clock(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    const minutes = Math.floor(s / 60) % 60;
    return s < 3600 ? `${minutes}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(minutes)}:${two(s % 60)}`;
  }
  function tick() {
    const now = Date.now() + offset;
    for (const one of document.querySelectorAll("[data-live] [data-since]")) {
      const text = clock((now - Number(one.dataset.since)) / 1000);
      if (one.textContent !== text) one.textContent = text;
    }
    for (const one of document.querySelectorAll("[data-live] [data-late]")) {
      one.classList.toggle("is-late", now >= Number(one.dataset.late));
    }
  }
  // The server's clock counts: its time comes with what it sends, ours may be wrong.
  function learn() {
    const told = document.querySelector("[data-live] [data-server-now]");
    if (told) offset = Number(told.dataset.serverNow) - Date.now();
    tick();
  }
  const isFrame = (element) => element.matches("[data-live]");
  let pressed = false;
  const stale = new Set();
  let places = [];
  let kept = [];
  document.addEventListener("pointerdown", () => { pressed = true; });
  function released() {
    pressed = false;
    for (const frame of stale) htmx.trigger(frame, "live:look");
    stale.clear();
  }
  document.addEventListener("pointerup", released);
  document.addEventListener("pointercancel", released);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isFrame(event.detail.target)) return;
    if (pressed) {
      event.detail.shouldSwap = false;
      stale.add(event.detail.target);
      return;
    }
    // What was typed or chosen since the part was drawn goes along ([data-keep]); htmx keeps the focus, by its id.
    kept = [...event.detail.target.querySelectorAll("[data-keep]")].filter((field) => field.checked || field.value !== field.defaultValue);
    places = [...event.detail.target.querySelectorAll("[data-scroll]")].map((list) => [list.id, list.scrollTop]);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isFrame(event.detail.target)) return;
    for (const old of kept) {
      // Who was chosen while the call still rang is chosen once it is taken.
      const field = document.getElementById(old.id) || (old.dataset.keepAs && document.querySelector(old.dataset.keepAs));
      if (field && old.checked) field.checked = !field.disabled;
      else if (field && field.matches("textarea")) field.value = old.value;
    }
    for (const [id, top] of places) if (document.getElementById(id)) document.getElementById(id).scrollTop = top;
    learn();
  });
  document.addEventListener("DOMContentLoaded", learn);
  setInterval(tick, 250);
})();
