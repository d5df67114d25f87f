/** The least limit that may be set, in bytes a second: below it a piece of a set would take minutes. */
export const LEAST_BANDWIDTH = 65_536

/**
 * What each of those that run may use of the whole, in bytes a second: the same for all, but never more than its own limit; what one
 * cannot use the others get. `whole` and limits of 0 are none; a share of 0 is no limit.
 */
export function sharesOf(whole: number, limits: readonly number[]): number[] {
  if (whole === 0) return [...limits]
  const shares = limits.map(() => 0)
  const smallestFirst = [...limits.keys()].toSorted((a, b) => (limits[a] || Infinity) - (limits[b] || Infinity))
  let left = whole
  for (const [done, at] of smallestFirst.entries()) {
    const even = Math.floor(left / (limits.length - done))
    // Of a whole that is too small for all, everybody still gets a byte: 0 would be no limit.
    const share = Math.max(1, Math.min(limits[at] || Infinity, even))
    shares[at] = share
    left -= share
  }
  return shares
}
