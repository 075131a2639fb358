"use strict";
// Charts by Vega-Lite. Its library is loaded when the first chart is shown, not with the page.
(() => {
  const { make } = SISR;

  SISR.chart = (place, spec) => SISR.during(draw(place, spec));

  // The same chart, as wide as a phone has room for beside its axis.
  const fitted = spec => ({ ...spec, ...(typeof spec.width === "number" ? { width: Math.min(spec.width, Math.max(160, innerWidth - 170)) } : {}),
                            ...(spec.facet && spec.facet.field ? { facet: { ...spec.facet, columns: 1 } } : {}), ...(spec.spec ? { spec: fitted(spec.spec) } : {}) });

  const draw = async (place, spec) => {
    await SISR.script("assets/vega.js");
    const config = { font: "system-ui, -apple-system, Segoe UI, DejaVu Sans, sans-serif", background: "#ffffff",
                     axis: { labelFontSize: 11, titleFontSize: 12 }, legend: { labelFontSize: 11, symbolLimit: 60, columns: 1 } };
    const narrow = innerWidth < 620;
    if (narrow) config.legend.orient = "bottom";
    // Nothing is fetched: specifications hold their data, and the actions that would open other sites are off.
    await vegaEmbed(place, narrow ? fitted(spec) : spec, { renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false }, config });
    for (const menu of place.querySelectorAll("summary")) menu.setAttribute("aria-label", "Save this chart");
  };

  SISR.page("plots", (query, firstTime) => { if (firstTime) SISR.during(all()); });

  async function all() {
    const charts = await SISR.load("charts", "data/charts.js");
    const scales = [...new Set(charts.filter(c => c.scale).map(c => c.scale))];
    const form = document.getElementById("plot-controls");
    form.addEventListener("submit", event => event.preventDefault());
    const show = scale => draws(charts.filter(c => !c.scale || c.scale === scale));
    const last = scales[scales.length - 1];
    if (scales.length > 1) form.replaceChildren(SISR.choice("Scale", scales.map(s => [s, `×${s}`]), last, v => SISR.during(show(Number(v)))));
    await show(last);
  }

  let turn = 0;
  async function draws(charts) {
    const mine = turn += 1, room = document.getElementById("charts");
    room.replaceChildren();
    for (const chart of charts) {
      if (mine !== turn) return; // another scale was chosen meanwhile
      const image = make("div", { class: "image" });
      room.append(make("section", { class: "chart", id: `chart-${chart.id}`, "aria-label": chart.title }, make("h2", {}, chart.title), make("p", { class: "soft" }, `${chart.alt} ${chart.text}`), image));
      await SISR.chart(image, chart.spec);
    }
  }
})();
