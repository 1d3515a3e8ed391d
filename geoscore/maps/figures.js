// Numbers as a reader's locale writes them, and what the page carries, unpacked: rows, cells, sums.
"use strict";

function makeFormats() {
  const format = (options) => {
    // half to even, as the command line rounds
    const made = new Intl.NumberFormat(undefined, { roundingMode: "halfEven", ...options });
    return (x) => made.format(x);
  };
  const whole = format({ maximumFractionDigits: 0 });
  const tenth = format({ maximumFractionDigits: 1, minimumFractionDigits: 1 });
  const percent = format({ style: "percent", maximumFractionDigits: 0 });
  const percentTenth = format({ style: "percent", maximumFractionDigits: 1 });
  const percentFine = format({ style: "percent", maximumSignificantDigits: 2 });
  const usd = format({ style: "currency", currency: "USD", maximumFractionDigits: 0 });
  const usdShort = format({ style: "currency", currency: "USD", notation: "compact", maximumSignificantDigits: 3 });
  const compact = format({ notation: "compact", maximumSignificantDigits: 3 });
  const count = (x) => (x === 0 || x >= 9.95 ? whole(x) : x < 0.05 ? `<${tenth(0.1)}` : tenth(x));
  const share = (x) => (x === 0 || x >= 0.1 ? percent(x) : x >= 0.01 ? percentTenth(x) : percentFine(x));
  // breaks of classes have two significant digits, and are written as they are, on stills too
  const two = format({ maximumSignificantDigits: 2 });
  const edge = (x) => (x >= 10 ? whole(x) : two(x));
  const range = (low, high) => (count(low) === count(high) ? count(low) : `${count(low)}–${count(high)}`);
  return { whole, percent, usd, usdShort, compact, count, share, range, edge };
}

async function inflate(base64) {
  if (!globalThis.DecompressionStream) throw new Error("it is older than 2023");
  const packed = atob(base64);
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i += 1) bytes[i] = packed.charCodeAt(i);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

// Arrays lie column by column in byte planes; see geoscore/maps/packing.py.
function unpackArrays(buffer, index) {
  const WIDTH = { u1: 1, u2: 2, u4: 4, u8: 8, f8: 8, json: 1 };
  const AS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, u8: BigUint64Array, f8: Float64Array };
  const read = ({ at, kind, shape: [rows, columns], delta, scale, root }) => {
    const [size, width] = [rows * columns, WIDTH[kind]];
    const planes = new Uint8Array(buffer, at, size * width);
    if (kind === "json") return JSON.parse(new TextDecoder().decode(planes));
    const joined = new Uint8Array(size * width);
    for (let byte = 0; byte < width; byte += 1)
      for (let i = 0; i < size; i += 1) joined[i * width + byte] = planes[byte * size + i];
    const raw = new AS[kind](joined.buffer);
    if (kind === "f8") return raw;
    if (kind === "u8") {
      for (let i = 1; i < size; i += 1) raw[i] += raw[i - 1];
      return Array.from(raw, (cell) => cell.toString(16));
    }
    const values = Float64Array.from(raw, (turned) => (turned % 2 ? -(turned + 1) / 2 : turned / 2));
    if (delta === "rows")
      for (let i = 0; i < size; i += 1) values[i] += i % rows ? values[i - 1] : 0;
    if (delta === "columns") for (let i = rows; i < size; i += 1) values[i] += values[i - rows];
    return values.map((steps) => (root ? (steps * Math.abs(steps)) / scale ** 2 : steps / scale));
  };
  return Object.fromEntries(Object.entries(index).map(([name, how]) => [name, read(how)]));
}

