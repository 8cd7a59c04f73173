// One live stream a browser, however many tabs: HTTP/1.1 allows six connections to a host.
const KINDS = ["call", "card", "tasks", "roster", "office", "job", "now", "remind", "mail"];
const KEEP = 200;
const ports = new Set();
const recent = [];
let source = null;
let last = 0;

function tell(message) {
  for (const port of ports) port.postMessage(message);
}

function open() {
  source = new EventSource(`/events?after=${last}`);
  source.onopen = () => tell({ type: "open" });
  source.onerror = () => {
    tell({ type: "error" });
    // A refused reconnection closes the source for good; a new one continues from the last id.
    if (source.readyState === EventSource.CLOSED) setTimeout(open, 1000 + Math.random() * 1500);
  };
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      last = Number(event.lastEventId) || last;
      const message = { type: kind, data: event.data, id: last };
      recent.push(message);
      if (recent.length > KEEP) recent.shift();
      tell(message);
    });
  }
}

onconnect = (connection) => {
  const port = connection.ports[0];
  ports.add(port);
  port.onmessage = ({ data }) => {
    if (data.bye) {
      ports.delete(port);
      if (!ports.size && source) {
        source.close();
        source = null;
        recent.length = 0;
      }
    } else if (!source) {
      last = data.after;
      open();
    } else {
      if (source.readyState === EventSource.OPEN) port.postMessage({ type: "open" });
      for (const message of recent) if (message.id > data.after) port.postMessage(message);
    }
  };
};
