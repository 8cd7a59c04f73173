// Fields that save themselves. Each sends what it showed before (data-was), so that the server can tell when somebody
// else has changed it meanwhile; the answer is then both texts and a key for each way out. A field that is being typed
// in, or holds what is not saved yet, is never overwritten by what comes from elsewhere.
(() => {
  const AUTO = "[data-autosave]";
  const $ = (id) => document.getElementById(id);
  const changed = (field) =>
    field.dataset.was === undefined
      ? field.matches("select") ? [...field.options].some((one) => one.selected !== one.defaultSelected) && field.selectedIndex > 0 : field.value !== field.defaultValue
      : field.value !== field.dataset.was || field.hasAttribute("data-unsaved");
  const busy = (field) => field === document.activeElement || changed(field);
  const sentBy = (detail) => String(detail.requestConfig.parameters[detail.requestConfig.elt.name] ?? "").replaceAll("\r\n", "\n");
  let stale = false;

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.verb !== "post") return;
    if (detail.elt.dataset.was !== undefined) detail.parameters.was = detail.elt.dataset.was;
    if (!detail.elt.matches("form")) return;
    for (const field of detail.elt.querySelectorAll("[data-was]")) {
      if (field.name in detail.parameters) detail.parameters[`was_${field.name}`] = field.dataset.was;
    }
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const { elt, verb } = detail.requestConfig || {};
    if (verb === "post") setTimeout(catchUp, 0);
    // A line that was cut answers nothing: its status is 0.
    if (verb !== "post" || !elt.isConnected || elt.dataset.was === undefined) return;
    if (detail.xhr.status < 200 || detail.xhr.status > 299) return;
    const sent = sentBy(detail);
    elt.dataset.was = sent;
    const merged = $("saved")?.dataset.note; // a colleague's or the script's words came in between
    if (elt.name === "note" && merged !== undefined && elt.value === sent) elt.value = elt.dataset.was = merged;
  });

  // Ways out of a conflict.
  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-choice]");
    const field = key && $(key.dataset.for);
    if (!field) return;
    const theirs = key.dataset.theirs;
    if (key.dataset.choice === "theirs") field.value = theirs;
    if (key.dataset.choice === "both") field.value = `${theirs}\n${field.value}`;
    field.dataset.was = theirs;
    field.removeAttribute("data-unsaved");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    stale = true;
  });

  // The section of people is drawn anew as a whole: what is being typed in it goes along.
  let kept = null;
  function keep(section, except) {
    const active = section.contains(document.activeElement) ? document.activeElement : null;
    const fields = [...section.querySelectorAll("input[id], textarea[id], select[id]")].filter((one) => one !== except && busy(one));
    kept = {
      active: active && active.id,
      selection: active && active.matches("input, textarea") ? [active.selectionStart, active.selectionEnd] : null,
      fields: fields.map((one) => ({ id: one.id, value: one.value, was: one.dataset.was })),
      open: Boolean(section.querySelector("details[open]")),
    };
  }
  function putBack() {
    if (!kept) return;
    const { active, selection, fields, open } = kept;
    kept = null;
    for (const { id, value, was } of fields) {
      const field = $(id);
      if (!field || (was === undefined && field.closest(".add-point, .add-person")?.querySelector(".error"))) continue;
      field.value = value;
      if (was === undefined) continue;
      field.dataset.was = was;
      if (value === was) stale = true;
      else field.toggleAttribute(id === active ? "data-kept" : "data-unsaved", true);
    }
    if (open) $("people").querySelector("details")?.setAttribute("open", "");
    const field = active && $(active);
    if (!field) return;
    field.focus({ preventScroll: true });
    if (selection && field.matches("input, textarea")) field.setSelectionRange(...selection);
  }
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig, xhr } = event.detail;
    const { elt, verb } = requestConfig;
    if (verb === "post" && elt.matches(AUTO) && target.matches(".autosave") && xhr.status < 300) {
      const sent = sentBy(event.detail);
      if (elt.value === sent) return;
      event.detail.shouldSwap = false; // typed on meanwhile: the next save tells
      elt.dataset.was = sent;
    } else if (target.id === "people") {
      keep(target, elt);
      if (elt.matches("form")) kept.fields = kept.fields.filter(({ id }) => !elt.contains($(id)));
    }
  });
  document.addEventListener("htmx:afterSwap", putBack);

  // What others have changed.
  const print = (root) =>
    [...root.querySelectorAll("[data-was], [aria-pressed]")].map((one) => `${one.id}=${one.dataset.was ?? one.ariaPressed}`).join("\n");
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (target.id === "people") {
      if (print(target) === print(fragment)) event.detail.shouldSwap = false;
      else if (target.querySelector(".conflict, .htmx-request")) { event.detail.shouldSwap = false; stale = true; }
      else keep(target);
      return;
    }
    const field = target.matches(".autosave") && target.querySelector(AUTO);
    const next = field && fragment.querySelector(AUTO);
    if (!next) return;
    const news = field.dataset.was !== next.dataset.was;
    if (news && !busy(field)) return;
    event.detail.shouldSwap = false;
    stale ||= news;
  });
  document.addEventListener("htmx:oobAfterSwap", ({ detail: { target } }) => {
    putBack();
    if (target.matches(".autosave")) $(target.id)?.classList.add("freshened");
  });
  function catchUp() {
    if (!stale || document.activeElement?.matches(AUTO)) return;
    stale = false;
    document.dispatchEvent(new CustomEvent("fields:left"));
  }
  // The browser tells of no change in a field that was put back while it was being typed in: it is told here.
  document.addEventListener("change", ({ target }) => target.removeAttribute("data-kept"));
  document.addEventListener("focusout", ({ target }) => {
    if (target.matches("[data-kept]") && target.isConnected && target.value !== target.dataset.was) {
      target.dispatchEvent(new Event("change", { bubbles: true }));
    }
    setTimeout(catchUp, 0);
  });
})();
