// The imports and the translated texts of JavaScript modules, for console_files.py.
import { readFileSync } from "node:fs";
import { parse } from "acorn";

const TRANSLATE = new Set(["t", "tn"]);

/** The text of a literal, or of literals joined by `+`; null for other expressions. */
function literal(node) {
  if (node?.type === "Literal" && typeof node.value === "string") return node.value;
  if (node?.type !== "BinaryExpression" || node.operator !== "+") return null;
  const sides = [literal(node.left), literal(node.right)];
  return sides.includes(null) ? null : sides.join("");
}

/** The texts of a literal, or of a list of literals; null for other expressions. */
function forms(node) {
  if (node?.type !== "ArrayExpression") return [literal(node)];
  return node.elements.map(literal);
}

/** The names in an object literal; null if the source does not tell them. */
function members(node) {
  if (!node) return [];
  if (node.type !== "ObjectExpression") return null;
  const names = node.properties.map((each) =>
    each.type === "Property" && !each.computed ? (each.key.name ?? each.key.value) : null,
  );
  return names.includes(null) ? null : names;
}

/** Whether an identifier uses the function as a value, instead of calling it. */
function isLoose(node, parent) {
  if (node.type !== "Identifier" || !TRANSLATE.has(node.name)) return false;
  if (/Specifier$/.test(parent.type)) return false;
  if (parent.type === "CallExpression") return parent.callee !== node;
  if (parent.type === "MemberExpression") return parent.object === node || parent.computed;
  return !(parent.type === "Property" && parent.key === node && !parent.shorthand);
}

/** What a module imports and translates, each with its line. */
export function parsed(path) {
  const source = readFileSync(path, "utf8");
  const found = { imports: [], calls: [], loose: [] };
  function visit(node, parent) {
    const { line } = node.loc.start;
    if (/^(Import|Export).*(Declaration|Expression)$/.test(node.type) && node.source) {
      found.imports.push({ path: literal(node.source), line });
    }
    if (node.type === "CallExpression" && TRANSLATE.has(node.callee.name)) {
      const { name } = node.callee;
      const first = name === "t" ? 0 : 1;
      found.calls.push({
        name,
        english: forms(node.arguments[first]),
        russian: forms(node.arguments[first + 1]),
        members: members(node.arguments[first + 2]),
        line,
      });
    }
    if (isLoose(node, parent)) found.loose.push({ name: node.name, line });
    for (const child of Object.values(node).flat()) {
      if (typeof child?.type === "string" && child.loc) visit(child, node);
    }
  }
  const options = { ecmaVersion: "latest", sourceType: "module", locations: true };
  visit(parse(source, options), { type: "" });
  return found;
}
