// Plane geometry, in degrees: how much of a hexagon an outline covers, where an outline crosses itself, hatching, labels.
"use strict";

const shapes = (() => {
  // Twice the area; its sign is the ring's direction.
  function turned(ring) {
    let sum = 0;
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1)
      sum += (ring[j][0] - ring[i][0]) * (ring[j][1] + ring[i][1]);
    return sum;
  }
  const areaOf = (ring) => Math.abs(turned(ring)) / 2;

  // What of a ring lies in a convex one (Sutherland and Hodgman 1974).
  function clipped(ring, window) {
    const sign = Math.sign(turned(window));
    let kept = ring;
    for (let i = 0, j = window.length - 1; i < window.length && kept.length; j = i, i += 1) {
      const [ax, ay] = window[j];
      const [bx, by] = window[i];
      if (ax === bx && ay === by) continue;
      const side = ([x, y]) => sign * ((bx - ax) * (y - ay) - (by - ay) * (x - ax));
      const next = [];
      for (let p = 0, q = kept.length - 1; p < kept.length; q = p, p += 1) {
        const [from, to] = [side(kept[q]), side(kept[p])];
        if (from >= 0 !== to >= 0) {
          const part = from / (from - to);
          next.push([0, 1].map((axis) => kept[q][axis] + part * (kept[p][axis] - kept[q][axis])));
        }
        if (to >= 0) next.push(kept[p]);
      }
      kept = next;
    }
    return kept;
  }

  // `polygons` are lists of rings, the first the outline and the others holes; returns cell -> share inside.
  function coveredCells(polygons, level) {
    const shares = new Map();
    for (const [outline, ...holes] of polygons) {
      const xs = outline.map((point) => point[0]);
      const ys = outline.map((point) => point[1]);
      const reduce = (list, pick) => list.reduce((a, b) => pick(a, b));
      const [west, east] = [reduce(xs, Math.min), reduce(xs, Math.max)];
      const [south, north] = [reduce(ys, Math.min), reduce(ys, Math.max)];
      for (let i = 0; i < level.cells.length; i += 1) {
        const [x, y] = [level.longitude(i), level.latitude(i)];
        const reach = 2.2e6 / 2.6458 ** level.resolution / 4e4; // more than any hexagon's radius
        if (x < west - reach || x > east + reach || y < south - reach || y > north + reach) continue;
        const hexagon = level.corners(i);
        const inside = (ring) => areaOf(clipped(ring, hexagon));
        const part = (inside(outline) - holes.reduce((sum, hole) => sum + inside(hole), 0)) / areaOf(hexagon);
        if (part > 1e-9) shares.set(i, Math.min(1, (shares.get(i) ?? 0) + part));
      }
    }
    return shares;
  }

  function crossing(a, b, c, d) {
    const cross = (p, q, r) => (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    const [d1, d2, d3, d4] = [cross(c, d, a), cross(c, d, b), cross(a, b, c), cross(a, b, d)];
    if (d1 > 0 === d2 > 0 || d3 > 0 === d4 > 0) return null;
    const part = d1 / (d1 - d2);
    return [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])];
  }
  // The largest loop of an outline that crosses itself: what hangs over at the ends of a lasso is cut off.
  function untangled(ring) {
    for (let i = 0; i < ring.length; i += 1) {
      for (let j = i + 2; j < ring.length; j += 1) {
        if (i === 0 && j === ring.length - 1) continue;
        const point = crossing(ring[i], ring[i + 1], ring[j], ring[(j + 1) % ring.length]);
        if (!point) continue;
        const loop = [point, ...ring.slice(i + 1, j + 1)];
        const rest = [point, ...ring.slice(j + 1), ...ring.slice(0, i + 1)];
        return untangled(areaOf(loop) > areaOf(rest) ? loop : rest);
      }
    }
    return ring;
  }
  // Without the points that lie within `tolerance` of a straight line (Douglas and Peucker 1973).
  function thinned(line, tolerance) {
    if (line.length < 3) return line;
    const [from, to] = [line[0], line.at(-1)];
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const long = Math.hypot(dx, dy);
    let [farthest, most] = [0, 0];
    line.forEach(([x, y], i) => {
      const off = long
        ? Math.abs((x - from[0]) * dy - (y - from[1]) * dx) / long
        : Math.hypot(x - from[0], y - from[1]);
      if (off > most) [farthest, most] = [i, off];
    });
    if (most <= tolerance) return [from, to];
    return [...thinned(line.slice(0, farthest + 1), tolerance).slice(0, -1), ...thinned(line.slice(farthest), tolerance)];
  }

  // Diagonal lines across hexagons, as [from, to]; a line runs on from one hexagon into the next.
  function hatch(hexagons) {
    if (!hexagons.length) return [];
    const squeeze = Math.cos((hexagons[0][0][1] * Math.PI) / 180);
    const turn = ([x, y]) => [x * squeeze - y, x * squeeze + y]; // across the lines, and along them
    const back = (u, v) => [(u + v) / 2 / squeeze, (v - u) / 2];
    const first = hexagons[0].map(turn).map(([u]) => u);
    const gap = (Math.max(...first) - Math.min(...first)) / 3;
    const runs = new Map();
    for (const hexagon of hexagons) {
      const corners = hexagon.map(turn);
      const across = corners.map(([u]) => u);
      for (let line = Math.ceil(Math.min(...across) / gap); line * gap < Math.max(...across); line += 1) {
        const met = [];
        for (let i = 0, j = corners.length - 1; i < corners.length; j = i, i += 1) {
          const [a, b] = [corners[j][0] - line * gap, corners[i][0] - line * gap];
          if (a > 0 !== b > 0) met.push(corners[j][1] + (a / (a - b)) * (corners[i][1] - corners[j][1]));
        }
        if (met.length < 2) continue;
        if (!runs.has(line)) runs.set(line, []);
        runs.get(line).push([Math.min(...met), Math.max(...met)]);
      }
    }
    const drawn = [];
    for (const [line, parts] of runs) {
      parts.sort((a, b) => a[0] - b[0]);
      let run = parts[0];
      for (const part of [...parts.slice(1), [Infinity, Infinity]]) {
        if (part[0] <= run[1] + gap / 20) run = [run[0], Math.max(run[1], part[1])];
        else {
          drawn.push(run.map((v) => back(line * gap, v)));
          run = part;
        }
      }
    }
    return drawn;
  }

  // The outline of hexagons taken together: the edges that no neighbor shares, joined to loops.
  function outline(hexagons) {
    const name = (point) => point.map((degrees) => degrees.toFixed(4)).join();
    const edges = new Map();
    for (const hexagon of hexagons)
      hexagon.forEach((to, i) => {
        const from = hexagon.at(i - 1);
        const [a, b] = [name(from), name(to)];
        if (a === b) return;
        if (!edges.delete(`${b} ${a}`)) edges.set(`${a} ${b}`, [from, to]);
      });
    const after = new Map();
    for (const [from, to] of edges.values()) after.set(name(from), [...(after.get(name(from)) ?? []), to]);
    const loops = [];
    for (const [from] of edges.values()) {
      const loop = [];
      for (let point = from; after.get(name(point))?.length; ) {
        loop.push(point);
        point = after.get(name(point)).pop();
      }
      if (loop.length > 1) loops.push([...loop, loop[0]]);
    }
    return loops;
  }

  // Names that do not run into each other, the first ones first; each has `text`, `at`, `size`, perhaps dots `up`. A name
  // of one's `own` may stand up to two lines off: `shift` says how far.
  function placedLabels(labels, project, { width, height }) {
    const taken = [];
    return labels.flatMap((label) => {
      const { text, at, size, own, up = 0 } = label;
      const [x, ground] = project(at);
      const y = ground - up;
      if (x < -40 || y < -20 || x > width + 40 || y > height + 20) return [];
      const [w, h] = [(text.length * size * 0.62) / 2 + 5, size / 2 + 5];
      for (const lines of own ? [0, 1, -1, 2, -2] : [0]) {
        const shift = 1.4 * size * lines;
        const box = [x - w, y + shift - h, x + w, y + shift + h];
        if (taken.some((o) => box[0] < o[2] && o[0] < box[2] && box[1] < o[3] && o[1] < box[3])) continue;
        taken.push(box);
        return [{ ...label, shift }];
      }
      return [];
    });
  }
  return { areaOf, clipped, coveredCells, untangled, thinned, hatch, outline, placedLabels };
})();
