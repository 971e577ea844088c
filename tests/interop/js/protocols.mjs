// The served protocols, the test pattern, and reading and writing of streams.
import { setTimeout as sleep } from 'node:timers/promises'
import { emit, messageOf } from './output.mjs'

export const PING = '/ipfs/ping/1.0.0'
export const ECHO = '/echo/1.0.0'
export const PERF = '/perf/1.0.0'
export const RESET = '/starling/test/reset/1.0.0'
export const CLOSE = '/starling/test/close/1.0.0'
/** Requests of the benchmark: one byte with the length, then as many bytes; the answer is the same. */
export const REQUESTS = '/starling-bench/rr/1.0.0'
export const REQUEST_BYTES = 64

/** Streams of one protocol that may be open at once. */
export const MAX_STREAMS = 8192

const CLOSE_AFTER = 64 * 1024 // bytes the close server reads before it goes
export const PATTERN_PERIOD = 65536

// Two periods of the test pattern, so that every 64 KiB block of a stream,
// wherever it starts, is one slice of it.
const pattern = Buffer.alloc(2 * PATTERN_PERIOD)
for (let i = 0; i < pattern.length; i++) pattern[i] = i * 31 + (i >> 8)

export function patternAt (at, length) {
  const start = at % PATTERN_PERIOD
  return pattern.subarray(start, start + length)
}

/** How many bytes of `data` differ from the pattern at stream position `at`. */
function mismatches (data, at) {
  let wrong = 0
  for (let done = 0; done < data.length; done += PATTERN_PERIOD) {
    const part = data.subarray(done, done + PATTERN_PERIOD)
    const want = patternAt(at + done, part.length)
    if (want.equals(part)) continue
    for (let i = 0; i < part.length; i++) if (part[i] !== want[i]) wrong++
  }
  return wrong
}

/** Send bytes and wait while the stream is full. */
export async function send (stream, bytes) {
  if (!stream.send(bytes)) await stream.onDrain()
}

export async function sendPattern (stream, total, chunk = PATTERN_PERIOD) {
  const step = Math.min(chunk, PATTERN_PERIOD)
  for (let sent = 0; sent < total; sent += step) {
    await send(stream, patternAt(sent, Math.min(step, total - sent)))
  }
}

/**
 * What arrives on a stream, as Buffers; throws when the stream was reset.
 *
 * A remote that sends its protocol proposal, its data and its FIN in one go has
 * ended the stream before a handler sees it: the iterator of js-libp2p then waits
 * for ever, and the stream says "ended" with the data still in its buffer. So the
 * events are read here, and such a buffer is given time to be delivered.
 */
export function reader (stream) {
  const queue = []
  let wake = () => {}
  let ended = stream.readableEnded
  let late = ended
  let error
  stream.addEventListener('message', (evt) => { queue.push(evt.data); wake() })
  stream.addEventListener('end', () => { ended = true; wake() })
  stream.addEventListener('close', (evt) => { error = evt.error; ended = true; wake() })
  return (async function * () {
    for (;;) {
      while (queue.length > 0) {
        const data = queue.shift().subarray()
        yield Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      }
      if (error != null) throw error
      if (late || (ended && stream.readBufferLength > 0)) {
        late = false
        await sleep(1)
        continue
      }
      if (ended) return
      await new Promise(resolve => { wake = resolve })
    }
  })()
}

/** Read exactly `length` bytes; what comes after them in the same chunk is an error. */
export async function readExactly (source, length) {
  const parts = []
  let have = 0
  while (have < length) {
    const { done, value } = await source.next()
    if (done) throw new Error(`the stream ended after ${have} of ${length} bytes`)
    parts.push(value)
    have += value.length
  }
  if (have > length) throw new Error(`expected ${length} bytes, got ${have}`)
  return parts.length === 1 ? parts[0] : Buffer.concat(parts)
}

/** Read to the end of the stream, counting bytes and those that are not the pattern's. */
export async function drain (source, check) {
  let bytes = 0
  let wrong = 0
  let firstAt = null
  for await (const data of source) {
    firstAt ??= performance.now()
    if (check) wrong += mismatches(data, bytes)
    bytes += data.length
  }
  return { bytes, wrong, firstAt }
}

async function serveEcho (stream) {
  for await (const data of reader(stream)) await send(stream, data)
  await stream.close()
}

async function serveRequests (stream) {
  let rest = Buffer.alloc(0)
  for await (const data of reader(stream)) {
    rest = rest.length === 0 ? data : Buffer.concat([rest, data])
    while (rest.length > REQUEST_BYTES) {
      await send(stream, rest.subarray(0, 1 + REQUEST_BYTES))
      rest = rest.subarray(1 + REQUEST_BYTES)
    }
  }
  await stream.close()
}

async function serveReset (stream) {
  await reader(stream).next()
  stream.abort(new Error('reset on request'))
}

async function serveClose (stream) {
  let read = 0
  for await (const data of reader(stream)) {
    read += data.length
    if (read >= CLOSE_AFTER) break
  }
  stream.abort(new Error('closed on request'))
}

/** A big-endian 64-bit count, then the upload; the answer is that many bytes of the pattern. */
async function servePerf (stream, connection, check) {
  const start = performance.now()
  let header = Buffer.alloc(0)
  let bytes = 0
  let wrong = 0
  for await (let data of reader(stream)) {
    if (header.length < 8) {
      const missing = 8 - header.length
      header = Buffer.concat([header, data.subarray(0, missing)])
      data = data.subarray(missing)
    }
    if (check) wrong += mismatches(data, bytes)
    bytes += data.length
  }
  if (header.length < 8) throw new Error('the stream ended before the header was complete')
  const wanted = Number(header.readBigUInt64BE())
  const turn = performance.now()
  await sendPattern(stream, wanted)
  await stream.close()
  emit('perf-served', {
    peer: String(connection.remotePeer),
    uploadBytes: bytes,
    uploadSeconds: (turn - start) / 1000,
    downloadBytes: wanted,
    downloadSeconds: (performance.now() - turn) / 1000,
    ...(check ? { mismatches: wrong } : {})
  })
}

export async function serve (node, flags) {
  const table = {
    [ECHO]: serveEcho,
    [RESET]: serveReset,
    [CLOSE]: serveClose,
    [REQUESTS]: serveRequests,
    [PERF]: (stream, connection) => servePerf(stream, connection, flags.check)
  }
  for (const [protocol, handler] of Object.entries(table)) {
    await node.handle(protocol, async (stream, connection) => {
      try {
        await handler(stream, connection)
      } catch (err) {
        stream.abort(err)
        emit('warning', { in: protocol, message: messageOf(err) })
      }
    }, { maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS })
  }
}
