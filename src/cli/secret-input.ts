import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { Fault } from '../core/fault.ts'
import type { Io } from './io.ts'

export interface SecretOptions {
  /** `-` reads standard input. */
  readonly file?: string | undefined
  /** What is asked for on a terminal. */
  readonly prompt: string
  /** The option that names a file, for the hint. */
  readonly option: string
}

/** A secret from a file, from standard input, or typed unseen on a terminal; never from an argument. One line end at its end is dropped. */
export async function readSecret({ file, prompt, option }: SecretOptions, io: Io): Promise<string> {
  const secret = file === undefined ? await ask(prompt, option, io) : trimEnd(await textOf(file, io))
  if (secret === '') throw new Fault('invalid', `read the ${prompt}: it is empty`)
  return secret
}

const trimEnd = (text: string) => text.replace(/\r?\n$/, '')

async function textOf(file: string, io: Io): Promise<string> {
  if (file === '-') return (await Array.fromAsync(io.stdin as AsyncIterable<Uint8Array | string>)).map(String).join('')
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Fault('not_found', `read ${file}`, { cause, hint: 'Name a file that you may read.' })
  })
}

async function ask(prompt: string, option: string, io: Io): Promise<string> {
  if (!io.stdin.isTTY) {
    throw new Fault('invalid', `read the ${prompt}: no terminal to ask on`, {
      hint: `Give it in a file with ${option} FILE, or on standard input with ${option} -.`,
    })
  }
  io.err.write(`${prompt}: `)
  // Readline echoes to its output: it gets one that drops everything, so that the secret is not seen.
  const { Writable } = await import('node:stream')
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: io.stdin, output: unseen, terminal: true })
  try {
    return await lines.question('')
  } finally {
    lines.close()
    io.err.write('\n')
  }
}
