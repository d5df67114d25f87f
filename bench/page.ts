import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

const PAGE = fileURLToPath(new URL('../docs/performance.md', import.meta.url))

const HEAD = `# Performance

Every figure here comes from one run of the command named above it, on the machine named beside it, together with the peers it is
compared with. Machines are noisy: read the ratios, and run the commands on yours.
`

/** Puts \`body\` under \`## title\` in docs/performance.md, in place of what an earlier run wrote there. */
export function writeSection(title: string, command: string, body: string): void {
  const old = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : HEAD
  const section = `## ${title}\n\n\`${command}\` on ${machine()}\n\n${body.trim()}\n`
  const sections = old.split(/\n(?=## )/)
  const place = sections.findIndex((text) => text.startsWith(`## ${title}\n`))
  if (place < 0) sections.push(section)
  else sections[place] = section
  writeFileSync(PAGE, `${sections.map((text) => text.trim()).join('\n\n')}\n`)
}

/** The machine in one line: processors, memory, kernel, Node, date. */
function machine(): string {
  const model = cpus()[0]?.model.trim() || 'unnamed processor'
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: new URL('..', import.meta.url) })
  const day = new Date().toISOString().slice(0, 10)
  return `${cpus().length} × ${model}, ${memory}, Linux ${release()}, Node ${process.versions.node}, commit ${commit.toString().trim()}, ${day}.`
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}
