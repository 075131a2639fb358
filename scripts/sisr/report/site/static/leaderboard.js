"use strict";
// The result table: which part of it is shown, its order, copies of it, and what is behind a number.
(() => {
  const { make, choice, ticks, value, show } = SISR;
  const run = SISR.get("run");
  const byId = list => new Map(list.map(entry => [entry.id, entry]));
  const measures = byId(run.measures), models = byId(run.models), kernels = byId(run.kernels), groups = byId(run.groups);
  // Verdicts of tables/ranks_x*.csv on a model against the best of its column.
  const TIED = "tied", FEW = "too few images";
  const VERDICTS = { best: "It has the best mean.", tied: "Not shown to be worse (Wilcoxon over images, Holm-corrected, p ≥ 0.05)",
                     worse: "Worse (Wilcoxon over images, Holm-corrected, p < 0.05)", [FEW]: "Open: too few images for the test" };

  const means = new Map();
  for (const [group, kernel, scale, model, measure, mean, lower, upper, n, verdict, identical, worth] of run.means) {
    means.set([group, kernel, scale, model, measure].join("\n"),
      { mean: value(mean), lower: value(lower), upper: value(upper), n, verdict, identical, worth: value(worth) });
  }
  const cost = new Map(run.cost.map(row => [`${row.model}\n${row.scale}`, row]));
  // Columns beside the measures: id, heading, value of a model, text of a value, what a filter asks.
  const spent = id => model => (cost.get(`${model.id}\n${state.scale}`) || {})[id];
  const field = model => { const f = spent("receptive_field")(model) || model.receptive_field; return f === "global" ? Infinity : f ? Number(f) : undefined; };
  const size = v => v >= 1e6 ? `${(v / 1e6).toFixed(2)} M` : v >= 1e3 ? `${(v / 1e3).toFixed(1)} k` : String(v);
  // The year of an entry, or the last one that its paper names.
  const year = model => model.year ?? ((model.paper || "").match(/\b(?:19|20)\d\d\b/g) || []).map(Number).pop();
  const words = v => v, MORE = [
    { id: "parameters", head: "Parameters ↓", group: "Cost", of: spent("parameters"), say: size, most: ["million", 1e6] },
    { id: "multiply_adds", head: "Multiply-adds ↓", group: "Cost", of: spent("multiply_adds"), say: v => v >= 1e12 ? `${(v / 1e12).toFixed(2)} T` : `${(v / 1e9).toFixed(1)} G`, most: ["G", 1e9] },
    { id: "seconds", head: "Time / MP ↓", group: "Cost", of: spent("seconds"), say: v => `${v.toPrecision(3)} s`, most: ["s", 1] },
    { id: "peak_memory", head: "Memory ↓", group: "Cost", of: spent("peak_memory"), say: v => `${Math.round(v / 2 ** 20)} MiB`, most: ["MiB", 2 ** 20] },
    { id: "receptive_field", head: "Receptive field", group: "About", of: field, say: v => v === Infinity ? "global" : `${v} px`, most: ["LR pixels", 1] },
    { id: "licence", head: "Code licence", group: "About", of: m => m.licence, say: words },
    { id: "weights_licence", head: "Weights licence", group: "About", of: m => m.weights_licence, say: words },
    { id: "year", head: "Year", group: "About", of: year, say: String, least: true },
    { id: "tags", head: "Trained for", group: "About", of: m => (m.tags || []).map(t => TRAINED_FOR[t] || t).join(", ") || undefined, say: words },
  ];
  const TRAINED_FOR = { psnr: "fidelity", gan: "perception (GAN)", classical: "nothing (interpolation)", "trained-here": "anything, by this project" };

  const first = (list, fallback) => list.length ? list[0] : fallback;
  const scored = scale => new Set(run.means.filter(row => row[2] === scale).map(row => row[1]));
  const scalesOfRun = run.scales.length ? run.scales : [0];
  // All of it is in the address, as far as it is not how the page begins.
  const state = { scale: scalesOfRun[scalesOfRun.length - 1], kernel: null, groups: run.groups.map(g => g.id),
                  measures: run.measures.map(m => m.id), find: "", interval: run.means.some(row => row[6] !== null),
                  by: null, sort: null, worst: false, hidden: [], limits: {} };
  const known = MORE.filter(c => run.scales.some(scale => { state.scale = scale; return run.models.some(m => c.of(m) !== undefined && c.of(m) !== null); }));
  state.scale = scalesOfRun[scalesOfRun.length - 1];
  state.kernel = first(run.kernels.filter(k => scored(state.scale).has(k.id)).map(k => k.id), "");

  const cell = (group, model, measure) => means.get([group, state.kernel, state.scale, model, measure].join("\n"));
  const better = measure => measure.direction === "higher" ? (a, b) => b - a
    : measure.direction === "lower" ? (a, b) => a - b : (a, b) => Math.abs(a) - Math.abs(b);

  function columns() {
    const here = run.groups.filter(g => state.groups.includes(g.id));
    const shown = run.measures.filter(m => state.measures.includes(m.id));
    return here.flatMap(group => shown
      .filter(measure => run.models.some(model => cell(group.id, model.id, measure.id)))
      .map(measure => ({ group, measure, key: `${group.id}\n${measure.id}` })));
  }

  const passes = model => known.every(c => {
    const limit = state.limits[c.id], found = c.of(model);
    if (limit === undefined || limit === "") return true;
    if (found === undefined || found === null) return false;
    return c.most ? found <= Number(limit) * c.most[1] : c.least ? found >= Number(limit) : c.id === "tags" ? found.split(", ").includes(limit) : found === limit;
  });

  function rows() {
    const wanted = state.find.toLowerCase();
    const tried = new Set(run.status.filter(row => row[1] === state.kernel && row[2] === state.scale).map(row => row[3]));
    return run.models.filter(model => tried.has(model.id) && (!wanted || `${model.label} ${model.id}`.toLowerCase().includes(wanted)) && passes(model));
  }

  // Place of each printed value in its column, over all models and not only those that are shown.
  function places(column) {
    const all = run.models.map(model => [model.id, cell(column.group.id, model.id, column.measure.id)])
      .filter(([, c]) => c && !Number.isNaN(c.mean))
      .map(([id, c]) => [id, Number(show(c.worth, column.measure.digits).replace("inf", "Infinity"))]);
    const sorted = [...new Set(all.map(([, v]) => v))].sort(better(column.measure));
    return new Map(all.map(([id, v]) => [id, sorted.indexOf(v) + 1]));
  }

  // The column that the table is about: the chosen one, or a leading measure on the most images.
  function main(cols) {
    const chosen = cols.find(c => c.key === state.by);
    const largest = cols.reduce((best, c) => !best || count(c.group) > count(best.group) ? c : best, null);
    return chosen || cols.find(c => c.group.id === largest.group.id && c.measure.leads) || cols[0];
  }

  function sorted(list, cols) {
    const column = cols.find(c => c.key === (state.sort || (main(cols) || {}).key)), other = known.find(c => c.id === state.sort);
    const of = model => column ? (cell(column.group.id, model.id, column.measure.id) || { worth: NaN }).worth : other ? other.of(model) ?? NaN : NaN;
    const ahead = column ? better(column.measure) : other && other.least ? (a, b) => b - a : (a, b) => typeof a === "string" ? a.localeCompare(b) : a - b;
    return [...list].sort((a, b) => {
      const x = of(a), y = of(b);
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return x === y ? 0 : ahead(x, y) * (state.worst ? -1 : 1);
    });
  }

  const problem = (model, group) => run.status.find(row => row[3] === model && row[1] === state.kernel
    && row[2] === state.scale && group.datasets.includes(row[0]) && row[4] !== "ok");

  const offers = id => !state.hidden.includes(id);
  function draw() {
    const cols = columns(), list = sorted(rows(), cols), board = document.getElementById("board"), about = main(cols), key = state.sort || (about || {}).key;
    const more = known.filter(c => offers(c.id)), gaps = about && offers("behind") ? behind(about) : null;
    const spans = [];
    for (const [group, small] of [...cols.map(c => [c.group.label, images(count(c.group))]), ...more.map(c => [c.group, null])]) {
      const last = spans[spans.length - 1];
      if (last && last[0] === group) last[1] += 1; else spans.push([group, 1, small]);
    }
    const starts = new Set([...cols.filter((c, i) => !i || cols[i - 1].group.id !== c.group.id).map(c => c.key), ...more.filter((c, i) => !i || more[i - 1].group !== c.group).map(c => c.id)]);
    const heading = (id, text, small, up) => make("th", { scope: "col", "aria-sort": key === id ? (up !== state.worst ? "ascending" : "descending") : "none",
      class: [starts.has(id) ? "first" : "", about && about.key === id ? "chosen" : ""].join(" ").trim() || null },
    make("button", { type: "button", "data-key": id, onclick: () => sortBy(id) }, text), small ? make("small", {}, small) : null);
    const head = make("thead", {},
      make("tr", {}, make("th", { scope: "col", rowspan: 2 }, "Model"),
        gaps ? make("th", { scope: "col", rowspan: 2, class: "first behind" }, "Behind the best", make("small", {}, about.measure.label, make("br"), make("bdi", {}, `on ${about.group.label}`))) : null,
        ...spans.map(([group, span, small]) => make("th", { scope: "colgroup", colspan: span, class: "first" }, group, small ? make("small", {}, small) : null))),
      make("tr", {}, ...cols.map(c => heading(c.key, `${c.measure.label} ${c.measure.arrow}`, c.measure.protocol, c.measure.direction !== "higher")),
        ...more.map(c => heading(c.id, c.head, null, !c.least))));
    const ranked = new Map(cols.map(c => [c.key, places(c)]));
    const body = make("tbody", {}, ...list.map(model => make("tr", { "data-model": model.id },
      make("th", { scope: "row", title: model.label }, thumb(model), make("i", { class: "swatch", style: `background:${model.colour}` }),
        make("a", { class: "model-name", href: `#model?id=${encodeURIComponent(model.id)}` }, make("bdi", {}, model.shipped ? model.label.replace(/ \(shipped\)$/, "") : model.label)),
        model.shipped ? make("span", { class: "badge", title: "Its scores come with the project and were not computed in this run" }, "shipped") : null),
      gaps ? make("td", { class: "first behind" }, ...gaps(model)) : null,
      ...cols.map(c => numberCell(model, c, ranked.get(c.key).get(model.id) || 0, starts.has(c.key))),
      ...more.map(c => {
        const found = c.of(model);
        return make("td", { class: [starts.has(c.id) ? "first" : "", c.say === words ? "words" : ""].join(" ").trim() || null, title: c.say === words ? found : null }, found === undefined || found === null ? "—" : c.say(found));
      }))));
    board.replaceChildren(make("caption", { class: "said" }, `Results at x${state.scale}`), head, body);
    verdict(cols);
    legend(cols);
    remember(cols);
  }

  // A crop where the models disagree most, out of one strip for all of them.
  function thumb(model) {
    const found = run.thumbs[first(run.groups.flatMap(g => g.datasets).map(d => `${d}/${state.kernel}/x${state.scale}`).filter(set => run.thumbs[set]), "")];
    const place = found && offers("crop") ? found.models.indexOf(model.id) : -1;
    return place < 0 ? null : make("i", { class: "thumb", title: `Crop of ${found.image}`, style: `background:url(${found.file}) ${-44 * place}px 0` });
  }

  // How far each model is behind the best of a column, from 0 at the left; roots of sizes, so that near ones are told apart.
  function behind(column) {
    const all = run.behind[[column.group.id, state.kernel, state.scale, column.measure.id].join("\n")] || {}, sign = column.measure.direction === "higher" ? -1 : 1;
    const losses = new Map(Object.entries(all).map(([id, row]) => [id, row.map(value).map(v => sign * v)]));
    const root = v => Math.sign(v) * Math.sqrt(Math.abs(v)), ends = [...losses.values()].flat().filter(Number.isFinite).map(root);
    const low = Math.min(0, ...ends), span = Math.max(0, ...ends) - low || 1, x = v => 3 + (root(v) - low) / span * 94, d = column.measure.digits + 1;
    return model => {
      const found = cell(column.group.id, model.id, column.measure.id), loss = losses.get(model.id);
      if (found && found.verdict === "best") return [make("strong", {}, "best")];
      if (!loss || Number.isNaN(loss[0])) return ["—"];
      const [middle, one, other] = loss, interval = Number.isFinite(one) ? [Math.min(one, other), Math.max(one, other)] : null, signed = v => { const text = show(sign * v, d); return Number(text) > 0 ? `+${text}` : Number(text) ? text.replace("-", "−") : text.replace("-", ""); };
      const said = `${signed(middle)}${interval ? `, 95 % interval ${signed(interval[0])} to ${signed(interval[1])}` : ""}${VERDICTS[found.verdict] ? `. ${VERDICTS[found.verdict]}` : ""}`;
      return [make("svg", { viewBox: "0 0 100 14", width: 100, height: 14, role: "img", "aria-label": said, class: found.verdict === TIED ? "gap tied" : "gap" }, make("title", {}, said), make("line", { x1: x(0), x2: x(0), y1: 0, y2: 14, class: "zero" }),
        interval ? make("line", { x1: x(interval[0]), x2: x(interval[1]), y1: 7, y2: 7, class: "interval" }) : null, make("circle", { cx: x(middle), cy: 7, r: 3 })), make("small", {}, signed(middle))];
    };
  }

  function remember(cols) {
    const all = (chosen, list) => chosen.length === list.length ? "" : chosen.join(",");
    const slashed = key => key && key.replace("\n", "/");
    SISR.remember("leaderboard", { scale: state.scale, kernel: state.kernel, sets: all(state.groups, run.groups), measures: all(state.measures, run.measures), find: state.find,
      by: slashed(cols.some(c => c.key === state.by) ? state.by : ""), sort: slashed(state.sort === state.by ? "" : state.sort), order: state.worst ? "worst" : "", hide: state.hidden.join(","),
      intervals: state.interval || !run.means.some(row => row[6] !== null) ? "" : "no", ...state.limits });
  }

  function recall(query) {
    const list = (name, all) => { const asked = query.get(name); return asked === null ? all : asked.split(",").filter(id => all.includes(id)); };
    if (run.scales.includes(Number(query.get("scale")))) state.scale = Number(query.get("scale"));
    if (kernels.has(query.get("kernel"))) state.kernel = query.get("kernel");
    state.groups = list("sets", run.groups.map(g => g.id));
    state.measures = list("measures", run.measures.map(m => m.id));
    state.find = query.get("find") || "";
    state.worst = query.get("order") === "worst";
    state.hidden = (query.get("hide") || "").split(",").filter(Boolean);
    if (query.get("intervals") === "no") state.interval = false;
    state.limits = Object.fromEntries(known.filter(c => query.get(c.id)).map(c => [c.id, query.get(c.id)]));
    const column = name => columns().map(c => c.key).find(key => key.replace("\n", "/") === query.get(name)) || null;
    state.by = column("by");
    state.sort = known.some(c => c.id === query.get("sort")) ? query.get("sort") : column("sort") || state.by;
  }

  function numberCell(model, column, place, isFirst) {
    const found = cell(column.group.id, model.id, column.measure.id);
    const css = [isFirst ? "first" : "", place === 1 ? "best" : ""].filter(Boolean).join(" ") || null;
    if (!found || Number.isNaN(found.mean)) {
      const trouble = problem(model.id, column.group);
      const ran = run.status.some(row => row[3] === model.id && row[1] === state.kernel && row[2] === state.scale && column.group.datasets.includes(row[0]));
      return make("td", { class: css, title: trouble ? `${trouble[4]}: ${trouble[5]}` : null }, "—",
        trouble || ran ? make("small", {}, trouble ? trouble[4] : "images missing") : null);
    }
    const text = show(found.mean, column.measure.digits);
    const tied = found.verdict === TIED && place !== 1;
    return make("td", { class: css, "data-value": found.mean },
      place && place <= 3 ? make("span", { class: "medal", title: `place ${place}` }, String(place)) : null,
      tied ? make("span", { class: "tie", title: "not distinguishable from the best" }, "≈", make("span", { class: "said" }, "not distinguishable from the best ")) : null,
      make("button", { type: "button", "aria-haspopup": "dialog", onclick: () => SISR.during(details(model, column)) },
        place === 1 ? make("strong", {}, text) : place === 2 ? make("u", {}, text) : text),
      found.identical ? make("small", {}, `without ${found.identical} identical`) : null,
      printed(model, column),
      state.interval && !Number.isNaN(found.lower)
        ? make("small", {}, `${show(found.lower, column.measure.digits)} to ${show(found.upper, column.measure.digits)}`) : null);
  }

  const publication = (model, column) => run.published[[column.group.id, state.kernel, state.scale, model.id, column.measure.id].join("\n")];
  function printed(model, column) {
    const found = offers("published") ? publication(model, column) : null;
    return found ? make("small", { title: `${found[1]}${found[2] ? ` (${found[2]})` : ""}` }, `published ${show(found[0], column.measure.digits)}${found[2] ? " *" : ""}`) : null;
  }

  // The first click sorts best first, or, where it is sorted so, worst first.
  function sortBy(key) {
    const cols = columns(), now = state.sort || (main(cols) || {}).key;
    state.worst = now === key && !state.worst;
    state.sort = key;
    if (cols.some(c => c.key === key)) state.by = key;
    draw();
    const button = document.querySelector(`#board button[data-key="${CSS.escape(key)}"]`);
    if (button) button.focus();
  }

  // The answer to "which model", and how sure it is: of the chosen dataset or pool with most images.
  const count = group => Math.max(0, ...run.means.filter(r => r[0] === group.id && r[1] === state.kernel && r[2] === state.scale).map(r => r[8]));
  const images = n => `${n} image${n === 1 ? "" : "s"}`;

  function verdict(cols) {
    const place = document.getElementById("verdict");
    const largest = cols.reduce((best, c) => !best || count(c.group) > count(best.group) ? c : best, null);
    const picked = cols.filter((c, i) => largest && c.group.id === largest.group.id && c.measure.leads
      && cols.findIndex(o => o.group.id === c.group.id && o.measure.metric === c.measure.metric) === i);
    if (!picked.length) { place.replaceChildren(make("p", {}, cols.length ? "Choose PSNR or LPIPS to see which model leads." : "Nothing was scored here.")); return; }
    const kernel = kernels.get(state.kernel), { group } = picked[0], n = count(group);
    const say = column => {
      const all = run.models.map(m => [m, cell(column.group.id, m.id, column.measure.id)]).filter(([, c]) => c && !Number.isNaN(c.mean));
      all.sort((a, b) => better(column.measure)(a[1].worth, b[1].worth));
      const [winner, found] = all[0], d = column.measure.digits, unit = column.measure.unit ? ` ${column.measure.unit}` : "";
      const tied = all.slice(1).filter(([, c]) => c.verdict === TIED).map(([m]) => m.label);
      const tested = all.some(([, c]) => c.verdict) && !all.some(([, c]) => c.verdict === FEW);
      return make("li", {}, `${column.measure.leads} (${column.measure.label} ${column.measure.arrow}): `, make("strong", {}, make("bdi", {}, winner.label)),
        ` with ${show(found.mean, d)}${unit}`,
        all.length > 1 ? make("span", {}, `; next is `, make("bdi", {}, all[1][0].label), ` with ${show(all[1][1].mean, d)}${unit}`) : null, ".",
        !tested || all.length < 2 ? null : tied.length ? make("span", {}, " Not shown to be worse: ", make("bdi", {}, tied.join(", ")), ".")
          : " All others are worse, beyond chance (p < 0.05).");
    };
    const verdicts = picked.flatMap(c => run.models.map(m => (cell(c.group.id, m.id, c.measure.id) || {}).verdict)).filter(Boolean);
    const sure = verdicts.includes(FEW)
      ? `How sure: ${images(n)} are too few for a test between the models. Take it as an example, not as a ranking.`
      : verdicts.length ? `How sure: models are compared in pairs on the same ${images(n)}; what is called worse is so at p < 0.05 after correction for all pairs. The intervals below are of single means.`
        : "";
    place.replaceChildren(
      make("p", {}, "At ", make("strong", {}, `×${state.scale}`), " on ", make("strong", {}, make("bdi", {}, group.label)), ` (${images(n)}), LR by ${kernel ? kernel.label : state.kernel}:`),
      make("ul", {}, ...picked.map(say)), sure ? make("p", {}, sure) : "");
  }

  function legend(cols) {
    const shown = [...new Set(cols.map(c => c.measure))];
    document.getElementById("legend").textContent = [
      shown.map(m => `${m.label} = ${m.id}${m.unit ? ", " + m.unit : ""}, ${m.direction} is better`).join("; ") + ".",
      "Means over all images of a dataset; a dash says why there is none, and Methods has the reasons. Places 1 to 3 of a column are ringed, by the printed digits and among all models; ≈ marks a model that a paired test does not tell from the best.",
      state.interval ? "Small: 95 % interval of the mean over images." : "",
      "Behind the best: the mean of the differences image by image, with its 95 % interval, on a root scale; the dotted line is the best.",
      Object.keys(run.published).length ? "Published: what a paper or repository prints (point at it for which), * with a note." : "",
      known.some(c => c.group === "Cost") ? "Cost: multiply-adds of an output of 1280×720; time and memory as docs/cost.md says." : "",
      run.means.some(row => row[10]) ? "Means leave out identical images, whose PSNR is infinite; columns with such a mean are ranked by the PSNR of the mean squared error." : "",
      "Select a number for its images and what made it; select a heading to sort.",
    ].filter(Boolean).join(" ");
  }

  function controls(firstTime) {
    const form = document.getElementById("filters");
    if (firstTime) form.addEventListener("submit", event => event.preventDefault());
    const limited = (id, v) => { if (v === "") delete state.limits[id]; else state.limits[id] = v; draw(); };
    const texts = c => [...new Set(run.models.flatMap(m => c.id === "tags" ? (c.of(m) || "").split(", ") : [c.of(m)]).filter(Boolean))].sort();
    const filter = c => c.most || c.least
      ? make("label", {}, c.most ? `${c.head.replace(" ↓", "")}, at most (${c.most[0]})` : `${c.head}, from`, make("input", { type: "number", min: 0, step: "any", "data-limit": c.id, value: state.limits[c.id] ?? "", oninput: e => limited(c.id, e.target.value) }))
      : choice(c.head, [["", "all"], ...texts(c).map(t => [t, t])], state.limits[c.id] ?? "", v => limited(c.id, v));
    const parts = [["crop", "Crop"], ["behind", "Behind the best"], ["published", "Published"], ...known.map(c => [c.id, c.head.replace(" ↓", "")])];
    const rebuild = () => {
      const names = run.kernels.filter(k => scored(state.scale).has(k.id)), open = form.querySelector("details[open]") || Object.keys(state.limits).length;
      if (!names.some(k => k.id === state.kernel)) state.kernel = first(names.map(k => k.id), "");
      const search = make("input", { type: "search", value: state.find, oninput: e => { state.find = e.target.value; draw(); } });
      const boxes = make("input", { type: "checkbox" });
      boxes.checked = state.interval;
      boxes.addEventListener("change", () => { state.interval = boxes.checked; draw(); });
      form.replaceChildren(
        choice("Scale", run.scales.map(s => [s, `×${s}`]), state.scale, v => { state.scale = Number(v); rebuild(); draw(); }),
        choice("LR kernel", names.map(k => [k.id, k.label]), state.kernel, v => { state.kernel = v; draw(); }),
        make("label", {}, "Find a model", search),
        make("details", { class: "more", open: Boolean(open) }, make("summary", {}, "Filters and columns"), make("div", { class: "controls" },
          ticks("Datasets", run.groups.map(g => [g.id, g.label]), state.groups, v => { state.groups = v; draw(); }),
          ticks("Measures", run.measures.map(m => [m.id, m.label]), state.measures, v => { state.measures = v; draw(); }),
          choice("Protocol", [["", "all"], ...[...new Set(run.measures.map(m => m.protocol))].map(p => [p, p])], "", v => {
            state.measures = run.measures.filter(m => !v || m.protocol === v).map(m => m.id); rebuild(); draw(); }),
          ...known.map(filter),
          ticks("Columns", parts, parts.map(([id]) => id).filter(offers), v => { state.hidden = parts.map(([id]) => id).filter(id => !v.includes(id)); draw(); }),
          make("label", { class: "tick" }, boxes, "Intervals of means"))));
    };
    rebuild();
    if (firstTime) document.querySelectorAll("[data-copy]").forEach(button => button.addEventListener("click", async () => {
      const done = await SISR.copy(as(button.dataset.copy));
      document.getElementById("copied").textContent = done ? `Copied as ${button.textContent}.` : "The browser did not allow it.";
    }));
  }

  // --- copies ------------------------------------------------------------------------------------------------
  function as(form) {
    const cols = columns(), list = sorted(rows(), cols);
    const text = (model, c) => { const f = cell(c.group.id, model.id, c.measure.id); return f ? show(f.mean, c.measure.digits) + (f.identical ? `=${f.identical}` : "") : "—"; };
    const ranked = new Map(cols.map(c => [c.key, places(c)]));
    const place = (model, c) => ranked.get(c.key).get(model.id) || 0;
    if (form === "csv") {
      const quote = s => /[",\n\r]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s;
      const of = (m, c) => cell(c.group.id, m.id, c.measure.id), is = f => f && !Number.isNaN(f.mean);
      // As in tables/x*.csv: how many identical images a mean leaves out, beside a column in which one does.
      const marked = new Set(cols.filter(c => run.models.some(m => (of(m, c) || {}).identical)));
      const head = ["model", ...cols.flatMap(c => { const name = `${c.group.id} ${c.measure.id}`; return marked.has(c) ? [name, `${name}_identical`] : [name]; })];
      const lines = list.map(m => [m.id, ...cols.flatMap(c => { const f = of(m, c), text = is(f) ? show(f.mean, 6) : ""; return marked.has(c) ? [text, is(f) ? String(f.identical) : ""] : [text]; })]);
      return [head, ...lines].map(line => line.map(quote).join(",")).join("\n") + "\n";
    }
    if (form === "latex") {
      const escape = s => s.replace(/\\/g, "\\textbackslash ").replace(/([{}$&#%_])/g, "\\$1").replace(/~/g, "\\textasciitilde{}").replace(/\^/g, "\\textasciicircum{}")
        .replace(/↑/g, "$\\uparrow$").replace(/↓/g, "$\\downarrow$").replace(/×/g, "$\\times$").replace(/—/g, "---").replace(/[<>]/g, "$$$&$$");
      const wrap = (m, c) => { const t = escape(text(m, c)), p = place(m, c); return p === 1 ? `\\textbf{${t}}` : p === 2 ? `\\underline{${t}}` : t; };
      const head = cols.map(c => escape(`${c.group.label} ${c.measure.label} ${c.measure.arrow}`));
      return [`% x${state.scale}, LR by ${state.kernel}; needs booktabs`, `\\begin{tabular}{l${"r".repeat(cols.length)}}`, "\\toprule",
        `Model & ${head.join(" & ")} \\\\`, "\\midrule", ...list.map(m => `${[escape(m.label), ...cols.map(c => wrap(m, c))].join(" & ")} \\\\`),
        "\\bottomrule", "\\end{tabular}", ""].join("\n");
    }
    const escape = s => s.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/([\\`*_[\]|])/g, "\\$1").replace(/\s+/g, " ");
    const wrap = (m, c) => { const t = text(m, c), p = place(m, c); return p === 1 ? `**${t}**` : p === 2 ? `<ins>${t}</ins>` : t; };
    return [`| Model | ${cols.map(c => escape(`${c.group.label} ${c.measure.label} ${c.measure.arrow}`)).join(" | ")} |`,
      `|:---|${cols.map(() => "---:|").join("")}`, ...list.map(m => `| ${escape(m.label)} | ${cols.map(c => wrap(m, c)).join(" | ")} |`), ""].join("\n");
  }

  // --- behind a number -----------------------------------------------------------------------------------------
  async function details(model, column) {
    const dialog = document.getElementById("details"), body = document.getElementById("details-body");
    const { group, measure } = column, found = cell(group.id, model.id, measure.id);
    document.getElementById("details-title").textContent = `${model.label}: ${measure.label} on ${group.label}, ×${state.scale}`;
    const fact = (name, text) => text ? [make("dt", {}, name), make("dd", {}, text)] : [];
    const weights = run.weights[`${model.id}/x${state.scale}`];
    const ran = Object.entries(run.devices).filter(([, cells]) => group.datasets.some(d => cells.includes(`${d}/${state.kernel}/x${state.scale}/${model.id}`)));
    const machine = run.provenance.machine.filter(Boolean).join(", ");
    const facts = make("dl", { class: "facts" },
      ...fact("Mean", `${show(found.mean, measure.digits + 2)} ${measure.unit} over ${found.n} images`),
      ...fact("95 % interval", Number.isNaN(found.lower) ? "" : `${show(found.lower, measure.digits)} to ${show(found.upper, measure.digits)}`),
      ...fact("Against the best", VERDICTS[found.verdict] || found.verdict),
      ...fact("Published", publication(model, column) && publication(model, column).filter(Boolean).join("; ")),
      ...fact("Protocol", `${measure.id}: ${measure.rules}`),
      ...fact("LR kernel", (kernels.get(state.kernel) || {}).label),
      ...fact("Paper", model.paper), ...fact("Trained on", (model.trained_on || []).join(", ")), ...fact("Licence of the code", model.licence),
      ...fact("Licence of the weights", model.weights_licence), ...fact("Also stated of the weights", model.licence_also_stated),
      ...fact("Note", model.note),
      ...(weights ? fact("Weights", [weights.source, ...Object.entries(weights.files).map(([file, hash]) => `${file} sha256 ${hash}`)].join("; ")) : fact("Weights", "none")),
      ...fact("Device", ran.map(([text]) => text).join("; ") + (ran.length && machine ? ` (${machine})` : "")),
      ...fact("Commit", run.provenance.commit && `${run.provenance.commit}${run.provenance.uncommitted ? " with uncommitted changes" : ""}`));
    const image = make("div", { class: "image" }, "Loading its images …");
    body.replaceChildren(image, facts);
    dialog.showModal();
    const places = SISR.get("places"), points = [];
    for (const dataset of group.datasets) {
      const key = `${dataset}/${state.kernel}/x${state.scale}`;
      if (!places[key]) continue;
      const values = await SISR.load(`values/${key}`, places[key]);
      const list = (values.values[model.id] || {})[measure.id] || [];
      list.forEach((v, i) => points.push({ image: values.images[i], dataset, value: value(v) }));
    }
    const all = points.filter(p => !Number.isNaN(p.value)).sort((a, b) => better(measure)(b.value, a.value));
    const finite = all.filter(p => Number.isFinite(p.value));
    if (finite.length) {
      image.replaceChildren();
      SISR.chart(image, { kind: "spread", alt: `${measure.label}, one dot an image`, digits: measure.digits, axis: { title: `${measure.label}${measure.unit ? ` (${measure.unit})` : ""}, one dot an image; the bar is the mean` },
        panels: [{ rows: [{ model: model.id, mean: found.mean, dots: finite.map(p => [p.value, p.image]) }] }] });
    } else { image.textContent = all.length ? "All values are infinite: SR and HR are the same pixels." : "No image was scored."; }
    const table = make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Image"), make("th", { scope: "col" }, measure.label))),
      make("tbody", {}, ...all.map(p => make("tr", {}, make("th", { scope: "row" }, make("bdi", {}, p.image)), make("td", {}, show(p.value, measure.digits))))));
    body.insertBefore(make("details", {}, make("summary", {}, `${all.length} images, worst first`),
      make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Images" }, table)), facts);
  }

  SISR.page("leaderboard", (query, firstTime) => {
    // A later visit without anything asked for shows what was there.
    if (firstTime || [...query.keys()].some(key => key !== "theme")) recall(query);
    controls(firstTime);
    draw();
  });
})();
