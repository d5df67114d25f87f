/**
 * The statements of a script that pg_dumpall or pg_restore wrote, without comments, psql's own commands and the semicolons at
 * their ends. Semicolons in texts, quoted names and dollar quotes end nothing.
 */
export function sqlStatements(script: string): string[] {
  const statements: string[] = []
  let text = ''
  for (const [token] of script.matchAll(TOKEN)) {
    if (token.startsWith('--')) continue
    if (token.startsWith('\\') && text.trim() === '') continue
    if (token === ';') {
      if (text.trim() !== '') statements.push(text.trim())
      text = ''
    } else text += token
  }
  if (text.trim() !== '') statements.push(text.trim())
  return statements
}

/**
 * A comment, a command of psql, a text with backslashes, a text, a name in quotes, a dollar quote, the end of a statement, or
 * something between.
 */
const TOKEN =
  /--[^\n]*|\\[^\n]*|\bE'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$(?:[A-Za-z_]\w*)?\$)[\s\S]*?\1|;|[A-Za-z_0-9]+|[\s\S]/g

const IDENTIFIER = String.raw`(?:"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`

/** The name that SQL's text of it means. */
export const nameIn = (identifier: string): string =>
  identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier

/** A pattern in which each `%I` stands for a name, caught. */
export const sqlPattern = (pattern: string): RegExp => new RegExp(pattern.replaceAll('%I', `(${IDENTIFIER})`), 'u')
