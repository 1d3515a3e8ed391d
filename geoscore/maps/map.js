// The drawing: layers, camera and pointer, with deck.gl. `page.js` hands over what to show and hears what is chosen.
// Two canvases lie one on the other, hexagons below and ink above, so that a step of the slider repaints hexagons alone.
"use strict";
function startMap(page) {
  const gl = globalThis.deck;
  const { frame, state, levels, ground, places, extra, tiles } = page;
  const canvases = () => [frame.querySelector("#hexagons"), frame.querySelector("#ink")];
  const canvas = () => canvases()[0];
  const level = () => levels[state.level];
  const everyCell = levels.map((one) => one.cells.map((_, i) => i));

  // ---- camera --------------------------------------------------------------------------------
  function boundsOf(points) {
    const box = [
      [Infinity, Infinity],
      [-Infinity, -Infinity],
    ];
    for (const point of points)
      point.forEach((degrees, axis) => {
        box[0][axis] = Math.min(box[0][axis], degrees - 0.01);
        box[1][axis] = Math.max(box[1][axis], degrees + 0.01);
      });
    return box[0][0] > box[1][0] ? [[-125, 24], [-66, 50]] : box; // prettier-ignore
  }
  const middles = (one, cells) => cells.map((i) => [one.longitude(i), one.latitude(i)]);
  function fit(bounds, most = 12) {
    const { clientWidth: width, clientHeight: height } = frame;
    const padding = Math.min(width, height) * 0.05;
    const { longitude, latitude, zoom } = new gl.WebMercatorViewport({ width, height }).fitBounds(bounds, { padding });
    return { longitude, latitude, zoom: Math.min(zoom, most), minZoom: 2, maxZoom: 16 };
  }
  function move(to) {
    view = { ...view, ...to };
    const smooth = { transitionDuration: 700, transitionInterpolator: new gl.FlyToInterpolator() };
    drawn.setProps({ initialViewState: page.calm() ? { ...view } : { ...view, ...smooth } });
    if (page.calm()) over.setProps({ viewState: view }); // else it follows frame by frame
    viewed();
  }
  // Hexagons narrower than four pixels give way to their parents.
  function chooseLevel() {
    const meters = (78271.5 * Math.cos((view.latitude * Math.PI) / 180)) / 2 ** view.zoom;
    const wide = (one) => 1.9e6 / 2.6458 ** one.resolution / meters;
    const best = levels.findIndex((one) => wide(one) >= 4);
    page.onLevel(best < 0 ? levels.length - 1 : best);
  }
  function viewed() {
    chooseLevel();
    if (last && shown !== cellsInView()) draw(last);
    else if (last) drawInk();
  }
  function flyTo({ cell, zip, area, at, points }) {
    if (points?.length) move(fit(boundsOf(points), 12.5));
    else if (cell) move({ longitude: levels[cell.level].longitude(cell.i), latitude: levels[cell.level].latitude(cell.i), zoom: 11 - 1.4 * cell.level });
    else if (zip >= 0) {
      const cells = everyCell[0].filter((i) => levels[0].zipsOf(i).includes(zip));
      if (cells.length) move(fit(boundsOf(middles(levels[0], cells)), 11));
    } else if (area) move(fit(boundsOf(area), 12.5));
    else if (at) move({ longitude: at[0], latitude: at[1], zoom: 10.5 });
  } // prettier-ignore

  // ---- labels --------------------------------------------------------------------------------
  const DETAIL = 9.4; // zoom from which ZIP outlines are drawn
  const short = (name) => ([...name].length > 28 ? `${[...name].slice(0, 27).join("").trimEnd()}…` : name);
  const labels = [
    ...ground.counties.map(({ properties: { name, at } }) => ({ text: name.toUpperCase(), at, size: 11, county: true })),
    ...extra.map(({ name, at, color, geometry }) => ({ text: short(name), at, size: 13, own: color, up: geometry.type === "Point" ? 15 : 0 })),
    ...extra.flatMap(({ name, more, color }) => more.map(([x, y, room]) => ({ text: short(name), at: [x, y], size: 13, own: color, room }))),
    ...places.map(([text, longitude, latitude], rank) => ({ text, at: [longitude, latitude], size: 12, rank })),
  ];
  const letters = [...new Set(labels.flatMap(({ text }) => [...text]))];
  let names = { key: "", shown: [] };
  let inked = "";
  // County names lead from afar; nearer, places do.
  function labelled() {
    const { clientWidth: width, clientHeight: height } = frame;
    const viewport = new gl.WebMercatorViewport({ ...view, width, height });
    const near = view.zoom >= DETAIL;
    const order = (label) => (label.own ? 0 : label.county === !near ? 1 : 2);
    const pixels = (512 * 2 ** view.zoom) / 360; // of a degree of longitude
    const roomy = ({ text, size, room }) => room === undefined || room * pixels > text.length * size * 0.62;
    const most = 14 * 3 ** (view.zoom - 8); // the nearer, the smaller the places that are named
    const wanted = labels
      .map((label, i) => ({ ...label, i }))
      .filter((label) => (label.rank === undefined || label.rank < most) && roomy(label))
      .sort((a, b) => order(a) - order(b) || a.i - b.i);
    const shown = shapes.placedLabels(wanted, (at) => viewport.project(at), { width, height });
    const key = shown.map(({ i, shift }) => `${i} ${shift}`).sort().join(); // prettier-ignore
    if (key !== names.key) names = { key, shown };
  }

  // ---- layers --------------------------------------------------------------------------------
  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const DAY = {
    land: [248, 247, 243], gray: [235, 236, 234, 170], hatch: [176, 183, 188], ink: [40, 52, 64], halo: [255, 255, 255],
    shore: [104, 128, 142], border: [70, 84, 96, 150], zips: [70, 84, 96, 70],
    chosen: [190, 45, 20], under: [255, 255, 255], hover: [0, 0, 0, 50], own: "light",
  }; // prettier-ignore
  const NIGHT = {
    land: [21, 28, 35], gray: [33, 40, 47, 170], hatch: [86, 97, 106], ink: [214, 224, 232], halo: [16, 22, 28],
    shore: [98, 122, 138], border: [190, 205, 215, 110], zips: [190, 205, 215, 55],
    chosen: [255, 205, 90], under: [10, 14, 18], hover: [255, 255, 255, 60], own: "dark",
  }; // prettier-ignore
  // Hexagons in view and somewhat around it: a step of the slider repaints no others.
  const FEW = 3000;
  let around = null;
  function cellsInView() {
    if (level().cells.length <= FEW) return everyCell[state.level];
    const { clientWidth: width, clientHeight: height } = frame;
    const [west, south, east, north] = new gl.WebMercatorViewport({ ...view, width, height }).getBounds();
    const [wide, high] = [east - west, north - south];
    const held = around?.level === state.level && around.box;
    if (held && west >= held[0] && south >= held[1] && east <= held[2] && north <= held[3] && held[2] - held[0] < 3 * wide)
      return around.cells;
    const box = [west - wide / 4, south - high / 4, east + wide / 4, north + high / 4];
    const one = level();
    const inside = (i) => {
      const [x, y] = [one.longitude(i), one.latitude(i)];
      return x > box[0] && y > box[1] && x < box[2] && y < box[3];
    };
    around = { level: state.level, box, cells: everyCell[state.level].filter(inside) };
    return around.cells;
  }
  let shown = null;
  function cellLayer({ colors, classAt, alpha }, tone) {
    const one = level();
    const tint = colors.map(rgb);
    const color = (i) => {
      if (classAt[i] < 0) return tone.gray;
      return alpha ? [...tint[classAt[i]], alpha[i]] : tint[classAt[i]];
    };
    return new gl.H3HexagonLayer({
      id: `cells-${one.resolution}`,
      data: (shown = cellsInView()),
      getHexagon: (i) => one.cells[i],
      getFillColor: color,
      updateTriggers: { getFillColor: [tint, classAt, tone, alpha] },
      highPrecision: true,
      extruded: false,
      stroked: false,
      pickable: true,
      autoHighlight: true,
      highlightColor: tone.hover,
      opacity: tiles ? 0.75 : 1,
    });
  }
  // Thin lines as bare segments, few of them: on a machine without a graphics card every one costs.
  function segmentLayer(id, ends, color, width) {
    const value = (from) => ({ value: ends, size: 2, offset: 8 * from, stride: 16 });
    return new gl.LineLayer({
      id,
      data: { length: ends.length / 4, attributes: { getSourcePosition: value(0), getTargetPosition: value(1) } },
      getColor: color,
      getWidth: width,
      updateTriggers: { getColor: color },
    });
  }
  const segments = (lines) =>
    Float32Array.from(lines.flatMap((line) => line.slice(1).flatMap((point, i) => [...line[i], ...point])));
  const FAR = 0.002; // degrees; from afar nobody sees less
  const isLine = (line) => line.length > 2 || line[0].join() !== line[1].join();
  const thin = (some) => some.map((line) => shapes.thinned(line, FAR)).filter(isLine);
  const sharp = { shore: segments(ground.shore), borders: segments(ground.borders), zips: segments(ground.zip_lines) };
  const coarse = { shore: segments(thin(ground.shore)), borders: segments(thin(ground.borders)) };
  const hatched = [];
  function hatchLayer(tone) {
    const one = level();
    hatched[state.level] ??= segments(
      shapes.hatch(everyCell[state.level].filter((i) => one.hidden[i] === 2).map((i) => one.corners(i))),
    );
    return segmentLayer(`hatch-${one.resolution}`, hatched[state.level], tone.hatch, 1);
  }
  function edgeLayer(id, loops, color, width) {
    return new gl.PathLayer({
      id,
      data: loops,
      getPath: (points) => points,
      getColor: color,
      getWidth: width,
      widthUnits: "pixels",
      jointRounded: true,
      updateTriggers: { getColor: color },
    });
  }
  function tileLayer() {
    return new gl.TileLayer({
      id: "tiles",
      data: tiles.url,
      maxZoom: 19,
      tileSize: 256,
      renderSubLayers: ({ id, data, tile: { bbox } }) =>
        new gl.BitmapLayer({ id, image: data, bounds: [bbox.west, bbox.south, bbox.east, bbox.north] }),
    });
  }
  const countyShapes = { type: "FeatureCollection", features: ground.counties };
  const ownShapes = {
    type: "FeatureCollection",
    features: extra.map(({ geometry, color }) => ({ type: "Feature", properties: { color }, geometry })),
  };
  function underLayers(tone) {
    if (tiles) return [tileLayer()];
    return [new gl.GeoJsonLayer({ id: "land", data: countyShapes, stroked: false, getFillColor: tone.land })];
  }
  function overLayers(tone) {
    const near = view.zoom >= DETAIL;
    const { borders, shore } = near ? sharp : coarse;
    const own = ({ properties }) => rgb(properties.color[tone.own]);
    return [
      near && segmentLayer("zips", sharp.zips, tone.zips, 1),
      segmentLayer(`borders-${near}`, borders, tone.border, 1.1),
      segmentLayer(`shore-${near}`, shore, tone.shore, 1.4),
      extra.length > 0 && new gl.GeoJsonLayer({
        id: "own",
        data: ownShapes,
        getFillColor: (shape) => [...own(shape), 26],
        getLineColor: own,
        getLineWidth: 2.2,
        lineWidthUnits: "pixels",
        getPointRadius: 6,
        pointRadiusUnits: "pixels",
        pickable: false,
        updateTriggers: { getFillColor: tone, getLineColor: tone },
      }),
    ];
  }
  function nameLayer(tone) {
    return new gl.TextLayer({
      id: "names",
      data: names.shown,
      getText: ({ text }) => text,
      getPosition: ({ at }) => at,
      getPixelOffset: ({ shift = 0, up = 0 }) => [0, shift - up],
      getSize: ({ size }) => size,
      getColor: ({ own, county }) => (own ? rgb(own[tone.own]) : county ? tone.ink : [...tone.ink, 225]),
      updateTriggers: { getColor: tone },
      characterSet: letters,
      fontFamily: "Inter, system-ui, Helvetica Neue, Arial, sans-serif",
      fontWeight: 600,
      fontSettings: { sdf: true, fontSize: 64, buffer: 16, radius: 24 },
      outlineWidth: 13,
      outlineColor: [...tone.halo, 235],
    });
  }
  function areaLayers(tone) {
    const { corners, closed } = page.drawing();
    if (!corners.length) return [];
    const line = closed ? [...corners, corners[0]] : corners;
    const path = (id, color, width) => edgeLayer(id, [line], color, width);
    const dots = new gl.ScatterplotLayer({
      id: "corners",
      data: closed || corners.length > 60 ? [] : corners,
      getPosition: (point) => point,
      getRadius: 4,
      radiusUnits: "pixels",
      getFillColor: tone.chosen,
    });
    return [path("area-under", tone.under, 5), path("area", tone.chosen, 2.2), dots];
  }
  let last = null;
  function draw(classes) {
    last = classes;
    const tone = page.isDark() ? NIGHT : DAY;
    drawn.setProps({ layers: [...underLayers(tone), cellLayer(classes, tone)] });
    drawInk();
  }
  // What lies over the hexagons; drawn anew only when something of it has changed.
  function drawInk() {
    const tone = page.isDark() ? NIGHT : DAY;
    const one = level();
    const { corners, closed } = page.drawing();
    const { zip, county, cell, area } = state;
    labelled();
    const far = view.zoom < DETAIL;
    const key = JSON.stringify([names.key, state.level, tone === DAY, far, zip, county, cell, area?.title, corners, closed]);
    if (key === inked) return;
    inked = key;
    const chosen = shapes.outline(page.chosenCells(one).map((i) => one.corners(i)));
    const spot = cell ? shapes.outline([levels[cell.level].corners(cell.i)]) : [];
    over.setProps({
      layers: [
        hatchLayer(tone),
        ...overLayers(tone),
        edgeLayer("chosen-under", chosen, tone.under, 4.5),
        edgeLayer("chosen", chosen, tone.chosen, 2),
        edgeLayer("spot-under", spot, tone.under, 6),
        edgeLayer("spot", spot, tone.chosen, 3.5),
        ...areaLayers(tone),
        nameLayer(tone),
      ],
    });
  }

  // ---- pointer and keys ----------------------------------------------------------------------
  const onCell = (info) => Boolean(info?.layer?.id.startsWith("cells") && info.index >= 0);
  function tip(info) {
    const box = page.tooltip;
    box.hidden = !onCell(info) || page.drawing().active;
    if (box.hidden) return;
    box.replaceChildren(...page.describe(level(), info.object));
    const left = Math.max(8, Math.min(info.x + 14, frame.clientWidth - box.offsetWidth - 8));
    const below = info.y + 16 + box.offsetHeight < frame.clientHeight;
    box.style.left = `${left}px`;
    box.style.top = `${below ? info.y + 16 : info.y - box.offsetHeight - 12}px`;
  }
  function choose(info) {
    if (page.drawing().active) page.onCorner(info.coordinate);
    else if (onCell(info)) page.onChoose(info.object);
  }
  const CONTROL = { dragRotate: false, touchRotate: false, keyboard: true, doubleClickZoom: true };

  // Fine letters and prints; without a graphics card, speed comes first.
  const FINE = {
    useDevicePixels: Math.min(3, Math.max(2, devicePixelRatio)),
    deviceProps: { type: "webgl", webgl: { preserveDrawingBuffer: true } },
    onDeviceInitialized: ({ info }) => {
      if (info.gpuType !== "cpu" && !/swiftshader|llvmpipe|software/i.test(info.renderer)) return;
      for (const one of [drawn, over]) one?.setProps({ useDevicePixels: 1 });
    },
    onError: page.onError,
  };
  const whole = () => fit(boundsOf(middles(levels[0], everyCell[0])));
  let view = page.home ? fit([page.home.slice(0, 2), page.home.slice(2)]) : whole();
  let over = null;
  const drawn = new gl.Deck({
    parent: frame,
    id: "hexagons",
    initialViewState: view,
    controller: CONTROL,
    layers: [],
    pickingRadius: 2,
    eventRecognizerOptions: { click: { time: 1500 } }, // a slow hand, or a slow machine, clicks too
    ...FINE,
    getCursor: ({ isDragging, isHovering }) =>
      page.drawing().active ? "crosshair" : isDragging ? "grabbing" : isHovering ? "pointer" : "grab",
    onLoad: () => {
      canvas().setAttribute("role", "application");
      canvas().setAttribute("aria-label", frame.dataset.label);
    },
    onViewStateChange: ({ viewState }) => {
      view = viewState;
      over.setProps({ viewState: view });
      viewed();
    },
    onHover: tip,
    onClick: choose,
    onDrag: ({ coordinate }) => page.drawing().active && page.onLasso(coordinate),
    onDragEnd: () => page.drawing().active && page.onLassoEnd(),
  }); // prettier-ignore
  over = new gl.Deck({
    parent: frame,
    id: "ink",
    ...FINE,
    controller: false,
    viewState: view,
    layers: [],
    style: { pointerEvents: "none" },
    onLoad: () => {
      const ink = canvases()[1];
      ink.setAttribute("aria-hidden", "true");
      ink.tabIndex = -1;
    },
    onAfterRender: () => inked && page.onDrawn(),
  });
  frame.addEventListener("pointerleave", () => (page.tooltip.hidden = true));
  frame.addEventListener("keydown", ({ key }) => {
    if (key !== "Enter") return;
    const [x, y] = [frame.clientWidth / 2, frame.clientHeight / 2];
    if (page.drawing().active) page.onCorner([view.longitude, view.latitude]);
    else choose(drawn.pickObject({ x, y, radius: 12 }));
  });
  chooseLevel();
  return {
    draw,
    flyTo,
    redraw: () => last && drawInk(),
    drawingMode: (on) => drawn.setProps({ controller: { ...CONTROL, dragPan: !on, doubleClickZoom: !on } }),
    degreesPerPixel: () => 360 / 512 / 2 ** view.zoom,
    zoom: (by) => move({ zoom: Math.min(16, Math.max(2, view.zoom + by)) }),
    home: () => move(whole()),
    image: () => {
      const sheet = document.createElement("canvas");
      [sheet.width, sheet.height] = [canvas().width, canvas().height];
      for (const [i, one] of [drawn, over].entries()) {
        one.redraw("print");
        sheet.getContext("2d").drawImage(canvases()[i], 0, 0, sheet.width, sheet.height);
      }
      return sheet.toDataURL("image/png");
    },
  };
}
