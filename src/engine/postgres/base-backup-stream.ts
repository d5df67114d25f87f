import { Fault } from '../../core/fault.ts'
import type { WireEvent } from './wire-reader.ts'

/** One tablespace as the server announces it; the main data directory has no oid. */
export interface Announced {
  readonly oid: string | undefined
  readonly location: string
  /** Bytes, when progress was asked for. */
  readonly size: number
}

export type BackupEvent =
  /** The checkpoint is over and the backup begins here. */
  | { readonly kind: 'start'; readonly lsn: string; readonly timeline: number }
  | { readonly kind: 'tablespaces'; readonly tablespaces: readonly Announced[] }
  /** The tar of this tablespace follows; undefined: of the main data directory. */
  | { readonly kind: 'archive'; readonly oid: string | undefined }
  | { readonly kind: 'tar'; readonly bytes: Buffer }
  | { readonly kind: 'manifest' }
  | { readonly kind: 'manifest-bytes'; readonly bytes: Buffer }
  | { readonly kind: 'end'; readonly lsn: string; readonly timeline: number }
  | { readonly kind: 'warning'; readonly text: string }

/** Reads what the server says during BASE_BACKUP, in either of its two forms. */
export interface BackupReader {
  read(event: WireEvent): BackupEvent | undefined
  /** Whether all of a backup has been read: its end, and that the server is ready for the next command. */
  readonly over: boolean
}

interface State {
  /** Result sets begun so far: start, tablespaces, and after the data the end. */
  results: number
  rows: (readonly (string | null)[])[]
  tablespaces: readonly Announced[]
  /** Copy streams begun so far. */
  copies: number
  copying: boolean
  inManifest: boolean
  ended: boolean
  over: boolean
}

/**
 * A reader of BASE_BACKUP's answer. Since 15 one copy stream holds typed messages; before, each tablespace and the manifest
 * is a copy stream of its own, in the order of the announced rows. Fault 'engine_failed' with the server's words when it
 * reports an error, or when its answer is not in that order.
 */
export function createBackupReader(serverVersion: number): BackupReader {
  const state: State = {
    results: 0,
    rows: [],
    tablespaces: [],
    copies: 0,
    copying: false,
    inManifest: false,
    ended: false,
    over: false,
  }
  const readCopy = serverVersion >= 150_000 ? typedMessages(state) : rawStreams(state)
  return {
    get over() {
      return state.over
    },
    read(event) {
      switch (event.kind) {
        case 'error':
          throw serverFault(event.fields)
        case 'notice':
          return warning(event.fields)
        case 'ready':
          state.over = state.ended && !state.copying
          if (!state.over) throw disorder('the server is done before the backup ended')
          return undefined
        case 'columns':
          state.results++
          state.rows = []
          return undefined
        case 'row':
          state.rows.push(event.values)
          return undefined
        case 'complete':
          return endOfResult(state)
        default:
          return readCopy(event)
      }
    },
  }
}

/** A result set is over: the first tells the start, the second the tablespaces, the one after the data the end. */
function endOfResult(state: State): BackupEvent | undefined {
  const { rows } = state
  state.rows = []
  const [row] = rows
  if (row === undefined) return undefined
  if (state.results === 1) return { kind: 'start', ...position(row) }
  if (state.results === 2) {
    state.tablespaces = rows.map(announced)
    return { kind: 'tablespaces', tablespaces: state.tablespaces }
  }
  if (!state.inManifest || state.copying) throw disorder('an end before the manifest')
  state.ended = true
  return { kind: 'end', ...position(row) }
}

function position(row: readonly (string | null)[]): { lsn: string; timeline: number } {
  const [lsn, timeline] = row
  if (!lsn || !/^[1-9]\d*$/.test(timeline ?? '')) throw disorder('a position without LSN or timeline')
  return { lsn, timeline: Number(timeline) }
}

function announced([oid, location, size]: readonly (string | null)[]): Announced {
  return { oid: oid ?? undefined, location: location ?? '', size: Number(size ?? 0) * 1024 }
}

