// Small means to write on the page, shared by the other view files. Everything is written as text nodes: no markup is ever
// made from strings, so that the Content Security Policy can forbid it (trusted-types 'none').

import { describe } from "./errors.js";

/** The element with this id. */
export function at(id) {
  return document.getElementById(id);
}

/** A new element with a class and children, which may be text. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Says a sentence to screen readers without showing it. */
export function speak(text) {
  at("spoken").textContent = text;
}

/** Shows an error with its code and description, and what a person can do, if there is anything. */
export function alertOf(title, error, more = "") {
  const { code, description } = describe(error);
  at("alert-title").textContent = title;
  at("alert-code").textContent = code;
  at("alert-text").textContent = description;
  at("alert-more").textContent = more;
  at("alert-more").hidden = !more;
  at("alert").hidden = false;
  at("alert").scrollIntoView({ block: "nearest" });
}

export function closeAlert() {
  at("alert").hidden = true;
}

/** A moment as local time of day. */
export function timeOfDay(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** Seconds as m:ss. */
export function minutes(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

const TIMES = new Set(["exp", "iat", "nbf", "auth_time", "updated_at"]);

/** JSON in colours, a member a line, with a remark beside members that are times. */
export function json(value, depth = 0, name = "") {
  const out = document.createDocumentFragment();
  if (value === null || typeof value !== "object") {
    out.append(make("span", `j-${value === null ? "null" : typeof value}`, JSON.stringify(value)));
    if (TIMES.has(name) && typeof value === "number") out.append(make("span", "j-remark", `  ${moment(value)}`));
    return out;
  }
  const list = Array.isArray(value);
  const entries = Object.entries(value);
  if (entries.length === 0) {
    out.append(list ? "[]" : "{}");
    return out;
  }
  const indent = "  ".repeat(depth + 1);
  out.append(list ? "[\n" : "{\n");
  entries.forEach(([key, member], index) => {
    out.append(indent);
    if (!list) out.append(make("span", "j-name", JSON.stringify(key)), ": ");
    const shown = json(member, depth + 1, key);
    const remark = shown.lastChild?.className === "j-remark" ? shown.lastChild : null;
    out.append(shown);
    if (index < entries.length - 1) remark ? remark.before(",") : out.append(",");
    out.append("\n");
  });
  out.append("  ".repeat(depth), list ? "]" : "}");
  return out;
}

function moment(seconds) {
  const date = new Date(seconds * 1000);
  const today = date.toDateString() === new Date().toDateString();
  return today ? timeOfDay(date) : date.toLocaleString();
}
