// Quick entry by keyboard alone. The server keeps every row at each pause; what it has not confirmed yet stays in this
// tab's own storage, so that neither a reload nor a lost session takes a word away.
(() => {
  const sheet = () => document.getElementById("quick");
  const rows = () => [...document.querySelectorAll("#quick .quick-row")];
  const fields = (row) => [...row.querySelectorAll("input:not([type=hidden]), select")];
  const CARRIED = ["day", "door", "channel"];
  const isEmpty = (row) => fields(row).every((field) => CARRIED.includes(field.name) || !field.value.trim());
  const place = (row) => `quick:${sheet().dataset.user}:${row.dataset.key}`;

  function newKey() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  function addRow(key = newKey()) {
    const last = rows().at(-1);
    const html = document.getElementById("quick-blank").innerHTML.replaceAll("NEWROW", key);
    document.getElementById("quick-rows").insertAdjacentHTML("beforeend", html);
    const row = rows().at(-1);
    for (const name of CARRIED) if (last) row.elements[name].value = last.elements[name].value;
    htmx.process(row);
    return row;
  }
  function blankAtTheEnd() {
    if (!rows().length || !isEmpty(rows().at(-1))) addRow();
  }

  // What the server has not confirmed
  function remember(row) {
    row.setAttribute("data-unsaved", "");
    row.elements.turn.value = Math.max(Date.now(), Number(row.elements.turn.value) + 1); // the newest words count
    sessionStorage.setItem(place(row), JSON.stringify(Object.fromEntries(new FormData(row))));
  }
  function confirmed(row, sent) {
    if (sessionStorage.getItem(place(row)) !== sent) return; // typed on meanwhile
    sessionStorage.removeItem(place(row));
    row.removeAttribute("data-unsaved");
  }
  function restore() {
    const mine = `quick:${sheet().dataset.user}:`;
    for (const name of Object.keys(sessionStorage).filter((one) => one.startsWith(mine))) {
      const key = name.slice(mine.length);
      const typed = JSON.parse(sessionStorage.getItem(name));
      const row = document.getElementById(`row-${key}`) || addRow(key);
      for (const field of [...fields(row), row.elements.said, row.elements.turn]) {
        if (typed[field.name] !== undefined) field.value = typed[field.name];
      }
      row.setAttribute("data-unsaved", "");
      htmx.trigger(row, "quick:keep");
    }
    blankAtTheEnd();
  }
  document.addEventListener("input", (event) => {
    const row = event.target.closest(".quick-row");
    if (!row) return;
    remember(row);
    if (row === rows().at(-1) && !isEmpty(row)) addRow();
  }, true); // before the row is sent
  document.addEventListener("change", (event) => {
    const row = event.target.closest(".quick-row");
    if (row) remember(row);
  }, true);
  document.addEventListener("htmx:beforeRequest", (event) => {
    const row = event.detail.elt;
    if (row.matches(".quick-row")) event.detail.xhr.sent = sessionStorage.getItem(place(row));
  });
  // Without a session the page's own token is refused (400), or the login page is answered.
  const signedOut = (xhr) => xhr.status === 400 || (xhr.responseURL && new URL(xhr.responseURL).pathname === "/login");
  document.addEventListener("htmx:beforeSwap", (event) => {
    const from = event.detail.requestConfig.elt;
    if (!from.matches(".quick-row, #quick-save")) return;
    document.getElementById("quick-away").hidden = !signedOut(event.detail.xhr);
    if (signedOut(event.detail.xhr)) {
      event.detail.shouldSwap = false;
      for (const row of rows()) row.inert = false;
    } else if (from.matches(".quick-row") && event.detail.xhr.status < 300) {
      confirmed(from, event.detail.xhr.sent);
    } else if (from.matches("#quick-save") && [200, 422].includes(event.detail.xhr.status)) {
      for (const row of rows()) sessionStorage.removeItem(place(row));
    }
  });

  // Saving all: nothing is typed into rows that are about to be answered
  document.addEventListener("htmx:beforeSend", (event) => {
    if (event.detail.elt.id === "quick-save") for (const row of rows()) { htmx.trigger(row, "htmx:abort"); row.inert = true; }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.id !== "quick-save") return;
    for (const row of rows()) row.inert = false;
    const bad = document.querySelector("#quick [aria-invalid=true]");
    (bad || rows().at(-1)?.elements.name)?.focus();
  });
  addEventListener("beforeunload", (event) => {
    if (document.querySelector("#quick [data-unsaved]") && !navigator.onLine) event.preventDefault();
  });
  document.addEventListener("stream:back", () => {
    for (const row of document.querySelectorAll("#quick [data-unsaved]")) htmx.trigger(row, "quick:keep");
  });

  // Hits: one of them is meant by the keys
  function offerOf(row) {
    const offers = [...row.querySelectorAll(".quick-offer")];
    return offers.find((one) => one.classList.contains("quick-here")) || offers.find((one) => one.matches(".quick-asked")) || offers[0];
  }
  function step(row, by) {
    const offers = [...row.querySelectorAll(".quick-offer")];
    if (!offers.length) return;
    const at = offers.indexOf(offerOf(row));
    const marked = offers[at].classList.contains("quick-here");
    offers[at].classList.remove("quick-here");
    offers[(at + (marked ? by : 0) + offers.length) % offers.length].classList.add("quick-here");
  }
  function say(row, offer, word) {
    if (!offer) return;
    const said = new Map(row.elements.said.value.split(",").filter(Boolean).map((pair) => pair.split(":")));
    if (word === "same") for (const [id, other] of said) if (other === "same") said.delete(id); // one card only
    if (said.get(offer.dataset.client) === word) said.delete(offer.dataset.client);
    else said.set(offer.dataset.client, word);
    row.elements.said.value = [...said].map((pair) => pair.join(":")).join(",");
    remember(row);
    htmx.trigger(row, "quick:keep");
  }
  document.addEventListener("click", (event) => {
    const row = event.target.closest(".quick-row");
    if (!row) return;
    if (event.target.matches("[data-say]")) say(row, event.target.closest(".quick-offer"), event.target.dataset.say);
    if (event.target.matches("[data-drop]")) {
      for (const field of fields(row)) if (field.tagName === "INPUT") field.value = ""; else field.selectedIndex = 0;
      row.elements.said.value = "";
      remember(row);
      htmx.trigger(row, "quick:keep");
      row.elements.name.focus();
    }
  });

  // Keys
  const SAY = { KeyS: "same", KeyA: "other", KeyU: "unsure" };
  document.addEventListener("submit", (event) => { if (event.target.matches(".quick-row")) event.preventDefault(); });
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || !sheet()) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      document.getElementById("quick-save").click();
      return;
    }
    const row = event.target.closest?.(".quick-row");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.altKey) {
      if (SAY[event.code]) say(row, offerOf(row), SAY[event.code]);
      else if (event.target.tagName === "INPUT" && event.key === "ArrowDown") step(row, 1);
      else if (event.target.tagName === "INPUT" && event.key === "ArrowUp") step(row, -1);
      else return;
      event.preventDefault();
      return;
    }
    const all = rows();
    const at = all.indexOf(row);
    const typing = event.target.tagName === "INPUT";
    const edge = typing && event.target.selectionStart === event.target.selectionEnd;
    let target = null;
    if (event.key === "Enter" && event.target.matches("input, select")) {
      if (at === all.length - 1 && !isEmpty(row)) addRow();
      target = (rows()[at + 1] || row).elements.name;
    } else if (event.key === "ArrowDown" && typing) target = all[at + 1]?.elements[event.target.name];
    else if (event.key === "ArrowUp" && typing) target = all[at - 1]?.elements[event.target.name];
    else if (event.key === "ArrowRight" && edge && event.target.selectionEnd === event.target.value.length) {
      target = fields(row)[fields(row).indexOf(event.target) + 1];
    } else if (event.key === "ArrowLeft" && edge && event.target.selectionStart === 0) {
      target = fields(row)[fields(row).indexOf(event.target) - 1];
    }
    if (!target) return;
    event.preventDefault();
    target.focus();
    if (target.select) target.select();
  });

  document.addEventListener("DOMContentLoaded", () => { // once htmx knows the rows
    restore();
    (document.querySelector("#quick [aria-invalid=true]") || rows().at(-1).elements.name).focus();
  });
})();
