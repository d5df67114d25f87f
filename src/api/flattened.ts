/** More members than any list of an action has. */
const MOST_MEMBERS = 100

/**
 * The list that `name` holds in flattened form, as JSON text of an array of objects: `Node.1.Host=a&Node.1.Port=1` is
 * `[{"Host":"a","Port":"1"}]`. Members come in the order of their numbers, which start at 1 and may leave gaps. Undefined when
 * no parameter has that form.
 */
export function flattenedList(parameters: Iterable<readonly [string, string]>, name: string): string | undefined {
  const members = new Map<number, Record<string, string>>()
  for (const [key, value] of parameters) {
    if (!key.startsWith(`${name}.`)) continue
    const [, number, field] = /^([1-9]\d{0,2})\.([A-Za-z][A-Za-z0-9]*)$/.exec(key.slice(name.length + 1)) ?? []
    if (number === undefined || field === undefined || Number(number) > MOST_MEMBERS) continue
    const member = members.get(Number(number)) ?? {}
    member[field] = value
    members.set(Number(number), member)
  }
  if (members.size === 0) return undefined
  return JSON.stringify([...members].toSorted(([a], [b]) => a - b).map(([, member]) => member))
}
