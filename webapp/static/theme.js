// Chooses light or dark before the page is painted: the user's choice, else the system's.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => root.setAttribute("data-bs-theme", root.dataset.themeChoice || (dark.matches ? "dark" : "light"));
  apply();
  dark.addEventListener("change", apply);
})();
