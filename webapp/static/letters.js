// The letter's page: Ctrl+Enter sends what is typed. What each field showed goes along, so that nobody's change is
// written over (static/fields.js keeps it in data-was).
(() => {
  const form = document.querySelector("form#letter");
  if (!form) return;
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  // Enter in a line must not send a half-written letter.
  form.addEventListener("keypress", (event) => {
    if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
  });
  form.addEventListener("submit", () => {
    for (const field of form.querySelectorAll("[data-was]")) {
      const was = document.createElement("input");
      was.type = "hidden";
      was.name = `was_${field.name}`;
      was.value = field.dataset.was;
      form.append(was);
    }
    document.getElementById("letter-send").disabled = true;
  });
})();
