import { Encrypter } from 'age-encryption'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { isRecipient } from '../lib/age.ts'

const port = z.int().min(0).max(65535)
const seconds = (value: number) =>
  z
    .number()
    .positive()
    .max(86_400 * 366)
    .default(value)
/** Most of something at once; 0 for no limit. */
const limit = (preset: number) => z.int().min(0).max(100_000).default(preset)
const count = (value: number) => z.int().positive().default(value)
const path = z.string().min(1)
const httpUrl = z
  .string()
  .regex(/^https?:\/\/[^/?#]+$/, 'must be http:// or https:// with a host, an optional port and no path')

const isAnyRecipient = (text: string) => {
  try {
    new Encrypter().addRecipient(text)
    return true
  } catch {
    return false
  }
}
const isAddressOrBlock = (text: string) => ipaddr.isValidCIDR(text) || ipaddr.isValid(text)

/**
 * Every setting, its form, its default and what it is for. The loader, `config check`, the sample file and
 * docs/reference/config.md are made from it. Durations are seconds, sizes bytes.
 */
export const configSchema = z.strictObject({
  dataDir: path
    .default('./data')
    .describe(
      'Directory of the embedded catalog, the default store and the key file. A local file system; locked against a second serve.',
    ),
  keyFile: path
    .optional()
    .describe(
      'File of mode 0600 whose key seals passwords and secrets and signs links. Default: <dataDir>/key, made at first start.',
    ),
  region: z
    .string()
    .regex(/^[a-z]{2}-[a-z0-9-]+$/)
    .default('cn-hangzhou')
    .describe('The one region this service answers for. Clients check it against their own list.'),
  catalog: z
    .strictObject({
      url: z
        .string()
        .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, 'must be sqlite:PATH or postgres://…')
        .optional()
        .describe('sqlite:PATH or postgres://USER@HOST/DATABASE. Default: sqlite:<dataDir>/catalog.db.'),
      passwordFile: path.optional().describe('File that holds the password of the catalog database.'),
      exportRecipients: z
        .array(z.string().refine(isAnyRecipient, 'must be a recipient of age, as age-keygen prints it: age1…'))
        .default([])
        .describe(
          'Recipients of age (age1…) who can open the export of the catalog that goes to the store each UTC day. None: none goes.',
        ),
      exportsKept: count(30).describe("How many days' exports the store keeps."),
    })
    .prefault({}),
  store: z
    .strictObject({
      url: z
        .string()
        .regex(/^file:\/\/\/.+$/, 'must be file:///PATH')
        .optional()
        .describe('Where sets are kept. Default: file://<dataDir>/store.'),
    })
    .prefault({}),
  api: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
      port: port.default(8080).describe('Port to listen on; 0 takes a free one.'),
      allowPlaintext: z.boolean().default(false).describe('Listen beyond loopback without TLS.'),
      tls: z
        .strictObject({
          cert: path.describe('PEM file of the certificate chain; read again when it changes.'),
          key: path.describe('PEM file of its private key.'),
        })
        .optional(),
      publicUrl: httpUrl
        .optional()
        .describe('How clients reach this service; the base of download links. Default: made from host and port.'),
      intranetUrl: httpUrl.optional().describe('Base of intranet links. Default: publicUrl.'),
      trustedProxies: z
        .array(z.string().refine(isAddressOrBlock, 'must be an address or a CIDR block, as 10.0.0.0/8'))
        .default([])
        .describe('Addresses or CIDR blocks whose X-Forwarded-For and X-Forwarded-Proto are believed.'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      requestLine: z
        .int()
        .min(1024)
        .max(1_048_576)
        .default(32_768)
        .describe('Bytes of request line and headers together. Over it: 431.'),
      body: z.int().min(1024).max(16_777_216).default(1_048_576).describe('Bytes of a request body. Over it: 413.'),
      parameters: count(500).describe('Number of parameters of a call. Over it: 400 InvalidParameter.'),
      headerSeconds: seconds(10).describe('Time for a request to arrive whole. Over it: 408.'),
      idleSeconds: seconds(65).describe('Time a kept connection may wait for its next request.'),
      connections: count(2000).describe('Open connections. Over it: closed at once.'),
      downloads: count(64).describe('Downloads at once. Over it: 503 with Retry-After.'),
      downloadsPerSet: count(16).describe('Downloads at once of one set. Over it: 503 with Retry-After.'),
      stallSeconds: seconds(60).describe('A download whose reader takes nothing for so long is cut.'),
      callsPerSecond: z
        .int()
        .min(0)
        .default(0)
        .describe('Calls a second of one access key, for each process. 0: no limit. Over it: 400 Throttling.User.'),
      callsBurst: count(100).describe('Calls that a key may make at once before callsPerSecond counts.'),
      noncesPerKey: count(2_000_000).describe('Nonces remembered for one key. Over it: 400 Throttling.User.'),
      cacheBytes: z.int().min(0).default(67_108_864).describe('Bytes of rendered pages kept in memory.'),
    })
    .prefault({}),
  links: z
    .strictObject({
      lifetimeSeconds: z.int().min(1).max(604_800).default(3600).describe('How long a download link lives.'),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Serve /metrics on an address of its own.'),
      host: z.string().min(1).default('127.0.0.1').describe('A loopback address.'),
      port: port.default(9108).describe('Port of /metrics; 0 takes a free one.'),
    })
    .prefault({}),
  worker: z
    .strictObject({
      leaseSeconds: z.number().min(1).max(3600).default(60).describe('How long a claim holds without being renewed.'),
      pollSeconds: seconds(5).describe('How often a worker looks for a task when nothing wakes it.'),
      concurrency: z.int().min(1).max(64).default(2).describe('Tasks a worker does at once.'),
      bulkInAll: limit(0).describe(
        'Backups, restores, drills and verifications that all workers do at once. 0: no limit.',
      ),
      bulkPerStore: limit(0).describe('The same, for one store. 0: no limit.'),
      backupsPerHost: limit(2).describe(
        'Backups that all workers take at once of instances with nodes at one host address. 0: no limit.',
      ),
      attempts: z.int().min(1).max(20).default(3).describe('Attempts at one backup before it is Failed.'),
      retrySeconds: seconds(10).describe(
        'Wait before the second attempt; doubled before each further one, up to five minutes.',
      ),
      stopSeconds: z
        .number()
        .min(0)
        .max(25)
        .default(20)
        .describe('How long a stopping worker lets its tasks run on before it gives them back.'),
      compressionLevel: z.int().min(1).max(19).default(1).describe('zstd level of new sets.'),
    })
    .prefault({}),
  scheduler: z
    .strictObject({
      sweepSeconds: seconds(300).describe('How often garbage of dead attempts is looked for.'),
      pollSeconds: seconds(10).describe('How often it is looked which automated backups are due.'),
      retainSeconds: seconds(3600).describe('How often sets that no policy keeps are removed.'),
    })
    .prefault({}),
  restore: z
    .strictObject({
      roots: z
        .array(path)
        .default([])
        .describe(
          'Directories below which a restore asked for through the API may write. None: only the local command restores.',
        ),
      binDirs: z
        .array(path)
        .default([])
        .describe(
          "Directories of the databases' own programs (postgres, pg_dump, pg_restore), looked in before /usr/lib/postgresql/N/bin and PATH: for restores, and for logical backups.",
        ),
      owner: z
        .string()
        .optional()
        .describe('System user whom restored files shall belong to, when Holdfast runs as root.'),
    })
    .prefault({}),
  drills: z
    .strictObject({
      directory: path
        .optional()
        .describe(
          'Scratch directory of this service alone, on the machine of the worker: drills restore sets there, start them, and remove them again. Its file system needs room for the largest. Default: <dataDir>/drills.',
        ),
      atOnce: limit(1).describe('Drills that all workers do at once. 0: no limit.'),
    })
    .prefault({}),
  clones: z
    .strictObject({
      directory: path
        .optional()
        .describe(
          'Directory of this service alone, on the machine of one worker, below which CloneDBInstance makes instances and their servers run. None: no clones are made.',
        ),
      lookSeconds: seconds(30).describe(
        'How often it is looked whether every clone runs, and one that does not is started.',
      ),
    })
    .prefault({}),
  encryption: z
    .strictObject({
      recipients: z
        .array(z.string().refine(isRecipient, 'must be a recipient of age, as age-keygen prints it: age1…'))
        .default([])
        .describe(
          'Recipients of age (age1…): every new set is encrypted to all of them, and any one of their identities opens it. At least two. None: sets are not encrypted.',
        ),
      oneRecipient: z
        .boolean()
        .default(false)
        .describe('Take a single recipient: when its identity is lost, every set is lost.'),
      identityFile: path
        .optional()
        .describe(
          'File of mode 0600 with an identity of a recipient, for a service that restores and checks by itself (held). Absent: it can open nothing (escrow).',
        ),
      checkSeconds: seconds(86_400).describe(
        'How often it is tried whether identityFile opens the newest set of each instance.',
      ),
      proofDays: z
        .number()
        .positive()
        .max(3650)
        .default(180)
        .describe('Without identityFile: days after which somebody must show again that he has an identity.'),
    })
    .prefault({}),
  audit: z
    .strictObject({
      days: z
        .int()
        .min(1)
        .max(36_500)
        .default(400)
        .describe('How long the record of a change is kept in the catalog, in days.'),
      reads: z
        .boolean()
        .default(true)
        .describe('Note every read and download in a file below <dataDir>/audit. Changes are always audited.'),
      fileBytes: z
        .int()
        .min(4096)
        .default(67_108_864)
        .describe('Bytes after which such a file is followed by a new one.'),
      fileSeconds: seconds(86_400).describe('Age after which such a file is followed by a new one.'),
      files: count(30).describe('Such files kept; the oldest go first.'),
    })
    .prefault({}),
  alerts: z
    .strictObject({
      lookSeconds: seconds(60).describe('How often it is looked whether something is wrong.'),
      gapSeconds: seconds(300).describe('Least time between two messages to one receiver.'),
      repeatSeconds: seconds(86_400).describe('A receiver is told again of what lasts after so long.'),
      settleSeconds: seconds(900).describe(
        'What is not found any more for so long is over. What comes and goes faster is one alert.',
      ),
      lateSeconds: seconds(7200).describe(
        'A backup that a schedule asks for is late when it has not succeeded by then.',
      ),
      keyDays: z.number().min(0).max(3650).default(14).describe('Days before its end that an access key is told of.'),
      storeFreePercent: z
        .number()
        .min(0)
        .max(100)
        .default(10)
        .describe('A store with less of its space free is nearly full. 0: never.'),
      webhook: z
        .strictObject({
          url: z
            .string()
            .regex(/^https?:\/\/[^\s]+$/, 'must be http://… or https://…')
            .describe('Where alerts are sent by POST.'),
          secretFile: path.describe('File that holds the secret that signs them: whsec_ and 24 to 64 bytes in base64.'),
        })
        .optional(),
      email: z
        .strictObject({
          host: z.string().min(1).describe('SMTP server that alerts are sent by.'),
          port: port.default(587).describe('Its port.'),
          security: z
            .enum(['starttls', 'tls', 'none'])
            .default('starttls')
            .describe('starttls and tls are required to hold; none sends in the clear.'),
          user: z.string().min(1).optional().describe('User to log in as. Default: no login.'),
          passwordFile: path.optional().describe('File that holds the password of that user.'),
          from: z.string().min(3).describe('Address of the sender.'),
          to: z.array(z.string().min(3)).min(1).describe('Addresses of those who are told.'),
        })
        .optional(),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least severity that is logged.'),
    })
    .prefault({}),
})

/** The settings after defaults, before paths are resolved. */
export type Settings = z.output<typeof configSchema>
