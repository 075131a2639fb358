"use strict";
// Charts as SVG, as wide as the page, in its colours. What each shows comes from charts.py.
(() => {
  const { make } = SISR;
  const run = SISR.get("run");
  const models = new Map(run.models.map(m => [m.id, m]));
  const named = id => (models.get(id) || { label: id }).label;
  const colour = id => (models.get(id) || { colour: "#57606a" }).colour;
  const pen = document.createElement("canvas").getContext("2d");
  const FONT = 12, wide = text => { pen.font = `${FONT}px system-ui, "DejaVu Sans", sans-serif`; return pen.measureText(text).width; };
  const clipped = (text, most) => { let t = text; while (t.length > 1 && wide(t) > most) t = `${t.replace(/…$/, "").slice(0, -1)}…`; return t; };
  const text = (x, y, said, more = {}) => make("text", { x, y, "font-size": FONT, ...more }, said);
  const line = (x1, y1, x2, y2, css = "grid") => make("line", { x1, y1, x2, y2, class: css });
  const worded = (axis, v) => axis.digits === undefined ? short(v) : SISR.show(v, axis.digits);
  const better = axis => axis.better === 1 ? "better →" : axis.better === -1 ? "← better" : "";

  // --- scales ------------------------------------------------------------------------------------------------
  function steps(low, high, most) {
    const raw = (high - low) / most || 1, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map(k => k * power).find(s => s >= raw);
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k += 1) found.push(k * step);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return found.map(v => [v, v.toFixed(digits)]);
  }
  const short = v => v >= 1e12 ? `${v / 1e12} T` : v >= 1e9 ? `${v / 1e9} G` : v >= 1e6 ? `${v / 1e6} M` : v >= 1e3 ? `${v / 1e3} k` : String(Number(v.toPrecision(3)));

  function scaleOf(values, from, to, { log = false, pad = 0.06, most = 6 } = {}) {
    const positive = log ? values.filter(v => v > 0) : values, f = log ? Math.log10 : v => v;
    let low = Math.min(...positive.map(f)), high = Math.max(...positive.map(f));
    if (!Number.isFinite(low)) [low, high] = [0, 1];
    const span = Math.max(high - low, log ? 0.5 : Math.abs(high) * 1e-4 || 1e-9), zero = log && positive.length < values.length;
    const start = low - span * pad - (zero ? span * 0.2 : 0), end = high + span * pad;
    const at = v => from + (f(v) - start) / (end - start) * (to - from);
    const place = v => zero && v === 0 ? from + (to - from) * 0.07 : at(v);
    let marks;
    if (log) {
      marks = [];
      for (let decade = Math.floor(start); decade <= end; decade += 1) for (const k of span > 2 ? [1] : [1, 2, 5]) {
        const v = k * 10 ** decade;
        if (Math.log10(v) >= low - span * pad && Math.log10(v) <= end) marks.push([v, short(v)]);
      }
      if (zero) marks.unshift([0, "0"]);
    } else marks = steps(start, end, most);
    return { place, marks, band: zero ? from + (to - from) * 0.14 : null };
  }

  // The marks of an axis that have room for their words.
  function across(scale, y, top, right, bottom = y) {
    const parts = [];
    let taken = -Infinity;
    for (const [v, said] of scale.marks) {
      const x = scale.place(v), half = wide(said) / 2;
      parts.push(line(x, top, x, bottom));
      if (x - half < taken + 8 || x + half > right) continue;
      parts.push(text(x, y + 16, said, { "text-anchor": "middle", class: "tick" }));
      taken = x + half;
    }
    return parts;
  }

  const SHAPES = { o: "M5,0A5,5 0 1 1 -5,0A5,5 0 1 1 5,0Z", s: "M-4.5,-4.5H4.5V4.5H-4.5Z", "^": "M0,-5.5L5.5,4.5H-5.5Z", D: "M0,-6L6,0L0,6L-6,0Z",
                   v: "M0,5.5L5.5,-4.5H-5.5Z", P: "M-2,-5.5H2V-2H5.5V2H2V5.5H-2V2H-5.5V-2H-2Z", X: "M0,-2.5L3,-5.5L5.5,-3L2.5,0L5.5,3L3,5.5L0,2.5L-3,5.5L-5.5,3L-2.5,0L-5.5,-3L-3,-5.5Z" };
  const mark = (id, x, y, said, more = "") => make("path", { d: SHAPES[(models.get(id) || {}).marker] || SHAPES.o, transform: `translate(${x},${y})`, fill: colour(id), class: `mark ${more}`, "data-model": id }, make("title", {}, said));

  // Names beside points, where each covers least: rings of places, the most crowded point first.
  function labels(points, boxes, frame) {
    const dots = points.map(p => [p.x - 7, p.y - 7, p.x + 7, p.y + 7]), taken = [...boxes];
    const over = (a, b) => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
    const crowd = p => points.filter(q => Math.hypot(p.x - q.x, p.y - q.y) < 60).length;
    const parts = [];
    for (const p of [...points].sort((a, b) => crowd(b) - crowd(a))) {
      const said = clipped(p.label, 170), w = wide(said), h = FONT;
      let best = null;
      for (const [ring, gap] of [10, 18, 30, 46, 66, 92, 124, 160].entries()) for (let turn = 0; turn < 16; turn += 1) {
        const angle = 2 * Math.PI * turn / 16, dx = Math.cos(angle), dy = Math.sin(angle);
        const left = p.x + dx * gap + (dx - 1) / 2 * w, top = p.y + dy * gap + (dy - 1) / 2 * h, box = [left - 2, top - 1, left + w + 2, top + h + 2];
        const out = Math.max(0, frame[0] - box[0]) + Math.max(0, box[2] - frame[2]) + Math.max(0, frame[1] - box[1]) + Math.max(0, box[3] - frame[3]);
        const cost = ring * 7 + turn * 0.01 + out * 60 + [...taken, ...dots].reduce((sum, b) => sum + over(box, b), 0) * 4;
        if (!best || cost < best.cost) best = { cost, box, left, top };
      }
      taken.push(best.box);
      const cx = Math.max(best.box[0], Math.min(p.x, best.box[2])), cy = Math.max(best.box[1], Math.min(p.y, best.box[3]));
      if (Math.hypot(cx - p.x, cy - p.y) > 14) parts.push(line(p.x, p.y, cx, cy, "lead"));
      parts.push(text(best.left, best.top + h - 2, said, { class: "name" }));
    }
    return parts;
  }

  // --- kinds: each returns [height, parts] for a width ----------------------------------------------------------
  const KINDS = {
    scatter(chart, width) {
      const columns = chart.panels.length > 1 && width > 900 ? 2 : 1, w = width / columns, most = Math.max(...chart.panels.map(p => p.points.length));
      const h = Math.max(280, Math.min(460, w * 0.62), w < 620 ? most * 18 : 0); // on a phone, names need a line each
      const parts = chart.panels.flatMap((panel, i) => {
        const [left, top] = [i % columns * w + 58, Math.floor(i / columns) * h + 30], right = left + w - 80, bottom = top + h - 84;
        const x = scaleOf(panel.points.map(p => p[1]), left, right, { log: chart.x.log, most: Math.max(3, w / 110) }), y = scaleOf(panel.points.map(p => p[2]), bottom, top);
        const points = panel.points.map(([id, a, b]) => ({ id, x: x.place(a), y: y.place(b), label: named(id), said: `${named(id)}: ${chart.y.title} ${worded(chart.y, b)}, ${chart.x.title} ${worded(chart.x, a)}` }));
        const front = panel.front.map(id => points.find(p => p.id === id));
        const arrow = { "1,1": "↗", "-1,1": "↖", "1,-1": "↘", "-1,-1": "↙" }[`${chart.x.better},${chart.y.better}`];
        const path = front.length > 1 ? make("path", { d: `M${front.map(p => `${p.x},${p.y}`).join("L")}`, class: "front" }) : null;
        const beads = front.slice(1).flatMap((p, k) => Array.from({ length: 12 }, (_, t) => { const q = front[k], s = (t + 1) / 13; const bx = q.x + (p.x - q.x) * s, by = q.y + (p.y - q.y) * s; return [bx - 2, by - 2, bx + 2, by + 2]; }));
        return [
          x.band ? make("rect", { x: left, y: top, width: x.band - left, height: bottom - top, class: "band" }) : null,
          text(left, top - 12, clipped(panel.title, right - left - 80), { class: "head" }),
          arrow ? text(right, top - 12, `better ${arrow}`, { "text-anchor": "end", class: "tick better" }) : null,
          ...across(x, bottom, top, right + 20), ...y.marks.flatMap(([v, said]) => [line(left, y.place(v), right, y.place(v)), text(left - 6, y.place(v) + 4, said, { "text-anchor": "end", class: "tick" })]),
          text((left + right) / 2, bottom + 36, chart.x.title, { "text-anchor": "middle" }),
          text(0, 0, chart.y.title, { "text-anchor": "middle", transform: `translate(${left - 46},${(top + bottom) / 2}) rotate(-90)` }),
          path, ...points.map(p => mark(p.id, p.x, p.y, p.said)), ...labels(points, beads, [left, top, right + 18, bottom])];
      });
      return [Math.ceil(chart.panels.length / columns) * h, parts];
    },

    spread(chart, width) {
      const shown = chart.panels.flatMap(p => p.rows).filter(r => r.dots), sign = chart.axis.better === -1 ? 1 : -1;
      const names = Math.min(width * 0.32, Math.max(40, ...chart.panels.flatMap(p => p.rows).map(r => wide(named(r.model)) + 16)));
      const x = scaleOf(shown.flatMap(r => r.dots.map(d => d[0])), names, width - 16, { pad: 0.03, most: Math.max(3, width / 110) });
      const parts = [], high = 20;
      let top = chart.panels[0].title ? 26 : 6;
      for (const panel of chart.panels) {
        const rows = [...panel.rows].sort((a, b) => sign * ((a.mean ?? -sign * Infinity) - (b.mean ?? -sign * Infinity)) || 0);
        const bottom = top + rows.length * high;
        if (panel.title) parts.push(text(names, top - 9, panel.title, { class: "head" }), text(width - 16, top - 9, better(chart.axis), { "text-anchor": "end", class: "tick better" }));
        parts.push(...across(x, bottom, top, width));
        rows.forEach((row, i) => {
          const y = top + i * high + high / 2;
          if (named(row.model)) parts.push(text(names - 8, y + 4, clipped(named(row.model), names - 12), { "text-anchor": "end", class: "name" }));
          if (!row.dots) { parts.push(text(names + 8, y + 4, "no finite value", { class: "tick" })); return; }
          if (row.box) {
            const [a, m, b] = row.box.map(x.place);
            parts.push(line(x.place(row.dots[0][0]), y, x.place(row.dots[1][0]), y, "whisker"), make("rect", { x: a, y: y - 6, width: Math.max(1, b - a), height: 12, fill: colour(row.model), class: "mark" }), line(m, y - 6, m, y + 6, "median"));
          }
          parts.push(...row.dots.map(([v, image]) => make("circle", { cx: x.place(v), cy: y, r: row.box ? 2.5 : 4, fill: colour(row.model), class: "mark dot" }, make("title", {}, `${named(row.model)}, ${image}: ${SISR.show(v, chart.digits)}`))));
          parts.push(make("line", { x1: x.place(row.mean), x2: x.place(row.mean), y1: y - 9, y2: y + 9, class: "mean" }, make("title", {}, `${named(row.model)}, mean: ${SISR.show(row.mean, chart.digits)}`)));
        });
        top = bottom + 56;
      }
      parts.push(text((names + width) / 2, top - 20, chart.axis.title, { "text-anchor": "middle" }));
      return [top - 8, parts];
    },

    ranks(chart, width) {
      const half = chart.difference / 2, high = 20, top = 24, bottom = top + chart.rows.length * high, right = width - 46;
      const names = Math.min(width * 0.4, Math.max(40, ...chart.rows.map(r => wide(named(r[0])) + 16)));
      const x = scaleOf(chart.rows.flatMap(r => [r[1] - half, r[1] + half]), names, right, { pad: 0.02, most: Math.max(3, width / 90) });
      // There is no rank below 1 and none beyond the last, so the axis has no words there; the bars are whole all the same.
      const step = [1, 2, 5, 10, 20, 50].find(s => chart.rows.length / s * 34 <= right - names) || 100;
      x.marks = chart.rows.map((_, i) => [i + 1, String(i + 1)]).filter(([v]) => v === 1 || v % step === 0);
      const rows = chart.rows.map(([id, rank], i) => {
        const y = top + i * high + high / 2, said = `${named(id)}: average rank ${SISR.show(rank, 2)}`;
        return make("g", { class: "row", "data-rank": rank, "data-model": id }, make("rect", { x: 0, y: y - high / 2, width, height: high, fill: "transparent" }), text(names - 10, y + 4, clipped(named(id), names - 12), { "text-anchor": "end", class: "name" }),
          make("rect", { x: x.place(rank - half), y: y - 3.5, width: x.place(rank + half) - x.place(rank - half), height: 7, fill: colour(id), class: "mark bar" }), mark(id, x.place(rank), y, said, "hollow"),
          text(width - 4, y + 4, SISR.show(rank, 2), { "text-anchor": "end", class: "tick" }));
      });
      const point = event => {
        const row = event.type === "pointerover" && event.target.closest(".row"), rank = row ? Number(row.dataset.rank) : null;
        for (const one of rows) one.setAttribute("opacity", rank === null || Math.abs(one.dataset.rank - rank) < chart.difference ? 1 : 0.2);
      };
      const all = make("g", { onpointerover: point, onpointerout: point }, ...rows);
      return [bottom + 44, [text(names, top - 8, better(chart.axis), { class: "tick better" }), ...across(x, bottom, top, right), all, text((names + right) / 2, bottom + 36, chart.axis.title, { "text-anchor": "middle" })]];
    },

    heat(chart, width) {
      const names = Math.min(width * 0.32, Math.max(...chart.rows.map(r => wide(named(r[0])) + 16))), cell = Math.max(46, Math.min(130, (width - names) / chart.columns.length)), high = 24;
      const known = chart.rows.flatMap(r => r[1]).map(SISR.value).filter(Number.isFinite), low = Math.min(...known), span = Math.max(...known) - low || 1;
      const ends = [[0, 34, 78], [124, 123, 120], [254, 232, 56]];
      const shade = s => { const k = s < 0.5 ? 0 : 1, t = s * 2 - k; return ends[k].map((v, i) => Math.round(v + (ends[k + 1][i] - v) * t)); };
      const slanted = chart.columns.some(c => wide(c) > cell - 6), top = slanted ? Math.max(...chart.columns.map(wide)) * 0.62 + 16 : 24;
      const heads = chart.columns.map((c, i) => slanted ? text(0, 0, c, { transform: `translate(${names + (i + 0.4) * cell},${top - 6}) rotate(-38)` }) : text(names + (i + 0.5) * cell, top - 8, c, { "text-anchor": "middle" }));
      const body = chart.rows.flatMap(([id, values], i) => [text(names - 8, top + i * high + 16, clipped(named(id), names - 10), { "text-anchor": "end", class: "name" }),
        ...values.map(SISR.value).flatMap((v, k) => {
          const rgb = Number.isFinite(v) ? shade((v - low) / span) : null, light = rgb && rgb[0] * 0.299 + rgb[1] * 0.587 + rgb[2] * 0.114 > 118;
          return [make("rect", { x: names + k * cell, y: top + i * high, width: cell - 1, height: high - 1, class: rgb ? null : "band", fill: rgb ? `rgb(${rgb})` : null }),
            text(names + (k + 0.5) * cell, top + i * high + 16, SISR.show(v, chart.digits), { "text-anchor": "middle", class: "inside", ...(rgb ? { style: `fill:${light ? "#000" : "#fff"}` } : {}) })];
        })]);
      return [top + chart.rows.length * high + 8, [...heads, ...body]];
    },

    lines(chart, width) {
      const names = Math.min(width * 0.3, Math.max(...chart.lines.map(l => wide(l.name) + 14))), left = 62, right = width - names - 6, top = 24, bottom = top + Math.max(220, Math.min(340, width * 0.35));
      const x = scaleOf(chart.lines.flatMap(l => l.points.map(p => p[0])), left, right, { pad: 0.01, most: Math.max(3, width / 130) }), y = scaleOf(chart.lines.flatMap(l => l.points.map(p => p[1])), bottom, top, { log: chart.y.log });
      const ends = chart.lines.map(l => ({ l, y: y.place(l.points[l.points.length - 1][1]) })).sort((a, b) => a.y - b.y);
      ends.forEach((e, i) => { if (i) e.y = Math.max(e.y, ends[i - 1].y + FONT + 3); });
      const dashes = ["", "6 3", "2 3", "8 3 2 3"];
      return [bottom + 44, [...across(x, bottom, top, right + 20), ...y.marks.flatMap(([v, said]) => [line(left, y.place(v), right, y.place(v)), text(left - 6, y.place(v) + 4, said, { "text-anchor": "end", class: "tick" })]),
        chart.y.better ? text(left, top - 8, `better ${chart.y.better > 0 ? "↑" : "↓"}`, { class: "tick better" }) : null,
        ...chart.lines.map((l, i) => make("path", { d: `M${l.points.map(p => `${x.place(p[0]).toFixed(1)},${y.place(p[1]).toFixed(1)}`).join("L")}`, class: "curve", stroke: l.colour, "stroke-dasharray": dashes[i % 4] }, make("title", {}, l.name))),
        ...ends.map(e => text(right + 8, e.y + 4, clipped(e.l.name, names - 8), { class: "name" })),
        text((left + right) / 2, bottom + 36, chart.x.title, { "text-anchor": "middle" }), text(0, 0, chart.y.title, { "text-anchor": "middle", transform: `translate(14,${(top + bottom) / 2}) rotate(-90)` })]];
    },
  };

  // Draws a chart into a place, again whenever the place has another width.
  SISR.chart = (place, chart) => {
    let drawn = 0;
    const draw = () => {
      const width = Math.floor(place.clientWidth) || 600;
      if (Math.abs(width - drawn) < 2) return;
      drawn = width;
      const [height, parts] = KINDS[chart.kind](chart, width);
      place.replaceChildren(make("svg", { width, height: Math.ceil(height), viewBox: `0 0 ${width} ${Math.ceil(height)}`, role: "img", "aria-label": chart.alt, class: "plot" }, ...parts));
    };
    draw();
    new ResizeObserver(draw).observe(place);
  };

  // --- files: the chart as it is on the page, with its colours in it -------------------------------------------------
  function alone(svg) {
    const copy = svg.cloneNode(true), all = [svg, ...svg.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((element, i) => {
      const style = getComputedStyle(all[i]);
      for (const name of ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-weight", "opacity"]) element.setAttribute(name, style.getPropertyValue(name));
      element.removeAttribute("class");
    });
    copy.setAttribute("font-family", getComputedStyle(document.body).fontFamily);
    copy.prepend(make("rect", { width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor }));
    return new XMLSerializer().serializeToString(copy);
  }

  function save(name, blob) {
    const link = make("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  const SAVES = {
    SVG: (svg, id) => save(`${id}.svg`, new Blob([alone(svg)], { type: "image/svg+xml" })),
    PNG: async (svg, id) => {
      const image = new Image(), box = svg.viewBox.baseVal, canvas = make("canvas", { width: 2 * box.width, height: 2 * box.height });
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(alone(svg))}`;
      await image.decode();
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(blob => save(`${id}.png`, blob));
    },
    PDF: svg => {
      const section = svg.closest(".chart");
      section.classList.add("printed");
      document.body.classList.add("one-chart");
      print();
      document.body.classList.remove("one-chart");
      section.classList.remove("printed");
    },
  };

  SISR.page("plots", (query, firstTime) => { if (firstTime) SISR.during(all(Number(query.get("scale")))); });

  async function all(asked) {
    const charts = await SISR.load("charts", "data/charts.js");
    const scales = [...new Set(charts.filter(c => c.scale).map(c => c.scale))];
    const form = document.getElementById("plot-controls");
    form.addEventListener("submit", event => event.preventDefault());
    const show = scale => { SISR.remember("plots", scales.length > 1 ? { scale } : {}); draws(charts.filter(c => !c.scale || c.scale === scale)); };
    const first = scales.includes(asked) ? asked : scales[scales.length - 1];
    if (scales.length > 1) form.replaceChildren(SISR.choice("Scale", scales.map(s => [s, `×${s}`]), first, v => show(Number(v))));
    show(first);
  }

  function draws(charts) {
    const room = document.getElementById("charts");
    room.replaceChildren();
    for (const chart of charts) {
      const place = make("div", { class: "image" }), saves = Object.entries(SAVES).map(([kind, act]) =>
        make("button", { type: "button", "aria-label": `${chart.title} as ${kind}`, onclick: () => act(place.querySelector("svg"), chart.id) }, kind));
      room.append(make("section", { class: "chart", id: `chart-${chart.id}`, "aria-label": chart.title }, make("h2", {}, chart.title),
        make("p", { class: "soft" }, `${chart.alt} ${chart.text}`), place, make("p", { class: "buttons" }, "Save as ", ...saves)));
      SISR.chart(place, chart);
    }
  }
})();
