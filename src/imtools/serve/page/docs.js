// The routes, from the server's own description.

const main = document.getElementById("routes");
document.getElementById("origin").textContent = location.origin;

function add(parent, tag, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function table(parent, heads, rows) {
  if (!rows.length) return;
  const made = add(parent, "table");
  const top = made.createTHead().insertRow();
  for (const head of heads) add(top, "th", head).scope = "col";
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const cell of row) line.insertCell().textContent = cell;
  }
}

function kind(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(kind).filter((name) => name !== "null").join(" or ");
  return schema.type === "array" ? `list of ${kind(schema.items)}` : schema.type || "";
}

function draw(description) {
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, route] of Object.entries(methods)) {
      const box = add(main, "section");
      box.className = "route";
      add(box, "h2", `${method.toUpperCase()} ${path}`);
      add(box, "p", route.description || route.summary);
      const asked = (route.parameters || []).map((one) => [one.name, kind(one.schema), one.schema.description || one.description || ""]);
      table(box, ["may be asked", "type", ""], asked);
      if (route.requestBody) add(box, "p", `Body: ${Object.keys(route.requestBody.content).join(", ")}`);
      const answers = Object.entries(route.responses).map(([status, one]) => {
        const content = Object.entries(one.content || {}).map(([type, two]) => [type, kind(two.schema)].filter(Boolean).join(": "));
        return [status, one.description, content.join(", ")];
      });
      table(box, ["status", "", "content"], answers);
    }
  }
  add(main, "h2", "What answers hold");
  for (const [name, schema] of Object.entries(description.components.schemas)) {
    const box = add(main, "section");
    box.className = "route";
    add(box, "h2", name);
    add(box, "p", schema.description || "");
    const rows = Object.entries(schema.properties || {}).map(([key, one]) => [key, kind(one), one.description || ""]);
    table(box, ["key", "type", ""], rows);
  }
}

fetch("/openapi.json")
  .then((answer) => answer.json())
  .then(draw)
  .catch(() => add(main, "p", "The description cannot be fetched: is the server still running?"));
