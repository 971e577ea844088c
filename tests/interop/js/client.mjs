// The client modes: each dials --peer, does its work and leaves.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { busyStream, requests } from './bench.mjs'
import { announceReady, dial, identified, startNode } from './node.mjs'
import { endOf, TimeoutError } from './options.mjs'
import { emit, messageOf } from './output.mjs'
import { CLOSE, drain, ECHO, MAX_STREAMS, PERF, PING, readExactly, reader, RESET, send, sendPattern } from './protocols.mjs'

// Responders end a ping stream after some time (js 10 s, go 30 s).
const PING_STREAM_LIFE = 5000
const CLOSE_WRITE_BYTES = 4 * 1024 * 1024
const STALL_AFTER = 10000
const HOLD_EVERY = 100
// Streams being opened at once: js-libp2p knows no bound for unacknowledged streams,
// while go-yamux resets those above 256.
const OPENING = 100

export const open = (conn, protocol) => conn.newStream(protocol, { maxOutboundStreams: MAX_STREAMS })

/** Measure `count` round trips over long-lived streams, or as many as go before `end`, one at least; results in ms. */
export async function ping (conn, count, { each = () => {}, end = Infinity } = {}) {
  const rtts = []
  const payload = randomBytes(32)
  const more = () => rtts.length < count && (rtts.length === 0 || performance.now() < end)
  while (more()) {
    const stream = await open(conn, PING)
    const source = reader(stream)
    const opened = performance.now()
    while (more() && performance.now() - opened < PING_STREAM_LIFE) {
      payload.writeUInt32BE(rtts.length)
      const start = performance.now()
      await send(stream, Uint8Array.from(payload))
      const back = await readExactly(source, payload.length)
      rtts.push(performance.now() - start)
      if (!payload.equals(back)) throw new Error('ping payload came back changed')
      each(rtts.length - 1, rtts.at(-1))
    }
    await stream.close()
  }
  return rtts
}

export function summary (rtts, took) {
  const sorted = [...rtts].sort((a, b) => a - b)
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]
  return {
    unit: 'ms', n: sorted.length, min: at(0), median: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: at(1),
    mean: sorted.reduce((a, b) => a + b, 0) / sorted.length, seconds: took, pingsPerSecond: sorted.length / took
  }
}

const secondsSince = (start) => (performance.now() - start) / 1000

/** Write `data`, close for writing if asked to, and read the echo from `source`. */
async function echoAll (stream, source, data, closeFirst) {
  const write = async () => {
    await send(stream, Uint8Array.from(data))
    if (closeFirst) await stream.close()
  }
  const [, back] = await Promise.all([write(), readExactly(source, data.length)])
  if (!data.equals(back)) throw new Error('echo came back changed')
}

async function expectEnd (source) {
  const { done, value } = await source.next()
  if (!done) throw new Error(`expected the end of the stream, got ${value.length} bytes`)
}

async function echoOnce (conn, flags, event, closeFirst) {
  const stream = await open(conn, ECHO)
  const source = reader(stream)
  const start = performance.now()
  await echoAll(stream, source, randomBytes(flags.size || 1000), closeFirst)
  if (!closeFirst) await stream.close()
  await expectEnd(source)
  emit(event, { bytes: flags.size || 1000, ms: performance.now() - start })
}

/** Make --count echo streams, --open of them open at the same time. */
async function streams (conn, flags) {
  const count = flags.count || 1000
  const size = flags.size || 1000
  const start = performance.now()
  for (let left = count; left > 0;) {
    const wave = Math.min(left, flags.open || count)
    await streamWave(conn, wave, size)
    left -= wave
  }
  emit('streams', { count, bytes: count * size, ms: performance.now() - start })
}

/** Hold `count` echo streams open at the same time. */
async function streamWave (conn, count, size) {
  const all = []
  while (all.length < count) {
    const wave = Math.min(OPENING, count - all.length)
    all.push(...await Promise.all(Array.from({ length: wave }, () => openEcho(conn, size >> 1))))
  }
  await endEchoes(all, size - (size >> 1))
}

