// Before anything is drawn, or a dark page would flash in white. No module, for those wait.
"use strict";
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("sluice-theme");
  } catch {
    // No storage: the system's theme it is.
  }
  if (theme === "light" || theme === "dark") {
    document.documentElement.dataset.theme = theme;
  }
})();
