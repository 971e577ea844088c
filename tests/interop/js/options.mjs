// The command line: flags, their defaults, and the failures with their exit codes.
import { parseArgs } from 'node:util'

export class UsageError extends Error { name = 'UsageError' }
export class UnavailableError extends Error { name = 'UnavailableError' }
export class TimeoutError extends Error { name = 'TimeoutError' }

const FLAGS = {
  transport: ['tcp', 'comma list of tcp, quic-v1, ws, wss'],
  security: ['noise', 'comma list of noise, tls, plaintext'],
  muxer: ['yamux', 'comma list of yamux, mplex'],
  host: ['127.0.0.1', 'address to listen on'],
  port: [0, 'port to listen on'],
  'key-type': ['Ed25519', 'Ed25519, secp256k1 or RSA'],
  seed: ['', 'derive a fixed Ed25519 key from this text'],
  psk: ['', 'key file of the private network'],
  'tls-cert': ['', 'wss server: certificate chain, PEM'],
  'tls-key': ['', 'wss server: key of the certificate, PEM'],
  'tls-ca': ['', 'wss client: whom to believe, PEM (nobody is checked without)'],
  peer: ['', 'multiaddr to dial, ending in /p2p/ID'],
  timeout: [30, 'seconds a client operation may take'],
  duration: [60, 'seconds a server stays up'],
  stdin: [false, 'stop when stdin is closed'],
  count: [0, 'round trips (10), runs (1), connections (10) or streams (1000)'],
  open: [0, 'streams, rr: how many may be open at the same time (all; one per connection)'],
  size: [0, 'echo, half-close, streams: payload bytes (1000)'],
  upload: [0, 'perf: bytes to send'],
  download: [0, 'perf: bytes to receive'],
  chunk: [65536, 'perf: bytes per write'],
  for: [0, 'ping, connect, rr: no more after so many seconds (as many as asked for)'],
  streams: [1, 'perf: streams that share the bytes'],
  connections: [1, 'rr: connections, each of a node of its own'],
  load: [false, 'ping: while another stream of the connection uploads'],
  keep: [false, 'rr: a stream for many requests instead of one for each'],
  check: [false, 'perf: compare every byte with the test pattern'],
  quiet: [false, 'only summaries'],
  'monitor-interval': [0, 'ms between the pings of the js connection monitor (0: off; js only)'],
  help: [false, 'this text']
}

export function usage (modes) {
  const lines = [`usage: node peer.mjs <mode> [flags]`, `modes: ${modes.join(', ')}`, 'flags:']
  for (const [name, [value, text]] of Object.entries(FLAGS)) {
    lines.push(`  --${name.padEnd(18)} ${text}${value === false || value === '' ? '' : ` [${value}]`}`)
  }
  return lines.join('\n')
}

export function parse (modes) {
  const options = {}
  for (const [name, [value]] of Object.entries(FLAGS)) {
    options[name] = { type: typeof value === 'boolean' ? 'boolean' : 'string', default: typeof value === 'number' ? String(value) : value }
  }
  let parsed
  try {
    parsed = parseArgs({ options, allowPositionals: true, strict: true })
  } catch (err) {
    throw new UsageError(err.message)
  }
  const { values: flags, positionals } = parsed
  if (!flags.help && (positionals.length !== 1 || !modes.includes(positionals[0]))) {
    throw new UsageError(`expected one mode out of ${modes.join(', ')}`)
  }
  for (const [name, [value]] of Object.entries(FLAGS)) {
    if (typeof value !== 'number') continue
    flags[name] = Number(flags[name])
    if (!Number.isFinite(flags[name]) || flags[name] < 0) throw new UsageError(`--${name} must be a number, zero or more`)
  }
  return { mode: positionals[0], flags }
}

/** When --for is over, on the clock of performance.now(). */
export const endOf = (flags) => flags.for > 0 ? performance.now() + flags.for * 1000 : Infinity

export const list = (text) => text.split(',').filter(Boolean)

export function exitCode (err) {
  switch (err?.name) {
    case 'UsageError': return 2
    case 'TimeoutError': return 3
    case 'UnavailableError': case 'UnsupportedKeyTypeError': return 4
    default: return 1
  }
}
