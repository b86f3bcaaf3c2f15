/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** One measured size: the middle of its rounds, and how far they spread. */
export interface Point {
  readonly x: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What a plot says of itself. */
export interface PlotText {
  readonly title: string;
  readonly x: string;
  readonly y: string;
}

const WIDTH = 720;
const HEIGHT = 380;
const LEFT = 70;
const RIGHT = 180;
const TOP = 50;
const BOTTOM = 50;
const LINES = 4;
const COLOURS = ["#0b6e4f", "#00add8", "#777777", "#6aa84f", "#e0912f", "#8e44ad", "#c0392b", "#2e86ab"];

/** Lines over sizes with bars for the spread, as a picture of its own that reads on white and on black. */
export function plot(series: readonly Series[], text: PlotText): string {
  const points = series.flatMap(({ points }) => points);
  const highestX = Math.max(...points.map(({ x }) => x), 1);
  const highestY = roundUp(Math.max(...points.map(({ max }) => max), Number.MIN_VALUE));
  const at = (x: number): number => LEFT + (x / highestX) * (WIDTH - LEFT - RIGHT);
  const up = (y: number): number => HEIGHT - BOTTOM - (y / highestY) * (HEIGHT - TOP - BOTTOM);
  const grid = Array.from({ length: LINES + 1 }, (_, index) => {
    const y = (highestY * index) / LINES;
    return (
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${up(y)}" y2="${up(y)}" stroke="#ddd"/>` +
      `<text x="${LEFT - 8}" y="${up(y) + 4}" text-anchor="end">${short(y)}</text>`
    );
  });
  const sizes = [...new Set(points.map(({ x }) => x))];
  const ticks = sizes.map(
    (x) => `<text x="${at(x)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${short(x)}</text>`,
  );
  const lines = series.map(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? "#000";
    const path = points.map(({ x, median }) => `${at(x).toFixed(1)},${up(median).toFixed(1)}`).join(" ");
    const marks = points.map(
      ({ x, median, min, max }) =>
        `<line x1="${at(x)}" x2="${at(x)}" y1="${up(min)}" y2="${up(max)}" stroke="${colour}" stroke-opacity="0.5"/>` +
        `<circle cx="${at(x)}" cy="${up(median)}" r="4" fill="${colour}"/>`,
    );
    const y = TOP + 20 + index * 22;
    return (
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${marks.join("")}` +
      `<rect x="${WIDTH - RIGHT + 18}" y="${y - 10}" width="12" height="12" fill="${colour}"/>` +
      `<text x="${WIDTH - RIGHT + 36}" y="${y}">${escape(name)}</text>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="22" font-size="15" font-weight="bold">${escape(text.title)}</text>
<text x="${LEFT}" y="40" fill="#555">${escape(text.y)}</text>
${grid.join("\n")}
${ticks.join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle" fill="#555">${escape(text.x)}</text>
${lines.join("\n")}
</svg>
`;
}

/** The next of 1, 2, 2.5, 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((step) => step * power >= value) ?? 10;
  return step * power;
}

function short(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
