import * as files from 'node:fs/promises'
import { basename } from 'node:path'
import { reach } from './steps.ts'

// node:fs/promises with every call that changes something on the disk as a step.
export * from 'node:fs/promises'

/** A draft has another name in each run; a step has not. */
const named = (path: unknown): string => {
  const text = String(path)
  if (text.includes('~drafts') || text.endsWith('.draft')) return 'the draft'
  return basename(text).replaceAll(/\d{6,}/g, 'N')
}

function counted<F extends (...args: never[]) => unknown>(name: string, call: F): F {
  return new Proxy(call, {
    apply: (target, self, args: unknown[]) => {
      reach(`file ${name} ${named(args.at(name === 'rename' || name === 'link' ? 1 : 0))}`)
      return Reflect.apply(target, self, args) as unknown
    },
  })
}

export const mkdir = counted('mkdir', files.mkdir)
export const rmdir = counted('rmdir', files.rmdir)
export const rename = counted('rename', files.rename)
export const link = counted('link', files.link)
export const unlink = counted('unlink', files.unlink)
export const rm = counted('rm', files.rm)
export const writeFile = counted('writeFile', files.writeFile)

const CHANGES = new Set<PropertyKey>(['write', 'writeFile', 'sync', 'datasync', 'utimes', 'chmod', 'truncate'])

export const open: typeof files.open = async (path, flags, mode) => {
  const writes = flags !== 'r' && flags !== undefined && flags !== 0
  if (writes) reach(`file open ${named(path)}`)
  return countedHandle(await files.open(path, flags, mode), named(path))
}

const countedHandle = (file: files.FileHandle, name: string): files.FileHandle =>
  new Proxy(file, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (CHANGES.has(property)) reach(`file ${String(property)} ${name}`)
        return Reflect.apply(value, target, args) as unknown
      }
    },
  })
