/** Where a command reads and writes, so that tests can stand in for the terminal. */
export interface CommandIo {
  /** Results. */
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Progress and problems. */
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Columns padded to their widest cell, two spaces between them. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
