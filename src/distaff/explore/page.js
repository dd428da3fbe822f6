const at = (id) => document.getElementById(id);
const made = (name, given = {}, ...inside) => {
  const element = Object.assign(document.createElement(name), given);
  element.append(...inside);
  return element;
};
const dark = matchMedia("(prefers-color-scheme: dark)");
const short = (value) => value === null || value === undefined ? "" : Number.isInteger(value) ? String(value) : value.toPrecision(3);
const MANY = 1500; // points that are drawn faster as pixels than as elements
let data, view, run, brushed = null;

// Runs: filtered by data set, method and words; axes by two numbers; a brush narrows the list.
const measure = (key) => data.measures.find((one) => one.key === key);
function filtered() {
  const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const off = new Set([...at("methods").querySelectorAll("input:not(:checked)")].map((box) => box.value));
  return data.runs.filter((one) => one.dataset === at("dataset").value && !off.has(one.label)
    && words.every((word) => `${one.spec} ${one.label} ${one.id} seed ${one.seed}`.toLowerCase().includes(word)));
}
function scored() {
  const [x, y] = [at("x").value, at("y").value];
  return filtered().filter((one) => Number.isFinite(one[x]) && Number.isFinite(one[y]));
}
function spec(rows) {
  const names = Object.keys(data.looks);
  const axis = (id) => ({ field: at(id).value, type: "quantitative", title: measure(at(id).value)?.label, scale: { zero: false, nice: true } });
  const tip = [["spec", "setting"], ["seed", "seed"], ["id", "run"]].map(([field, title]) => ({ field, title, type: "nominal" }));
  return {
    data: { values: rows }, width: "container", height: 360, autosize: { type: "fit-x", contains: "padding" },
    config: data.themes[dark.matches ? "dark" : "light"],
    params: [{ name: "brush", select: { type: "interval" } }],
    mark: { type: "point", filled: true, size: 70 },
    encoding: {
      x: axis("x"), y: axis("y"), tooltip: tip,
      color: { field: "label", type: "nominal", legend: null, scale: { domain: names, range: names.map((name) => data.looks[name][0]) } },
      shape: { field: "label", type: "nominal", legend: null, scale: { domain: names, range: names.map((name) => data.looks[name][1]) } },
      opacity: { condition: { param: "brush", value: 0.9 }, value: 0.2 },
    },
  };
}
let drawing = false, stale = false;
async function draw() { // one at a time: of changes that come meanwhile, the last is drawn
  if (drawing) { stale = true; return; }
  drawing = true;
  do { stale = false; await drawOnce(); } while (stale);
  drawing = false;
}
async function drawOnce() {
  const rows = scored();
  brushed = null;
  view?.finalize();
  const found = await vegaEmbed(at("chart"), spec(rows), { actions: false, ast: true, renderer: rows.length > MANY ? "canvas" : "svg", tooltip: { theme: dark.matches ? "dark" : "light" } });
  view = found.view;
  view.addSignalListener("brush", (_, area) => { brushed = Object.keys(area).length ? area : null; list(); });
  // The nearest point within reach is meant: points are small, and the brush lies over them.
  view.addEventListener("click", (event) => {
    const [left, top] = view.origin(), box = at("chart").querySelector("svg, canvas").getBoundingClientRect();
    const near = rows.map((one) => ({ one, far: Math.hypot(
      view.scale("x")(one[at("x").value]) + left - (event.clientX - box.left), view.scale("y")(one[at("y").value]) + top - (event.clientY - box.top)) }))
      .reduce((best, next) => next.far < best.far ? next : best, { far: Infinity });
    if (near.far < 14) open(near.one);
  });
  list();
}
function listed() {
  const within = (one) => Object.entries(brushed ?? {}).every(([key, [low, high]]) => one[key] >= Math.min(low, high) && one[key] <= Math.max(low, high));
  const y = at("y").value;
  return scored().filter(within).sort((a, b) => b[y] - a[y]);
}
function list() {
  const [x, y] = [at("x").value, at("y").value], rows = listed();
  at("heads").replaceChildren(...["", measure(x)?.label, measure(y)?.label, "seed", "setting"].map((text, c) =>
    made("th", { textContent: text, className: c % 4 ? "num" : "", scope: "col" })));
  at("rows").replaceChildren(...rows.slice(0, 200).map((one) => made("tr", { className: one.id === run?.id ? "open" : "" },
    made("td", {}, made("button", { type: "button", textContent: "Open", ariaLabel: `open ${one.spec} seed ${one.seed}`, onclick: () => open(one) })),
    ...[short(one[x]), short(one[y]), one.seed, one.spec].map((text, c) => made("td", { textContent: text, className: c < 3 ? "num" : "" })))));
  at("count").textContent = `${rows.length} of ${data.runs.length} runs${brushed ? " brushed" : ""}`;
}

