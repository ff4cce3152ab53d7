// Before the first paint, so that no page flashes in the wrong colours.
"use strict";
try {
  const chosen = localStorage.getItem("mainspring-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* no storage: as the system has it */ }
