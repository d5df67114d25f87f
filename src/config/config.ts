import type { Settings } from './schema.ts'

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T

/** The settings a program runs with: checked, defaults filled in, every path absolute, frozen through and through. */
export type Config = Frozen<
  Omit<Settings, 'keyFile' | 'catalog' | 'store' | 'drills'> & {
    keyFile: string
    catalog: Omit<Settings['catalog'], 'url'> & { url: string }
    store: { url: string }
    drills: Omit<Settings['drills'], 'directory'> & { directory: string }
  }
>
