// Drawing an area on the map: corners one by one, or a lasso in one stroke. `page.js` sums what lies inside.
"use strict";
function makeDrawing(page) {
  const MOST_CORNERS = 400;
  let corners = [];
  let active = false;
  let closed = false;
  let stroke = false;

  function begin() {
    [active, closed, stroke, corners] = [true, false, false, []];
    page.onChange();
  }
  function stop() {
    if (!active) return;
    active = false;
    if (!closed) corners = [];
    page.onChange();
  }
  function clear() {
    [active, closed, corners] = [false, false, []];
  }
  function corner(point) {
    if (stroke) return;
    const first = corners[0];
    const near = first && Math.hypot(point[0] - first[0], point[1] - first[1]) < 9 * page.degreesPerPixel();
    if (near && corners.length >= 3) {
      finish();
      return;
    }
    corners = [...corners, point];
    page.onChange();
  }
  function lasso(point) {
    if (!stroke) [stroke, corners] = [true, []];
    corners.push(point);
    page.onChange();
  }
  function lassoEnd() {
    if (!stroke) return;
    stroke = false;
    corners = shapes.thinned(corners, 1.2 * page.degreesPerPixel());
    if (corners.length >= 3) finish();
    else {
      corners = [];
      page.onChange();
    }
  }
  function finish() {
    if (corners.length < 3) {
      page.onHint("An area needs three corners at least.");
      return;
    }
    set(corners);
    page.onDone(corners);
  }
  // Corners to a tenth of a meter or so: what is copied from the page is what the page has summed.
  function set(points) {
    const round = (point) => point.map((degrees) => Math.round(degrees * 1e6) / 1e6);
    corners = shapes.untangled(points.map(round)).map(round).slice(0, MOST_CORNERS);
    [active, closed] = [false, true];
  }
  function back() {
    corners = corners.slice(0, -1);
    page.onChange();
  }
  const geojson = () => ({
    type: "Feature",
    properties: { name: "drawn area" },
    geometry: { type: "Polygon", coordinates: [[...corners, corners[0]]] },
  });
  return {
    begin, stop, clear, corner, lasso, lassoEnd, finish, set, back, geojson,
    state: () => ({ active, closed, corners }),
  }; // prettier-ignore
}
