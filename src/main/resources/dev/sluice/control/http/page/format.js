// Numbers as people read them.

const THIN = "\u2009";

/** Three significant digits with a prefix: 999, 1.23 k, 45.6 M. */
export function short(number) {
  if (number < 1000) {
    return String(Math.round(number));
  }
  let unit = -1;
  let value = number;
  while (value >= 999.5 && unit < 4) {
    value /= 1000;
    unit++;
  }
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + THIN + "kMGTP"[unit];
}

/** Bytes in a second as bits in a second. */
export function bits(bytes) {
  return short(bytes * 8);
}

/** All digits, in groups. */
export function exact(number) {
  return number.toLocaleString("en-US").replaceAll(",", THIN);
}

export function percent(share) {
  return (share * 100).toFixed(share < 0.0995 ? 1 : 0) + THIN + "%";
}

/** The largest two units: 3 d 4 h, 12 min 5 s. */
export function duration(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = parts.findIndex(([size]) => s >= size);
  if (first < 0) {
    return "0" + THIN + "s";
  }
  return parts.slice(first, first + 2)
    .map(([size, unit], i) => [Math.floor((i === 0 ? s : s % parts[first][0]) / size), unit])
    .filter(([value]) => value > 0)
    .map(([value, unit]) => value + THIN + unit)
    .join(" ");
}

/** The largest unit alone, for what changes slowly. */
export function age(ms) {
  return duration(ms).split(" ")[0];
}

export function nanos(ns) {
  return ns < 1e6 ? (ns / 1e3).toFixed(0) + THIN + "µs" : (ns / 1e6).toFixed(ns < 1e8 ? 1 : 0) + THIN + "ms";
}

export function clock(when) {
  const date = new Date(when);
  const time = date.toLocaleTimeString("en-GB");
  return date.toDateString() === new Date().toDateString() ? time : date.toISOString().slice(0, 10) + " " + time;
}
