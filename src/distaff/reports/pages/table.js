"use strict";
// The table of runs: searched, sorted, and shown a part at a time, so that thousands of rows cost nothing.
const { columns, rows } = RUNS;
const text = rows.map((row) => row.join(" ").toLowerCase());
const state = { sort: -1, up: true, limit: 50 };
const numeric = columns.map((_, c) => rows.some((r) => typeof r[c] === "number"));
const heads = document.getElementById("heads");
const search = document.getElementById("search");
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
  if (columns[c] === "run" && row[c]) {
    const link = document.createElement("a");
    link.href = `run.html#${encodeURIComponent(row[c])}`;
    link.textContent = row[c];
    td.append(link);
    return td;
  }
  td.textContent = shown(row[c]);
  if (numeric[c]) td.className = "num";
  if (columns[c] === "status") td.className = row[c];
  return td;
}
function fill() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = rows.filter((_, r) => words.every((word) => text[r].includes(word)));
  if (state.sort >= 0) matching.sort((a, b) => compare(a[state.sort], b[state.sort]));
  [...heads.children].forEach((head, c) => head.setAttribute("aria-sort", c !== state.sort ? "none" : state.up ? "ascending" : "descending"));
  document.getElementById("rows").replaceChildren(...matching.slice(0, state.limit).map((row) => {
    const tr = document.createElement("tr");
    tr.append(...columns.map((_, c) => cell(row, c)));
    return tr;
  }));
  document.getElementById("shown").textContent = `${Math.min(state.limit, matching.length)} of ${matching.length} runs shown`;
  document.getElementById("more").hidden = matching.length <= state.limit;
}
search.oninput = () => { state.limit = 50; fill(); };
document.getElementById("more").onclick = () => { state.limit *= 4; fill(); };
function searchFromAddress() {
  const text = location.hash.slice(1);
  try { search.value = decodeURIComponent(text); } catch { search.value = text; }
  fill();
}
addEventListener("hashchange", searchFromAddress);
searchFromAddress();
