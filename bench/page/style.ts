/** The looks of pages and plots, light and dark as the reader's system has it. Eight hues that colour-blind readers tell apart. */

const LIGHT = ['#0b6bb0', '#c8600a', '#00805e', '#b0417f', '#7a5bc0', '#8a6d00', '#3d7f94', '#8b4a36'];
const DARK = ['#58b4f0', '#f2994f', '#3fcf9f', '#ec86bd', '#b79cf5', '#dcb93a', '#7fc8dc', '#d99580'];

const palette = (colours: readonly string[]): string =>
  colours.map((colour, index) => `--c${index}:${colour};`).join('');
const classes = LIGHT.map((_, index) => {
  const colour = `var(--c${index})`;
  return `.line.c${index}{stroke:${colour}}.dot.c${index},.part.c${index}{fill:${colour}}.key.c${index}{background:${colour}}`;
}).join('\n');

/** What plots need, on a page and alone. */
export const PLOT_STYLE = `
:root{color-scheme:light dark;--paper:#fcfcfa;--card:#ffffff;--ink:#1c2126;--dim:#5d6771;--grid:#e4e6e8;--edge:#dfe2e5;--good:#00734f;--bad:#b3261e;${palette(LIGHT)}}
@media (prefers-color-scheme:dark){:root{--paper:#14171a;--card:#1b1f23;--ink:#e6e9ec;--dim:#9aa4ad;--grid:#2c3238;--edge:#2c3238;--good:#4fd1a0;--bad:#ff8a80;${palette(DARK)}}}
.grid{stroke:var(--grid);stroke-width:1}
.mark{fill:var(--dim)}.axis{fill:var(--dim);font-size:13px}.sum{fill:var(--ink);font-weight:600}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round}
.line.limit{stroke-dasharray:5 5;stroke-width:1.8}
${classes}
`;

export const FONTS = 'system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif';

export const STYLE = `${PLOT_STYLE}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 ${FONTS}}
main{max-width:1020px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;line-height:1.2;margin:0 0 6px}
h2{font-size:19px;margin:40px 0 12px}
p{margin:6px 0}
.dim{color:var(--dim)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:12px;margin:22px 0}
.tile,figure{background:var(--card);border:1px solid var(--edge);border-radius:8px}
.tile{padding:14px 16px}
.tile b{display:block;font-size:25px;line-height:1.25;font-variant-numeric:tabular-nums}
.tile span{color:var(--dim);font-size:13px}
.good{color:var(--good)}.bad{color:var(--bad)}
figure{margin:14px 0;padding:14px 16px 8px}
figcaption{font-weight:600}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 18px;margin:6px 0 8px;padding:0;font-size:13px;color:var(--dim)}
.key{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;vertical-align:-1px}
.scroll{overflow-x:auto}
svg{display:block;width:100%;min-width:560px;height:auto;font-size:12.5px}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:6px 9px;text-align:right;border-bottom:1px solid var(--edge);white-space:nowrap}
th{color:var(--dim);font-weight:500}
th:first-child,td:first-child{text-align:left;padding-left:0}
@media print{main{max-width:none}figure,.tile{break-inside:avoid}}
`;