// A surface that can be summed: tables of n places, each with `households`, `count(k)` (expected households above rung
// k), `spread(k)` (variance of the households at 0, of the count above rung k - 1 after it) and `hidden`.
function makeSurface(head, arrays) {
  const rungs = head.ladder.length;
  const [SHOWN, PARTLY, ALL] = [0, 1, 2];
  const size = arrays.places.length / 5;
  const column = (values, k, n = size) => values.subarray(k * n, (k + 1) * n);
  const [cellAt, zipAt, countyAt, countedIn, shown] = [0, 1, 2, 3, 4].map((k) => column(arrays.places, k));
  const mass = column(arrays.counts, 0);
  const total = (at, n) => {
    const sums = new Float64Array(n + 1);
    for (let row = 0; row < size; row += 1) sums[at[row] + 1] += mass[row];
    return sums;
  };
  const zipMass = total(zipAt, head.zips.length);
  const countyMass = total(countyAt, head.counties.length);

  // Of what rows have in common, a part holds the share that its households have of the ZIP's or county's.
  function commonShares(at, place, whole) {
    const group = new Map();
    const key = (row) => at[row] * whole.length + place[row] + 1;
    for (let row = 0; row < size; row += 1)
      if (at[row] >= 0) group.set(key(row), (group.get(key(row)) ?? 0) + mass[row]);
    return Float64Array.from(at, (to, row) => {
      const all = whole[place[row] + 1];
      return to >= 0 && all > 0 ? group.get(key(row)) / all : 0;
    });
  }
  function hiddenOf(at, n, within) {
    const [any, away] = [new Uint8Array(n), new Uint8Array(n)];
    for (let row = 0; row < size; row += 1) {
      if (at[row] < 0) continue;
      if (shown[row]) any[at[row]] = 1;
      else if (countedIn[row] > within) away[at[row]] = 1;
    }
    return any.map((some, i) => (some ? (away[i] ? PARTLY : SHOWN) : ALL));
  }
  function heaviest(at, n, place) {
    const best = new Int32Array(n).fill(-1);
    const sums = new Map();
    for (let row = 0; row < size; row += 1) {
      if (at[row] < 0 || place[row] < 0) continue;
      const key = at[row] * 65536 + place[row];
      sums.set(key, (sums.get(key) ?? 0) + mass[row]);
    }
    const top = new Float64Array(n).fill(-1);
    for (const [key, households] of sums) {
      const [i, k] = [Math.floor(key / 65536), key % 65536];
      if (households > top[i]) [top[i], best[i]] = [households, k];
    }
    return best;
  }
  function remember(make) {
    const known = [];
    return (k) => (known[k] ??= make(k));
  }

  function makeLevel(number, at) {
    const cells = arrays[`cells${number}`];
    const n = cells.length;
    const cz = commonShares(at, zipAt, zipMass);
    const cc = commonShares(at, countyAt, countyMass);
    const sum = (value) => {
      const sums = new Float64Array(n);
      for (let row = 0; row < size; row += 1) if (at[row] >= 0) sums[at[row]] += value(row);
      return sums;
    };
    const count = (k) => {
      const values = column(arrays.counts, k);
      return sum((row) => values[row]);
    };
    const spread = (k) => {
      const own = column(arrays.variance, k);
      const [byZip, byCounty] = [column(arrays.with_zip, k), column(arrays.with_county, k)];
      return sum((row) => own[row] + cz[row] * byZip[row] + cc[row] * byCounty[row]).map((v) => Math.max(v, 0));
    };
    const zips = Array.from({ length: n }, () => []);
    const households = count(0);
    for (let row = 0; row < size; row += 1)
      if (at[row] >= 0 && zipAt[row] >= 0) zips[at[row]].push([mass[row], zipAt[row]]);
    const zipsOf = (i) => {
      const sums = new Map();
      for (const [some, zip] of zips[i]) sums.set(zip, (sums.get(zip) ?? 0) + some);
      return [...sums].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([zip]) => zip);
    };
    const middle = arrays[`middle${number}`];
    const offsets = arrays[`corners${number}`];
    const sides = n ? offsets.length / n / 2 : 6;
    // pairs of columns: the first three corners, their opposites as a sum with them, any more
    const step = (i, corner, axis) =>
      offsets[(2 * corner + axis) * n + i] - (corner >= 3 && corner < 6 ? offsets[(2 * (corner - 3) + axis) * n + i] : 0);
    const corners = (i) =>
      Array.from({ length: sides }, (_, corner) =>
        [0, 1].map((axis) => (middle[axis * n + i] + step(i, corner, axis)) / 1e6),
      );
    return {
      number, cells, at, households, zipsOf, corners,
      resolution: head.levels[number],
      longitude: (i) => middle[i] / 1e6,
      latitude: (i) => middle[n + i] / 1e6,
      county: heaviest(at, n, countyAt),
      hidden: hiddenOf(at, n, 0),
      count: remember((k) => count(k + 1)),
      spread: remember(spread),
    }; // prettier-ignore
  }
  const levels = [];
  let at = Int32Array.from(cellAt);
  head.levels.forEach((_, number) => {
    const parent = arrays[`parent${number}`];
    if (parent) at = at.map((cell) => (cell < 0 ? -1 : parent[cell]));
    levels.push(makeLevel(number, at));
  });

  function exact(values, n) {
    const part = (k) => column(values, k, n);
    return {
      households: part(1),
      hidden: Uint8Array.from(part(0)),
      count: (k) => part(2 + k),
      spread: (k) => part(2 + rungs + k),
    };
  }
  const zips = { codes: head.zips, ...exact(arrays.zip_sums, head.zips.length) };
  zips.county = heaviest(zipAt, head.zips.length, countyAt);
  const counties = exact(arrays.county_sums, head.counties.length);
  const region = exact(arrays.region_sums, 1);

  // The rows of an area, each by the share of it that lies inside: as `geoscore query` sums them.
  function sumRows(rows, weights, hidden) {
    const households = rows.reduce((sum, row, i) => sum + weights[i] * mass[row], 0);
    const shares = (place, whole) => {
      const inside = new Map();
      rows.forEach((row, i) => inside.set(place[row], (inside.get(place[row]) ?? 0) + weights[i] * mass[row]));
      return rows.map((row) => {
        const all = whole[place[row] + 1];
        return all > 0 ? inside.get(place[row]) / all : 0;
      });
    };
    const [cz, cc] = [shares(zipAt, zipMass), shares(countyAt, countyMass)];
    const count = (k) => [rows.reduce((sum, row, i) => sum + weights[i] * column(arrays.counts, k + 1)[row], 0)];
    const spread = (k) => {
      const [values, own] = [column(arrays.counts, k), column(arrays.variance, k)];
      const [byZip, byCounty] = [column(arrays.with_zip, k), column(arrays.with_county, k)];
      let sum = 0;
      rows.forEach((row, i) => {
        const w = weights[i];
        const part = k === 0 ? 1 : mass[row] > 0 ? values[row] / mass[row] : 0;
        const alone = w * own[row] + w * (1 - w) * mass[row] * part ** 2;
        sum += alone + cz[i] * (w * (own[row] + byZip[row]) - alone) + cc[i] * w * byCounty[row];
      });
      return [Math.max(sum, 0)];
    };
    const state = hidden ? (households > 0 ? PARTLY : ALL) : SHOWN;
    return { households: [households], hidden: [state], count: remember(count), spread: remember(spread) };
  }
  function sumZips(codes) {
    const wanted = new Set(codes.map((code) => head.zips.indexOf(code)));
    const rows = [];
    let hidden = false;
    for (let row = 0; row < size; row += 1) {
      if (!wanted.has(zipAt[row]) || zipAt[row] < 0) continue;
      if (shown[row]) rows.push(row);
      else if (countedIn[row] !== 1) hidden = true;
    }
    return sumRows(rows, rows.map(() => 1), hidden); // prettier-ignore
  }
  // `shares` maps a cell of the finest level to how much of it lies inside.
  function sumCells(shares) {
    const [rows, weights] = [[], []];
    let hidden = false;
    for (let row = 0; row < size; row += 1) {
      const share = cellAt[row] >= 0 ? (shares.get(cellAt[row]) ?? 0) : 0;
      if (!share) continue;
      if (!shown[row]) hidden = true;
      else {
        rows.push(row);
        weights.push(share);
      }
    }
    return sumRows(rows, weights, hidden);
  }
  return { levels, zips, counties, region, sumZips, sumCells };
}
