// Shows openapi.json. Everything is made with textContent, so a description can never become markup.

const methods = ["get", "post", "put", "patch", "delete"];

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// `code` between backticks; everything else as it stands.
function prose(text) {
  return text.split("`").map((part, at) => (at % 2 ? make("code", {}, part) : part));
}

function resolve(api, value) {
  const path = value?.$ref;
  return path ? path.slice(2).split("/").reduce((at, key) => at[key], api) : value;
}

function typeOf(schema) {
  if (!schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const parts = schema.anyOf ?? schema.oneOf;
  if (parts) return parts.map(typeOf).join(" | ");
  if (schema.type === "array") return `${typeOf(schema.items)}[]`;
  if (schema.additionalProperties && typeof schema.additionalProperties === "object") {
    return `{string: ${typeOf(schema.additionalProperties)}}`;
  }
  return [schema.type ?? "any", schema.format].filter(Boolean).join(" ");
}

function limitsOf(schema) {
  const names = ["default", "minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems"];
  return names.filter((name) => schema?.[name] !== undefined).map((name) => `${name} ${JSON.stringify(schema[name])}`).join(", ");
}

function table(rows) {
  const head = make("tr", {}, ...["name", "type", "meaning"].map((text) => make("th", {}, text)));
  return make("table", {}, head, ...rows);
}

function row(name, schema, description, required) {
  const meaning = [description ?? schema?.description, limitsOf(schema)].filter(Boolean).join("; ");
  return make("tr", {}, make("td", {}, make("code", {}, name + (required ? " *" : ""))), make("td", {}, make("code", {}, typeOf(schema))), make("td", {}, ...prose(meaning)));
}

function fields(api, schema, seen = []) {
  const found = resolve(api, schema);
  if (found?.type === "array") return fields(api, found.items, seen);
  if (!found?.properties) return make("p", {}, make("code", {}, typeOf(found)));
  const rows = Object.entries(found.properties).map(([name, part]) => row(name, part, null, found.required?.includes(name)));
  const nested = Object.entries(found.properties).flatMap(([name, part]) => nestedOf(api, name, part, seen));
  return make("div", {}, table(rows), ...nested);
}

function nestedOf(api, name, part, seen) {
  const inner = [part, part.items, part.additionalProperties, ...(part.anyOf ?? []), ...(part.items?.anyOf ?? [])];
  const references = inner.map((value) => value?.$ref).filter((path) => path && !seen.includes(path));
  return references.map((path) =>
    make("details", {}, make("summary", {}, `${name}: ${path.split("/").at(-1)}`), fields(api, { $ref: path }, [...seen, path])),
  );
}

function body(api, title, content) {
  return Object.entries(content ?? {}).map(([type, media]) =>
    make("details", {}, make("summary", {}, `${title} `, make("code", {}, `${type} ${typeOf(media.schema)}`)), fields(api, media.schema)),
  );
}

function article(api, path, method, operation, shared) {
  const parameters = [...(shared ?? []), ...(operation.parameters ?? [])].map((parameter) => resolve(api, parameter));
  const rows = parameters.map((p) => row(`${p.name} (${p.in})`, p.schema, p.description, p.required));
  const answers = Object.entries(operation.responses ?? {}).map(([status, answer]) => [status, resolve(api, answer)]);
  const isProblem = ([, answer]) => Boolean(answer.content?.["application/problem+json"]);
  const successes = answers.filter((answer) => !isProblem(answer)).flatMap(([status, answer]) => {
    const title = `${status} ${answer.description ?? ""}`;
    return answer.content ? body(api, title, answer.content) : [make("p", {}, title)];
  });
  const problems = answers.filter(isProblem);
  return make(
    "article",
    { id: operation.operationId },
    make("h3", {}, make("span", { class: `verb ${method}` }, method.toUpperCase()), path),
    make("p", {}, ...prose(operation.description ?? operation.summary ?? "")),
    make("p", { class: "dim" }, operation.operationId),
    rows.length ? table(rows) : null,
    ...body(api, "Body", resolve(api, operation.requestBody)?.content),
    ...successes,
    ...problems.slice(0, 1).flatMap(([, answer]) => body(api, `Problems: ${problems.map(([status]) => status).join(", ")}`, answer.content)),
  );
}

function entries(api) {
  return Object.entries(api.paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) => ({ path, method, operation: item[method], shared: item.parameters })),
  );
}

function show(api, wanted) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const found = entries(api).filter((entry) => {
    const text = `${entry.path} ${entry.method} ${JSON.stringify(entry.operation)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const index = [];
  const main = [make("p", {}, ...prose(api.info.description))];
  for (const { name } of api.tags) {
    const mine = found.filter((entry) => entry.operation.tags[0] === name);
    if (!mine.length) continue;
    index.push(make("h2", {}, name));
    main.push(make("h2", {}, name));
    for (const entry of mine) {
      index.push(make("a", { href: `#${entry.operation.operationId}` }, make("span", { class: `verb ${entry.method}` }, entry.method.toUpperCase()), entry.path.replace("/api/v1", "")));
      main.push(article(api, entry.path, entry.method, entry.operation, entry.shared));
    }
  }
  if (!found.length) main.push(make("p", {}, "Nothing matches."));
  document.getElementById("index").replaceChildren(...index);
  document.getElementById("operations").replaceChildren(...main);
}

async function start() {
  const answer = await fetch("/api/openapi.json");
  if (!answer.ok) {
    const problem = await answer.json();
    document.getElementById("operations").replaceChildren(make("p", {}, `${problem.title}. Load this page again in a moment.`));
    return;
  }
  const api = await answer.json();
  const search = document.getElementById("search");
  search.addEventListener("input", () => show(api, search.value));
  show(api, "");
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

start();
