import type { Pieces } from './request.ts'

/** Stands where a RequestId goes while a page is rendered; as long as every RequestId, and found nowhere else. */
export const REQUEST_ID_PLACE = '0F0F0F0F-F0F0-4F0F-8F0F-0F0F0F0F0F0F'

/** Keeps rendered replies that differ in nothing but their RequestId. */
export interface PageCache {
  /**
   * The page under `key`, with `requestId` in its place; its bytes are shared by all who get it. `render` makes the page when it is not there, with
   * REQUEST_ID_PLACE for its RequestId; calls that miss at the same time share one rendering. A rendering that fails is not kept.
   */
  page(key: string, requestId: string, render: () => Promise<string>): Promise<Pieces>
  /** Bytes held now, never above the limit. */
  readonly bytes: number
}

interface Page {
  /** What stands before the RequestId, and what after it. */
  readonly head: string
  readonly tail: Buffer
}

/** What an entry costs beside its body: its key, its place in the map, its object. An estimate on the high side. */
const OVERHEAD = 512

/** A cache of at most `maxBytes`; the page used longest ago goes first. A key names everything its page depends on, so nothing is ever invalidated. */
export function createPageCache(maxBytes: number): PageCache {
  const pages = new Map<string, Page>()
  const rendering = new Map<string, Promise<Page>>()
  let bytes = 0

  const cost = (key: string, page: Page) => page.head.length + page.tail.length + 2 * key.length + OVERHEAD

  const drop = (key: string, page: Page) => {
    pages.delete(key)
    bytes -= cost(key, page)
  }

  const keep = (key: string, page: Page) => {
    const size = cost(key, page)
    if (size > maxBytes) return
    for (const [oldKey, old] of pages) {
      if (bytes + size <= maxBytes) break
      drop(oldKey, old)
    }
    pages.set(key, page)
    bytes += size
  }

  const make = (key: string, render: () => Promise<string>): Promise<Page> => {
    const running = rendering.get(key)
    if (running) return running
    const made = render()
      .then((text) => {
        const page = preparePage(text)
        keep(key, page)
        return page
      })
      .finally(() => rendering.delete(key))
    rendering.set(key, made)
    return made
  }

  return {
    get bytes() {
      return bytes
    },

    async page(key, requestId, render) {
      const page = pages.get(key)
      if (page === undefined) return stamp(await make(key, render), requestId)
      // Taken out and put back, it is the newest: a Map keeps the order of insertion.
      pages.delete(key)
      pages.set(key, page)
      return stamp(page, requestId)
    },
  }
}

function preparePage(text: string): Page {
  const idAt = text.indexOf(REQUEST_ID_PLACE)
  if (idAt < 0) throw new Error('a page without a place for its RequestId')
  return { head: text.slice(0, idAt), tail: Buffer.from(text.slice(idAt + REQUEST_ID_PLACE.length)) }
}

const stamp = ({ head, tail }: Page, requestId: string): Pieces => [Buffer.from(head + requestId), tail]
