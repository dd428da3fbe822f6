// Draws the charts of a report with the report's own bundle, in a Node.js that makes no code of text.
// Arguments: the bundle, a JSON file of charts by name, and whether expressions are interpreted.
const fs = require("fs");
const [bundle, charts, ast] = process.argv.slice(2);
const known = { getContext: () => null, then: undefined, length: 0, [Symbol.iterator]: function* () {} };
const element = () => new Proxy(function () {}, { // stands for every element of a page: nothing is measured or shown
  get: (of, name) => (name in of ? of[name] : name in known ? known[name] : (of[name] = name === "ownerDocument" ? document : element())),
  set: (of, name, value) => { of[name] = value; return true; },
  apply: () => element(),
});
globalThis.window = globalThis.self = globalThis;
globalThis.HTMLElement = globalThis.Element = Object;
globalThis.ShadowRoot = globalThis.SVGElement = globalThis.HTMLCanvasElement = class {};
globalThis.document = element();
globalThis.addEventListener = globalThis.removeEventListener = () => {};
globalThis.matchMedia = () => ({ matches: false, addEventListener() {} });
require("vm").runInThisContext(fs.readFileSync(bundle, "utf8"));
async function drawn() {
  const sizes = {};
  for (const [name, chart] of Object.entries(JSON.parse(fs.readFileSync(charts, "utf8")))) {
    const options = { actions: false, ast: ast === "true", renderer: "none", tooltip: false, logLevel: 1 };
    const { view } = await vegaEmbed(element(), { ...chart, width: 300 }, options);
    sizes[name] = ((await view.toSVG()).match(/<(path|line|text|rect)/g) || []).length;
  }
  return sizes;
}
drawn().then((sizes) => console.log(JSON.stringify(sizes)), (error) => { console.error(`${error.name}: ${error.message}`); process.exit(1); });