/** Open an echo stream with the echo of `size` bytes. */
async function openEcho (conn, size) {
  const stream = await open(conn, ECHO)
  const source = reader(stream)
  await echoAll(stream, source, randomBytes(size), false)
  return { stream, source }
}

/** Echo `size` bytes more on each stream while all are open, then end them. */
async function endEchoes (all, size) {
  await Promise.all(all.map(({ stream, source }) => echoAll(stream, source, randomBytes(size), true)))
  await Promise.all(all.map(({ source }) => expectEnd(source)))
}

/**
 * Hold --open echo streams, opened one after the other, and say how many the remote
 * served and how many it refused; the connection lives on.
 */
async function crowd (conn, flags) {
  const held = []
  let refused = 0
  let refusal = ''
  for (let n = 0; n < (flags.open || 10); n++) {
    try {
      held.push(await openEcho(conn, 8))
    } catch (err) {
      refused++
      refusal = messageOf(err)
    }
  }
  await endEchoes(held, 8)
  emit('crowd', { served: held.length, refused, error: refusal })
  await pingAfter(conn)
}

async function reset (conn) {
  const stream = await open(conn, RESET)
  const source = reader(stream)
  let got
  try {
    await send(stream, Buffer.from('reset me'))
    got = await source.next()
  } catch (err) {
    if (err.name !== 'StreamResetError') throw err
    emit('reset', { ok: true, error: messageOf(err) })
    return pingAfter(conn)
  }
  throw new Error(`expected a reset, got ${got.done ? 'the end of the stream' : `${got.value.length} bytes`}`)
}

/** Prove that the connection survived what was done to a stream. */
async function pingAfter (conn) {
  if (conn.status !== 'open') throw new Error('ping afterwards: the connection is closed')
  const [ms] = await ping(conn, 1)
  emit('ping-after', { ms })
}

async function closeDuringWrite (conn) {
  const stream = await open(conn, CLOSE)
  const source = reader(stream)
  const start = performance.now()
  const block = new Uint8Array(16 * 1024)
  let outcome = 'finished'
  let written = 0
  const work = async () => {
    try {
      for (; written < CLOSE_WRITE_BYTES; written += block.length) await send(stream, block)
      await stream.close()
      await drain(source, false)
    } catch (err) {
      outcome = messageOf(err)
    }
    return 'over'
  }
  const over = await Promise.race([work(), sleep(STALL_AFTER, 'stuck')])
  stream.abort(new Error('done'))
  if (over === 'stuck') outcome = 'stuck'
  emit('close-during-write', { outcome, written, ms: performance.now() - start })
  if (over === 'stuck') throw new Error(`the writer was stuck after ${written} bytes`)
  await pingAfter(conn)
}

/**
 * Keep one echo stream busy, --count times or until it breaks, and say what became
 * of it: held, or lost with the reason.
 */
async function hold (conn, flags) {
  const stream = await open(conn, ECHO)
  const source = reader(stream)
  let last = performance.now()
  for (let n = 0; flags.count === 0 || n < flags.count; n++) {
    try {
      await echoAll(stream, source, randomBytes(8), false)
    } catch (err) {
      emit('lost', { echoes: n, ms: performance.now() - last, error: messageOf(err) })
      throw err
    }
    last = performance.now()
    if (n === 0) emit('holding', {})
    await sleep(HOLD_EVERY)
  }
  emit('held', { echoes: flags.count })
  await pingAfter(conn)
}

/**
 * One run over --streams streams that share the bytes. The upload lasts until the last
 * stream turned, the download from the first one's turn on.
 */
