// Shows a change of a file as a diff. The files are short, so the longest common subsequence is found with the plain table.

import type { Change } from './changes.ts';

/**
 * A change as text: a heading (`new`, `removed` or `changed`, and the path), followed by all lines, each with `+`, `-` or a space before
 * it; ends with a line feed. A link is the one line `-> target`.
 */
export function differenceText({ path, before, after }: Change): string {
  const verb = before === undefined ? 'new' : after === undefined ? 'removed' : 'changed';
  const lines = differences(linesOf(before), linesOf(after));
  return [`${verb} /${path}`, ...lines.map(([sign, line]) => `  ${sign} ${line}`.trimEnd()), ''].join('\n');
}

function linesOf(content: Change['before']): readonly string[] {
  if (content === undefined) return [];
  if (content.kind === 'link') return [`-> ${content.content}`];
  return content.content.replace(/\n$/, '').split('\n');
}

type Line = readonly [sign: '+' | '-' | ' ', text: string];

/**
 * The lines of both versions in order, each with its sign; common ones once. Time and memory grow with the product of the lengths: for
 * short files only.
 */
export function differences(before: readonly string[], after: readonly string[]): readonly Line[] {
  const common = before.map(() => new Array<number>(after.length + 1).fill(0));
  common.push(new Array<number>(after.length + 1).fill(0));
  const at = (row: number, column: number): number => common[row]?.[column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      const line = common[row];
      if (line === undefined) continue;
      const equal = before[row] === after[column];
      line[column] = equal ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: Line[] = [];
  for (let row = 0, column = 0; row < before.length || column < after.length;) {
    const [old, added] = [before[row], after[column]];
    if (old !== undefined && old === added) {
      lines.push([' ', old]);
      row += 1;
      column += 1;
    } else if (old !== undefined && (added === undefined || at(row + 1, column) >= at(row, column + 1))) {
      lines.push(['-', old]);
      row += 1;
    } else {
      lines.push(['+', added ?? '']);
      column += 1;
    }
  }
  return lines;
}
