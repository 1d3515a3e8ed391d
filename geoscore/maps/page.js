// The page: its state and its panels. `figures.js` unpacks what it carries, `map.js` draws.
"use strict";
(() => {
  const DATA = JSON.parse(document.getElementById("surface").textContent);
  const LADDER = DATA.ladder;
  const LAST = LADDER.length - 1;
  const at = (id) => document.getElementById(id);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => dark.matches && !state.printing;
  const HIDDEN_TEXT = "too few households: counted in a wider area";
  const state = {
    rung: LADDER.indexOf(DATA.capacity),
    measure: "estimate",
    zip: -1,
    cell: null,
    level: 0,
    printing: false,
  };

  const { whole, percent, usd, usdShort, compact, count, share, range } = makeFormats();
  const { levels, zips, region } = unpackFigures(DATA);

  // ---- figures -------------------------------------------------------------------------------
  function read(table, i, rung = state.rung) {
    const n = table.households[i];
    const m = table.at_least[i * LADDER.length + rung];
    const [low, high] = intervalOf(m, table.variance[i * LADDER.length + rung], table.most[i], DATA.z);
    return { n, m, low, high, share: n > 0 ? m / n : 0 };
  }
  const regionNow = () => read(region, 0);
  const indexOf = (figures) => {
    const base = regionNow().share;
    return base > 0 ? (100 * figures.share) / base : 0;
  };
  const valueOf = (figures) =>
    ({ estimate: figures.m, share: figures.share, index: indexOf(figures), low: figures.low })[state.measure];
  const seen = (table, i) => table.hidden[i] !== 2 && table.households[i] > 0;

  // ---- classes and colors --------------------------------------------------------------------
  function classesOf(level) {
    const values = Float64Array.from(level.cells, (_, i) => valueOf(read(level, i)));
    const kept = values.filter((_, i) => seen(level, i)).sort();
    const fixed = state.measure === "index";
    const rounded = Array.from({ length: 6 }, (_, k) =>
      Number(kept[Math.floor(((k + 1) * kept.length) / 7)]?.toPrecision(2)),
    );
    const breaks = fixed
      ? DATA.palette.index_breaks
      : [...new Set(rounded)].filter((b) => b > kept[0] && b <= kept.at(-1)).sort((a, b) => a - b);
    const palette = (fixed ? DATA.palette.diverging : DATA.palette.sequential)[isDark() ? "dark" : "light"];
    const colors = Array.from(
      { length: breaks.length + 1 },
      (_, k) => palette[breaks.length ? Math.round((k * (palette.length - 1)) / breaks.length) : 3],
    );
    const counts = colors.map(() => 0);
    const classAt = Array.from(values, (value, i) => {
      if (!seen(level, i)) return -1;
      let k = 0;
      while (k < breaks.length && value >= breaks[k]) k += 1;
      counts[k] += 1;
      return k;
    });
    return { breaks, colors, counts, classAt };
  }

  // ---- panels --------------------------------------------------------------------------------
  const make = (tag, text, attributes = {}) => {
    const made = Object.assign(document.createElement(tag), { textContent: text });
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const levelText = () => percent(DATA.level);
  const threshold = () => usd(LADDER[state.rung]);

  function showTotal() {
    const now = regionNow();
    const total = at("total");
    total.textContent = count(now.m);
    Object.assign(total.dataset, {
      total: now.m,
      low: now.low,
      high: now.high,
      households: now.n,
      capacity: LADDER[state.rung],
    });
    at("capacity-label").textContent = threshold();
    const text = at("total-range");
    text.replaceChildren(
      `${levelText()} interval `,
      make("b", range(now.low, now.high)),
      ` · ${share(now.share)} of ${whole(now.n)} households`,
    );
    at("capacity").value = state.rung;
    at("capacity").setAttribute("aria-valuetext", threshold());
  }
  function showCurve() {
    const [table, i, name] =
      state.zip >= 0 && seen(zips, state.zip) ? [zips, state.zip, `ZIP ${zips.codes[state.zip]}`] : [region, 0, ""];
    const x = (rung) => ((100 * rung) / LAST).toFixed(2);
    const rungs = LADDER.map((_, rung) => ({ rung, own: read(table, i, rung), whole: read(region, 0, rung) }));
    const path = (points, value) =>
      points.map((point) => `${x(point.rung)},${(100 - 100 * value(point)).toFixed(2)}`).join("L");
    const ratio = (value, n) => (n > 0 ? value / n : 0);
    const [band, all, line, mark] = at("curve").children;
    band.setAttribute(
      "d",
      `M${path(rungs, (p) => ratio(p.own.low, p.own.n))}L${path([...rungs].reverse(), (p) => ratio(p.own.high, p.own.n))}Z`,
    );
    all.setAttribute("d", name ? `M${path(rungs, (p) => p.whole.share)}` : "");
    line.setAttribute("d", `M${path(rungs, (p) => p.own.share)}`);
    mark.setAttribute("d", `M${x(state.rung)},100V${(100 - 100 * rungs[state.rung].own.share).toFixed(2)}`);
    at("curve-note").textContent = name
      ? `Share of households at every threshold: ${name}, and the region dashed.`
      : "The curve is the share of the region's households at every threshold.";
  }
  function showLegend(classes) {
    const titles = {
      estimate: `Expected households with ${threshold()} or more`,
      share: `Share of households with ${threshold()} or more`,
      index: `Share with ${threshold()} or more, region = 100`,
      low: `Households with ${threshold()} or more, low end`,
    };
    const figure = (x) => (x < 10000 ? count(x) : compact(x));
    const unit = { estimate: figure, share, index: whole, low: figure }[state.measure];
    const { breaks, colors, counts } = classes;
    at("legend-title").textContent = titles[state.measure];
    at("legend-classes").replaceChildren(
      ...colors.map((color, k) => {
        const item = make("li", "");
        const swatch = make("i", "");
        swatch.style.background = color;
        const from = k > 0 ? unit(breaks[k - 1]) : "lowest";
        const words = `${from} to ${k < breaks.length ? unit(breaks[k]) : "highest"}`;
        item.append(
          swatch,
          make("span", k < breaks.length ? unit(breaks[k]) : "–", { "aria-hidden": "true" }),
          make("b", `${words}: ${counts[k]} hexagons`, { class: "quiet-text" }),
        );
        return item;
      }),
    );
    const level = levels[state.level];
    at("legend").dataset.classes = counts.join(",");
    at("legend-hidden").hidden = !level.hidden.includes(2);
    at("legend-hidden").lastElementChild.textContent = "Too few to show: counted in a wider area";
    const how = state.measure === "index" ? "classes fixed around the region" : "about as many in every class";
    const shown = counts.reduce((sum, some) => sum + some, 0);
    const of = shown < level.cells.length ? ` of ${whole(level.cells.length)}` : "";
    at("legend-note").textContent = `${whole(shown)}${of} hexagons at H3 resolution ${level.resolution}; ${how}.`;
  }
  function placeRow(name, table, i) {
    const row = make("tr", "");
    row.append(make("th", name, { scope: "row" }));
    if (!seen(table, i)) {
      row.append(make("td", table.hidden[i] ? HIDDEN_TEXT : "no households", { colspan: 3, class: "words" }));
      return row;
    }
    const now = read(table, i);
    row.append(make("td", count(now.m)), make("td", range(now.low, now.high)), make("td", share(now.share)));
    return row;
  }
  function showPlace() {
    const card = at("place-card");
    const { zip, cell } = state;
    card.hidden = zip < 0 && !cell;
    if (card.hidden) return;
    const rows = [];
    if (cell) rows.push(placeRow("Hexagon", levels[cell.level], cell.i));
    if (zip >= 0) rows.push(placeRow("ZIP", zips, zip));
    rows.push(placeRow("Region", region, 0));
    at("place-title").textContent = zip >= 0 ? `ZIP ${zips.codes[zip]}` : `Hexagon ${levels[cell.level].cells[cell.i]}`;
    at("place-level").textContent = levelText();
    at("place-rows").replaceChildren(...rows);
    const note = at("place-note");
    const parts = [];
    if (zip >= 0 && zips.county[zip] >= 0) parts.push(`${countyName(zips.county[zip])}. `);
    if (cell && zip >= 0) parts.push(`Hexagon ${levels[cell.level].cells[cell.i]}. `);
    const others = cell ? zipsOf(levels[cell.level], cell.i).filter((other) => other !== zip) : [];
    if (others.length) parts.push("Also here: ", ...others.flatMap((other) => [zipButton(other), " "]));
    if (zip >= 0 && zips.hidden[zip] === 1) parts.push("Some parts of this ZIP are too small to show.");
    note.replaceChildren(...parts);
    const shown = zip >= 0 ? read(zips, zip) : read(levels[cell.level], cell.i);
    Object.assign(card.dataset, { total: shown.m, low: shown.low, high: shown.high, households: shown.n });
  }
  const countyName = (i) => {
    const name = DATA.counties[i] ?? "";
    return /^\d*$/.test(name)
      ? name && `County ${name}`
      : / (county|parish|borough|city)$/i.test(name)
        ? name
        : `${name} County`;
  };
  const zipsOf = (level, i) => Array.from(level.zipAt.subarray(level.offsets[i], level.offsets[i + 1]));
  function zipButton(zip) {
    const button = make("button", zips.codes[zip], { type: "button", class: "link" });
    button.addEventListener("click", () => select({ zip, fly: true }));
    return button;
  }
  function showTable() {
    const enough = zips.households.filter((n) => n >= 100).length >= 20;
    const small = enough && (state.measure === "share" || state.measure === "index") ? 100 : 0;
    const all = zips.codes.map((_, i) => i).filter((i) => seen(zips, i) && zips.households[i] >= small);
    const now = new Map(all.map((i) => [i, read(zips, i)]));
    const first = all.sort((a, b) => valueOf(now.get(b)) - valueOf(now.get(a))).slice(0, 20);
    const by = {
      estimate: "expected households",
      share: "share of households",
      index: "index",
      low: "low end of the interval",
    }[state.measure];
    at("zips-title").textContent = `Top ${whole(first.length)} ZIPs by ${by}`;
    at("zips-note").textContent =
      `Capacity of at least ${threshold()}, of ${whole(all.length)} ZIPs${small ? ` with ${small} households or more` : ""}. Choose one to see it on the map.`;
    at("zips-estimate").textContent = `${threshold()} or more`;
    at("zips-interval").textContent = `${levelText()} interval`;
    at("zips-rows").replaceChildren(
      ...first.map((i, rank) => {
        const row = make("tr", "");
        const head = make("th", "", { scope: "row" });
        const figures = now.get(i);
        head.append(zipButton(i));
        const cells = {
          n: whole(figures.n),
          estimate: count(figures.m),
          low: range(figures.low, figures.high),
          share: share(figures.share),
          index: whole(indexOf(figures)),
        };
        row.append(make("td", whole(rank + 1), { class: "n" }), head, make("td", DATA.counties[zips.county[i]] ?? "–"));
        for (const [name, text] of Object.entries(cells))
          row.append(make("td", text, { class: name === state.measure ? "n sorted" : "n" }));
        return row;
      }),
    );
  }

  // ---- state ---------------------------------------------------------------------------------
  function update() {
    const classes = classesOf(levels[state.level]);
    showTotal();
    showCurve();
    showLegend(classes);
    showPlace();
    showTable();
    map?.draw(classes);
    clearTimeout(saving);
    saving = setTimeout(saveState, 250);
  }
  // The address holds the state, to be shared; Safari allows few changes a minute, a framed page perhaps none.
  let saving = 0;
  function saveState() {
    const hash = new URLSearchParams({ capacity: LADDER[state.rung], measure: state.measure });
    if (state.zip >= 0) hash.set("zip", zips.codes[state.zip]);
    if (state.cell) hash.set("cell", levels[state.cell.level].cells[state.cell.i]);
    try {
      history.replaceState(null, "", `#${hash}`);
    } catch {
      // The page works as well without.
    }
  }
  function select({ zip = -1, cell = null, fly = false }) {
    state.cell = cell;
    state.zip = zip < 0 && cell ? (zipsOf(levels[cell.level], cell.i)[0] ?? -1) : zip;
    update();
    if (!fly || !map) return;
    map.fly();
    document.querySelector("main").scrollIntoView({ block: "nearest" });
  }
  function find(text) {
    const wanted = text
      .trim()
      .toLowerCase()
      .replace(/^(\d{5})-\d{4}$/, "$1");
    const zip = zips.codes.indexOf(wanted);
    const level = levels.findIndex((one) => one.cells.includes(wanted));
    at("search-note").textContent = zip >= 0 || level >= 0 ? "" : `${text.trim() || "Nothing"} is not on this map.`;
    if (zip >= 0) select({ zip, fly: true });
    else if (level >= 0) select({ cell: { level, i: levels[level].cells.indexOf(wanted) }, fly: true });
  }
  function readHash() {
    const hash = new URLSearchParams(location.hash.slice(1));
    const rung = LADDER.indexOf(Number(hash.get("capacity")));
    if (rung >= 0) state.rung = rung;
    const radio = [...document.querySelectorAll("[name=measure]")].find((one) => one.value === hash.get("measure"));
    if (radio) {
      radio.checked = true;
      state.measure = radio.value;
    }
    const cell = hash.get("cell");
    if (cell || hash.get("zip")) find(cell ?? hash.get("zip"));
    if (cell && zips.codes.includes(hash.get("zip"))) state.zip = zips.codes.indexOf(hash.get("zip"));
    update();
  }
  function listen() {
    const slider = at("capacity");
    slider.max = LAST;
    slider.addEventListener("input", () => {
      state.rung = Number(slider.value);
      update();
    });
    for (const rung of [50, 250, 1000, 2500, 10000, 25000, 1000000]
      .map((usd_) => LADDER.indexOf(usd_))
      .filter((rung) => rung >= 0)) {
      at("ticks").append(
        Object.assign(make("span", usdShort(LADDER[rung])), { style: `left:${(100 * rung) / LAST}%` }),
      );
    }
    for (const radio of document.querySelectorAll("[name=measure]"))
      radio.addEventListener("change", () => {
        state.measure = radio.value;
        update();
      });
    at("zips").append(...zips.codes.map((code) => make("option", "", { value: code })));
    at("search").addEventListener("submit", (event) => {
      event.preventDefault();
      find(at("place").value);
    });
    at("clear").addEventListener("click", () => {
      select({});
      at("place").focus();
    });
    addEventListener("hashchange", readHash);
    dark.addEventListener("change", update);
  }

  function warn(error) {
    at("map-error").hidden = false;
    at("map-error").textContent =
      `This browser cannot draw the map (${error.message}). The table below holds the figures.`;
    document.documentElement.dataset.map = "missing";
  }

  // ---- the map -------------------------------------------------------------------------------
  function describe(level, i) {
    const now = read(level, i);
    const codes = zipsOf(level, i).map((zip) => zips.codes[zip]);
    const names = codes.length > 4 ? `${codes.slice(0, 4).join(", ")} and ${codes.length - 4} more` : codes.join(", ");
    const where = [names && `ZIP ${names}`, countyName(level.county[i])].filter(Boolean).join(" · ");
    const figures = seen(level, i)
      ? [
          make("b", `${count(now.m)} households`),
          make("p", `with at least ${threshold()}, of ${count(now.n)} (${share(now.share)})`),
          make("p", `${levelText()} interval ${range(now.low, now.high)} · index ${whole(indexOf(now))}`),
        ]
      : [make("b", "Not shown"), make("p", HIDDEN_TEXT)];
    return [...figures, make("p", where, { class: "quiet" })];
  }
  function openMap() {
    const opened = startMap({
      frame: at("map"),
      tooltip: at("tooltip"),
      state,
      levels,
      outlines: DATA.outlines,
      zipsOf,
      describe,
      isDark,
      calm: () => matchMedia("(prefers-reduced-motion: reduce)").matches,
      onLevel: (next) => {
        if (next === state.level) return;
        state.level = next;
        update();
      },
      onChoose: (i) => select({ cell: { level: state.level, i } }),
      onDrawn: () => (document.documentElement.dataset.map = "drawn"),
      onError: warn,
    });
    at("zoom-in").addEventListener("click", () => opened.zoom(1));
    at("zoom-out").addEventListener("click", () => opened.zoom(-1));
    at("zoom-all").addEventListener("click", () => opened.home());
    const print = (on) => {
      state.printing = on;
      update();
      at("print-map").hidden = !on;
      if (on) at("print-map").src = opened.image();
    };
    addEventListener("beforeprint", () => print(true));
    addEventListener("afterprint", () => print(false));
    return opened;
  }

  // Figures first, so that they can be read while the drawing code below this script still loads.
  let map = null;
  function start() {
    try {
      map = openMap();
    } catch (error) {
      warn(error);
    }
    update();
    if (state.zip >= 0 || state.cell) map?.fly();
  }
  listen();
  readHash();
  addEventListener("DOMContentLoaded", () => requestAnimationFrame(() => setTimeout(start)));
})();
