/** Plots as pictures of their own, for documents: one SVG file each, with its title, its legend and its style in it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { colour, type Plot, WIDTH } from './chart.js';
import { FONTS, PLOT_STYLE } from './style.js';
import { escaped } from './text.js';

const EDGE = 12;
const TITLE_HEIGHT = 24;
const LEGEND_HEIGHT = 20;
const KEY = 12;
/** About, at the size of the legend. */
const LETTER_WIDTH = 6.6;
const GAP = 18;

/** Makes the folder where there is none. @returns the names of the files, in the order of the plots */
export function writePictures(folder: string, plots: readonly Plot[]): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const names = namesOf(plots);
  for (const [index, plot] of plots.entries()) writeFileSync(join(folder, names[index] ?? ''), pictureOf(plot));
  return names;
}

/** By the title; the second of the same title has a 2. */
function namesOf(plots: readonly Plot[]): readonly string[] {
  const seen = new Map<string, number>();
  return plots.map(({ title }) => {
    const name = title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return `${name}${count === 1 ? '' : `-${count}`}.svg`;
  });
}

export function pictureOf({ title, content, height, names }: Plot): string {
  const { items, rows } = legend(names);
  const top = EDGE + TITLE_HEIGHT + rows * LEGEND_HEIGHT;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH + 2 * EDGE} ${top + height + EDGE}" role="img" aria-label="${escaped(title)}" font-family="${escaped(FONTS)}" font-size="12.5">
<style>${PLOT_STYLE}.paper{fill:var(--card);stroke:var(--edge)}.title{fill:var(--ink);font-size:15px;font-weight:600}</style>
<rect class="paper" x="0.5" y="0.5" width="${WIDTH + 2 * EDGE - 1}" height="${top + height + EDGE - 1}" rx="8"/>
<text class="title" x="${EDGE}" y="${EDGE + 14}">${escaped(title)}</text>
${items.join('')}
<g transform="translate(${EDGE} ${top})">${content}</g>
</svg>
`;
}

function legend(names: readonly string[]): { readonly items: readonly string[]; readonly rows: number } {
  let x = 0;
  let row = 0;
  const items = names.map((name, index) => {
    const width = KEY + 6 + name.length * LETTER_WIDTH;
    if (x > 0 && x + width > WIDTH) {
      x = 0;
      row++;
    }
    const left = EDGE + x;
    const top = EDGE + TITLE_HEIGHT + row * LEGEND_HEIGHT;
    x += width + GAP;
    return `<rect class="part ${colour(index)}" x="${left.toFixed(1)}" y="${top}" width="${KEY}" height="${KEY}" rx="3"/><text class="mark" x="${(left + KEY + 6).toFixed(1)}" y="${top + 10}">${escaped(name)}</text>`;
  });
  return { items, rows: names.length === 0 ? 0 : row + 1 };
}
