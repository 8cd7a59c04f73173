// Calls for attention, as the user has chosen: a sound, a desktop notification. Each event once, however many tabs are
// open: a lock lets one tab after the other look, and whoever comes second finds its key among those that are done.
(() => {
  const body = document.body;
  const chosen = new Set((body.dataset.notices || "").split(" ").filter(Boolean));
  const KINDS = { call: ["call"], tasks: ["due", "missed", "promise", "gap"], office: ["line"] };
  const DONE = "notices:done";
  const KEEP = 300;

  // ---- Once. Without locks (an address that is not secure) the list alone keeps tabs apart.
  const alone = (work) => (navigator.locks ? navigator.locks.request("second-ring-notices", work) : work());
  function isNew(key) {
    let done = [];
    try { done = JSON.parse(localStorage.getItem(DONE)) || []; } catch { /* none yet */ }
    if (done.includes(key)) return false;
    try { localStorage.setItem(DONE, JSON.stringify([...done, key].slice(-KEEP))); } catch { /* no store: each tab tells */ }
    return true;
  }

  // ---- Sound: two tones, as a telephone has them. A tab nobody has touched yet may not play, so it stays silent.
  const mayPlay = () => !navigator.userActivation || navigator.userActivation.hasBeenActive;
  let audio = null;
  function ring(times) {
    if (!mayPlay()) return;
    audio ||= new AudioContext();
    audio.resume();
    for (let one = 0; one < times; one += 1) {
      const start = audio.currentTime + one * 0.9;
      for (const [tone, at] of [[660, 0], [880, 0.22]]) {
        const source = new OscillatorNode(audio, { frequency: tone });
        const volume = new GainNode(audio, { gain: 0 });
        volume.gain.setTargetAtTime(0.25, start + at, 0.01);
        volume.gain.setTargetAtTime(0, start + at + 0.18, 0.03);
        source.connect(volume).connect(audio.destination);
        source.start(start + at);
        source.stop(start + at + 0.4);
      }
    }
  }

  // ---- Notifications. A click leads to the page of the event; what is being typed here is not left for it.
  function go(url) {
    focus();
    const there = new URL(url, location.href);
    if (there.pathname === location.pathname) return;
    const typed = [...document.querySelectorAll("main input, main textarea")].some((field) => field.value !== field.defaultValue);
    if (typed) open(there);
    else location.assign(there);
  }
  const maySee = () => "Notification" in window && Notification.permission === "granted";
  function show(notice) {
    if (body.dataset.sound && ["call", "due"].includes(notice.event)) ring(notice.event === "call" ? 3 : 1);
    if (!body.dataset.popups || !maySee()) return;
    const shown = new Notification(notice.title, { body: notice.body, tag: notice.key, icon: "/static/icon.svg" });
    shown.onclick = () => { shown.close(); go(notice.url); };
  }
  // The tabs that may play a sound come first; which of them it is does not matter.
  const turn = () => new Promise((done) => { setTimeout(done, mayPlay() && document.visibilityState === "visible" ? 0 : mayPlay() ? 60 : 250); });

  // For parts of pages that have the words already: {key, event, title, body, url}. Told once, if its event is chosen.
  async function notify(notice) {
    if (!chosen.has(notice.event)) return;
    await turn();
    await alone(() => { if (isNew(notice.key)) show(notice); });
  }
  window.notices = { notify };

  // ---- What the stream tells. It says what happened to which id; the words are asked for, by one tab.
  async function hear(kind, id) {
    if (!id || !KINDS[kind] || !KINDS[kind].some((event) => chosen.has(event))) return;
    await turn();
    await alone(async () => {
      if (!isNew(`feed-${id}`)) return;
      try {
        const answer = await fetch(`/notices/${id}`, { signal: AbortSignal.timeout(5000) });
        if (!answer.ok || !answer.headers.get("content-type")?.includes("json")) return;
        for (const notice of (await answer.json()).notices) if (isNew(notice.key)) show(notice);
      } catch { /* the connection is gone; the page says so */ }
    });
  }
  document.addEventListener("stream:told", (event) => { hear(event.detail.kind, event.detail.id); });
  // Reminders stand in the page with their words; the notification says the same.
  document.addEventListener("htmx:afterSwap", () => {
    for (const one of document.querySelectorAll("[data-notice]:not([data-noticed])")) {
      one.dataset.noticed = "1";
      const { notice: key, noticeTitle: title, noticeBody: words, noticeUrl: url } = one.dataset;
      notify({ key: `due-${key}`, event: "due", title, body: words, url });
    }
  });

  // ---- The choice itself, on the user's own page.
  function say() {
    const form = document.getElementById("notices");
    if (!form) return;
    const state = !window.isSecureContext || !("Notification" in window) ? "insecure" : { granted: "allowed", denied: "denied" }[Notification.permission] || "ask";
    form.querySelector("#notice-allow").hidden = state !== "ask";
    form.querySelector("#notice-state").textContent = form.querySelector("#notice-popups").checked ? form.dataset[state] : "";
  }
  document.addEventListener("click", async (event) => {
    if (event.target.id === "notice-try") ring(1);
    if (event.target.id === "notice-allow" || (event.target.id === "notice-popups" && event.target.checked && maySee() === false)) {
      if (window.isSecureContext && "Notification" in window && Notification.permission === "default") await Notification.requestPermission();
      say();
    }
  });
  document.addEventListener("htmx:afterSwap", say);
  document.addEventListener("DOMContentLoaded", say);
})();
