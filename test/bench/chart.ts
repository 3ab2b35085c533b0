/**
 * Results as a picture for the documentation: for each comparison a bar for each row, as long as the median of one column, and
 * over it a whisker from the smallest run to the largest. An SVG without scripts and links, legible on a light and on a dark
 * ground; the same results give the same text.
 *
 * @module
 */
import { describeMachine, type Machine, grouped, headingOf } from './report.js';
import type { Result, Row } from './results.js';
import type { Column } from './trial.js';

/** A comparison and the column of it that is drawn. */
export interface Charted {
  readonly result: Result;
  readonly column: string;
}

/** From one end of the whisker to the other; of a row without figures there is none. */
interface Bar {
  readonly name: string;
  /** Whether it is the row that goals are set for. */
  readonly own: boolean;
  readonly value?: { readonly median: number; readonly least: number; readonly most: number };
}

const WIDTH = 800;
const MARGIN = 20;
const BARS_AT = 240;
/** What the longest bar with its whisker takes; the figure is printed behind it. */
const BARS_WIDTH = 440;
const LINE = 18;
const ROW = 26;
const BAR = 16;
const WHISKER_CAP = 6;
const GAP = 22;
/** From the middle of a line of text down to its base line. */
const DESCENT = 4.5;

/** Both grounds with the same contrasts; who shows the picture says which of them it is. */
const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 14px }
.small { font-size: 12px; fill: #59636e }
.ground { fill: #ffffff }
.bar { fill: #9aa4af }
.own { fill: #2f7fd6 }
.whisker { stroke: #1f2328; stroke-width: 1.5; fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .small { fill: #9198a1 }
  .ground { fill: #0d1117 }
  .bar { fill: #656c76 }
  .own { fill: #4493f8 }
  .whisker { stroke: #f0f6fc }
}
`;

/** Draws them below each other, with a line about the machine at the end. Comparisons without the column are left out. */
export function chartOf(charted: readonly Charted[], machine: Machine, date: Date): string {
  const drawn: string[] = [];
  let y = MARGIN;
  for (const { result, column } of charted) {
    const about = result.comparison.columns[column];
    if (about === undefined) continue;
    const bars = result.rows.map((row) => barOf(row, result, column));
    drawn.push(drawComparison(result.comparison.title, about, bars, y));
    y += 2 * LINE + bars.length * ROW + GAP;
  }
  const caption = [date.toISOString().slice(0, 10), ...describeMachine(machine).split('\n')];
  for (const line of caption) {
    drawn.push(text(MARGIN, y + LINE / 2, line, 'small'));
    y += LINE;
  }
  return svg(y + MARGIN / 2, drawn);
}

function barOf({ trial, cells }: Row, { comparison, runs }: Result, column: string): Bar {
  const own = (comparison.goals ?? []).some((goal) => goal.trial === trial);
  const values = (runs[trial] ?? []).flatMap((figures) => figures?.[column] ?? []);
  const median = cells[column]?.median;
  return median === undefined
    ? { name: trial, own }
    : { name: trial, own, value: { median, least: Math.min(...values), most: Math.max(...values) } };
}

/** All bars of a comparison have one scale, which begins with 0. */
function drawComparison(title: string, about: Column, bars: readonly Bar[], y: number): string {
  const longest = Math.max(...bars.map(({ value }) => value?.most ?? 0));
  const scale = longest > 0 ? BARS_WIDTH / longest : 0;
  return [
    text(MARGIN, y + LINE / 2, title, 'title'),
    text(MARGIN, y + LINE * 1.5, headingOf(about), 'small'),
    ...bars.flatMap((bar, at) => drawBar(bar, about, scale, y + 2 * LINE + at * ROW)),
  ].join('\n');
}

function drawBar({ name, own, value }: Bar, { decimals = 0 }: Column, scale: number, y: number): string[] {
  const middle = y + ROW / 2;
  const label = text(BARS_AT - 10, middle, name, undefined, 'end');
  if (value === undefined) return [label, text(BARS_AT, middle, 'not measured', 'small')];
  const { median, least, most } = value;
  const [from, to] = [BARS_AT + least * scale, BARS_AT + most * scale];
  const cap = (x: number): string => `M${short(x)} ${short(middle - WHISKER_CAP / 2)}v${WHISKER_CAP}`;
  return [
    label,
    `<rect class="${own ? 'own' : 'bar'}" x="${BARS_AT}" y="${short(middle - BAR / 2)}" width="${short(median * scale)}" height="${BAR}" rx="2"/>`,
    `<path class="whisker" d="${cap(from)}M${short(from)} ${short(middle)}H${short(to)}${cap(to)}"/>`,
    text(to + 10, middle, grouped(median, decimals)),
  ];
}

function svg(height: number, drawn: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${short(height)}" viewBox="0 0 ${WIDTH} ${short(height)}" role="img">`,
    '<title>Medians of the benchmark, with whiskers from the smallest run to the largest</title>',
    `<style>${STYLE}</style>`,
    '<rect class="ground" width="100%" height="100%" rx="6"/>',
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

/** `y` is its middle. */
function text(x: number, y: number, words: string, kind?: string, anchor?: 'end'): string {
  const attributes = [
    `x="${short(x)}"`,
    `y="${short(y + DESCENT)}"`,
    ...(kind === undefined ? [] : [`class="${kind}"`]),
    ...(anchor === undefined ? [] : [`text-anchor="${anchor}"`]),
  ];
  return `<text ${attributes.join(' ')}>${escaped(words)}</text>`;
}

const escaped = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Hundredths of a pixel are enough. */
const short = (value: number): string => String(Math.round(value * 100) / 100);
