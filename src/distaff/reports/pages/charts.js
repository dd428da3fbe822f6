"use strict";
// Charts: drawn in the theme of the screen when they come near, and drawn again when the theme changes.
const dark = matchMedia("(prefers-color-scheme: dark)");
const views = new Map();
let printing = false;
// The page has one key of methods: it replaces the legends of methods, which the SVG files keep. Others stay.
function withoutKey(spec) {
  if (Array.isArray(spec)) return spec.map(withoutKey);
  if (spec === null || typeof spec !== "object") return spec;
  return Object.fromEntries(Object.entries(spec).map(([name, value]) =>
    [name, name === "data" || name === "datasets" ? value : value?.field === "Method" && "legend" in value ? { ...value, legend: null } : withoutKey(value)]));
}
function draw(place) {
  const chart = REPORT.charts[place.dataset.chart];
  const spec = place.dataset.keyed === "1" ? withoutKey(chart) : { ...chart };
  const theme = dark.matches && !printing ? "dark" : "light";
  spec.config = { ...REPORT.themes[theme] };
  spec.autosize = { type: "fit-x", contains: "padding" };
  return vegaEmbed(place, spec, { actions: false, ast: true, renderer: "svg", tooltip: { theme } }).then((embedded) => {
    views.get(place)?.finalize();
    views.set(place, embedded);
    settle();
  });
}
// A link leads to a figure: charts above it that are drawn later must not push it away, until the reader moves.
// What stands after # in the address, as written there by hand or by a link.
function fragment() {
  const text = location.hash.slice(1);
  try { return decodeURIComponent(text); } catch { return text; }
}
const named = () => document.getElementById(fragment());
let aim = named();
const settle = () => aim?.scrollIntoView({ behavior: "instant" });
addEventListener("hashchange", () => { aim = named(); });
for (const move of ["wheel", "touchmove", "keydown", "pointerdown"]) addEventListener(move, () => { aim = null; }, { passive: true });
const drawAll = () => Promise.all([...views.keys()].map(draw));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
}, { rootMargin: "600px" });
const watch = (root) => root.querySelectorAll("[data-chart]").forEach((place) => seen.observe(place));
watch(document);
dark.addEventListener("change", drawAll);
addEventListener("beforeprint", () => { printing = true; document.querySelectorAll("[data-chart]").forEach(draw); });
addEventListener("afterprint", () => { printing = false; drawAll(); });
