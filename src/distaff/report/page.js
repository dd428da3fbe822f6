"use strict";
// Charts: drawn in the theme of the screen, and drawn again when that changes.
const dark = matchMedia("(prefers-color-scheme: dark)");
const views = new Map();
// The page has one key of methods: it replaces the legends of the charts, which the SVG files keep.
function withoutKey(spec) {
  if (Array.isArray(spec)) return spec.map(withoutKey);
  if (spec === null || typeof spec !== "object") return spec;
  return Object.fromEntries(Object.entries(spec).map(([name, value]) =>
    [name, name === "data" || name === "datasets" ? value : name === "legend" ? null : withoutKey(value)]));
}
function draw(place) {
  const chart = REPORT.charts[place.dataset.chart];
  const spec = place.dataset.keyed === "1" ? withoutKey(chart) : { ...chart };
  const config = { ...REPORT.themes[dark.matches && !printing ? "dark" : "light"] };
  spec.config = config;
  spec.autosize = { type: "fit-x", contains: "padding" };
  const theme = dark.matches ? "dark" : "light";
  return vegaEmbed(place, spec, { actions: false, renderer: "svg", tooltip: { theme } }).then((found) => {
    views.get(place)?.finalize();
    views.set(place, found);
  });
}
let printing = false;
const places = [...document.querySelectorAll("[data-chart]")];
const drawAll = () => Promise.all([...views.keys()].map(draw));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
}, { rootMargin: "1200px" });
places.forEach((place) => seen.observe(place));
dark.addEventListener("change", drawAll);
addEventListener("beforeprint", () => { printing = true; places.forEach(draw); });
addEventListener("afterprint", () => { printing = false; drawAll(); });

// The table of runs: searched, sorted, and shown a part at a time, so that thousands of rows cost nothing.
const { columns, rows } = REPORT.runs;
const text = rows.map((row) => row.join(" ").toLowerCase());
const state = { sort: -1, up: true, limit: 20 };
const numeric = columns.map((_, c) => rows.some((r) => typeof r[c] === "number"));
const heads = document.getElementById("heads");
columns.forEach((name, c) => {
  const head = document.createElement("th");
  head.scope = "col";
  if (numeric[c]) head.className = "num";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = name;
  button.onclick = () => { state.up = state.sort === c ? !state.up : true; state.sort = c; fill(); };
  head.append(button);
  heads.append(head);
});
function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  return state.up ? order : -order;
}
const shown = (value) => value === null ? "" : typeof value === "number" && !Number.isInteger(value) ? value.toPrecision(3) : String(value);
function cell(row, c) {
  const td = document.createElement("td");
  if (columns[c] === "command") {
    const copy = document.createElement("button");
    copy.type = "button"; copy.className = "copy"; copy.textContent = "Copy command"; copy.title = row[c] ?? "";
    // A page opened from disk may have no clipboard: then the command is shown, to be selected by hand.
    const show = () => copy.replaceWith(Object.assign(document.createElement("code"), { textContent: row[c] }));
    copy.onclick = () => navigator.clipboard ? navigator.clipboard.writeText(row[c]).then(() => { copy.textContent = "Copied"; }, show) : show();
    if (row[c]) td.append(copy);
    return td;
  }
  td.textContent = shown(row[c]);
  if (numeric[c]) td.className = "num";
  if (columns[c] === "status") td.className = row[c];
  return td;
}
function fill() {
  const words = document.getElementById("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = rows.filter((_, r) => words.every((word) => text[r].includes(word)));
  if (state.sort >= 0) kept.sort((a, b) => compare(a[state.sort], b[state.sort]));
  [...heads.children].forEach((head, c) => head.setAttribute("aria-sort", c !== state.sort ? "none" : state.up ? "ascending" : "descending"));
  document.getElementById("rows").replaceChildren(...kept.slice(0, state.limit).map((row) => {
    const tr = document.createElement("tr");
    tr.append(...columns.map((_, c) => cell(row, c)));
    return tr;
  }));
  document.getElementById("shown").textContent = `${Math.min(state.limit, kept.length)} of ${kept.length} runs shown`;
  document.getElementById("more").hidden = kept.length <= state.limit;
}
document.getElementById("search").oninput = () => { state.limit = 20; fill(); };
document.getElementById("more").onclick = () => { state.limit *= 4; fill(); };
fill();
