// Large charts: uPlot draws what stands beside each chart as JSON. Without it, the picture that the server made stays.
"use strict";
(() => {
const HEIGHT = 236, LONGEST_LABEL = 16;
// The page carries what scripts say in its language; in English it carries nothing.
const texts = JSON.parse(document.body.dataset.texts || "{}");
const _ = (text, values = {}) => (texts[text] || text).replace(/{(\w+)}/g, (all, name) => values[name] ?? all);
const probe = document.createElement("i");
probe.hidden = true;
document.body.append(probe);
// A token may be light-dark(...), which only an element's own colour resolves.
const token = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
let colours = {};
function mix() {
  for (const name of ["ok", "ok-soft", "bad", "bad-soft", "run", "run-soft", "idle", "line", "muted", "sched"]) colours[name] = token(name);
}
const short = (value) => Math.abs(value) >= 1e6 ? `${+(value / 1e6).toFixed(1)}M` : Math.abs(value) >= 1e4 ? `${+(value / 1e3).toFixed(1)}k` : String(Math.abs(value) < 10 ? +value.toPrecision(2) : +value.toFixed(0));
const rounded = (value, digits = 1) => ({ n: +value.toFixed(digits) });
const span = (ms) => ms < 1000 ? _("{n} ms", rounded(ms, ms < 10 ? 1 : 0)) : ms < 6e4 ? _("{n} s", rounded(ms / 1e3)) : ms < 36e5 ? _("{n} min", rounded(ms / 6e4)) : _("{n} h", rounded(ms / 36e5));

const DAY = 86400, two = (number) => String(number).padStart(2, "0");
// Times are UTC, as everywhere on the page: the day where a day begins, or where all are days.
function clock(all, gap) {
  return all.map((at) => {
    const date = new Date(at * 1000), isDay = gap >= DAY || at % DAY === 0;
    return isDay ? date.toLocaleDateString(document.documentElement.lang, { timeZone: "UTC", day: "numeric", month: "short" }) : `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  });
}
// A value between two gaps is no line: it is drawn as a point.
const lonely = (values) => values.flatMap((value, at) => value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null ? [at] : []);

// The last bucket is still filling: it is a dashed line of its own from the one before.
function columns(data) {
  const last = data.times.length - 1, open = data.unfinished && last > 0;
  const whole = data.lines.map((line) => line.values.map((value, at) => open && at === last ? null : value));
  const rest = data.lines.map((line) => line.values.map((value, at) => open && at >= last - 1 ? value : null));
  return [data.times, ...whole, ...rest];
}
function marks(u, data) {
  const { ctx, bbox } = u, ratio = devicePixelRatio;
  let free = -Infinity;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colours.sched;
  ctx.lineWidth = ratio;
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  ctx.setLineDash([4 * ratio, 3 * ratio]);
  for (const [at, label] of data.deploys) {
    const x = Math.round(u.valToPos(at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
    const text = _("deploy {label}", { label: label.length > LONGEST_LABEL ? label.slice(0, LONGEST_LABEL - 1) + "…" : label }), width = ctx.measureText(text).width;
    const from = x + width + 6 * ratio > bbox.left + bbox.width ? x - width - 4 * ratio : x + 4 * ratio;
    if (from > free) { ctx.fillText(text, from, bbox.top + 2 * ratio); free = from + width; }
  }
  ctx.restore();
}
function draw(place, read) {
  const write = (value) => value === null || value === undefined ? "–" : read().unit === "ms" ? span(value) : short(value);
  const count = read().lines.length;
  const axis = { stroke: () => colours.muted, font: "11px system-ui, sans-serif", ticks: { show: false }, grid: { stroke: () => colours.line, width: 1 } };
  const line = (each) => ({ label: each.name + (read().unit === "ms" ? "" : " " + _("/min")), stroke: () => colours[each.kind], width: 1.5, points: { show: true, size: 5, filter: (u, row) => lonely(u.data[row]) },
    fill: each.kind === "idle" ? undefined : () => colours[`${each.kind}-soft`], value: (u, value, row, at) => write(at === null ? null : value ?? u.data[row + count]?.[at]) });
  const dashed = (each) => ({ label: _("{line}, so far", { line: each.name }), stroke: () => colours[each.kind], width: 1.5, dash: [4, 4], points: { show: false } });
  const plot = new uPlot({
    width: place.clientWidth, height: HEIGHT, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { range: (_, from, to) => [from, to + read().step] }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.12 : 1] } },
    axes: [{ ...axis, space: 70, values: (_, all, __, ___, gap) => clock(all, gap) }, { ...axis, size: 58, values: (_, all) => all.map(write) }],
    series: [{ label: _("time"), value: (_, at) => at === null ? "–" : new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ") }, ...read().lines.map(line), ...read().lines.map(dashed)],
    hooks: { draw: [(u) => marks(u, read())] },
  }, columns(read()), place);
  for (const row of [...plot.root.querySelectorAll(".u-legend .u-series")].slice(1 + count)) row.remove();
  return plot;
}
const charts = new Map();
const shape = (data) => JSON.stringify([data.unit, data.lines.map((line) => line.name)]);
function show() {
  for (const place of document.querySelectorAll("[data-chart]")) {
    let data;
    const source = document.getElementById(place.dataset.chart);
    const now = source && source.textContent;
    const known = charts.get(place);
    if (!now || known && known.text === now) continue;
    try { data = JSON.parse(now); } catch { continue; }
    if (known && shape(known.data) === shape(data)) { known.text = now; known.data = data; known.plot.setData(columns(data)); continue; }
    known?.plot.destroy();
    place.replaceChildren();
    const kept = { text: now, data };
    kept.plot = draw(place, () => kept.data);
    charts.set(place, kept);
  }
  for (const [place, kept] of charts) if (!place.isConnected) { kept.plot.destroy(); charts.delete(place); }
}
function repaint() { mix(); for (const { plot } of charts.values()) plot.redraw(false); }
mix();
show();
document.addEventListener("mainspring:fresh", show);
new MutationObserver(repaint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
addEventListener("resize", () => { for (const [place, { plot }] of charts) plot.setSize({ width: place.clientWidth, height: HEIGHT }); });
})();