/** 15 and newer: `n` new archive, `d` data, `m` manifest, `p` progress, one CopyData message each. */
function typedMessages(state: State): (event: WireEvent) => BackupEvent | undefined {
  let type = ''
  let gathered: Buffer[] = []
  return (event) => {
    if (event.kind === 'copy-begin') return beginCopy(state)
    if (event.kind === 'copy-end') return endCopy(state)
    if (event.kind !== 'copy-data' || !state.copying) throw disorder('data outside a copy stream')
    let { bytes } = event
    if (event.first) {
      type = ''
      gathered = []
    }
    if (type === '' && bytes.length > 0) {
      type = String.fromCharCode(bytes[0] ?? 0)
      bytes = bytes.subarray(1)
    }
    if (type === 'd') return data(state, bytes)
    gathered.push(Buffer.from(bytes))
    return event.last ? message(state, type, Buffer.concat(gathered)) : undefined
  }
}

function message(state: State, type: string, body: Buffer): BackupEvent | undefined {
  if (type === 'p') return undefined
  if (type === 'm') return manifest(state)
  if (type !== 'n') throw disorder(`a message of unknown type ${JSON.stringify(type)}`)
  const name = body.toString('utf8', 0, Math.max(0, body.indexOf(0)))
  return archive(state, name === 'base.tar' ? undefined : /^([1-9]\d*)\.tar$/.exec(name)?.[1])
}

/** Before 15: the n-th copy stream is the tar of the n-th announced row, and the last one is the manifest. */
function rawStreams(state: State): (event: WireEvent) => BackupEvent | undefined {
  return (event) => {
    if (event.kind === 'copy-begin') {
      beginCopy(state)
      const row = state.tablespaces[state.copies - 1]
      if (row) return archive(state, row.oid)
      if (state.copies === state.tablespaces.length + 1) return manifest(state)
      throw disorder('more copy streams than tablespaces')
    }
    if (event.kind === 'copy-end') return endCopy(state)
    if (event.kind !== 'copy-data' || !state.copying) throw disorder('data outside a copy stream')
    return data(state, event.bytes)
  }
}

function beginCopy(state: State): undefined {
  if (state.copying) throw disorder('a copy stream inside another')
  state.copying = true
  state.copies++
}

function endCopy(state: State): undefined {
  if (!state.copying) throw disorder('the end of no copy stream')
  state.copying = false
}

function archive(state: State, oid: string | undefined): BackupEvent {
  const known = state.tablespaces.some((tablespace) => tablespace.oid === oid)
  if (!known || state.inManifest) throw disorder('a tar of no announced tablespace')
  return { kind: 'archive', oid }
}

function manifest(state: State): BackupEvent {
  if (state.inManifest) throw disorder('a second manifest')
  state.inManifest = true
  return { kind: 'manifest' }
}

function data(state: State, bytes: Buffer): BackupEvent | undefined {
  if (bytes.length === 0) return undefined
  return state.inManifest ? { kind: 'manifest-bytes', bytes } : { kind: 'tar', bytes }
}

function warning(fields: ReadonlyMap<string, string>): BackupEvent | undefined {
  const severity = fields.get('V') ?? fields.get('S')
  return severity === 'WARNING' ? { kind: 'warning', text: fields.get('M') ?? '' } : undefined
}

/** The server's error as a Fault; its SQLSTATE is in the cause. */
function serverFault(fields: ReadonlyMap<string, string>): Fault {
  const text = fields.get('M') ?? 'an error without words'
  const cause = Object.assign(new Error(text), { code: fields.get('C') ?? '' })
  return new Fault('engine_failed', `take a base backup: ${text}`, { cause, hint: fields.get('H') ?? hintFor(text) })
}

function hintFor(text: string): string | undefined {
  if (/promoted/.test(text)) return 'The replica became a primary meanwhile. The task goes on with another node.'
  if (/full_page_writes/.test(text)) return 'Set full_page_writes = on on the primary, or back up from the primary.'
  if (/terminat|shut/.test(text)) return 'The server is shutting down. The backup is taken again.'
  return undefined
}

const disorder = (what: string) => new Fault('engine_failed', `take a base backup: the server sent ${what}`)
