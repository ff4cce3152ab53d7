// Makes pages live and quick to steer. Each works without it: links are links and buttons are forms.
"use strict";
(() => {
const body = document.body;
const byId = (id) => document.getElementById(id);
// The page carries what scripts say in its language; in English it carries nothing.
const texts = JSON.parse(document.body.dataset.texts || "{}");
const _ = (text, values = {}) => (texts[text] || text).replace(/{(\w+)}/g, (all, name) => values[name] ?? all);

// --- live: the same URL, asked for what may have changed ------------------------------
const every = Number(body.dataset.every) * 1000;
let isLive = every > 0, timer = 0, tag = "", isPressed = false;

const isBusy = () => document.hidden || isPressed || document.querySelector("dialog[open]") || hasSelection();
const hasSelection = () => { const chosen = getSelection(); return chosen && !chosen.isCollapsed && byId("main").contains(chosen.anchorNode); };

// What a person has opened, ticked or typed stays as it is.
const keep = {
  beforeNodeMorphed(before, after) {
    if (!(before instanceof Element) || !(after instanceof Element)) return true;
    if (before.matches("[data-ticks] tbody") && before.querySelector("input[data-tick]:checked")) { tellOfNews(before, after); return false; }
    if (before.tagName === "DETAILS" && before.open) after.setAttribute("open", "");
    if (before instanceof HTMLInputElement && (before.type === "checkbox" || before.type === "radio")) {
      after.checked = before.checked;
      after.toggleAttribute("checked", before.checked);
    }
    if (before.matches("input:not([type=checkbox]):not([type=hidden]), textarea, select") && (before === document.activeElement || "defaultValue" in before && before.value !== before.defaultValue)) return false;
    return !before.hasAttribute("data-keep");
  },
};

// Rows never move under a tick: that there are others is said, and shown when a person asks for it.
function tellOfNews(before, after) {
  const ids = new Set([...before.rows].map((row) => row.id));
  const many = [...after.rows].filter((row) => !ids.has(row.id)).length + (before.rows.length - [...after.rows].filter((row) => ids.has(row.id)).length);
  const bar = before.closest("[data-ticks]").querySelector("[data-bulk]");
  if (!bar || !many) return;
  setTimeout(() => {
    if (bar.querySelector("[data-news]")) return;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "btn s", textContent: _("{n} changed · refresh", { n: many }) });
    button.dataset.news = String(many);
    button.addEventListener("click", () => { for (const tick of ticks(bar.closest("[data-ticks]"))) tick.checked = false; counted(); tag = ""; look(); });
    bar.append(button);
  });
}

async function look() {
  if (isBusy()) return;
  const headers = { "X-Mainspring-Live": "1" };
  if (tag) headers["If-None-Match"] = tag;
  let answer;
  try { answer = await fetch(location.href, { headers, cache: "no-store", redirect: "manual" }); } catch { return state("lost"); }
  if (answer.status === 304) return state("live");
  if (!answer.headers.get("content-type")?.startsWith("text/html") || answer.status >= 500 || answer.type === "opaqueredirect") return state("lost");
  const text = await answer.text();
  // Whoever began to do something while it was under way is not disturbed.
  if (isBusy()) return;
  const page = new DOMParser().parseFromString(text, "text/html");
  if (!page.getElementById("live-region")) return state("lost");
  tag = answer.headers.get("etag") || "";
  for (const id of ["menu", "live-region"]) {
    const fresh = page.getElementById(id);
    if (fresh) Idiomorph.morph(byId(id), fresh, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks: keep });
  }
  state(answer.headers.has("x-mainspring-store-gone") ? "lost" : "live");
  document.dispatchEvent(new CustomEvent("mainspring:fresh"));
}
function state(name) {
  const button = byId("live");
  if (button) button.dataset.state = isLive ? name : "off";
}
function plan() {
  clearTimeout(timer);
  if (isLive && stream?.readyState !== 1) timer = setTimeout(async () => { await look(); plan(); }, every * (0.95 + Math.random() * 0.1));
}
// What is told as it comes need not be asked for; whatever ends that, the page goes on asking.
let stream = null;
function listen() {
  const told = document.querySelector("[data-events]");
  if (stream || !told || !isLive || document.hidden) return;
  stream = new EventSource(told.dataset.events);
  stream.onopen = plan;
  stream.onmessage = look;
  stream.onerror = deafen;
  stream.addEventListener("end", async () => { deafen(); await look(); });
}
function deafen() { if (stream) { stream.close(); stream = null; plan(); } }
function setLive(on) {
  isLive = on && every > 0;
  byId("live")?.setAttribute("aria-pressed", String(isLive));
  state("live");
  if (isLive) { look(); listen(); } else deafen();
  plan();
}
byId("live")?.addEventListener("click", () => setLive(!isLive));
document.addEventListener("visibilitychange", () => { if (document.hidden) deafen(); else if (isLive) { look(); listen(); plan(); } });
document.addEventListener("pointerdown", () => { isPressed = true; });
for (const over of ["pointerup", "pointercancel", "blur"]) addEventListener(over, () => { isPressed = false; });
listen();
plan();

// --- theme -----------------------------------------------------------------------------
function turn() {
  const next = { undefined: "dark", dark: "light", light: undefined }[document.documentElement.dataset.theme];
  if (next) document.documentElement.dataset.theme = next; else delete document.documentElement.dataset.theme;
  try { if (next) localStorage.setItem("mainspring-theme", next); else localStorage.removeItem("mainspring-theme"); } catch { /* not kept */ }
}
byId("theme")?.addEventListener("click", turn);

