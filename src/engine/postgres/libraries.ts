/**
 * The libraries that a setting such as shared_preload_libraries names, without `$libdir/` and `.so`: names divided by
 * commas, each perhaps in double quotes.
 */
export function parseLibraries(value: string): string[] {
  const names = value.match(/"(?:[^"]|"")*"|[^",\s][^",]*/g) ?? []
  return names.map((name) => plain(name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.trim()))
}

/** The setting that names these libraries. */
export const formatLibraries = (names: readonly string[]): string =>
  names.map((name) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)).join(', ')

const plain = (name: string): string => name.replace(/^\$libdir\//, '').replace(/\.so$/, '')
