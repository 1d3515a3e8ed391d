// The page: its state, what changes it, and the order in which things are shown.
"use strict";
(async () => {
  const head = JSON.parse(document.getElementById("surface").textContent);
  const LADDER = head.ladder;
  const LAST = LADDER.length - 1;
  const at = (id) => document.getElementById(id);
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const state = {
    capacity: { at: head.capacity, below: head.below },
    measure: "estimate",
    classes: "even",
    fade: false,
    zip: -1,
    county: -1,
    cell: null,
    area: null, // a city, a drawn area or a layer: { title, label, table }
    level: 0,
    allZips: false,
    printing: false,
  };
  const isDark = () => dark.matches && !state.printing;
  const formats = makeFormats();
  const { usd, usdShort } = formats;
  let map = null;

  function warn(error) {
    at("map-error").hidden = false;
    at("map-error").textContent = `This browser cannot draw the map (${error.message}).`;
    root.dataset.map = "missing";
  }
  let arrays;
  try {
    arrays = unpackArrays(await inflate(at("figures").textContent), head.arrays);
  } catch (error) {
    warn(error);
    return;
  }
  const surface = makeSurface(head, arrays);
  const { levels, zips, counties, region } = surface;
  const ladder = makeLadder(head);
  const classes = makeClasses(head, ladder, region);
  const tints = head.palette.layers;
  const tint = (i) => ({ light: tints.light[i % tints.light.length], dark: tints.dark[i % tints.dark.length] });
  const extra = arrays.layers.map((layer, i) => ({ ...layer, ...layerArea(layer), color: tint(i) }));
  const plain = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 6 });

  function layerArea({ geometry }) {
    const polygons = { Polygon: [geometry.coordinates], MultiPolygon: geometry.coordinates }[geometry.type];
    if (!polygons) return { table: null };
    return { table: surface.sumCells(shapes.coveredCells(polygons, levels[0])) };
  }
  const flat = (coordinates) => (typeof coordinates[0] === "number" ? [coordinates] : coordinates.flatMap(flat));

  // ---- what is chosen ------------------------------------------------------------------------
  function chosenTable() {
    const { zip, county, cell, area } = state;
    if (zip >= 0) return { table: zips, i: zip, title: `ZIP ${zips.codes[zip]}`, name: `ZIP ${zips.codes[zip]}` };
    if (cell) {
      const level = levels[cell.level];
      return { table: level, i: cell.i, title: `Hexagon ${level.cells[cell.i]}`, name: "this hexagon" };
    }
    if (area) return { table: area.table, i: 0, title: area.title, name: area.title };
    if (county >= 0) return { table: counties, i: county, title: panels.countyName(county), name: panels.countyName(county) };
    return null;
  }
  function chosenCells(level) {
    const { zip, county, area } = state;
    const all = level.cells.map((_, i) => i);
    if (zip >= 0) return all.filter((i) => level.zipsOf(i).includes(zip));
    if (county >= 0) return [];
    if (!area?.zips) return [];
    const wanted = new Set(area.zips.map((code) => zips.codes.indexOf(code)));
    return all.filter((i) => level.zipsOf(i).some((one) => wanted.has(one)));
  }
  function select({ zip = -1, cell = null, county = -1, area = null, fly = false, points = null, place = null }) {
    Object.assign(state, { cell, county, area });
    state.zip = zip < 0 && cell ? (levels[cell.level].zipsOf(cell.i)[0] ?? -1) : zip;
    if (!area?.geojson) drawing.clear();
    update();
    if (!fly || !map) return;
    map.flyTo({ cell, zip: cell ? -1 : zip, points, at: place });
    document.querySelector("main").scrollIntoView({ block: "nearest" });
  }
  function selectLayer(layer) {
    const area = layer.table ? { title: layer.name, label: "Area", table: layer.table } : null;
    select({ area, fly: true, points: flat(layer.geometry.coordinates ?? [layer.at]) });
  }
  function selectDrawn(corners, { fly = false } = {}) {
    const table = surface.sumCells(shapes.coveredCells([[corners]], levels[0]));
    const area = { title: "The drawn area", label: "Area", table, geojson: drawing.geojson() };
    select({ area, fly, points: fly ? corners : null });
    if (!(table.households[0] > 0) && !table.hidden[0]) say("No hexagon lies in this outline.");
  }
  const say = (text) => (at("search-note").textContent = text);

  // ---- search --------------------------------------------------------------------------------
  function find(text) {
    const wanted = text.trim().toLowerCase().replace(/^(\d{5})-\d{4}$/, "$1"); // prettier-ignore
    say("");
    const zip = zips.codes.indexOf(wanted);
    if (zip >= 0) return select({ zip, fly: true });
    const level = levels.findIndex((one) => one.cells.includes(wanted));
    if (level >= 0) return select({ cell: { level, i: levels[level].cells.indexOf(wanted) }, fly: true });
    const layer = extra.find(({ name }) => name.toLowerCase() === wanted);
    if (layer) return selectLayer(layer);
    const bare = wanted.replace(/ county$/, "");
    const county = head.counties.findIndex((name) => name.toLowerCase().replace(/ county$/, "") === bare);
    const start = (name) => name.toLowerCase().startsWith(wanted);
    const place = head.places.find(([name]) => name.toLowerCase() === wanted) ?? (wanted.length > 2 && county < 0 ? head.places.find(([name]) => start(name)) : null);
    if (county >= 0 && (!place || wanted !== bare)) return selectCounty(county);
    if (place) return selectPlace(place);
    return say(`${text.trim() || "Nothing"} is not on this map.`);
  } // prettier-ignore
  function selectCounty(county) {
    const points = levels[0].cells.flatMap((_, i) =>
      levels[0].county[i] === county ? [[levels[0].longitude(i), levels[0].latitude(i)]] : [],
    );
    select({ county, fly: true, points });
  }
  function selectPlace([name, longitude, latitude, , codes]) {
    const known = codes.filter((code) => zips.codes.includes(code));
    const table = known.length ? surface.sumZips(known) : null;
    const area = table && { title: name, label: "Its ZIPs", table, zips: known };
    select({ area, fly: true, place: [longitude, latitude] });
    if (!table) say(`No household of these files lives in ${name}.`);
  }

  // ---- showing -------------------------------------------------------------------------------
  const tools = {
    state, formats, ladder, classes, chosenTable, select, selectLayer, number: (x) => plain.format(x), areaButtons,
  }; // prettier-ignore
  const panels = makePanels(head, surface, tools);
  const position = (amount) => {
    const upper = Math.max(1, LADDER.findIndex((rung) => rung >= amount));
    const [low, high] = [LADDER[upper - 1], LADDER[upper]].map(Math.log);
    return upper - 1 + (Math.log(amount) - low) / (high - low);
  };
  function update() {
    const drawnClasses = classes.classesOf(levels[state.level], state, isDark() ? "dark" : "light");
    showControls();
    panels.showTotal();
    panels.showCurve(position);
    panels.showLegend(drawnClasses);
    panels.showPlace();
    panels.showTable();
    panels.showLayers(extra);
    map?.draw(drawnClasses);
    clearTimeout(saving);
    saving = setTimeout(saveState, 250);
  }
  function showControls() {
    const { at: from, below } = state.capacity;
    const band = Boolean(below);
    at("mode-band").checked = band;
    at("mode-least").checked = !band;
    at("below-field").hidden = !band;
    at("below").hidden = !band;
    at("slider").dataset.band = band;
    at("from-words").textContent = band ? "From" : "At least";
    for (const [id, amount] of [["capacity", from], ["below", below ?? LADDER[LAST]]]) {
      const rung = LADDER.indexOf(amount);
      at(id).value = rung >= 0 ? rung : Math.round(position(amount));
      at(id).setAttribute("aria-valuetext", usd(amount));
      if (document.activeElement !== at(`${id}-usd`)) at(`${id}-usd`).value = amount;
    }
    at("slider").style.setProperty("--from", `${(100 * position(from)) / LAST}%`);
    at("slider").style.setProperty("--to", `${band ? (100 * position(below)) / LAST : 100}%`);
    document.querySelector(`[name=measure][value=${state.measure}]`).checked = true;
    document.querySelector(`[name=classes][value=${state.classes}]`).checked = true;
    at("fade").checked = state.fade;
    const { active, corners } = drawing.state();
    at("draw").setAttribute("aria-pressed", active);
    at("draw-card").hidden = !active;
    at("draw-done").disabled = corners.length < 3;
  } // prettier-ignore

  // ---- state ---------------------------------------------------------------------------------
  function setCapacity(from, below = state.capacity.below) {
    const on = (amount) => Math.min(Math.max(amount, LADDER[0]), LADDER[LAST]);
    let [a, b] = [on(from), below ? on(below) : null];
    if (b && a >= b) {
      // the end that was moved pushes the other one along
      if (from !== state.capacity.at) b = LADDER.find((rung) => rung > a) ?? b;
      else a = LADDER.findLast((rung) => rung < b) ?? a;
      if (a >= b) [a, b] = [LADDER[LAST - 1], LADDER[LAST]];
    }
    state.capacity = { at: a, below: b };
    update();
  }
  // The address holds the state, to be shared; Safari allows few changes a minute, a framed page perhaps none.
  let saving = 0;
  function saveState() {
    const { at: from, below } = state.capacity;
    const hash = new URLSearchParams({ capacity: below ? `${from}:${below}` : from, measure: state.measure });
    if (state.classes !== "even") hash.set("classes", state.classes);
    if (state.fade) hash.set("fade", "1");
    if (state.zip >= 0) hash.set("zip", zips.codes[state.zip]);
    if (state.cell) hash.set("cell", levels[state.cell.level].cells[state.cell.i]);
    const { closed, corners } = drawing.state();
    if (closed) hash.set("area", corners.flat().join(","));
    else if (state.area) hash.set("place", state.area.title);
    if (state.county >= 0) hash.set("place", panels.countyName(state.county));
    try {
      history.replaceState(null, "", `#${hash}`);
    } catch {
      // The page works as well without.
    }
  }
  function readHash() {
    const hash = new URLSearchParams(location.hash.slice(1));
    const [from, below] = (hash.get("capacity") ?? "").split(":").map(Number);
    const measure = document.querySelector(`[name=measure][value="${CSS.escape(hash.get("measure") ?? "")}"]`);
    if (measure) state.measure = measure.value;
    if (hash.get("classes") === "fixed") state.classes = "fixed";
    state.fade = hash.get("fade") === "1";
    if (from >= LADDER[0] && from <= LADDER[LAST]) state.capacity = { at: from, below: below > from ? below : null };
    const [cell, area] = [hash.get("cell"), (hash.get("area") ?? "").split(",").map(Number)];
    const place = hash.get("zip") ?? hash.get("place");
    if (area.length >= 6 && area.length % 2 === 0 && area.every(Number.isFinite)) {
      drawing.set(Array.from({ length: area.length / 2 }, (_, i) => [area[2 * i], area[2 * i + 1]]));
      selectDrawn(drawing.state().corners, { fly: true });
    } else if (cell || place) find(cell ?? place);
    if (cell && zips.codes.includes(hash.get("zip"))) state.zip = zips.codes.indexOf(hash.get("zip"));
    update();
  }

  // ---- drawing an area -----------------------------------------------------------------------
  const drawing = makeDrawing({
    degreesPerPixel: () => map?.degreesPerPixel() ?? 0.001,
    onChange: () => {
      map?.drawingMode(drawing.state().active);
      showControls();
      map?.redraw();
    },
    onDone: () => {
      map?.drawingMode(false);
      selectDrawn(drawing.state().corners);
      at("place-card").querySelector("button").focus({ preventScroll: true });
    },
    onHint: say,
  });
  function save(name, text, type) {
    const link = panels.make("a", "", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  function areaButtons() {
    const button = panels.make("button", "Save the outline", { type: "button", class: "link" });
    button.addEventListener("click", () =>
      save("area.geojson", `${JSON.stringify(state.area.geojson)}\n`, "application/geo+json"),
    );
    return [button, " as GeoJSON, for geoscore query --area."];
  }

  // ---- listening -----------------------------------------------------------------------------
  function listen() {
    for (const id of ["capacity", "below"]) {
      at(id).max = LAST;
      at(id).addEventListener("input", () => {
        const amount = LADDER[Number(at(id).value)];
        if (id === "capacity") setCapacity(amount);
        else setCapacity(state.capacity.at, amount);
      });
      at(`${id}-usd`).addEventListener("change", (event) => {
        const amount = Number(event.target.value.replace(/[$,\s]/g, ""));
        if (amount > 0) setCapacity(...(id === "capacity" ? [amount] : [state.capacity.at, amount]));
        event.target.value = id === "capacity" ? state.capacity.at : state.capacity.below;
      });
    }
    const next = () => LADDER.find((rung) => rung >= 4 * state.capacity.at) ?? LADDER[LAST];
    at("mode-band").addEventListener("change", () => setCapacity(state.capacity.at, next()));
    at("mode-least").addEventListener("change", () => setCapacity(state.capacity.at, null));
    for (const rung of [50, 250, 1000, 2500, 10000, 25000, 1000000]) {
      const left = `left:${(100 * LADDER.indexOf(rung)) / LAST}%`;
      if (LADDER.includes(rung)) at("ticks").append(panels.make("span", usdShort(rung), { style: left }));
    }
    for (const name of ["measure", "classes"])
      for (const radio of document.querySelectorAll(`[name=${name}]`))
        radio.addEventListener("change", () => {
          state[name] = radio.value;
          update();
        });
    at("fade").addEventListener("change", () => {
      state.fade = at("fade").checked;
      update();
    });
    const options = [...zips.codes, ...head.places.map(([name]) => name), ...head.counties.map((_, i) => panels.countyName(i)), ...extra.map(({ name }) => name)];
    at("finds").append(...options.map((value) => panels.make("option", "", { value })));
    at("search").addEventListener("submit", (event) => {
      event.preventDefault();
      find(at("place").value);
    });
    at("clear").addEventListener("click", () => {
      select({});
      at("place").focus();
    });
    at("zips-all").addEventListener("click", () => {
      state.allZips = !state.allZips;
      panels.showTable();
    });
    at("zips-save").addEventListener("click", () => save("zips.csv", panels.tableText(), "text/csv"));
    at("draw").addEventListener("click", () => {
      if (drawing.state().active) drawing.stop();
      else {
        select({});
        drawing.begin();
      }
    });
    at("draw-done").addEventListener("click", () => drawing.finish());
    at("draw-stop").addEventListener("click", () => drawing.stop());
    addEventListener("keydown", ({ key, target }) => {
      if (!drawing.state().active || target.matches("input")) return;
      if (key === "Escape") drawing.stop();
      if (key === "Backspace") drawing.back();
    });
    addEventListener("hashchange", readHash);
    dark.addEventListener("change", update);
  } // prettier-ignore

  // ---- the map -------------------------------------------------------------------------------
  function openMap() {
    const opened = startMap({
      frame: at("map"),
      tooltip: at("tooltip"),
      state,
      levels,
      ground: arrays.ground,
      places: head.places,
      home: head.home,
      extra,
      tiles: head.tiles ?? null,
      chosenCells,
      describe: panels.describe,
      drawing: drawing.state,
      isDark,
      calm: () => matchMedia("(prefers-reduced-motion: reduce)").matches,
      onLevel: (next) => {
        if (next === state.level) return;
        state.level = next;
        update();
      },
      onCorner: drawing.corner,
      onLasso: drawing.lasso,
      onLassoEnd: drawing.lassoEnd,
      onChoose: (i) => select({ cell: { level: state.level, i } }),
      onDrawn: () => (root.dataset.map = "drawn"),
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

  // Figures first, so that they can be read while the drawing code still unpacks.
  listen();
  readHash();
  root.dataset.figures = "shown";
  requestAnimationFrame(() => setTimeout(start));
  async function start() {
    try {
      const script = document.createElement("script");
      script.textContent = new TextDecoder().decode(await inflate(at("drawing-code").textContent));
      document.head.append(script);
      map = openMap();
    } catch (error) {
      warn(error);
    }
    readHash();
  }
})();
