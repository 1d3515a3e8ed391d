// The drawing: layers, camera and pointer, with deck.gl. `page.js` hands over what to show and hears what is chosen.
"use strict";
function startMap(page) {
  const gl = globalThis.deck;
  const { frame, state, levels, outlines } = page;
  const canvas = () => frame.querySelector("canvas");
  const level = () => levels[state.level];
  const everyCell = levels.map((one) => one.cells.map((_, i) => i));

  // ---- camera --------------------------------------------------------------------------------
  function boundsOf(cells) {
    if (!cells.length)
      return [
        [-125, 24],
        [-66, 50],
      ];
    const box = [
      [Infinity, Infinity],
      [-Infinity, -Infinity],
    ];
    for (const i of cells) {
      [levels[0].longitude[i], levels[0].latitude[i]].forEach((degrees, axis) => {
        box[0][axis] = Math.min(box[0][axis], degrees - 0.01);
        box[1][axis] = Math.max(box[1][axis], degrees + 0.01);
      });
    }
    return box;
  }
  function fit(bounds, most = 12) {
    const { clientWidth: width, clientHeight: height } = frame;
    const padding = Math.min(width, height) * 0.07;
    const { longitude, latitude, zoom } = new gl.WebMercatorViewport({ width, height }).fitBounds(bounds, { padding });
    return { longitude, latitude, zoom: Math.min(zoom, most), minZoom: 2, maxZoom: 16 };
  }
  function move(to) {
    view = { ...view, ...to };
    const smooth = { transitionDuration: 700, transitionInterpolator: new gl.FlyToInterpolator() };
    drawn.setProps({ initialViewState: page.calm() ? { ...view } : { ...view, ...smooth } });
    chooseLevel();
  }
  // Hexagons narrower than four pixels give way to their parents.
  function chooseLevel() {
    const meters = (78271.5 * Math.cos((view.latitude * Math.PI) / 180)) / 2 ** view.zoom;
    const wide = (one) => 1.9e6 / 2.6458 ** one.resolution / meters;
    const best = levels.findIndex((one) => wide(one) >= 4);
    page.onLevel(best < 0 ? levels.length - 1 : best);
  }
  function fly() {
    const { cell, zip } = state;
    if (cell) {
      const { longitude, latitude } = levels[cell.level];
      move({ longitude: longitude[cell.i], latitude: latitude[cell.i], zoom: 11 - 1.4 * cell.level });
      return;
    }
    const cells = everyCell[0].filter((i) => page.zipsOf(levels[0], i).includes(zip));
    if (cells.length) move(fit(boundsOf(cells), 11));
  }

  // ---- layers --------------------------------------------------------------------------------
  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const DAY = {
    land: [247, 246, 241],
    gray: [235, 236, 234],
    hatch: [182, 188, 192],
    ink: [40, 52, 64],
    halo: [255, 255, 255],
    chosen: [190, 45, 20],
    under: [255, 255, 255],
    hover: [0, 0, 0, 50],
  };
  const NIGHT = {
    land: [21, 28, 35],
    gray: [33, 40, 47],
    hatch: [86, 97, 106],
    ink: [214, 224, 232],
    halo: [16, 22, 28],
    chosen: [255, 205, 90],
    under: [10, 14, 18],
    hover: [255, 255, 255, 60],
  };
  function cellLayer(classes, tone) {
    const one = level();
    const tint = classes.colors.map(rgb);
    return new gl.H3HexagonLayer({
      id: `cells-${one.resolution}`,
      data: everyCell[state.level],
      getHexagon: (i) => one.cells[i],
      getFillColor: (i) => (classes.classAt[i] < 0 ? tone.gray : tint[classes.classAt[i]]),
      updateTriggers: { getFillColor: [tint, classes.classAt, tone] },
      highPrecision: one.cells.length <= 20000 ? true : "auto",
      extruded: false,
      stroked: false,
      pickable: true,
      autoHighlight: true,
      highlightColor: tone.hover,
    });
  }
  function hatchLayer(tone) {
    const { hatch, resolution } = level();
    return new gl.LineLayer({
      id: `hatch-${resolution}`,
      data: { length: hatch.length / 4 },
      getSourcePosition: (_, { index }) => hatch.subarray(4 * index, 4 * index + 2),
      getTargetPosition: (_, { index }) => hatch.subarray(4 * index + 2, 4 * index + 4),
      getColor: tone.hatch,
      getWidth: 1,
    });
  }
  function edgeLayer(id, cells, color, width) {
    return new gl.H3HexagonLayer({
      id,
      data: cells,
      getHexagon: (cell) => cell,
      highPrecision: true,
      extruded: false,
      filled: false,
      stroked: true,
      getLineColor: color,
      getLineWidth: width,
      lineWidthUnits: "pixels",
      lineJointRounded: true,
    });
  }
  function groundLayers(tone) {
    if (!outlines) return [];
    const land = new gl.GeoJsonLayer({ id: "land", data: outlines, stroked: false, getFillColor: tone.land });
    const lines = new gl.GeoJsonLayer({
      id: "counties",
      data: outlines,
      filled: false,
      getLineColor: [...tone.ink, 145],
      getLineWidth: 1.1,
      lineWidthUnits: "pixels",
    });
    const names = new gl.TextLayer({
      id: "names",
      data: outlines.features,
      getText: (county) => county.properties.name.toUpperCase(),
      getPosition: (county) => county.properties.at,
      getSize: 11,
      getColor: tone.ink,
      characterSet: "auto",
      fontFamily: "Inter, system-ui, Helvetica Neue, Arial, sans-serif",
      fontWeight: 600,
      fontSettings: { sdf: true, fontSize: 64, buffer: 16, radius: 24 },
      outlineWidth: 13,
      outlineColor: [...tone.halo, 235],
    });
    return [land, lines, names];
  }
  function draw(classes) {
    const tone = page.isDark() ? NIGHT : DAY;
    const one = level();
    const inZip = (i) => page.zipsOf(one, i).includes(state.zip);
    const chosen = state.zip < 0 ? [] : everyCell[state.level].filter(inZip).map((i) => one.cells[i]);
    const spot = state.cell ? [levels[state.cell.level].cells[state.cell.i]] : [];
    const [land, lines, names] = groundLayers(tone);
    drawn.setProps({
      layers: [
        land,
        cellLayer(classes, tone),
        hatchLayer(tone),
        lines,
        edgeLayer("chosen-under", chosen, tone.under, 4.5),
        edgeLayer("chosen", chosen, tone.chosen, 1.75),
        edgeLayer("spot-under", spot, tone.under, 7),
        edgeLayer("spot", spot, tone.chosen, 3.5),
        names,
      ],
    });
  }

  // ---- pointer and keys ----------------------------------------------------------------------
  const onCell = (info) => Boolean(info?.layer?.id.startsWith("cells") && info.index >= 0);
  function tip(info) {
    const box = page.tooltip;
    box.hidden = !onCell(info);
    if (box.hidden) return;
    box.replaceChildren(...page.describe(level(), info.index));
    const left = Math.max(8, Math.min(info.x + 14, frame.clientWidth - box.offsetWidth - 8));
    const below = info.y + 16 + box.offsetHeight < frame.clientHeight;
    box.style.left = `${left}px`;
    box.style.top = `${below ? info.y + 16 : info.y - box.offsetHeight - 12}px`;
  }
  function choose(info) {
    if (onCell(info)) page.onChoose(info.index);
  }

  const home = () => fit(boundsOf(everyCell[0]));
  let view = home();
  const drawn = new gl.Deck({
    parent: frame,
    initialViewState: view,
    controller: { dragRotate: false, touchRotate: false, keyboard: true },
    layers: [],
    pickingRadius: 2,
    eventRecognizerOptions: { click: { time: 1500 } }, // a slow hand, or a slow machine, clicks too
    useDevicePixels: Math.max(2, Math.min(3, devicePixelRatio)), // twice as fine as a plain screen, for letters and print
    deviceProps: { type: "webgl", webgl: { preserveDrawingBuffer: true } },
    getCursor: ({ isDragging, isHovering }) => (isDragging ? "grabbing" : isHovering ? "pointer" : "grab"),
    onLoad: () => {
      canvas().setAttribute("role", "application");
      canvas().setAttribute("aria-label", frame.dataset.label);
    },
    onViewStateChange: ({ viewState }) => {
      view = viewState;
      chooseLevel();
    },
    onHover: tip,
    onClick: choose,
    onAfterRender: page.onDrawn,
    onError: page.onError,
  });
  frame.addEventListener("pointerleave", () => (page.tooltip.hidden = true));
  frame.addEventListener("keydown", ({ key }) => {
    if (key !== "Enter") return;
    choose(drawn.pickObject({ x: frame.clientWidth / 2, y: frame.clientHeight / 2, radius: 12 }));
  });
  chooseLevel();
  return {
    draw,
    fly,
    zoom: (by) => move({ zoom: Math.min(16, Math.max(2, view.zoom + by)) }),
    home: () => move(home()),
    image: () => {
      drawn.redraw("print");
      return canvas().toDataURL("image/png");
    },
  };
}
