const SECRET_NAME = /passw|passphrase|secret|token|credential|api_?key|(^|[._])key$/i
const SECRET_VALUE = [
  /passw(or)?d\s*[=:]/i,
  /(secret|token|api_?key|access_?key\w*)\s*[=:]/i,
  // A URL with a password in it.
  /:\/\/[^\s/:@]*:[^\s/@]+@/,
  // The forms of access keys of AWS and of Alibaba Cloud.
  /\b(AKIA|ASIA|LTAI)[A-Za-z0-9]{12,}/,
  /(^|\s)--?(password|secret|token)(\s|=)/i,
]

/** Settings whose name sounds like a secret and that never hold one: how passwords are kept, and where files are. */
const HARMLESS = new Set(['password_encryption', 'primary_slot_name', 'krb_server_keyfile'])

/**
 * Whether a setting's value may hold a secret, by its name or by what it looks like. Rather one too many: what is withheld
 * is named in a warning, and its owner knows it.
 */
export function holdsSecret(name: string, value: string): boolean {
  if (value === '' || HARMLESS.has(name) || name.endsWith('_file')) return false
  if (SECRET_NAME.test(name)) return true
  return SECRET_VALUE.some((form) => form.test(value))
}

/** The options of a pg_hba rule without those that hold a secret. */
export const withoutSecretOptions = (options: readonly string[]): string[] =>
  options.filter((option) => !/^(ldapbindpasswd|radiussecrets)=/.test(option))
