// What a connection consists of: transports, security, muxers, the private network's
// key and the certificates of secure WebSockets.
import { readFileSync } from 'node:fs'
import { quic } from '@chainsafe/libp2p-quic'
import { mplex } from '@libp2p/mplex'
import { noise } from '@libp2p/noise'
import { plaintext } from '@libp2p/plaintext'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { WebSocket } from 'ws'
import { list, UnavailableError } from './options.mjs'
import { MAX_STREAMS } from './protocols.mjs'

const ADDRESS = {
  tcp: (ip, port) => `${ip}/tcp/${port}`,
  'quic-v1': (ip, port) => `${ip}/udp/${port}/quic-v1`,
  ws: (ip, port) => `${ip}/tcp/${port}/ws`,
  wss: (ip, port) => `${ip}/tcp/${port}/tls/ws`
}
const TRANSPORT = {
  tcp: () => tcp({ socketOpts: { noDelay: true } }),
  'quic-v1': () => quic({ maxConcurrentStreamLimit: MAX_STREAMS }),
  ws: webTransport,
  wss: webTransport
}
const SECURITY = { noise, tls, plaintext }
// By default js-libp2p ends a connection on which more than ten streams are opened
// right after the handshake, or with mplex more than five in a second.
const MUXERS = {
  yamux: () => yamux({ maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS, maxEarlyStreams: MAX_STREAMS }),
  mplex: () => mplex({
    maxUnprocessedMessageQueueSize: 64 * 1024 * 1024, disconnectThreshold: Infinity, maxEarlyStreams: MAX_STREAMS
  })
}

function chosen (table, text, kind, flags) {
  return list(text).map(name => {
    if (table[name] == null) throw new UnavailableError(`${kind} ${name}`)
    return table[name](flags)
  })
}

export function listenAddresses (flags) {
  const ip = flags.host.includes(':') ? `/ip6/${flags.host}` : `/ip4/${flags.host}`
  return list(flags.transport).map(name => ADDRESS[name](ip, flags.port))
}

const file = (path) => path === '' ? undefined : readFileSync(path)

function webTransport (flags) {
  // Node 20 has no WebSocket of its own, and that of later ones takes no certificates.
  // Without --tls-ca anybody is believed, as the official suite wants it.
  const trust = { ca: file(flags['tls-ca']), rejectUnauthorized: flags['tls-ca'] !== '' }
  globalThis.WebSocket = class extends WebSocket {
    constructor (url) {
      super(url, trust)
      // Unlike a browser's, this one delivers what came with the answer to the upgrade
      // before whoever awaited "open" can listen.
      this.once('open', () => {
        this.pause()
        setImmediate(() => this.resume())
      })
    }
  }
  return webSockets({ https: { cert: file(flags['tls-cert']), key: file(flags['tls-key']) } })
}

/** The options of createLibp2p that follow from the flags. */
export function stack (flags) {
  const names = list(flags.transport)
  if (flags.psk !== '' && names.includes('quic-v1')) throw new UnavailableError('transport quic-v1 in a private network')
  return {
    transports: chosen(TRANSPORT, flags.transport, 'transport', flags),
    connectionEncrypters: chosen(SECURITY, flags.security, 'security'),
    streamMuxers: chosen(MUXERS, flags.muxer, 'muxer'),
    ...(flags.psk === '' ? {} : { connectionProtector: preSharedKey({ psk: readFileSync(flags.psk) }) })
  }
}
