// Plain text in columns, and thousands separators.

/**
 * Pads the cells of each column to its widest cell, in characters, except in a row's last column; rows may be of different lengths. Cells
 * must hold no colour codes: paint afterwards.
 */
export function padded(rows: readonly (readonly string[])[]): string[][] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, Array.from(cell).length);
  return rows.map((row) =>
    row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))),
  );
}

/** A whole number of at least 0 as text with a comma every three digits: `1234567` → `1,234,567`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
