/**
 * What the demo prints: headings, columns, and colours where there is a terminal to show them.
 *
 * @module
 */

const COLOURED = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const CODES = { bold: 1, dim: 2, red: 31, green: 32 } as const;

export type Style = keyof typeof CODES;

export const styled = (style: Style, text: string): string =>
  COLOURED ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;

export const say = (line = ''): void => {
  console.log(line);
};

export const heading = (text: string): void => {
  say(`\n${styled('bold', text)}`);
};

/** Pads before it styles: a terminal does not count the codes. */
export const outcome = (arrived: boolean, width = 0): string =>
  arrived ? styled('green', 'passed'.padEnd(width)) : styled('red', 'blocked'.padEnd(width));
