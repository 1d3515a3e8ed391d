// The panels beside the map: totals, curve, legend, the place chosen, tables. They show; `page.js` decides what.
"use strict";
function makePanels(head, surface, tools) {
  const { state, formats, ladder, classes } = tools;
  const { whole, percent, usd, compact, count, share, range, edge } = formats;
  const { levels, zips, counties, region } = surface;
  const { seen } = classes;
  const at = (id) => document.getElementById(id);
  const HIDDEN_TEXT = "too few households: counted in a wider area";

  const make = (tag, text, attributes = {}) => {
    const made = Object.assign(document.createElement(tag), { textContent: text });
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const levelText = () => percent(head.level);
  const read = (table, i, capacity = state.capacity) => ladder.read(table, i, capacity);
  const indexOf = (figures) => classes.valueOf(figures, "index", state.capacity);
  // "$2,500 or more", "$400 to under $2,500"
  const terms = ({ at: from, below } = state.capacity) =>
    below ? `${usd(from)} to under ${usd(below)}` : `${usd(from)} or more`;
  const countyName = (i) => {
    const name = head.counties[i] ?? "";
    if (/^\d*$/.test(name)) return name && `County ${name}`;
    return / (county|parish|borough|city)$/i.test(name) ? name : `${name} County`;
  };
  const dataset = (element, now) =>
    Object.assign(element.dataset, { total: now.m, low: now.low, high: now.high, households: now.n });

  function showTotal() {
    const now = read(region, 0);
    at("total").textContent = count(now.m);
    dataset(at("total"), now);
    at("total").dataset.capacity = state.capacity.at;
    at("total").dataset.below = state.capacity.below ?? "";
    at("capacity-words").textContent = state.capacity.below ? "with capacity of" : "with capacity of at least";
    at("capacity-label").textContent = state.capacity.below ? terms() : usd(state.capacity.at);
    at("total-range").replaceChildren(
      `${levelText()} interval `,
      make("b", range(now.low, now.high)),
      ` · ${share(now.share)} of ${whole(now.n)} households`,
    );
  }

  // ---- the curve over the slider -------------------------------------------------------------
  function showCurve(position) {
    const chosen = tools.chosenTable();
    const [table, i, name] = chosen && seen(chosen.table, chosen.i) ? [chosen.table, chosen.i, chosen.name] : [region, 0, ""];
    const x = (rung) => ((100 * rung) / (head.ladder.length - 1)).toFixed(2);
    const points = head.ladder.map((usd_, rung) => ({
      rung,
      own: read(table, i, { at: usd_, below: null }),
      whole: read(region, 0, { at: usd_, below: null }),
    }));
    const path = (list, value) => list.map((p) => `${x(p.rung)},${(100 - 100 * value(p)).toFixed(2)}`).join("L");
    const ratio = (value, n) => (n > 0 ? value / n : 0);
    const [band, all, line, mark] = at("curve").children;
    const back = [...points].reverse();
    band.setAttribute("d", `M${path(points, (p) => ratio(p.own.low, p.own.n))}L${path(back, (p) => ratio(p.own.high, p.own.n))}Z`);
    all.setAttribute("d", name ? `M${path(points, (p) => p.whole.share)}` : "");
    line.setAttribute("d", `M${path(points, (p) => p.own.share)}`);
    const ends = [state.capacity.at, state.capacity.below].filter(Boolean);
    const up = (end) => `M${x(position(end))},100V${(100 - 100 * read(table, i, { at: end, below: null }).share).toFixed(2)}`;
    mark.setAttribute("d", ends.map(up).join(""));
    at("curve-note").textContent = name
      ? `Share of households at every threshold: ${name}, and the region dashed.`
      : "The curve is the share of the region's households at every threshold.";
  }

  // ---- legend --------------------------------------------------------------------------------
  function showLegend({ breaks, colors, counts, alpha }) {
    const titles = {
      estimate: `Expected households with ${terms()}`,
      share: `Share of households with ${terms()}`,
      index: `Share with ${terms()}, region = 100`,
      low: `Households with ${terms()}, low end`,
    };
    const figure = (x) => (x < 10000 ? edge(x) : compact(x));
    const unit = { estimate: figure, share, index: whole, low: figure }[state.measure];
    at("legend-title").textContent = titles[state.measure];
    at("legend-classes").replaceChildren(
      ...colors.map((color, k) => {
        const item = make("li", "");
        const swatch = make("i", "");
        swatch.style.background = color;
        const from = k > 0 ? unit(breaks[k - 1]) : "lowest";
        const words = `${from} to ${k < breaks.length ? unit(breaks[k]) : "highest"}`;
        const label = make("span", k < breaks.length ? unit(breaks[k]) : "–", { "aria-hidden": "true" });
        item.append(swatch, label, make("b", `${words}: ${counts[k]} hexagons`, { class: "quiet-text" }));
        return item;
      }),
    );
    const level = levels[state.level];
    at("legend").dataset.classes = counts.join(",");
    at("legend-hidden").hidden = !level.hidden.includes(2);
    at("legend-hidden").lastElementChild.textContent = "Too few to show: counted in a wider area";
    at("legend-fade").hidden = !alpha;
    if (alpha) {
      const shades = classes.ALPHA.map((of255) => {
        const shade = make("i", "");
        shade.style.background = colors.at(-2) ?? colors[0];
        shade.style.opacity = of255 / 255;
        return shade;
      });
      const limits = classes.SURE.map((most) => `±${percent(most)}`);
      const text = `Fainter: less sure. Half the interval is under ${limits.join(", ")} of the estimate, or more`;
      at("legend-fade").replaceChildren(...shades, make("span", text));
    }
    const fixed = state.measure === "index" || state.classes === "fixed";
    const how = state.measure === "index" ? "classes fixed around the region" : fixed ? "classes fixed at every threshold" : "about as many in every class";
    const shown = counts.reduce((sum, some) => sum + some, 0);
    const of = shown < level.cells.length ? ` of ${whole(level.cells.length)}` : "";
    at("legend-note").textContent = `${whole(shown)}${of} hexagons at H3 resolution ${level.resolution}; ${how}.`;
  } // prettier-ignore

  // ---- the place chosen ----------------------------------------------------------------------
  function figureCells(table, i) {
    if (!seen(table, i)) {
      const text = table.hidden[i] ? HIDDEN_TEXT : "no households";
      return [make("td", text, { colspan: 3, class: "words" })];
    }
    const now = read(table, i);
    return [count(now.m), range(now.low, now.high), share(now.share)].map((text) => make("td", text));
  }
  function placeRow(name, table, i) {
    const row = make("tr", "");
    row.append(make("th", name, { scope: "row" }), ...figureCells(table, i));
    return row;
  }
  function zipButton(zip) {
    const button = make("button", zips.codes[zip], { type: "button", class: "link" });
    button.addEventListener("click", () => tools.select({ zip, fly: true }));
    return button;
  }
  function showPlace() {
    const card = at("place-card");
    const { zip, cell, county, area } = state;
    card.hidden = zip < 0 && county < 0 && !cell && !area;
    if (card.hidden) return;
    const chosen = tools.chosenTable();
    const rows = [];
    if (cell) rows.push(placeRow("Hexagon", levels[cell.level], cell.i));
    if (zip >= 0) rows.push(placeRow("ZIP", zips, zip));
    if (area) rows.push(placeRow(area.label, area.table, 0));
    const within = county >= 0 ? county : zip >= 0 ? zips.county[zip] : -1;
    if (within >= 0) rows.push(placeRow(zip >= 0 ? "County" : countyName(within), counties, within));
    rows.push(placeRow("Region", region, 0));
    at("place-title").textContent = chosen.title;
    at("place-level").textContent = levelText();
    at("place-rows").replaceChildren(...rows);
    const parts = [];
    if (zip >= 0 && within >= 0) parts.push(`${countyName(within)}. `);
    if (cell && zip >= 0) parts.push(`Hexagon ${levels[cell.level].cells[cell.i]}. `);
    const others = cell ? levels[cell.level].zipsOf(cell.i).filter((other) => other !== zip) : [];
    if (others.length) parts.push("Also here: ", ...others.flatMap((other) => [zipButton(other), " "]));
    if (area?.zips) parts.push("ZIPs: ", ...area.zips.flatMap((code) => [zipButton(zips.codes.indexOf(code)), " "]));
    if (chosen.table.hidden[chosen.i] === 1) parts.push("Some parts of this place are too small to show and not counted here. ");
    if (area?.geojson) parts.push(...tools.areaButtons());
    at("place-note").replaceChildren(...parts);
    dataset(card, read(chosen.table, chosen.i));
  } // prettier-ignore

  // ---- tables --------------------------------------------------------------------------------
  const FIRST = 20;
  function ranked() {
    const enough = zips.households.filter((n) => n >= 100).length >= FIRST;
    const small = enough && (state.measure === "share" || state.measure === "index") ? 100 : 0;
    const all = zips.codes.map((_, i) => i).filter((i) => seen(zips, i) && zips.households[i] >= small);
    const now = new Map(all.map((i) => [i, read(zips, i)]));
    const value = (i) => classes.valueOf(now.get(i), state.measure, state.capacity);
    return { all: all.sort((a, b) => value(b) - value(a)), now, small };
  }
  function showTable() {
    const { all, now, small } = ranked();
    const first = state.allZips && !state.printing ? all : all.slice(0, state.printing ? FIRST / 2 : FIRST);
    const by = { estimate: "expected households", share: "share of households", index: "index", low: "low end of the interval" }[state.measure];
    at("zips-title").textContent = `${first.length === all.length ? "All" : "Top"} ${whole(first.length)} ZIPs by ${by}`;
    at("zips-note").textContent = `Capacity of ${terms()}, of ${whole(all.length)} ZIPs${small ? ` with ${small} households or more` : ""}. Choose one to see it on the map.`;
    at("zips-all").hidden = all.length <= FIRST;
    at("zips-all").textContent = state.allZips ? `Only the first ${FIRST}` : `All ${whole(all.length)} ZIPs`;
    at("zips-estimate").textContent = terms();
    at("zips-interval").textContent = `${levelText()} interval`;
    at("zips-rows").replaceChildren(
      ...first.map((i, rank) => {
        const figures = now.get(i);
        const row = make("tr", "");
        const top = make("th", "", { scope: "row" });
        top.append(zipButton(i));
        const cells = { n: whole(figures.n), estimate: count(figures.m), low: range(figures.low, figures.high), share: share(figures.share), index: whole(indexOf(figures)) };
        row.append(make("td", whole(rank + 1), { class: "n" }), top, make("td", head.counties[zips.county[i]] ?? "–"));
        for (const [name, text] of Object.entries(cells))
          row.append(make("td", text, { class: name === state.measure ? "n sorted" : "n" }));
        return row;
      }),
    );
  } // prettier-ignore
  // What a spreadsheet reads; a name that it would take for a formula is kept from being one.
  function tableText() {
    const { all, now } = ranked();
    const cell = (value) => `"${String(value).replace(/^(?=[=+\-@\t])/, "'").replace(/"/g, '""')}"`;
    const { at: from, below } = state.capacity;
    const lines = all.map((i) => {
      const { n, m, low, high, share: part } = now.get(i);
      const figures = [n, m, low, high, part].map((x) => Math.round(x * 1e6) / 1e6);
      return [cell(zips.codes[i]), cell(head.counties[zips.county[i]] ?? ""), from, below ?? "", ...figures].join(",");
    });
    return `${["zip,county,capacity_usd,below_usd,households,estimate,low,high,share", ...lines].join("\n")}\n`;
  }
  function showLayers(extra) {
    at("layers").hidden = !extra.length;
    if (!extra.length) return;
    const heads = ["Area", "Households", terms(), `${levelText()} interval`, "Share", ...head.layer_columns];
    at("layers-head").replaceChildren(...heads.map((text, i) => make("th", text, { scope: "col", class: i ? "n" : "" })));
    at("layers-rows").replaceChildren(
      ...extra.map((layer) => {
        const row = make("tr", "");
        const top = make("th", "", { scope: "row" });
        const button = make("button", layer.name, { type: "button", class: "link" });
        button.addEventListener("click", () => tools.selectLayer(layer));
        top.className = "own";
        for (const [tone, color] of Object.entries(layer.color)) top.style.setProperty(`--${tone}`, color);
        top.append(button);
        row.append(top, ...layerCells(layer));
        for (const name of head.layer_columns) {
          const value = layer.figures[name];
          const text = value == null ? "–" : typeof value === "number" ? tools.number(value) : String(value);
          row.append(make("td", text, { class: typeof value === "number" ? "n" : "n words" }));
        }
        return row;
      }),
    );
  }
  function layerCells({ table }) {
    if (!table) return [0, 1, 2, 3].map(() => make("td", "–", { class: "n" }));
    if (!seen(table, 0)) return [make("td", table.hidden[0] ? HIDDEN_TEXT : "no households", { colspan: 4, class: "n words" })];
    const now = read(table, 0);
    return [whole(now.n), count(now.m), range(now.low, now.high), share(now.share)].map((text) => make("td", text, { class: "n" }));
  } // prettier-ignore

  function describe(level, i) {
    const codes = level.zipsOf(i).map((zip) => zips.codes[zip]);
    const names = codes.length > 4 ? `${codes.slice(0, 4).join(", ")} and ${codes.length - 4} more` : codes.join(", ");
    const where = [names && `ZIP ${names}`, countyName(level.county[i])].filter(Boolean).join(" · ");
    const place = make("p", where, { class: "quiet" });
    if (!seen(level, i)) return [make("b", "Not shown"), make("p", HIDDEN_TEXT), place];
    const now = read(level, i);
    return [
      make("b", `${count(now.m)} households`),
      make("p", `with ${terms()}, of ${count(now.n)} (${share(now.share)})`),
      make("p", `${levelText()} interval ${range(now.low, now.high)} · index ${whole(indexOf(now))}`),
      ...(level.hidden[i] === 1 ? [make("p", "some households here are counted in a wider area", { class: "quiet" })] : []),
      place,
    ];
  } // prettier-ignore
  return { showTotal, showCurve, showLegend, showPlace, showTable, showLayers, tableText, describe, countyName, make, terms };
}