// --- rows: ticks, ranges, a bar that says how many -----------------------------------
let lastTick = null;
const ticks = (scope = document) => [...scope.querySelectorAll("input[data-tick]")];
function counted() {
  for (const form of document.querySelectorAll("[data-ticks]")) {
    const all = ticks(form), chosen = all.filter((tick) => tick.checked).length;
    for (const place of form.querySelectorAll("[data-ticked]")) place.textContent = String(chosen);
    for (const bar of form.querySelectorAll("[data-bulk]")) bar.hidden = chosen === 0;
    const whole = form.querySelector("input[data-tick-all]");
    if (whole) { whole.checked = chosen > 0 && chosen === all.length; whole.indeterminate = chosen > 0 && chosen < all.length; }
  }
}
document.addEventListener("click", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement)) return;
  if (box.matches("[data-tick-all]")) for (const tick of ticks(box.closest("[data-ticks]"))) tick.checked = box.checked;
  if (box.matches("[data-tick]")) {
    const all = ticks(box.closest("[data-ticks]") || document);
    const from = lastTick === null ? -1 : all.findIndex((tick) => tick.value === lastTick), to = all.indexOf(box);
    if (event.shiftKey && from >= 0) for (const tick of all.slice(Math.min(from, to), Math.max(from, to) + 1)) tick.checked = box.checked;
    lastTick = box.value;
  }
  counted();
});
document.addEventListener("mainspring:fresh", counted);
counted();

// --- dialogs: nothing is destroyed without a question --------------------------------------
const dialog = byId("dialog");
function ask(form, button, question) {
  const title = Object.assign(document.createElement("h2"), { id: "dialog-title", textContent: question.replace("{n}", String(ticks().filter((tick) => tick.checked).length)) });
  const row = Object.assign(document.createElement("div"), { className: "dialog-buttons" });
  const no = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: _("Cancel") });
  const yes = Object.assign(document.createElement("button"), { type: "button", className: button.classList.contains("d") ? "btn fill-d" : "btn p", textContent: button.textContent.trim() });
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => { form.dataset.sure = "1"; dialog.close(); form.requestSubmit(button); });
  row.append(no, yes);
  dialog.replaceChildren(title, row);
  dialog.showModal();
  no.focus();
}
document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.ask || form.dataset.ask;
  if (question && form.dataset.sure !== "1") { event.preventDefault(); ask(form, event.submitter, question); }
});
// A link to a page that asks (a bulk operation) opens it as a dialog.
document.addEventListener("click", async (event) => {
  const link = event.target instanceof Element && event.target.closest("a[data-dialog], button[data-dialog]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const form = link.closest("[data-ticks]");
  const url = new URL(link.dataset.dialog || link.href, location.href);
  if (form) for (const tick of ticks(form)) if (tick.checked) url.searchParams.append(tick.name, tick.value);
  const answer = await fetch(url, { headers: { "X-Mainspring-Live": "1" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const inside = page.querySelector("[data-dialog-body]");
  if (!inside) { location.href = url; return; }
  dialog.replaceChildren(...inside.childNodes);
  dialog.showModal();
});
document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-close]")) { event.preventDefault(); event.target.closest("dialog")?.close(); }
});
// A dialog that asks for a word lets through only that word.
document.addEventListener("input", (event) => {
  const field = event.target;
  if (field instanceof HTMLTextAreaElement && "json" in field.dataset) {
    try { JSON.parse(field.value || "null"); field.setCustomValidity(""); } catch (error) { field.setCustomValidity(error.message); }
  }
  if (field instanceof HTMLInputElement && field.dataset.word) field.setCustomValidity(field.value === field.dataset.word ? "" : _("Type {word}", { word: field.dataset.word }));
});

// --- copy ------------------------------------------------------------------------------
document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element && event.target.closest("[data-copy]");
  if (!button) return;
  try { await navigator.clipboard.writeText(button.dataset.copy || byId(button.dataset.copyFrom).textContent); button.dataset.done = "1"; } catch { /* not allowed */ }
});

// --- keys ------------------------------------------------------------------------------
const GO = { o: "/", j: "/jobs", f: "/failures", q: "/queues", w: "/workers", c: "/clock", b: "/batches", l: "/limits", m: "/metrics", s: "/store", a: "/audit" };
let wasG = 0;
const rows = () => [...document.querySelectorAll("main tbody tr[id]")];
function step(by) {
  const all = rows(), at = all.indexOf(document.querySelector("tr.at"));
  const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
  all[at]?.classList.remove("at");
  next?.classList.add("at");
  next?.scrollIntoView({ block: "nearest" });
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input:not([type=checkbox]), textarea, select")) { if (event.key === "Escape") event.target.blur(); return; }
  const row = document.querySelector("tr.at");
  if (wasG && Date.now() - wasG < 1500 && GO[event.key]) { location.href = body.dataset.base + GO[event.key]; return; }
  wasG = event.key === "g" ? Date.now() : 0;
  const keys = {
    "/": () => byId("search").focus(), j: () => step(1), k: () => step(-1), t: turn, r: () => setLive(!isLive), "?": () => byId("help").showModal(),
    x: () => row?.querySelector("input[data-tick]")?.click(),
    X: () => row?.querySelector("input[data-tick]")?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: true })),
    Enter: () => { if (row && event.target === body) row.querySelector("a")?.click(); },
  };
  if (keys[event.key]) { if (event.key !== "Enter") event.preventDefault(); keys[event.key](); }
});
})();
