"use strict";
// Data, element making, pages and theme: what the other scripts share. Names of images, models and datasets come
// from people and go into the page as text only (textContent, attributes), never as HTML.
const SISR = (() => {
  const data = new Map(), waiting = new Map(), loading = new Map();

  // Called by the files of data/ and images/.
  function define(name, value) {
    data.set(name, value);
    for (const tell of waiting.get(name) || []) tell(value);
    waiting.delete(name);
  }

  // A file of data: a page opened from disk may load scripts, but not read files.
  function load(name, path) {
    if (data.has(name)) return Promise.resolve(data.get(name));
    return new Promise((resolve, reject) => {
      waiting.set(name, [...(waiting.get(name) || []), resolve]);
      script(path).catch(reject);
    });
  }

  function script(path) {
    if (!loading.has(path)) {
      loading.set(path, new Promise((resolve, reject) => {
        const tag = document.createElement("script");
        tag.src = path;
        tag.onload = resolve;
        tag.onerror = () => reject(new Error(`${path} is missing`));
        document.head.append(tag);
      }));
    }
    return loading.get(path);
  }

  // The page says that it is not ready while something is under way.
  let underWay = 0;
  async function during(work) {
    const main = document.getElementById("main");
    underWay += 1;
    main.setAttribute("aria-busy", "true");
    try { return await work; } finally {
      underWay -= 1;
      if (!underWay) main.removeAttribute("aria-busy");
    }
  }

  // make("td", {class: "best"}, "text", child, ...)
  function make(tag, attributes = {}, ...children) {
    const svg = ["svg", "g", "path", "circle", "rect", "line", "text", "title"].includes(tag);
    const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter(child => child !== null && child !== undefined && child !== false));
    return element;
  }

  function choice(label, options, value, change) {
    const select = make("select", { onchange: event => change(event.target.value) },
      ...options.map(([id, text]) => make("option", { value: id, selected: String(id) === String(value) }, text)));
    return make("label", {}, label, select);
  }

  // `refused` is called, and nothing else happens, where more than `most` are ticked.
  function ticks(label, options, chosen, change, most = Infinity, refused = () => {}) {
    const boxes = options.map(([id, text]) => {
      const box = make("input", { type: "checkbox", value: id });
      box.checked = chosen.includes(id);
      box.addEventListener("change", () => {
        const picked = [...field.querySelectorAll("input:checked")].map(one => one.value);
        if (picked.length > most) { box.checked = false; refused(); return; }
        change(picked);
      });
      return make("label", { class: "tick" }, box, text);
    });
    const field = make("fieldset", { class: "field" }, make("legend", {}, label), make("div", {}, ...boxes));
    return field;
  }

  // --- numbers -----------------------------------------------------------------------------------------------
  const value = number => number === "inf" ? Infinity : number === null || number === undefined ? NaN : number;
  // The rule of sisr.base.rounding: the decimal number, in which twelve decimals are no noise of arithmetic, with
  // halves away from zero.
  const EXACT = 12;
  function show(number, digits) {
    if (Number.isNaN(number)) return "—";
    if (!Number.isFinite(number)) return number > 0 ? "inf" : "-inf";
    const unit = 10n ** BigInt(EXACT - digits);
    const rounded = (BigInt(Math.abs(number).toFixed(EXACT).replace(".", "")) + unit / 2n) / unit;
    const text = String(rounded).padStart(digits + 1, "0"), at = text.length - digits;
    return (number < 0 && rounded ? "-" : "") + text.slice(0, at) + (digits ? "." + text.slice(at) : "");
  }

  // --- address: #page?key=value&key=value ----------------------------------------------------------------------
  function address() {
    const [page, query = ""] = location.hash.slice(1).split("?");
    return { page: page || "leaderboard", query: new URLSearchParams(query) };
  }

  // The theme belongs to every address once somebody has chosen one.
  const themed = query => ({ ...query, theme: document.documentElement.dataset.theme });
  function remember(page, query) {
    const text = new URLSearchParams(Object.entries(themed(query)).filter(([, v]) => v !== undefined && v !== null && v !== "")).toString();
    history.replaceState(null, "", `#${page}${text ? "?" + text : ""}`);
  }

  const pages = {};
  function page(name, start) { pages[name] = { start, begun: false }; }

  function open() {
    const { page: name, query } = address();
    if (["light", "dark"].includes(query.get("theme"))) document.documentElement.dataset.theme = query.get("theme");
    const known = document.querySelector(`[data-page="${CSS.escape(name)}"]`) ? name : "leaderboard";
    for (const section of document.querySelectorAll("[data-page]")) section.hidden = section.dataset.page !== known;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.hash.slice(1) === known) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    }
    if (pages[known]) { pages[known].start(query, !pages[known].begun); pages[known].begun = true; }
  }

  // --- theme ---------------------------------------------------------------------------------------------------
  const dark = () => document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  function theme() {
    const button = document.getElementById("theme");
    addEventListener("hashchange", () => button.setAttribute("aria-pressed", dark()));
    button.setAttribute("aria-pressed", dark());
    button.addEventListener("click", () => {
      const next = dark() ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      button.setAttribute("aria-pressed", next === "dark");
      try { localStorage.setItem("sisr-theme", next); } catch (error) { /* a page from disk may have no storage */ }
      const { page: here, query } = address();
      remember(here, Object.fromEntries(query));
    });
  }

  async function copy(text) {
    try { await navigator.clipboard.writeText(text); return true; } catch (error) {
      const area = make("textarea", { "aria-hidden": "true" });
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    addEventListener("hashchange", () => { open(); document.getElementById("main").focus({ preventScroll: true }); });
    open();
    theme();
    for (const button of document.querySelectorAll("[data-copy-from]")) {
      button.addEventListener("click", async () => {
        const done = await SISR.copy(document.getElementById(button.dataset.copyFrom).textContent);
        const before = button.textContent;
        button.textContent = done ? "Copied" : "Not allowed";
        setTimeout(() => { button.textContent = before; }, 1500);
      });
    }
  });

  return { define, load, script, during, make, choice, ticks, value, show, address, remember, page, open, dark, copy,
           get: name => data.get(name) };
})();
window.SISR = SISR;