async function perfOnce (conn, flags) {
  const streams = flags.streams || 1
  const [upload, download] = [Math.floor(flags.upload / streams), Math.floor(flags.download / streams)]
  const start = performance.now()
  const all = await Promise.all(Array.from({ length: streams }, () => perfStream(conn, upload, download, flags)))
  const turns = all.map(one => one.turn)
  const uploadSeconds = (Math.max(...turns) - start) / 1000
  const downloadSeconds = (Math.max(...all.map(one => one.end)) - Math.min(...turns)) / 1000
  const rate = (n, s) => n === 0 || s === 0 ? null : n / s / 1e6
  return {
    uploadBytes: flags.upload, uploadSeconds, uploadMBps: rate(flags.upload, uploadSeconds),
    downloadBytes: flags.download, downloadSeconds, downloadMBps: rate(flags.download, downloadSeconds),
    ...(flags.check ? { mismatches: all.reduce((sum, one) => sum + one.wrong, 0) } : {})
  }
}

/**
 * Upload, then download. The upload is over when the server answers: with its
 * first byte, or with the end of the stream.
 */
async function perfStream (conn, upload, download, flags) {
  const stream = await open(conn, PERF)
  const reading = drain(reader(stream), flags.check)
  const header = Buffer.alloc(8)
  header.writeBigUInt64BE(BigInt(download))
  const writing = (async () => {
    await send(stream, header)
    await sendPattern(stream, upload, flags.chunk)
    await stream.close()
  })()
  const [{ bytes, wrong, firstAt }] = await Promise.all([reading, writing])
  const end = performance.now()
  if (bytes !== download) throw new Error(`asked for ${download} bytes, got ${bytes}`)
  return { turn: firstAt ?? end, end, wrong }
}

async function perf (conn, flags) {
  for (let run = 0; run < (flags.count || 1); run++) {
    const result = await perfOnce(conn, flags)
    emit('perf', { run, ...result })
    if (result.mismatches > 0) throw new Error(`${result.mismatches} bytes differ from the pattern`)
  }
}

async function pingMode (conn, flags) {
  const count = flags.count || 10
  const verbose = !flags.quiet && count <= 20
  const stop = flags.load ? await busyStream(conn) : () => {}
  const start = performance.now()
  const each = verbose ? (seq, ms) => emit('ping', { seq, ms }) : undefined
  const rtts = await ping(conn, count, { each, end: endOf(flags) })
  emit('ping-summary', summary(rtts, secondsSince(start)))
  stop()
}

/** Dial, ping once and close, again and again. */
async function connect (flags) {
  const quiet = { ...flags, quiet: true }
  const node = await startNode(quiet)
  const end = endOf(flags)
  const start = performance.now()
  let count = 0
  for (; count < (flags.count || 10) && performance.now() < end; count++) {
    const conn = await dial(node, quiet)
    await ping(conn, 1)
    await conn.close()
  }
  emit('connect-summary', { n: count, seconds: secondsSince(start), connectionsPerSecond: count / secondsSince(start) })
}

async function identifyMode (flags) {
  const node = await startNode(flags)
  announceReady(node, flags)
  const seen = identified(node)
  await dial(node, flags)
  emit('identify', await seen)
}

const onConnection = (job) => async (flags) => {
  const node = await startNode(flags)
  if (!flags.quiet) announceReady(node, flags)
  const conn = await dial(node, flags)
  await job(conn, flags)
  await conn.close()
}

export const CLIENT_MODES = {
  connect,
  rr: requests,
  identify: identifyMode,
  ping: onConnection(pingMode),
  echo: onConnection((conn, flags) => echoOnce(conn, flags, 'echo', false)),
  'half-close': onConnection((conn, flags) => echoOnce(conn, flags, 'half-close', true)),
  streams: onConnection(streams),
  crowd: onConnection(crowd),
  reset: onConnection(reset),
  'close-during-write': onConnection(closeDuringWrite),
  hold: onConnection(hold),
  'perf-client': onConnection(perf)
}

/** Run a client operation under --timeout. */
export async function within (flags, what, promise) {
  let timer
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError(`${what}: not done within ${flags.timeout} s`)), flags.timeout * 1000)
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}