// One run: its code on sliders; of moves that come while one is being drawn, the last is drawn.
async function open(one, image = 0) {
  run = { id: one.id, pending: null, busy: false };
  list();
  at("run").hidden = false;
  dispatchEvent(new Event("resize")); // the chart gives way to the run
  at("spec").textContent = one.spec;
  at("about").textContent = `${one.dataset}, seed ${one.seed}, run ${one.id}`;
  at("sliders").replaceChildren();
  delete at("moved").dataset.z;
  const answer = await fetch(`runs/${one.id}/start.json?image=${image}`);
  const start = await answer.json();
  if (run.id !== one.id) return;
  if (!answer.ok) { at("about").textContent = start.error; return; }
  Object.assign(run, start);
  at("real").src = `runs/${one.id}/real.png?image=${start.image}`;
  at("rebuilt").src = `runs/${one.id}/decode.png?z=${start.code.join(",")}`;
  at("sliders").replaceChildren(...start.names.map((name, i) => {
    const told = made("output");
    const input = made("input", { type: "range", min: start.low[i], max: start.high[i], step: "any", ariaLabel: name });
    input.oninput = () => { told.textContent = Number(input.value).toFixed(2); move(); };
    return made("label", { className: "slider" }, made("span", { textContent: name }), input, told);
  }));
  at("pictures").replaceChildren(...Object.entries(data.pictures).map(([name, told]) => {
    const box = made("details", {}, made("summary", { textContent: told }));
    box.ontoggle = () => { if (box.open && box.children.length === 1) box.append(made("img", { src: `runs/${one.id}/${name}`, alt: told })); };
    return box;
  }));
  reset();
}
const inputs = () => [...at("sliders").querySelectorAll("input")];
function reset() {
  inputs().forEach((input, i) => { input.value = run.code[i]; input.nextElementSibling.textContent = run.code[i].toFixed(2); });
  move();
}
function move() {
  run.pending = { z: inputs().map((input) => input.value).join(","), since: performance.now() };
  if (!run.busy) redraw(run);
}
async function redraw(mine) {
  mine.busy = true;
  while (mine.pending && mine === run) {
    const { z, since } = mine.pending;
    mine.pending = null;
    const picture = await createImageBitmap(await (await fetch(`runs/${mine.id}/decode.png?z=${z}`)).blob());
    if (mine !== run) break;
    const canvas = at("moved");
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext("2d").drawImage(picture, 0, 0);
    canvas.dataset.z = z;
    at("delay").textContent = `redrawn in ${(performance.now() - since).toFixed(1)} ms`;
  }
  mine.busy = false;
}

async function begin() {
  data = await (await fetch("data.json")).json();
  at("store").textContent = data.store;
  at("left-out").hidden = !data.leftOut.length;
  at("left-out").textContent = `${data.leftOut.length} folders were left out: ${data.leftOut.slice(0, 3).join("; ")}`;
  const sets = new Map();
  data.runs.forEach((one) => sets.set(one.dataset, (sets.get(one.dataset) ?? 0) + 1));
  at("dataset").append(...[...sets].sort((a, b) => b[1] - a[1]).map(([name, n]) => made("option", { value: name, textContent: `${name} (${n})` })));
  for (const [id, first] of [["x", "DCI disentanglement"], ["y", "MIG"]]) {
    for (const group of new Set(data.measures.map((one) => one.group))) {
      const own = data.measures.filter((one) => one.group === group);
      at(id).append(made("optgroup", { label: group }, ...own.map((one) => made("option", { value: one.key, textContent: one.label }))));
    }
    const wanted = data.measures.find((one) => one.label === first);
    if (wanted) at(id).value = wanted.key;
  }
  at("methods").append(...Object.entries(data.looks).map(([name, [colour]]) => {
    const swatch = made("span", { className: "swatch" });
    swatch.style.background = colour;
    return made("li", {}, made("label", {}, made("input", { type: "checkbox", checked: true, value: name }), swatch, name));
  }));
  for (const id of ["dataset", "x", "y", "methods"]) at(id).addEventListener("change", draw);
  at("search").addEventListener("input", draw);
  dark.addEventListener("change", draw);
  at("reset").onclick = reset;
  at("other").onclick = () => open(data.runs.find((one) => one.id === run.id), run.image + 37);
  if (data.measures.length) await draw(); else at("chart").textContent = "No run of this store has been scored yet.";
}
begin();
