"use strict";
// One run: the page is a template, the run named after # comes from the file of its part.
const make = (name, attributes = {}, ...inside) => {
  const element = Object.assign(document.createElement(name), attributes);
  element.append(...inside);
  return element;
};
const number = (value) => value === null || value === undefined ? "" : Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.001) ? String(+value.toPrecision(3)) : String(+value.toFixed(4));
const place = document.getElementById("run");
const part = (id) => [...id].reduce((h, c) => (h * 31 + c.codePointAt(0)) % 65521, 0) % REPORT.parts;
const loaded = Object.create(null);
window.runsOf = (runs) => Object.assign(loaded, runs);
function load() {
  const id = fragment();
  if (!id || loaded[id]) return show(id);
  const script = make("script", { src: `runs/${part(id)}.js` });
  script.onload = () => show(id);
  script.onerror = () => show(id);
  document.head.append(script);
}
function lines(curve, names, title) {
  const values = names.flatMap((name) => curve[name].map((y, i) => ({ step: curve.step[i], name: name.replace(/^term\./, ""), y })));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json", width: "container", height: 220, data: { values },
    mark: { type: "line", strokeWidth: 1.6 },
    encoding: {
      x: { field: "step", type: "quantitative", title: "updates", axis: { format: "~s", tickCount: 5 } },
      y: { field: "y", type: "quantitative", title, scale: { zero: false }, axis: { tickCount: 5 } },
      color: { field: "name", type: "nominal", title: null, legend: { orient: "top", columns: 4 } },
      tooltip: [{ field: "name" }, { field: "step", type: "quantitative" }, { field: "y", type: "quantitative", format: ".4g" }],
    },
  };
}
function chart(key, spec, caption) {
  REPORT.charts[key] = spec;
  const plot = make("div", { className: "plot" });
  plot.dataset.chart = key; plot.dataset.keyed = "0"; plot.style.minHeight = "260px";
  return make("figure", { className: "chart" }, make("figcaption", {}, caption), plot);
}
function curves(run) {
  const names = Object.keys(run.curve || {}).filter((name) => name !== "step");
  const terms = names.filter((name) => name.startsWith("term.")), latents = names.filter((name) => name.startsWith("kl."));
  const charts = [];
  if (terms.length) charts.push(chart(`${run.id}-terms`, lines(run.curve, terms, "nats"), "Terms of the loss"));
  if (latents.length) charts.push(chart(`${run.id}-latents`, lines(run.curve, latents, "KL (nats)"), "KL of each latent"));
  return charts;
}
const isKnown = (value) => value !== null && value !== undefined;
const range = (least, most) => isKnown(least) ? `${number(least)} to ${number(most)}` : "";
function bar(value, noise, perfect) {
  if (![value, noise, perfect].every(isKnown) || perfect <= noise) return "";
  const share = Math.max(0, Math.min(1, (value - noise) / (perfect - noise)));
  const track = make("span", { className: "track", title: `${Math.round(100 * share)} % of the way from noise to a perfect code` });
  track.append(make("span", { className: "filled" }));
  track.firstChild.style.width = `${100 * share}%`;
  return track;
}
function scores(run) {
  const head = (name) => !name.replace(/\(.*?\)/g, "").includes(".");
  const baselines = REPORT.baselines[run.dataset] || {};
  const row = ([name, mean, sampled]) => {
    const [noise, perfect, least, most] = baselines[name] || [];
    const cells = [number(mean), number(sampled), number(noise), range(least, most), number(perfect)];
    return make("tr", {}, make("td", {}, REPORT.labels[name] || name.replaceAll("_", " ")), ...cells.map((text) => make("td", { className: "num" }, text)), make("td", {}, bar(mean, noise, perfect)));
  };
  const table = (shown) => {
    const titles = ["score", "mean codes", "sampled codes", "noise", "untrained", "perfect code", ""];
    const heads = titles.map((title, c) => make("th", { scope: "col", className: c > 0 && c < 6 ? "num" : "" }, title));
    return make("div", { className: "scroll", tabIndex: 0 }, make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...shown.map(row))));
  };
  const headed = run.scores.filter(([name]) => head(name) || name.startsWith("train."));
  const parts = run.scores.filter(([name]) => !head(name) && !name.startsWith("train."));
  if (!run.scores.length) return [make("p", { className: "absent" }, "This run has not been scored.")];
  const more = make("details", {}, make("summary", {}, `${parts.length} parts of these scores`));
  more.ontoggle = () => { if (more.open && more.children.length === 1) more.append(table(parts)); };
  const note = "Of mean codes: noise, a perfect code (each factor by itself), and the least and the greatest of networks before training. The bar is the way from noise to a perfect code.";
  return [table(headed), make("p", { className: "sub" }, note), ...(parts.length ? [more] : [])];
}
function section(eyebrow, title, ...inside) {
  return make("section", { className: "figure" }, make("header", {}, make("p", { className: "eyebrow" }, eyebrow), make("h2", {}, title)), ...inside);
}
function command(run) {
  const copy = make("button", { type: "button", className: "copy" }, "Copy");
  // A page opened from disk may have no clipboard: then the text stands selected, to be copied by hand.
  const code = make("code", {}, run.command || "");
  const select = () => getSelection().selectAllChildren(code);
  copy.onclick = () => navigator.clipboard ? navigator.clipboard.writeText(run.command).then(() => { copy.textContent = "Copied"; }, select) : select();
  return make("p", { className: "command" }, code, copy);
}
function show(id) {
  const run = loaded[id];
  if (!run) {
    const link = make("a", { href: "runs.html" }, "the table of runs");
    place.replaceChildren(make("section", { className: "figure" }, make("p", { className: "absent" }, id ? `There is no run ${id} in this report. See ` : "No run was asked for. See ", link, ".")));
    return;
  }
  document.title = `${run.label} · distaff`;
  const cell = make("a", { href: `runs.html#${encodeURIComponent(`${run.label} ${run.dataset}`)}` }, "the other seeds of this setting");
  const method = make("a", { href: run.method_page }, "its method");
  const setting = Object.entries(run.setting || {}).map(([name, value]) => typeof value === "number" ? `${name} ${value.toLocaleString("en")}` : value);
  const about = [`${run.dataset}, seed ${run.seed}`, ...setting, run.status, run.seconds ? `${number(run.seconds)} s of training` : ""].filter(Boolean).join(" · ");
  const top = make("header", { className: "lead" }, make("p", { className: "eyebrow" }, `Run ${id}`), make("h1", {}, run.label), make("p", { className: "sub" }, `${about} · see `, cell, ", ", method), command(run));
  if (run.reason) top.append(make("p", { className: "failed" }, run.reason));
  const pictures = run.pictures.map(([name, path]) => make("figure", {}, make("img", { src: path, alt: `${name} of ${run.label}`, loading: "lazy" }), make("figcaption", {}, name)));
  const drawn = curves(run);
  const made = Object.entries(run.made || {}).map(([name, value]) => `${name} ${value}`).join(" · ");
  place.replaceChildren(top,
    section("Scores", "How disentangled is its code?", ...scores(run)),
    ...(pictures.length ? [section("Pictures", "What did it learn?", make("div", { className: "shots" }, ...pictures))] : []),
    ...(drawn.length ? [section("Training", "How did it get there?", make("div", { className: "charts two" }, ...drawn))] : []),
    make("p", { className: "sub" }, made));
  watch(place);
  scrollTo(0, 0);
}
addEventListener("hashchange", load);
load();
