// Numbers as people read them, text for Plotly, and elements whose text is never taken for HTML.

const MISSING = "-";

function show(value, kind) {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
  if (kind === "share") return (100 * value).toFixed(1);
  if (kind === "whole") return Math.round(value).toLocaleString("en");
  if (kind === "number") return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
  return String(value);
}

function sentenceCase(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// Plotly takes some HTML in labels: what comes from files is no HTML.
function plain(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

// An element: attributes by name (functions are listeners), then children; text stays text.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function checkbox(label, checked, change) {
  const input = make("input", { type: "checkbox", change: (event) => change(event.target.checked) });
  input.checked = checked;
  return make("label", { class: "check" }, input, ` ${label}`);
}

function picker(label, options, change) {
  const list = make("select", { "aria-label": label, change: (event) => change(event.target.value) });
  for (const [value, text] of options) list.append(make("option", { value }, text));
  return make("label", {}, `${label} `, list);
}
