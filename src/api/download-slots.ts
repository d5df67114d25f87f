/** Counts the downloads that run now, in all and for each set. */
export interface Slots {
  /** Takes a place for one download of the set; undefined when there is none. What it gives frees the place, once, however often it is called. */
  take(setId: string): (() => void) | undefined
  readonly taken: number
}

export interface DownloadLimits {
  readonly downloads: number
  readonly downloadsPerSet: number
}

/** Places for downloads, within both limits. */
export function downloadSlots({ downloads, downloadsPerSet }: DownloadLimits): Slots {
  const perSet = new Map<string, number>()
  let taken = 0

  return {
    get taken() {
      return taken
    },

    take(setId) {
      const ofSet = perSet.get(setId) ?? 0
      if (taken >= downloads || ofSet >= downloadsPerSet) return undefined
      taken += 1
      perSet.set(setId, ofSet + 1)
      let held = true
      return () => {
        if (!held) return
        held = false
        taken -= 1
        const left = (perSet.get(setId) ?? 1) - 1
        if (left === 0) perSet.delete(setId)
        else perSet.set(setId, left)
      }
    },
  }
}
