/** Plots as SVG: lines over two axes, and bars made of parts. Colours are by class, so they follow the scheme of where they stand. */
import type { Axis } from './axis.js';
import { escaped } from './text.js';

export interface Line {
  readonly name: string;
  /** Drawn with dashes: a limit, or what is compared with. */
  readonly isLimit?: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  /** What is within the `svg` element; WIDTH units wide. */
  readonly content: string;
  readonly height: number;
  /** Of lines or parts, each with its colour in this order. */
  readonly names: readonly string[];
}

export interface Bar {
  readonly name: string;
  readonly parts: readonly { readonly name: string; readonly value: number }[];
}

export const WIDTH = 860;
const HEIGHT = 340;
const LEFT = 70;
const RIGHT = 34;
const TOP = 14;
const BOTTOM = 48;
const BAR_HEIGHT = 30;
const BAR_GAP = 16;
const BAR_LEFT = 190;
/** Of the page's palette. */
const COLOURS = 8;
const POINTS_SHOWN_MAX = 24;

const one = (value: number): string => value.toFixed(1);
export const colour = (index: number): string => `c${index % COLOURS}`;

/** @param x and @param y hold all points */
export function lineChart(title: string, x: Axis, y: Axis, lines: readonly Line[]): Plot {
  const right = WIDTH - RIGHT;
  const bottom = HEIGHT - BOTTOM;
  const xAt = (value: number): number => LEFT + x.place(value) * (right - LEFT);
  const yAt = (value: number): number => bottom - y.place(value) * (bottom - TOP);
  const grid = [
    ...y.marks.map(
      ({ value, label }) =>
        `<line class="grid" x1="${LEFT}" x2="${right}" y1="${one(yAt(value))}" y2="${one(yAt(value))}"/>` +
        `<text class="mark" x="${LEFT - 8}" y="${one(yAt(value) + 4)}" text-anchor="end">${escaped(label)}</text>`,
    ),
    ...x.marks.map(
      ({ value, label }) =>
        `<line class="grid" x1="${one(xAt(value))}" x2="${one(xAt(value))}" y1="${TOP}" y2="${bottom}"/>` +
        `<text class="mark" x="${one(xAt(value))}" y="${bottom + 18}" text-anchor="middle">${escaped(label)}</text>`,
    ),
  ];
  const titles =
    `<text class="axis" x="${(LEFT + right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escaped(x.title)}</text>` +
    `<text class="axis" transform="translate(14 ${(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(y.title)}</text>`;
  const drawn = lines.map(({ name, isLimit = false, points }, index) => {
    const places = points.map(([px, py]) => [xAt(px), yAt(py)] as const);
    const path = places.map(([px, py], at) => `${at === 0 ? 'M' : 'L'}${one(px)} ${one(py)}`).join('');
    const dots =
      places.length > POINTS_SHOWN_MAX
        ? ''
        : places
            .map(([px, py]) => `<circle class="dot ${colour(index)}" cx="${one(px)}" cy="${one(py)}" r="3"/>`)
            .join('');
    return `<g><title>${escaped(name)}</title><path class="line ${colour(index)}${isLimit ? ' limit' : ''}" d="${path}"/>${dots}</g>`;
  });
  const content = `${grid.join('')}${titles}${drawn.join('')}`;
  return { title, content, height: HEIGHT, names: lines.map(({ name }) => name) };
}

/** Each bar is as long as the sum of its parts. @param x holds all sums @param names of all parts, each with its colour */
export function barChart(title: string, x: Axis, names: readonly string[], bars: readonly Bar[]): Plot {
  const right = WIDTH - RIGHT - 50;
  const bottom = TOP + bars.length * (BAR_HEIGHT + BAR_GAP);
  const xAt = (value: number): number => BAR_LEFT + x.place(value) * (right - BAR_LEFT);
  const grid = x.marks.map(
    ({ value, label }) =>
      `<line class="grid" x1="${one(xAt(value))}" x2="${one(xAt(value))}" y1="${TOP}" y2="${bottom}"/>` +
      `<text class="mark" x="${one(xAt(value))}" y="${bottom + 18}" text-anchor="middle">${escaped(label)}</text>`,
  );
  const drawn = bars.map((bar, index) => {
    const top = TOP + index * (BAR_HEIGHT + BAR_GAP) + BAR_GAP / 2;
    let sum = 0;
    const parts = bar.parts.map(({ name, value }) => {
      const from = xAt(sum);
      sum += value;
      const width = Math.max(0, xAt(sum) - from);
      return `<rect class="part ${colour(names.indexOf(name))}" x="${one(from)}" y="${one(top)}" width="${one(width)}" height="${BAR_HEIGHT}"><title>${escaped(name)}: ${value.toFixed(2)}</title></rect>`;
    });
    const middle = one(top + BAR_HEIGHT / 2 + 5);
    return (
      `<text class="mark" x="${BAR_LEFT - 10}" y="${middle}" text-anchor="end">${escaped(bar.name)}</text>${parts.join('')}` +
      `<text class="sum" x="${one(xAt(sum) + 8)}" y="${middle}">${sum.toFixed(1)}</text>`
    );
  });
  const height = bottom + BOTTOM;
  const axis = `<text class="axis" x="${(BAR_LEFT + right) / 2}" y="${height - 8}" text-anchor="middle">${escaped(x.title)}</text>`;
  return { title, content: `${grid.join('')}${axis}${drawn.join('')}`, height, names };
}
