"use strict";
// Images side by side, moved together. State: the HR pixel in the middle of each pane, and screen pixels per HR pixel.
(() => {
  const { make, choice, ticks } = SISR;
  const run = SISR.get("run"), view = run.viewer;
  const sets = [...new Set(Object.keys(view.cells).map(cell => cell.split("/").slice(0, 3).join("/")))];
  const state = { set: sets.reduce((a, b) => Number(b.split("/x")[1]) > Number(a.split("/x")[1]) ? b : a, sets[0] || ""), image: 0, models: [], x: 0, y: 0, zoom: 0, mode: "side", layer: "image", wipe: 50, a: "", b: "", at: "hr" };
  const MODES = [["side", "side by side"], ["flip", "one in place"], ["wipe", "wipe between two"]];
  const label = new Map(run.models.map(m => [m.id, m.label]));
  const blocks = new Map();
  let size = { width: 1, height: 1 }, panes = [];

  const path = (kind, model) => {
    const [dataset, kernel, scale] = state.set.split("/").map(encodeURIComponent);
    const folder = `images/${dataset}/${kernel}/${scale}`;
    return { hr: `${folder}/_originals/${state.image}.hr.webp`, lr: `${folder}/_originals/${state.image}.lr.webp`,
             sr: `${folder}/${encodeURIComponent(model)}/${state.image}.webp`,
             error: `${folder}/${encodeURIComponent(model)}/${state.image}.error.webp`,
             blocks: `${folder}/${encodeURIComponent(model)}/${state.image}.js` }[kind];
  };
  // A cell is 1 where it has all images, else the numbers of those that it has.
  const modelsHere = () => run.models.filter(m => { const cell = view.cells[`${state.set}/${m.id}`]; return cell === 1 || (cell || []).length; }).map(m => m.id);
  const say = text => { document.getElementById("viewer-said").textContent = text; };
  const names = () => run.images[state.set.split("/")[0]] || [];
  const scale = () => Number(state.set.split("/")[2].slice(1));
  const title = set => {
    const [dataset, kernel, scale] = set.split("/");
    const of = (list, id) => (list.find(entry => entry.id === id) || { label: id }).label;
    return `${of(run.groups, dataset)}, ${of(run.kernels, kernel)}, ×${scale.slice(1)}`;
  };

  function controls() {
    const form = document.getElementById("viewer-controls");
    const options = modelsHere(), list = names();
    const button = (text, say, act) => make("button", { type: "button", "aria-label": say, onclick: act }, text);
    const step = by => { state.image = (state.image + by + list.length) % list.length; restart(); };
    form.replaceChildren(...[
      choice("LR set", sets.map(s => [s, title(s)]), state.set, v => { state.set = v; state.image = 0; restart(); }),
      make("div", { class: "field" }, "Image", make("div", {}, button("‹", "Previous image", () => step(-1)),
        make("select", { "aria-label": "Image", onchange: e => { state.image = Number(e.target.value); restart(); } },
          ...list.map((name, i) => make("option", { value: i, selected: i === state.image }, name))),
        button("›", "Next image", () => step(1)))),
      choice("View", MODES, state.mode, turn),
      choice("Show", [["image", "images"], ["error", "error in luma"]], state.layer, v => { state.layer = v; build(); }),
      make("div", { class: "field" }, "Zoom", make("div", {}, button("−", "Zoom out", () => zoom(1 / 1.5)), button("+", "Zoom in", () => zoom(1.5)),
        button("1:1", "1:1, one screen pixel for one HR pixel", () => { state.zoom = 1; state.fitted = false; move(); }), button("All", "All of the image", fit),
        button("Full screen", "Full screen", fullscreen))),
      state.mode === "wipe" ? wipeControls(options) : null,
      make("details", { class: "more", open: options.length <= 8 || picking }, make("summary", { onclick: e => { picking = !e.target.parentNode.open; } }, `Models: ${state.models.map(m => label.get(m)).join(", ")}`),
        ticks(`Up to ${view.most}`, options.map(m => [m, label.get(m)]), state.models, v => { state.models = options.filter(m => v.includes(m)); say(""); controls(); build(); }, view.most,
          () => say(`${view.most} models are shown at most: take one away first.`))),
      state.mode === "flip" ? keys() : null].filter(Boolean));
  }

  let picking = false;
  // What the number keys show: HR, LR, and the chosen models.
  const order = () => ["hr", "lr", ...state.models];
  const keys = () => make("div", { class: "keys", role: "group", "aria-label": "Shown image" }, ...order().map((id, i) =>
    make("button", { type: "button", "data-key": i + 1, "aria-pressed": String(id === state.at), onclick: () => flip(i) }, `${i + 1} `, make("bdi", {}, named(id)))));

  function turn(mode) {
    if (mode === "wipe" && state.mode !== "wipe" && state.models.length) [state.a, state.b] = [state.models[0], state.models[1] || "hr"];
    state.mode = mode;
    if (state.fitted) state.zoom = 0;
    controls();
    build();
  }

  function flip(index) {
    if (index >= order().length) return;
    state.at = order()[index];
    if (state.mode !== "flip") { turn("flip"); return; }
    for (const button of document.querySelectorAll("#viewer-controls .keys button")) button.setAttribute("aria-pressed", String(Number(button.dataset.key) === index + 1));
    move();
  }

  function fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen(); else document.getElementById("page-viewer").requestFullscreen().catch(() => say("The browser does not allow a full screen here."));
  }

  function wipeControls(options) {
    const all = [["hr", "HR"], ["lr", "LR"], ...options.map(m => [m, label.get(m)])];
    const range = make("input", { type: "range", min: 0, max: 100, value: state.wipe, id: "wipe", oninput: e => { state.wipe = Number(e.target.value); move(); } });
    return make("div", { class: "field" }, "Wipe", make("div", {},
      choice("Left", all, state.a, v => { state.a = v; build(); }), choice("Right", all, state.b, v => { state.b = v; build(); }),
      make("label", {}, "Line", range)));
  }

  const image = (kind, alt, lowRes = false) => {
    const image = make("img", { alt, src: kind, draggable: "false", decoding: "async" });
    image.dataset.factor = lowRes ? scale() : 1;
    image.addEventListener("error", () => image.replaceWith(make("p", { class: "missing" }, "This image is missing.")));
    return image;
  };

  const layers = id => id === "hr" ? image(path("hr"), "HR") : id === "lr" ? image(path("lr"), "LR", true)
    : image(path(state.layer === "error" ? "error" : "sr", id), `${label.get(id)}${state.layer === "error" ? ", error in luma" : ""}`);
  const named = id => id === "hr" ? "HR" : id === "lr" ? "LR" : label.get(id);

  function build() {
    const room = document.getElementById("panes");
    room.classList.toggle("single", state.mode !== "side");
    panes = [];
    if (state.mode === "flip") { // all lie in one frame, so that nothing is loaded between two
      const frame = make("div", { class: "window" }, ...order().map(id => { const one = layers(id); one.dataset.id = id; return one; }));
      const title = make("b", {}), numbers = make("span", {}), caption = make("figcaption", {}, title, numbers);
      panes.push({ frame, caption, title, numbers, id: null });
      room.replaceChildren(make("figure", { class: "pane" }, frame, caption));
    } else if (state.mode === "wipe") {
      const line = make("div", { class: "wipe-line" });
      const frame = make("div", { class: "window" }, layers(state.a), layers(state.b), line);
      const caption = make("figcaption", {}, make("b", {}, make("bdi", {}, `${named(state.a)} | ${named(state.b)}`)));
      panes.push({ frame, line, caption, id: null });
      room.replaceChildren(make("figure", { class: "pane" }, frame, caption));
    } else {
      const ids = order();
      room.replaceChildren(...ids.map(id => {
        const frame = make("div", { class: "window" }, layers(id));
        const numbers = make("span", {}), caption = make("figcaption", {}, make("b", {}, make("bdi", {}, named(id))), numbers);
        panes.push({ frame, caption, numbers, id });
        const figure = make("figure", { class: "pane", "data-pane": id }, frame, caption);
        if (state.layer === "error" && id !== "hr" && id !== "lr") figure.append(make("div", { class: "histogram-place" }));
        return figure;
      }));
      if (state.layer === "error") {
        room.append(make("p", { class: "scale-bar soft" }, "no error ", make("i", {}), ` ${view.errorTop} levels or more`));
      }
    }
    sizes();
    SISR.during(ready());
  }

  // As many panes in a row as have some 250 pixels (220 on a tablet), and rows as high as the window has room for, with their captions.
  function sizes() {
    const room = document.getElementById("panes"), wide = room.clientWidth, count = state.mode === "side" ? panes.length : 1;
    const columns = wide < 560 ? 2 : Math.max(1, Math.min(count, Math.floor((wide + 8) / (wide < 1000 ? 228 : 258)))), rows = Math.ceil(count / columns);
    const above = document.fullscreenElement ? room.offsetTop : Math.min(room.getBoundingClientRect().top + scrollY, innerHeight * 0.45);
    const below = Math.max(46, ...panes.map(pane => pane.caption.offsetHeight)) + 12 + (state.layer === "error" ? 54 : 0);
    const space = (innerHeight - above) / rows - below, least = state.mode === "side" ? 150 : 260;
    room.style.setProperty("--columns", columns);
    room.style.setProperty("--high", `${Math.round(wide < 560 && state.mode === "side" ? wide * 0.46 : Math.max(least, state.mode === "side" && !document.fullscreenElement ? Math.min(space, 420) : space))}px`);
  }

  async function ready() {
    for (const id of state.models.length ? state.models : modelsHere().slice(0, 1)) {
      const key = `blocks/${state.set}/${id}/${state.image}`;
      try { blocks.set(key, decode(await SISR.load(key, path("blocks", id)))); } catch (error) { /* its pane says so */ }
    }
    const known = [...blocks.entries()].find(([key]) => key.startsWith(`blocks/${state.set}/`) && key.endsWith(`/${state.image}`));
    if (known) size = { width: known[1].width, height: known[1].height };
    if (!state.zoom) fit(); else move();
    histograms();
    sizes(); // captions have their numbers now
    if (state.fitted) fit(); else move();
  }

  function decode(raw) {
    if (raw.decoded) return raw.decoded;
    const floats = text => new Float32Array(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
    raw.decoded = { ...raw, lpips: raw.lpips ? floats(raw.lpips) : null, sse: floats(raw.sse), pixels: floats(raw.pixels), ssim: floats(raw.ssim), windows: floats(raw.windows) };
    return raw.decoded;
  }

  function histograms() {
    for (const pane of panes) {
      const place = pane.frame.parentNode.querySelector(".histogram-place");
      const found = blocks.get(`blocks/${state.set}/${pane.id}/${state.image}`);
      if (!place || !found) continue;
      const bins = found.histogram.slice(0, view.errorTop), most = Math.max(...bins.map(Math.sqrt));
      const beyond = found.histogram.slice(view.errorTop).reduce((a, b) => a + b, 0), total = found.histogram.reduce((a, b) => a + b, 0);
      const text = `Histogram of the error in luma over the whole image, 0 to ${view.errorTop} levels, square-root scale; ${(100 * beyond / total).toFixed(2)} % of pixels are beyond`;
      place.replaceChildren(make("svg", { class: "histogram", viewBox: `0 0 ${bins.length} 46`, preserveAspectRatio: "none", role: "img", "aria-label": text },
        make("title", {}, text), ...bins.map((n, i) => make("rect", { x: i, width: 0.9, y: 46 - 44 * Math.sqrt(n) / most, height: 44 * Math.sqrt(n) / most }))));
    }
  }

  // --- moving --------------------------------------------------------------------------------------------------
  const frameSize = () => panes.length ? { width: panes[0].frame.clientWidth, height: panes[0].frame.clientHeight } : { width: 1, height: 1 };

  function fit() {
    const frame = frameSize();
    state.zoom = Math.min(frame.width / size.width, frame.height / size.height) || 1;
    state.x = size.width / 2; state.y = size.height / 2;
    state.fitted = true;
    move();
  }

  function zoom(by, at) {
    const frame = frameSize(), before = state.zoom;
    state.fitted = false;
    state.zoom = Math.min(48, Math.max(0.05, state.zoom * by));
    if (at) { // the HR pixel under the pointer stays there
      state.x += (at.x - frame.width / 2) * (1 / before - 1 / state.zoom);
      state.y += (at.y - frame.height / 2) * (1 / before - 1 / state.zoom);
    }
    move();
  }

  function move() {
    state.x = Math.min(size.width, Math.max(0, state.x));
    state.y = Math.min(size.height, Math.max(0, state.y));
    const frame = frameSize();
    for (const pane of panes) {
      const images = [...pane.frame.querySelectorAll("img")];
      images.forEach((image, i) => {
        const factor = state.zoom * Number(image.dataset.factor);
        image.style.transform = `translate(${frame.width / 2 - state.x * state.zoom}px, ${frame.height / 2 - state.y * state.zoom}px) scale(${factor})`;
        if (pane.line && i === 1) { // clip in the image's own pixels
          const cut = (frame.width * state.wipe / 100 - (frame.width / 2 - state.x * state.zoom)) / factor;
          image.style.clipPath = `inset(-1px -1px -1px ${cut}px)`;
        }
      });
      if (pane.line) pane.line.style.left = `${state.wipe}%`;
      if (pane.title) {
        for (const one of images) one.style.visibility = one.dataset.id === state.at ? "visible" : "hidden";
        pane.title.textContent = named(state.at);
      }
      if (pane.numbers) pane.numbers.textContent = numbers(pane.id || state.at, frame);
    }
    const query = { set: state.set, image: state.image, models: state.models.join(","), view: state.mode === "side" ? "" : state.mode, show: state.layer === "image" ? "" : state.layer,
      ...(state.mode === "wipe" ? { a: state.a, b: state.b } : state.mode === "flip" ? { at: state.at } : {}), x: state.x.toFixed(1), y: state.y.toFixed(1), zoom: state.zoom.toFixed(3) };
    if (SISR.address().page === "viewer") SISR.remember("viewer", query);
  }

  // PSNR, SSIM and LPIPS of the part in view, widened to whole blocks, from the sums that the run computed.
  function numbers(id, frame) {
    const found = blocks.get(`blocks/${state.set}/${id}/${state.image}`);
    if (id === "hr") return `${size.width} × ${size.height}`;
    if (id === "lr") return `${Math.floor(size.width / scale())} × ${Math.floor(size.height / scale())}, shown ${scale()} times as large`;
    if (!found) return "";
    const side = view.block, rows = Math.ceil(found.height / side);
    const span = (centre, length, most) => [Math.max(0, Math.floor((centre - length / state.zoom / 2) / side)), Math.min(most, Math.ceil((centre + length / state.zoom / 2) / side))];
    const [left, right] = span(state.x, frame.width, found.columns), [top, bottom] = span(state.y, frame.height, rows);
    let sse = 0, pixels = 0, ssim = 0, windows = 0, lpips = 0, area = 0;
    const extent = (index, length) => Math.min(side, length - index * side);
    for (let r = top; r < bottom; r += 1) {
      for (let c = left; c < right; c += 1) {
        const i = r * found.columns + c;
        sse += found.sse[i]; pixels += found.pixels[i]; ssim += found.ssim[i]; windows += found.windows[i];
        if (found.lpips) { // the last blocks of a row or column may be smaller
          const n = extent(r, found.height) * extent(c, found.width);
          lpips += n * found.lpips[i]; area += n;
        }
      }
    }
    const psnr = pixels ? (sse ? SISR.show(10 * Math.log10(255 ** 2 * pixels / sse), 2) : "inf") : "—";
    const whole = left === 0 && top === 0 && right === found.columns && bottom === rows;
    return `${whole ? "whole image" : "in view"}: PSNR-Y ${psnr} dB, SSIM-Y ${windows ? SISR.show(ssim / windows, 4) : "—"}${area ? `, LPIPS ${SISR.show(lpips / area, 4)}` : ""}`;
  }

  function pointers() {
    const room = document.getElementById("panes"), held = new Map();
    const spread = () => { const [a, b] = [...held.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
    room.addEventListener("pointerdown", event => {
      if (!event.target.closest(".window")) return;
      event.target.closest(".window").setPointerCapture(event.pointerId);
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    });
    room.addEventListener("pointermove", event => {
      const before = held.get(event.pointerId);
      if (!before) return;
      const apart = held.size === 2 ? spread() : 0;
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (held.size === 1) {
        state.x -= (event.clientX - before.x) / state.zoom;
        state.y -= (event.clientY - before.y) / state.zoom;
        move();
      } else if (held.size === 2 && apart) zoom(spread() / apart);
    });
    for (const kind of ["pointerup", "pointercancel"]) room.addEventListener(kind, event => held.delete(event.pointerId));
    room.addEventListener("wheel", event => {
      const frame = event.target.closest(".window");
      if (!frame) return;
      event.preventDefault();
      const box = frame.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY / 400), { x: event.clientX - box.left, y: event.clientY - box.top });
    }, { passive: false });
    room.addEventListener("keydown", event => {
      const by = 40 / state.zoom;
      const act = { ArrowLeft: () => { state.x -= by; move(); }, ArrowRight: () => { state.x += by; move(); },
                    ArrowUp: () => { state.y -= by; move(); }, ArrowDown: () => { state.y += by; move(); },
                    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fit }[event.key];
      if (act) { event.preventDefault(); act(); }
    });
    addEventListener("resize", () => { if (panes.length) { sizes(); if (state.fitted) fit(); else move(); } });
    document.addEventListener("fullscreenchange", () => { sizes(); fit(); });
    document.addEventListener("keydown", event => {
      if (SISR.address().page !== "viewer" || event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof Element) || event.target.closest("input, select, textarea")) return;
      if (event.key >= "1" && event.key <= "9") flip(Number(event.key) - 1);
      if (event.key === "f") fullscreen();
    });
  }

  // What to show first: bicubic, and the best model under each of the first PSNR and the first perceptual measure.
  function telling(here) {
    const [dataset, kernel] = state.set.split("/"), chosen = new Set(here.filter(m => m === "bicubic"));
    for (const direction of ["higher", "lower"]) {
      const measure = run.measures.find(m => m.direction === direction);
      const found = measure ? run.means.filter(r => r[0] === dataset && r[1] === kernel && r[2] === scale() && r[4] === measure.id
        && here.includes(r[3]) && typeof r[11] === "number") : [];
      found.sort((a, b) => direction === "higher" ? b[11] - a[11] : a[11] - b[11]);
      if (found.length) chosen.add(found[0][3]);
    }
    for (const model of [...here].reverse()) if (chosen.size < 3) chosen.add(model);
    return here.filter(m => chosen.has(m));
  }

  function restart([x, y, level] = [0, 0, 0]) {
    const here = modelsHere();
    state.models = state.models.filter(m => here.includes(m));
    if (!state.models.length) state.models = telling(here);
    if (!["hr", "lr", ...here].includes(state.a)) state.a = "lr";
    if (!["hr", "lr", ...here].includes(state.b)) state.b = "hr";
    if (!order().includes(state.at)) state.at = "hr";
    [state.x, state.y, state.zoom, state.fitted] = [x, y, level, false];
    controls();
    build();
  }

  // --- crops that matter: small windows that open the viewer at the same place ---------------------------------
  SISR.page("crops", (query, firstTime) => {
    if (!firstTime) return;
    const room = document.getElementById("picks"), side = 96;
    if (view.picks.length) room.append(make("p", { class: "soft" }, "The numbers belong to the whole image; the viewer has those of a part."));
    const shown = view.shown.map(id => run.measures.find(m => m.id === id));
    const values = (pick, model) => shown.map((m, i) => [m, SISR.value(pick.values[model][i])]).filter(([, v]) => !Number.isNaN(v)).map(([m, v]) => `${m.label} ${SISR.show(v, m.digits)}`).join(", ");
    for (const pick of view.picks) {
      const [dataset, kernel, scale] = pick.set.split("/").map(encodeURIComponent), folder = `images/${dataset}/${kernel}/${scale}`;
      const small = (name, file, factor, said) => {
        const image = make("img", { src: file, alt: name, loading: "lazy" });
        const frame = make("div", { class: "window" }, image);
        image.addEventListener("load", () => {
          const k = frame.clientWidth / side;
          image.style.transform = `translate(${-(pick.x - side / 2) * k}px, ${-(pick.y - side / 2) * k}px) scale(${k * factor})`;
        });
        return make("figure", {}, frame, make("figcaption", {}, make("bdi", {}, name), said ? make("small", {}, said) : null));
      };
      const link = new URLSearchParams({ set: pick.set, image: pick.image, models: pick.models.join(","), x: pick.x, y: pick.y, zoom: 3 });
      room.append(make("section", { class: "pick" },
        make("h2", {}, pick.title, ": ", make("bdi", {}, pick.name)), make("p", { class: "soft" }, `${title(pick.set)}${pick.text ? ": " + pick.text : ""} `,
          make("a", { href: `#viewer?${link}` }, "open in the viewer")),
        make("div", { class: "row" }, small("HR", `${folder}/_originals/${pick.image}.hr.webp`, 1),
          small("LR", `${folder}/_originals/${pick.image}.lr.webp`, Number(pick.set.split("/x")[1])),
          ...pick.models.map(m => small(label.get(m), `${folder}/${encodeURIComponent(m)}/${pick.image}.webp`, 1, values(pick, m))))));
    }
  });

  SISR.page("viewer", (query, firstTime) => {
    if (!sets.length) {
      document.getElementById("panes").replaceChildren(make("p", {}, "This site was made without images (site: images: false in the config)."));
      return;
    }
    if (sets.includes(query.get("set"))) {
      state.set = query.get("set");
      const index = Number(query.get("image"));
      state.image = index >= 0 && index < names().length ? index : 0;
      const here = modelsHere();
      state.models = (query.get("models") || "").split(",").filter(m => here.includes(m)).slice(0, view.most);
    }
    if (MODES.some(([id]) => id === query.get("view"))) state.mode = query.get("view");
    if (query.get("show") === "error") state.layer = "error";
    for (const key of ["a", "b", "at"]) if (query.get(key)) state[key] = query.get(key);
    if (firstTime) { document.getElementById("viewer-controls").addEventListener("submit", e => e.preventDefault()); pointers(); }
    const wanted = ["x", "y", "zoom"].map(key => Number(query.get(key)));
    restart(wanted[2] > 0 ? wanted : [0, 0, 0]);
  });
})();
