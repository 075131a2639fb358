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
  const COSTS = [
    ["parameters", "Parameters", v => v >= 1e6 ? `${(v / 1e6).toFixed(2)} M` : v >= 1e3 ? `${(v / 1e3).toFixed(1)} k` : String(v)],
    ["multiply_adds", "Multiply-adds", v => v >= 1e12 ? `${(v / 1e12).toFixed(2)} T` : `${(v / 1e9).toFixed(1)} G`],
    ["seconds", "Time / MP", v => `${v.toPrecision(3)} s`],
    ["peak_memory", "Memory", v => `${Math.round(v / 2 ** 20)} MiB`],
  ].filter(([column]) => run.cost.some(row => typeof row[column] === "number"));

  const first = (list, fallback) => list.length ? list[0] : fallback;
  const scored = scale => new Set(run.means.filter(row => row[2] === scale).map(row => row[1]));
  const scalesOfRun = run.scales.length ? run.scales : [0];
  const state = { scale: scalesOfRun[scalesOfRun.length - 1], kernel: null, groups: run.groups.map(g => g.id),
                  measures: run.measures.map(m => m.id), find: "", tag: "", interval: run.means.some(row => row[6] !== null),
                  sort: null, best: true };
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

  function rows() {
    const words = state.find.toLowerCase();
    const tried = new Set(run.status.filter(row => row[1] === state.kernel && row[2] === state.scale).map(row => row[3]));
    return run.models.filter(model => tried.has(model.id)
      && (!words || `${model.label} ${model.id}`.toLowerCase().includes(words))
      && (!state.tag || (model.tags || []).includes(state.tag)));
  }

  // Place of each printed value in its column, over all models and not only those that are shown.
  function places(column) {
    const all = run.models.map(model => [model.id, cell(column.group.id, model.id, column.measure.id)])
      .filter(([, c]) => c && !Number.isNaN(c.mean))
      .map(([id, c]) => [id, Number(show(c.worth, column.measure.digits).replace("inf", "Infinity"))]);
    const sorted = [...new Set(all.map(([, v]) => v))].sort(better(column.measure));
    return new Map(all.map(([id, v]) => [id, sorted.indexOf(v) + 1]));
  }

  function sorted(list, cols) {
    if (!state.sort) return list;
    const column = cols.find(c => c.key === state.sort.key);
    const of = model => column ? (cell(column.group.id, model.id, column.measure.id) || { worth: NaN }).worth
      : (cost.get(`${model.id}\n${state.scale}`) || {})[state.sort.key] ?? NaN;
    return [...list].sort((a, b) => {
      const x = of(a), y = of(b);
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return x === y ? 0 : (x < y ? -1 : 1) * (state.sort.ascending ? 1 : -1);
    });
  }

  const problem = (model, group) => run.status.find(row => row[3] === model && row[1] === state.kernel
    && row[2] === state.scale && group.datasets.includes(row[0]) && row[4] !== "ok");

  function draw() {
    const cols = columns(), list = sorted(rows(), cols), board = document.getElementById("board");
    const spans = [];
    for (const column of cols) {
      if (spans.length && spans[spans.length - 1][0].id === column.group.id) spans[spans.length - 1][1] += 1;
      else spans.push([column.group, 1]);
    }
    const starts = new Set(cols.filter((c, i) => !i || cols[i - 1].group.id !== c.group.id).map(c => c.key));
    const heading = (key, text, small, ascendingFirst, isFirst) => make("th",
      { scope: "col", "aria-sort": state.sort && state.sort.key === key ? (state.sort.ascending ? "ascending" : "descending") : "none",
        class: isFirst ? "first" : null },
      make("button", { type: "button", "data-key": key, onclick: () => sortBy(key, ascendingFirst) }, text), small ? make("small", {}, small) : null);
    const head = make("thead", {},
      make("tr", {}, make("th", { scope: "col", rowspan: 2 }, "Model"),
        ...spans.map(([group, span]) => make("th", { scope: "colgroup", colspan: span, class: "first" }, group.label,
          make("small", {}, images(count(group))))),
        COSTS.length ? make("th", { scope: "colgroup", colspan: COSTS.length, class: "first" }, "Cost") : null),
      make("tr", {}, ...cols.map(c => heading(c.key, `${c.measure.label} ${c.measure.arrow}`,
        c.measure.protocol, c.measure.direction === "lower", starts.has(c.key))),
        ...COSTS.map(([key, text], i) => heading(key, `${text} ↓`, null, true, i === 0))));
    const ranked = new Map(cols.map(c => [c.key, places(c)]));
    const body = make("tbody", {}, ...list.map(model => make("tr", { "data-model": model.id },
      make("th", { scope: "row", title: model.label }, make("i", { class: "swatch", style: `background:${model.colour}` }),
        make("span", { class: "model-name" }, make("bdi", {}, model.label))),
      ...cols.map(c => numberCell(model, c, ranked.get(c.key).get(model.id) || 0, starts.has(c.key))),
      ...COSTS.map(([key, , format], i) => {
        const found = (cost.get(`${model.id}\n${state.scale}`) || {})[key];
        return make("td", { class: i === 0 ? "first" : null }, typeof found === "number" ? format(found) : "—");
      }))));
    board.replaceChildren(make("caption", { class: "said" }, `Results at x${state.scale}`), head, body);
    verdict(cols);
    legend(cols);
    SISR.remember("leaderboard", { scale: state.scale, kernel: state.kernel });
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
      state.interval && !Number.isNaN(found.lower)
        ? make("small", {}, `${show(found.lower, column.measure.digits)} to ${show(found.upper, column.measure.digits)}`) : null);
  }

  function sortBy(key, ascendingFirst) {
    if (!state.sort || state.sort.key !== key) state.sort = { key, ascending: ascendingFirst };
    else if (state.sort.ascending === ascendingFirst) state.sort.ascending = !ascendingFirst;
    else state.sort = null;
    draw();
    const button = document.querySelector(`#board button[data-key="${CSS.escape(key)}"]`);
    if (button) button.focus();
  }

  const TRAINED_FOR = { psnr: "fidelity", gan: "perception (GAN)", classical: "nothing (interpolation)", "trained-here": "anything, by this project" };

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
      COSTS.length ? "Cost: multiply-adds of an output of 1280×720; time and memory as docs/cost.md says." : "",
      run.means.some(row => row[10]) ? "Means leave out identical images, whose PSNR is infinite; columns with such a mean are ranked by the PSNR of the mean squared error." : "",
      "Select a number for its images and what made it; select a heading to sort.",
    ].filter(Boolean).join(" ");
  }

  function controls() {
    const form = document.getElementById("filters");
    form.addEventListener("submit", event => event.preventDefault());
    const tags = [...new Set(run.models.flatMap(m => m.tags || []))];
    const rebuild = () => {
      const names = run.kernels.filter(k => scored(state.scale).has(k.id));
      if (!names.some(k => k.id === state.kernel)) state.kernel = first(names.map(k => k.id), "");
      const search = make("input", { type: "search", value: state.find, oninput: e => { state.find = e.target.value; draw(); } });
      const boxes = make("input", { type: "checkbox" });
      boxes.checked = state.interval;
      boxes.addEventListener("change", () => { state.interval = boxes.checked; draw(); });
      form.replaceChildren(
        choice("Scale", run.scales.map(s => [s, `×${s}`]), state.scale, v => { state.scale = Number(v); rebuild(); draw(); }),
        choice("LR kernel", names.map(k => [k.id, k.label]), state.kernel, v => { state.kernel = v; draw(); }),
        ticks("Datasets", run.groups.map(g => [g.id, g.label]), state.groups, v => { state.groups = v; draw(); }),
        ticks("Measures", run.measures.map(m => [m.id, m.label]), state.measures, v => { state.measures = v; draw(); }),
        choice("Protocol", [["", "all"], ...[...new Set(run.measures.map(m => m.protocol))].map(p => [p, p])], "", v => {
          state.measures = run.measures.filter(m => !v || m.protocol === v).map(m => m.id); rebuild(); draw(); }),
        choice("Trained for", [["", "all"], ...tags.map(t => [t, TRAINED_FOR[t] || t])], state.tag, v => { state.tag = v; draw(); }),
        make("label", {}, "Find a model", search),
        make("label", { class: "tick" }, boxes, "Intervals"));
    };
    rebuild();
    document.querySelectorAll("[data-copy]").forEach(button => button.addEventListener("click", async () => {
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
    const known = points.filter(p => !Number.isNaN(p.value)).sort((a, b) => better(measure)(b.value, a.value));
    const finite = known.filter(p => Number.isFinite(p.value));
    if (finite.length) {
      await SISR.chart(image, {
        data: { values: finite }, width: 560, height: 90,
        layer: [
          { mark: { type: "point", filled: true, size: 60, opacity: 0.6, color: model.colour },
            encoding: { x: { field: "value", type: "quantitative", scale: { zero: false }, title: `${measure.label}${measure.unit ? ` (${measure.unit})` : ""}, one point an image` },
                        tooltip: [{ field: "image" }, { field: "value" }] } },
          { data: { values: [{ value: found.mean }] }, mark: { type: "rule", strokeWidth: 2 }, encoding: { x: { field: "value", type: "quantitative" } } },
        ],
      });
    } else { image.textContent = known.length ? "All values are infinite: SR and HR are the same pixels." : "No image was scored."; }
    const table = make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Image"), make("th", { scope: "col" }, measure.label))),
      make("tbody", {}, ...known.map(p => make("tr", {}, make("th", { scope: "row" }, make("bdi", {}, p.image)), make("td", {}, show(p.value, measure.digits))))));
    body.insertBefore(make("details", {}, make("summary", {}, `${known.length} images, worst first`),
      make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Images" }, table)), facts);
  }

  SISR.page("leaderboard", (query, firstTime) => {
    if (!firstTime) return;
    const scale = Number(query.get("scale"));
    if (run.scales.includes(scale)) state.scale = scale;
    if (kernels.has(query.get("kernel"))) state.kernel = query.get("kernel");
    controls();
    draw();
  });
})();
