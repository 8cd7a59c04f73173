// Feeds htmx's sse extension from the browser's one stream (stream-worker.js), or from an EventSource of its own
// where shared workers don't exist. Tells in words when the connection is gone and reloads the parts that matter
// when it is back.
(() => {
  const body = document.body;
  const notice = document.getElementById("connection");
  let lost = false;

  function online(yes) {
    if (yes && lost) document.dispatchEvent(new CustomEvent("stream:back"));
    lost = !yes;
    notice.textContent = yes ? "" : body.dataset.offline;
    notice.hidden = yes;
  }

  // For whoever must know the row itself, as notices.js does.
  function told(kind, id) {
    document.dispatchEvent(new CustomEvent("stream:told", { detail: { kind, id } }));
  }

  class Shared extends EventTarget {
    constructor() {
      super();
      this.readyState = 0;
      const worker = new SharedWorker(body.dataset.worker, "second-ring");
      this.port = worker.port;
      this.port.onmessage = ({ data }) => {
        this.readyState = data.type === "error" ? 0 : 1;
        const event = new MessageEvent(data.type, { data: data.data });
        this.dispatchEvent(event);
        if (data.id) told(data.type, data.id);
        if (data.type === "open") { online(true); if (this.onopen) this.onopen(event); }
        // The worker reconnects by itself; the extension must not build a second source.
        if (data.type === "error") online(false);
      };
      this.port.postMessage({ after: Number(body.dataset.feedAfter) });
      addEventListener("pagehide", () => this.port.postMessage({ bye: true }));
      addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
    }

    close() {
      this.port.postMessage({ bye: true });
      this.readyState = 2;
    }
  }

  function own(url) {
    const source = new EventSource(`${url}?after=${body.dataset.feedAfter}`);
    source.addEventListener("open", () => online(true));
    source.addEventListener("error", () => online(false));
    for (const kind of ["call", "card", "tasks", "roster", "office", "job", "now", "remind", "mail"]) {
      source.addEventListener(kind, (event) => {
        body.dataset.feedAfter = event.lastEventId;
        told(kind, Number(event.lastEventId));
      });
    }
    return source;
  }

  htmx.createEventSource = (url) => (window.SharedWorker ? new Shared() : own(url));
})();
