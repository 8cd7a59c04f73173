// The desk's page: clocks that tick, keys that press what they name, drafts that survive a lost connection, and
// refreshes that never take a field away from under the fingers. Every state is the server's; nothing is kept here
// but what it has not confirmed yet.
(() => {
  const FIELD = "input:not([type=checkbox]):not([type=radio]):not([type=hidden]), textarea, select";
  const PANELS = ["who", "script", "result", "idle", "bar"];
  const $ = (id) => document.getElementById(id);
  const typing = (inside) => {
    const active = document.activeElement;
    return Boolean(active && active.matches(FIELD) && (!inside || inside.contains(active)));
  };

  // ---- Clocks. The server's clock counts: its time came with the bar, ours may be wrong.
  let offset = 0;
  const two = (n) => String(n).padStart(2, "0");
  function clock(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
    return s < 3600 ? rest.replace(/^0/, "") : `${Math.floor(s / 3600)}:${rest}`;
  }
  function learnTime() {
    const bar = document.querySelector(".callbar");
    if (bar && !bar.dataset.read) {
      offset = Number(bar.dataset.serverNow) - Date.now();
      bar.dataset.read = "1";
    }
  }
  const title = document.title;
  function tick() {
    const now = Date.now() + offset;
    const bar = document.querySelector(".callbar");
    if (!bar) return;
    if (bar.dataset.since) {
      const gone = (now - Number(bar.dataset.since)) / 1000;
      put(bar.querySelector("[data-clock]"), clock(gone));
      if (bar.dataset.ringSeconds) {
        put(bar.querySelector("[data-rings]"), String(Math.max(1, Math.floor(gone / Number(bar.dataset.ringSeconds)) + 1)));
      }
    }
    for (const one of document.querySelectorAll(".chip [data-since], .held [data-since]")) put(one, clock((now - Number(one.dataset.since)) / 1000));
    for (const one of document.querySelectorAll("[data-due]")) {
      const left = (Number(one.dataset.due) - now) / 1000;
      one.classList.toggle("promise-late", left < 0);
      put(one.querySelector("[data-left]"), (left < 0 ? "+" : "") + clock(Math.abs(left)));
    }
    const rings = bar.classList.contains("callbar-ringing");
    const wanted = rings ? `● ${bar.querySelector(".callbar-name").textContent}` : title;
    if (document.title !== wanted) document.title = wanted;
  }
  function put(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  // ---- Keys. An element says which key is its own (data-key); a key press is one click.
  const waiting = [];
  function keyName(event) {
    if (event.code === "Backspace") return "Backspace";
    const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
    if (digit) return (event.shiftKey ? "Shift+" : "") + digit[1];
    if (event.shiftKey) return "";
    if (/^[a-z]$/i.test(event.key)) return event.key.toUpperCase();
    const letter = /^Key([A-Z])$/.exec(event.code);
    return letter ? letter[1] : "";
  }
  function press(name) {
    // The script's own keys rest while another panel lies over it.
    const own = [...document.querySelectorAll(`main [data-key="${name}"]`)].find((one) => one.checkVisibility());
    if (!own || own.disabled) return false;
    if (mustWait(own)) {
      if (waiting.length < 8) waiting.push(name);
      return true;
    }
    const field = own.matches("form.answer-ask") ? own.querySelector("input") : own;
    if (field.matches(FIELD)) {
      field.focus();
      if (field.select) field.select();
    } else {
      own.click();
    }
    return true;
  }
  const busy = () => Boolean(document.querySelector("#script .htmx-request"));
  // What is being refreshed is about to be replaced, and a request begun in it would go with it.
  const mustWait = (own) => (own.closest("#script") ? busy() : Boolean(own.closest("#result.htmx-request")));

  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key === "Enter") {
      if (press("Ctrl+Enter")) event.preventDefault();
    } else if (event.key === "Enter" && event.target.id === "pass-q") {
      // Who has found the colleague writes the briefing next; only E and I ring anybody.
      event.preventDefault();
      const briefing = $("pass-briefing");
      briefing.focus();
      briefing.setSelectionRange(briefing.value.length, briefing.value.length);
    } else if (command && event.code === "KeyS") {
      if ($("who")) event.preventDefault();
      press("Ctrl+S");
    } else if (event.key === "Escape") {
      if (typing()) document.activeElement.blur();
      else press("Escape");
    } else if (!command && !event.altKey && !event.repeat && !typing()) {
      const name = keyName(event);
      if (name && press(name)) event.preventDefault();
    }
  });
  // The next key of a quick hand waits for the sentence it was meant for.
  function nextKey() {
    if (waiting.length && !busy() && !document.querySelector("#result.htmx-request")) press(waiting.shift());
  }

  // ---- Drafts: what was typed and the server has not confirmed, per browser, for three days.
  const store = (() => {
    try {
      localStorage.setItem("draft?", "1");
      localStorage.removeItem("draft?");
      return localStorage;
    } catch {
      const kept = new Map();
      return { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: (k) => kept.delete(k) };
    }
  })();
  const DAYS_3 = 3 * 24 * 3600 * 1000;
  const keyOf = (field) => `draft:${field.dataset.draft}`;
  function draftOf(field) {
    try {
      const kept = JSON.parse(store.getItem(keyOf(field)));
      return kept && Date.now() - kept.at < DAYS_3 ? kept.text : null;
    } catch {
      return null;
    }
  }
  const isSaving = (field) => field.hasAttribute("hx-post");
  function restore(root) {
    for (const field of root.querySelectorAll("[data-draft]")) {
      const text = draftOf(field);
      if (text === null) continue;
      if (field.value !== text && field !== document.activeElement) field.value = text;
      const folded = field.closest("details");
      if (folded && text) folded.open = true;
      if (isSaving(field)) htmx.trigger(field, "desk:save");
    }
  }
  function confirm(field, sent) {
    if (draftOf(field) === sent) store.removeItem(keyOf(field));
  }
  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-draft]");
    if (field) store.setItem(keyOf(field), JSON.stringify({ text: field.value, at: Date.now() }));
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    if (elt.id !== "result-form") return;
    // Closing sends only what is not confirmed yet: another tab may have written the rest since this one was drawn.
    for (const field of elt.querySelectorAll("[data-draft]")) {
      if (draftOf(field) === null) delete parameters[field.name];
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.requestConfig?.elt.id === "result") setTimeout(nextKey, 0);
    const { xhr, requestConfig } = event.detail;
    setTimeout(catchUp, 0);
    if (!requestConfig || requestConfig.verb !== "post") return;
    // What is refused (422) or stands against a colleague's words (409) is not kept yet.
    const successful = xhr.status >= 200 && xhr.status < 300;
    const elt = requestConfig.elt;
    const fields = elt.matches("[data-draft]") ? [elt] : elt.matches("form") ? elt.querySelectorAll("[data-draft]") : [];
    if (successful) {
      for (const field of fields) {
        const sent = requestConfig.parameters[field.name];
        if (sent !== undefined) confirm(field, String(sent).replaceAll("\r\n", "\n"));
      }
    }
    if (requestConfig.target && requestConfig.target.id === "script") {
      if (!successful) waiting.length = 0;
    }
  });
  let retry = 0;
  function unsaved() {
    const note = $("saved");
    const panels = $("panels");
    if (note && panels) {
      note.textContent = panels.dataset.unsaved;
      note.classList.add("saved-not");
    }
    clearTimeout(retry);
    retry = setTimeout(() => restore(document), 3000);
  }
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.requestConfig.verb === "post") unsaved();
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (requestConfig.verb === "post" && xhr.status >= 500) unsaved();
    // Not mine any more: a colleague took the call. The bar knows what comes now.
    if (xhr.status === 404 && requestConfig.verb === "post") htmx.trigger("#bar", "desk:look");
  });
  document.addEventListener("stream:back", () => restore(document));
  addEventListener("online", () => restore(document));

  // ---- Refreshes: never under the fingers. A panel being typed in asks again when the field is left; one that is just
  // sending something asks again when that is answered, for with its field a request goes that still waits for its turn.
  const stale = new Set();
  const sending = (panel) => Boolean(panel.querySelector(".htmx-request"));
  const held = (panel) =>
    (panel.id !== "bar" && (typing(panel) || sending(panel))) || (panel.id === "idle" && Boolean(panel.querySelector("details[open]")));
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig } = event.detail;
    const cause = requestConfig.triggeringEvent;
    if (cause && cause.type === "sse:card") {
      const card = elt.querySelector("[data-card]").dataset.card;
      if (card && card !== String(cause.detail.data)) event.preventDefault();
    }
    if (elt.matches("form.answer-ask") && typing(elt)) document.activeElement.blur();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig } = event.detail;
    if (requestConfig.verb !== "get" || !PANELS.includes(target.id) || !held(target)) return;
    event.detail.shouldSwap = false;
    stale.add(target.id);
  });
  // The bar never waits: who writes down where the talk stopped must see the next call ring. His field goes along.
  let writing = null;
  document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
    if (target.id !== "bar" || !typing(target)) return;
    const { id, value, selectionStart, selectionEnd } = document.activeElement;
    writing = { id, value, selectionStart, selectionEnd };
  });
  document.addEventListener("htmx:afterSettle", ({ detail: { target } }) => {
    const field = target.id === "bar" && writing ? $(writing.id) : null;
    if (target.id === "bar") writing = null;
    if (field && field.value !== field.defaultValue) htmx.trigger(field, "desk:save");
  });
  document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
    const field = target.id === "bar" && writing ? $(writing.id) : null;
    if (!field) return;
    field.value = writing.value;
    field.focus({ preventScroll: true });
    field.setSelectionRange(writing.selectionStart, writing.selectionEnd);
  });
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target } = event.detail;
    if (target.id !== "panels" || !typing(target)) return;
    event.detail.shouldSwap = false;
    stale.add("panels");
    $("bar").setAttribute("data-waiting", "");
  });
  function catchUp() {
    if (typing()) return;
    if (stale.delete("panels")) {
      stale.clear();
      $("bar").removeAttribute("data-waiting");
      htmx.trigger("#bar", "desk:look");
      return;
    }
    for (const id of [...stale]) {
      const panel = $(id);
      if (panel && held(panel)) continue;
      stale.delete(id);
      if (panel) htmx.trigger(panel, "desk:refresh");
    }
  }
  // Another tab of mine may have gone on meanwhile.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    for (const id of PANELS) if ($(id)) stale.add(id);
    catchUp();
  });
  document.addEventListener("focusout", () => setTimeout(catchUp, 0));
  document.addEventListener("toggle", () => setTimeout(catchUp, 0), true);

  let scroll = 0;
  document.addEventListener("htmx:beforeSwap", () => {
    const list = document.querySelector("[data-keep-scroll]");
    if (list) scroll = list.scrollTop;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const list = document.querySelector("[data-keep-scroll]");
    if (list && list.scrollTop !== scroll) list.scrollTop = scroll;
    learnTime();
    tick();
    restore(event.target);
    nextKey();
  });
  document.addEventListener("DOMContentLoaded", () => {
    learnTime();
    tick();
    setTimeout(() => restore(document), 0);
  });
  setInterval(tick, 250);
})();
