// Small tools: the page's boot data, messages, elements, requests.
export const boot = JSON.parse(document.getElementById("boot").textContent);

/** A message of the table, with {0} filled in; a key that is missing shows itself. */
export function t(key, ...values) {
  const text = boot.messages[key] ?? key;
  return text.replace(/\{(\d)\}/g, (_, index) => values[index] ?? "");
}

/** A message when the table has one, else the text itself. */
export const known = (prefix, word) => boot.messages[`${prefix}.${word}`] ?? word;

/** The text of {vi, en} in the language of the page. */
export const best = (text) => (text ? text[boot.language] || text.vi || text.en || "" : "");

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "g", "path", "line", "text", "use", "rect", "circle", "title", "polyline"]);

/** An element. Attributes beginning with "on" are listeners; null children are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

export const icon = (name) => h("svg", { class: "icon", "aria-hidden": "true" }, h("use", { href: `/static/icons.svg#${name}` }));

/** What a request failed with: `problem` is a key of the table. */
export class Failed extends Error {
  constructor(problem, status, detail = "") {
    super(problem);
    this.problem = problem;
    this.status = status;
    this.detail = detail;
  }

  get sentence() {
    const key = `problem.${this.problem}`;
    return boot.messages[key] ? t(key, this.detail) : t("problem.other", this.problem);
  }
}

/** JSON from the server. Throws Failed. */
export async function ask(path, body) {
  const options = { signal: AbortSignal.timeout(12000), headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    Object.assign(options.headers, { "Content-Type": "application/json", "X-CSRF-Token": boot.csrf });
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Failed("server", 0);
  }
  const told = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  throw new Failed(answer.status === 401 ? "login" : told.problem ?? String(answer.status), answer.status, told.detail);
}

/** Shows one sentence, or hides the place when there is none. */
export function tell(place, sentence) {
  if (place.textContent !== sentence) place.textContent = sentence;
  place.hidden = !sentence;
}

/** Text for comparing: without accents (đ too), small. */
export const folded = (text) =>
  text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/g, "d").replace(/Đ/g, "d").toLowerCase();
