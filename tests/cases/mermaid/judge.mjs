// Asks the real Mermaid parser about every case in er.yaml and state.yaml, and writes what it says to
// er.verdicts.json and state.verdicts.json. See README.md beside this file for how to run it.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The packages live outside the repository: they are looked up from the folder where npm put them.
const require = createRequire(path.join(process.cwd(), "package.json"));
const yaml = require("js-yaml");
const { JSDOM } = require("jsdom");
const dom = new JSDOM("");
globalThis.window = dom.window;
globalThis.document = dom.window.document;
const mermaidPath = path.join(process.cwd(), "node_modules/mermaid/dist/mermaid.core.mjs");
const { default: mermaid } = await import(pathToFileURL(mermaidPath).href);
mermaid.initialize({ startOnLoad: false });

// Mermaid hides `#quot;` behind placeholders while it parses; the browser turns them into characters.
function plain(text) {
  const element = dom.window.document.createElement("textarea");
  element.innerHTML = String(text ?? "").replace(/<br[ \t]*\/?>/gi, " ")
    .replace(/ﬂ°°/g, "&#").replace(/ﬂ°/g, "&").replace(/¶ß/g, ";");
  return element.value;
}

const CARDINALITY = {
  ZERO_OR_ONE: "0..1", ONLY_ONE: "1..1", ZERO_OR_MORE: "0..n", ONE_OR_MORE: "1..n", MD_PARENT: "1..1",
};

function erLines(db) {
  const lines = [];
  const names = new Map();
  const groups = new Set((db.getSubGraphs?.() ?? []).map((group) => group.id));
  for (const [name, entity] of db.getEntities()) {
    names.set(entity.id, name);
    if (groups.has(name)) continue;
    lines.push(`entity ${plain(name)}` + (entity.alias ? ` as ${plain(entity.alias)}` : ""));
    for (const { type, name: attribute, keys, comment } of entity.attributes) {
      const parts = ["-", plain(type), plain(attribute)];
      if (keys?.length) parts.push([...new Set(keys.map((key) => key.toUpperCase()))].join(","));
      if (comment) parts.push(JSON.stringify(plain(comment)));
      lines.push(parts.join(" "));
    }
  }
  for (const { entityA, entityB, roleA, relSpec } of db.getRelationships()) {
    const line = relSpec.relType === "IDENTIFYING" ? "--" : "..";
    const [left, right] = [CARDINALITY[relSpec.cardB], CARDINALITY[relSpec.cardA]];
    lines.push(`${plain(names.get(entityA))} ${left} ${line} ${right} ${plain(names.get(entityB))} : ${plain(roleA)}`.trim());
  }
  return lines;
}

function stateLines(statements, depth = 0) {
  const indent = "  ".repeat(depth);
  const lines = [];
  for (const statement of statements) {
    if (statement.stmt === "relation") {
      const label = plain(statement.description ?? "").trim();
      lines.push(`${indent}${plain(statement.state1.id)} --> ${plain(statement.state2.id)}` + (label ? ` : ${label}` : ""));
    } else if (statement.stmt === "state") {
      const { id, type, description, doc, note } = statement;
      if (type === "divider") { lines.push(`${indent}--`); continue; }
      if (note) { lines.push(`${indent}note ${plain(id)} : ${plain(note.text).replace(/\s+/g, " ")}`); continue; }
      const parts = [`${indent}state ${plain(id).trim()}`];
      if (type !== "default") parts.push(`<<${type}>>`);
      const said = [description ?? []].flat().map((text) => plain(text).trim()).filter(Boolean);
      if (said.length) parts.push(`: ${said.join(" | ")}`);
      lines.push(parts.join(" "));
      if (doc) lines.push(`${indent}{`, ...stateLines(doc, depth + 1), `${indent}}`);
    }
  }
  return lines;
}

let rawDocument = null;
function keepRawDocument(db) {
  const prototype = Object.getPrototypeOf(db);
  if (prototype.kept) return;
  prototype.kept = true;
  const original = Object.getOwnPropertyDescriptor(prototype, "setRootDoc").value;
  prototype.setRootDoc = function (document) {
    rawDocument = structuredClone(document);
    return original.call(this, document);
  };
}

async function verdict(kind, text) {
  try {
    const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
    if (kind === "er") return diagram.type === "er" ? { accepted: erLines(diagram.db) } : { refused: `type ${diagram.type}` };
    if (!diagram.type.startsWith("state")) return { refused: `type ${diagram.type}` };
    return { accepted: stateLines(rawDocument ?? []) };
  } catch (error) {
    return { refused: String(error.message ?? error).split("\n")[0] };
  }
}

const folder = path.dirname(new URL(import.meta.url).pathname);
for (const header of ["stateDiagram", "stateDiagram-v2"]) {
  keepRawDocument((await mermaid.mermaidAPI.getDiagramFromText(`${header}\nA --> B\n`)).db);
}
for (const kind of ["er", "state"]) {
  const source = process.argv[2] ?? folder;
  const file = path.join(source, `${kind}.yaml`);
  if (!fs.existsSync(file)) continue;
  const cases = yaml.load(fs.readFileSync(file, "utf8"));
  const verdicts = {};
  for (const { name, text } of cases) {
    if (name in verdicts) throw new Error(`two cases are called ${name}`);
    rawDocument = null;
    verdicts[name] = await verdict(kind, text);
  }
  const rows = Object.entries(verdicts).map(([name, said]) => `${JSON.stringify(name)}: ${JSON.stringify(said)}`);
  fs.writeFileSync(path.join(source, `${kind}.verdicts.json`), `{\n${rows.join(",\n")}\n}\n`);
  const accepted = Object.values(verdicts).filter((said) => said.accepted).length;
  console.log(`${kind}: ${cases.length} cases, ${accepted} accepted, ${cases.length - accepted} refused`);
}
