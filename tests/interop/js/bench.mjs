// What only the benchmark asks for: many requests, and pings beside a busy stream.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { open, summary } from './client.mjs'
import { dial, startNode } from './node.mjs'
import { endOf } from './options.mjs'
import { emit } from './output.mjs'
import { patternAt, PATTERN_PERIOD, PERF, readExactly, reader, REQUEST_BYTES, REQUESTS, send } from './protocols.mjs'

// ms that the busy stream gets before what is measured beside it begins.
const HEAD_START = 300

async function exchange (stream, source) {
  const message = Buffer.alloc(1 + REQUEST_BYTES, 0x5a)
  message[0] = REQUEST_BYTES
  await send(stream, Uint8Array.from(message))
  if (!message.equals(await readExactly(source, message.length))) throw new Error('the answer differs from the request')
}

async function oneRequest (conn) {
  const stream = await open(conn, REQUESTS)
  await exchange(stream, reader(stream))
  await stream.close()
}

/** One sender: requests as long as `more` gives one. */
async function sendMany (conn, more, keep) {
  const times = []
  const kept = keep ? await open(conn, REQUESTS) : undefined
  const source = keep ? reader(kept) : undefined
  while (more()) {
    const start = performance.now()
    await (keep ? exchange(kept, source) : oneRequest(conn))
    times.push(performance.now() - start)
  }
  await kept?.close()
  return times
}

/**
 * Send --count requests, --open of them under way at the same time, over
 * --connections connections, each of a node of its own. Every request is a new
 * stream; with --keep every sender keeps one.
 */
export async function requests (flags) {
  const quiet = { ...flags, quiet: true }
  const connections = []
  for (let i = 0; i < (flags.connections || 1); i++) {
    const conn = await dial(await startNode(quiet), quiet)
    await oneRequest(conn)
    connections.push(conn)
  }
  let left = flags.count || 1000
  const end = endOf(flags)
  const start = performance.now()
  const more = () => left-- > 0 && performance.now() < end
  const times = (await Promise.all(Array.from({ length: flags.open || connections.length }, (_, i) =>
    sendMany(connections[i % connections.length], more, flags.keep)))).flat()
  const seconds = (performance.now() - start) / 1000
  emit('rr-summary', { ...summary(times, seconds), requestsPerSecond: times.length / seconds })
}

/**
 * Upload on a stream of its own until the function that comes back is called. The
 * event loop gets its turn after every block: without, nothing else ever happens.
 */
export async function busyStream (conn) {
  const stream = await open(conn, PERF)
  await send(stream, Buffer.alloc(8))
  let going = true
  const upload = async () => {
    for (let sent = 0; going; sent += PATTERN_PERIOD) {
      await send(stream, patternAt(sent, PATTERN_PERIOD))
      await turn()
    }
  }
  upload().catch(() => {})
  await sleep(HEAD_START)
  return () => {
    going = false
    stream.abort(new Error('enough'))
  }
}
