/** One column of a table: its heading, what stands in it, and whether it is a number and stands to the right. */
export interface Column<T> {
  readonly title: string
  readonly value: (row: T) => string
  readonly right?: boolean
}

/** Rows as aligned text for people: a line of headings, then one line a row, each ending in a newline. */
export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ value }) => printable(value(row)))),
  ]
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)))
  const pad = (text: string, index: number) =>
    columns[index]?.right ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0)
  return cells.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('')
}

/** Names and values of one thing, one a line. Empty values are left out. */
export function formatFields(fields: Readonly<Record<string, string>>): string {
  const shown = Object.entries(fields).filter(([, value]) => value !== '')
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}\n`).join('')
}

/** Text from a service without what would move a terminal's cursor or colour it. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '?')
