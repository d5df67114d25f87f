import { randomBytes } from 'node:crypto'

/** What a key may do: each role may do what those before it may. */
export const KEY_ROLES = ['read', 'operate', 'admin'] as const
export type KeyRole = (typeof KEY_ROLES)[number]

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A fresh access key: an id of 24 letters and digits that starts with `HF`, and a secret of 40 with 238 bits of chance. */
export const newAccessKey = (): { readonly id: string; readonly secret: string } => ({
  id: `HF${randomText(22)}`,
  secret: randomText(40),
})

/** Letters and digits, each as likely as the other: bytes that would favour the first ones are thrown away. */
function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 4 * LETTERS.length && text.length < length) text += LETTERS[byte % LETTERS.length]
    }
  }
  return text
}
