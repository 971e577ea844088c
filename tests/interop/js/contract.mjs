// The contract of the official transport suite: environment in, redis
// rendezvous, result on stdout. See ../official/README.md.
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ping, within } from './client.mjs'
import { dial, listening, startNode, waitForEnd } from './node.mjs'

const env = process.env

export async function transport (defaults) {
  const modern = env.TEST_KEY != null
  const key = modern ? `${env.TEST_KEY}_listener_multiaddr` : 'listenerAddr'
  const timeout = Number(env.TEST_TIMEOUT_SECS ?? env.test_timeout_seconds ?? 180)
  const flags = {
    ...defaults,
    quiet: true,
    transport: env.TRANSPORT ?? env.transport ?? 'tcp',
    security: env.SECURE_CHANNEL ?? env.security ?? 'noise',
    muxer: env.MUXER ?? env.muxer ?? 'yamux',
    host: env.LISTENER_IP ?? env.ip ?? '0.0.0.0',
    timeout,
    duration: timeout
  }
  const redis = await connectRedis(env.REDIS_ADDR ?? env.redis_addr ?? 'redis:6379')
  if ((env.IS_DIALER ?? env.is_dialer) === 'true') return within(flags, 'transport', dialer(flags, redis, key, modern))
  const node = await startNode(flags, { server: true })
  const addresses = listening(node)
  await redis('DEL', key)
  await redis('RPUSH', key, addresses.find(a => !a.includes('/127.0.0.1/')) ?? addresses[0])
  await waitForEnd(flags)
}

async function dialer (flags, redis, key, modern) {
  const node = await startNode(flags)
  const peer = await listenerAddress(redis, key)
  const start = performance.now()
  const conn = await dial(node, { ...flags, peer })
  const [rtt] = await ping(conn, 1)
  const total = (performance.now() - start).toFixed(3)
  console.log(modern
    ? `latency:\n  handshake_plus_one_rtt: ${total}\n  ping_rtt: ${rtt.toFixed(3)}\n  unit: ms`
    : JSON.stringify({ handshakePlusOneRTTMillis: Number(total), pingRTTMilllis: Number(rtt.toFixed(3)) }))
}

/** Wait for the address; implementations publish it as a list or as a string. */
async function listenerAddress (redis, key) {
  for (;;) {
    const kind = await redis('TYPE', key)
    if (kind === 'list') return redis('LPOP', key)
    if (kind === 'string') return redis('GET', key)
    await sleep(5)
  }
}

/** As much of a redis client as the contract needs: a function that runs one command. */
async function connectRedis (address) {
  const at = address.lastIndexOf(':')
  const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)) })
  await once(socket, 'connect')
  let input = ''
  let wake = () => {}
  socket.setEncoding('latin1').on('data', (data) => { input += data; wake() })
  const take = async (length) => {
    for (;;) {
      const end = length ?? input.indexOf('\r\n')
      if (end >= 0 && input.length >= end + 2) {
        const text = input.slice(0, end)
        input = input.slice(end + 2)
        return text
      }
      await new Promise(resolve => { wake = resolve })
    }
  }
  return async (...args) => {
    socket.write(`*${args.length}\r\n` + args.map(a => `$${Buffer.byteLength(a)}\r\n${a}\r\n`).join(''))
    const line = await take()
    if (line[0] === '-') throw new Error(`redis: ${line.slice(1)}`)
    return line[0] === '$' && line !== '$-1' ? take(Number(line.slice(1))) : line.slice(1)
  }
}
