"use strict";
// The page of one model, and the page for learners as far as it is about this run.
(() => {
  const { make, value, show } = SISR;
  const run = SISR.get("run");
  const models = new Map(run.models.map(m => [m.id, m])), measures = new Map(run.measures.map(m => [m.id, m]));
  const of = (list, id) => (list.find(entry => entry.id === id) || { label: id }).label;
  const title = set => { const [dataset, kernel, scale] = set.split("/"); return `${of(run.groups, dataset)}, ${of(run.kernels, kernel)}, ×${scale.slice(1)}`; };
  const fact = (name, ...said) => said.length && said[0] ? [make("dt", {}, name), make("dd", {}, ...said)] : [];

  function table(head, rows, name) {
    return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": name }, make("table", {},
      make("thead", {}, make("tr", {}, ...head.map(h => make("th", { scope: "col" }, h)))),
      make("tbody", {}, ...rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, first), ...rest.map(r => make("td", {}, r)))))));
  }

  async function page(id) {
    const room = document.getElementById("model"), model = models.get(id);
    if (!model) { room.replaceChildren(make("h1", {}, "No such model"), make("p", {}, make("a", { href: "#leaderboard" }, "Back to the leaderboard"))); return; }
    const more = (await SISR.load("models", "data/models.js"))[id], mine = run.means.filter(r => r[3] === id);
    const crops = Object.entries(run.thumbs).filter(([, t]) => t.models.includes(id)).map(([set, t]) => make("figure", {},
      ...["hr", id].map(m => make("i", { class: "thumb lone", style: `background:url(${t.file}) ${-132 * t.models.indexOf(m)}px 0 / ${132 * t.models.length}px 132px` })),
      make("figcaption", {}, `HR, and ${model.label}: `, make("bdi", {}, t.image), make("br"), `${title(set)} `, make("a", { href: `#viewer?${new URLSearchParams({ set, models: id })}` }, "viewer"))));
    const ids = [...new Set(mine.map(r => r[4]))], rows = new Map();
    for (const [group, kernel, scale, , measure, mean, lower, upper] of mine) {
      const key = `${of(run.groups, group)}, ${of(run.kernels, kernel)}, ×${scale}`, m = measures.get(measure);
      const row = rows.get(key) || rows.set(key, new Map()).get(key);
      row.set(measure, make("span", {}, show(value(mean), m.digits), Number.isNaN(value(lower)) ? null : make("small", {}, `${show(value(lower), m.digits)} to ${show(value(upper), m.digits)}`)));
    }
    const spent = run.cost.filter(c => c.model === id), has = key => spent.some(c => typeof c[key] === "number"), big = v => typeof v === "number" ? v.toLocaleString("en") : "—";
    const weights = Object.entries(run.weights).filter(([key]) => key.slice(0, key.lastIndexOf("/x")) === id);
    const scales = [...new Set(mine.map(r => r[2]))], none = run.status.filter(r => r[3] === id && r[5]);
    const bibtex = make("pre", { tabindex: 0 }, more.bibtex);
    room.replaceChildren(
      make("p", {}, make("a", { href: "#leaderboard" }, "Leaderboard")), make("h1", {}, make("bdi", {}, model.label)),
      make("div", { class: "crops" }, ...crops),
      make("h2", {}, "Numbers"), mine.length ? table(["On", ...ids.map(m => `${measures.get(m).label} ${measures.get(m).arrow}`)], [...rows].map(([key, row]) => [key, ...ids.map(m => row.get(m) || "—")]), "Means") : make("p", {}, "Nothing was scored."),
      mine.some(r => r[6] !== null) ? make("p", { class: "soft" }, "Small: 95 % interval of the mean over images.") : "",
      ...(none.length ? [make("p", {}, `Did not run: ${[...new Set(none.map(r => r[5]))].join("; ")}`)] : []),
      make("h2", {}, "Cost"), spent.length ? table(["Scale", ...[["parameters", "Parameters"], ["multiply_adds", "Multiply-adds"], ["seconds", "Time / MP (s)"], ["peak_memory", "Memory (bytes)"]].filter(([k]) => has(k)).map(([, t]) => t)],
        spent.map(c => [`×${c.scale}`, ...["parameters", "multiply_adds", "seconds", "peak_memory"].filter(has).map(k => big(c[k]))]), "Cost") : make("p", {}, "Not counted in this run."),
      make("h2", {}, "What it is"), make("dl", { class: "facts" },
        ...fact("Paper", model.url ? make("a", { href: /^https?:/.test(model.url) ? model.url : "#model" }, model.paper || model.url) : model.paper), ...fact("Note", model.note),
        ...fact("Licence of the code", model.licence), ...fact("Licence of the weights", model.weights_licence), ...fact("Also stated of the weights", model.licence_also_stated),
        ...fact("Trained on", (model.trained_on || []).join(", ")), ...fact("Test images in training", more.shared.join(" ")),
        ...weights.flatMap(([key, w]) => fact(`Weights ×${key.slice(key.lastIndexOf("/x") + 2)}`, [w.source, ...Object.entries(w.files).map(([file, hash]) => `${file} sha256 ${hash}`)].join("; "))),
        ...fact("Certified by", more.certified.join("; ") || "no reference value of its own in this run")),
      make("h2", {}, "On your own images"), make("pre", { tabindex: 0 }, scales.map(s => `sisr upscale --model ${/^[\w.+-]+$/.test(id) ? id : `'${id.replace(/'/g, "'\\''")}'`} --scale ${s} my-images enlarged`).join("\n")),
      ...(more.bibtex ? [make("h2", {}, "BibTeX"), bibtex, make("p", { class: "buttons" }, make("button", { type: "button", onclick: async e => { const button = e.target; button.textContent = await SISR.copy(more.bibtex) ? "Copied" : "Not allowed"; } }, "Copy BibTeX"))] : []));
  }

  SISR.page("model", query => { const id = query.get("id") || ""; SISR.remember("model", { id }); SISR.during(page(id)); });

  // GAN against no GAN in this run: of each kind the best by the measure that it is trained for.
  SISR.page("learn", (query, firstTime) => {
    if (!firstTime) return;
    const room = document.getElementById("gan"), last = run.scales[run.scales.length - 1], view = run.viewer;
    const pick = (view.picks || []).find(p => p.set.endsWith(`/x${last}`)), set = pick ? pick.set : "", [dataset, kernel] = set.split("/");
    const shown = view.shown.map(id => measures.get(id));
    const best = (tag, m) => run.means.filter(r => r[0] === dataset && r[1] === kernel && r[2] === last && r[4] === m.id && (models.get(r[3]).tags || []).includes(tag) && Number.isFinite(value(r[5])))
      .sort((a, b) => (m.direction === "higher" ? -1 : 1) * (a[5] - b[5]))[0];
    if (!pick || shown.length < 2) return;
    const rows = [["psnr", "without GAN", best("psnr", shown[0])], ["gan", "with GAN", best("gan", shown[1])]].filter(r => r[2]).map(([, kind, r]) => [kind, models.get(r[3])]);
    if (rows.length < 2) return;
    const mean = (model, m) => (run.means.find(r => r[0] === dataset && r[1] === kernel && r[2] === last && r[3] === model.id && r[4] === m.id) || [])[5];
    const link = new URLSearchParams({ set, image: pick.image, models: rows.map(r => r[1].id).join(","), x: pick.x, y: pick.y, zoom: 3 }), strip = run.thumbs[set];
    room.append(make("h2", {}, "GAN against no GAN, in this run"), make("p", {}, "A network that is trained for the least error gives the average of all images that fit, which is smooth; one with an adversarial loss makes up texture. "
      + `So of the first one expects the better ${shown[0].label}, of the second the better ${shown[1].label}. Below are the best of each kind on ${title(set)}, which differ in more than the loss; the study that follows changes nothing else.`),
      table(["Trained", "Model", ...shown.map(m => `${m.label} ${m.arrow}`)], rows.map(([kind, model]) => [kind, make("span", {}, strip && strip.models.includes(model.id)
        ? make("i", { class: "thumb", style: `background:url(${strip.file}) ${-44 * strip.models.indexOf(model.id)}px 0` }) : null, make("a", { href: `#model?id=${encodeURIComponent(model.id)}` }, model.label)), ...shown.map(m => show(value(mean(model, m)), m.digits))]), "With GAN and without"),
      make("p", {}, make("a", { href: `#viewer?${link}` }, "See both side by side in the viewer")));
  });

  // Print: a table that is wider than the paper, in the paper's type, is made to fit.
  addEventListener("beforeprint", () => {
    const { style } = document.getElementById("board");
    style.setProperty("--print-zoom", 1);
    style.fontSize = "8pt";
    const wide = document.getElementById("board").scrollWidth || 1;
    style.fontSize = "";
    style.setProperty("--print-zoom", Math.min(1, 1000 / wide).toFixed(3));
  });
})();
