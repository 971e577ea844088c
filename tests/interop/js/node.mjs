// Making, observing and dialing with a js-libp2p node.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair, generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { list, UsageError } from './options.mjs'
import { emit, strings } from './output.mjs'
import { serve } from './protocols.mjs'
import { listenAddresses, stack } from './stack.mjs'

const NEGOTIATION = 60000 // ms a stream has to agree on its protocol

function versionOf (name) {
  return JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version
}

const agentVersion = () => `js-libp2p/${versionOf('libp2p')} node/${process.versions.node}`

async function privateKey (flags) {
  if (flags.seed !== '') {
    return generateKeyPairFromSeed('Ed25519', createHash('sha256').update(`starling-interop-${flags.seed}`).digest())
  }
  return generateKeyPair(flags['key-type'])
}

/** Start a node; only servers listen. */
export async function startNode (flags, { server = false } = {}) {
  const node = await createLibp2p({
    start: false,
    privateKey: await privateKey(flags),
    nodeInfo: { userAgent: agentVersion() },
    addresses: { listen: server ? listenAddresses(flags) : [] },
    ...stack(flags),
    // js-libp2p takes five connections per second from one address, and few at once.
    connectionManager: {
      inboundConnectionThreshold: 20000,
      maxIncomingPendingConnections: 1000,
      maxConnections: 20000,
      inboundStreamProtocolNegotiationTimeout: NEGOTIATION,
      outboundStreamProtocolNegotiationTimeout: NEGOTIATION
    },
    connectionMonitor: flags['monitor-interval'] === 0 ? { enabled: false } : { enabled: true, pingInterval: flags['monitor-interval'] },
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      ping: ping()
    }
  })
  if (!flags.quiet) observe(node)
  await serve(node, flags)
  await node.start()
  return node
}

/** Listen addresses, wherever they are advertised or not. */
export function listening (node) {
  return strings(node.components.transportManager.getAddrs()).map(a => a.includes('/p2p/') ? a : `${a}/p2p/${node.peerId}`)
}

export function announceReady (node, flags) {
  emit('ready', {
    pid: process.pid,
    peerId: String(node.peerId),
    addrs: strings(node.getMultiaddrs()),
    listening: listening(node),
    protocols: node.getProtocols().sort(),
    protocolVersion: 'ipfs/0.1.0',
    agentVersion: agentVersion(),
    transport: list(flags.transport),
    security: list(flags.security),
    muxer: list(flags.muxer),
    versions: { node: process.version, libp2p: versionOf('libp2p') }
  })
}

const shortName = (protocol) => protocol?.split('/')[1] ?? protocol

function observe (node) {
  const describe = (conn) => ({
    id: conn.id,
    peer: String(conn.remotePeer),
    addr: String(conn.remoteAddr),
    direction: conn.direction,
    security: shortName(conn.encryption),
    muxer: shortName(conn.multiplexer)
  })
  node.addEventListener('connection:open', (evt) => emit('connection-open', describe(evt.detail)))
  node.addEventListener('connection:close', (evt) => emit('connection-close', describe(evt.detail)))
}

export async function dial (node, flags) {
  if (!flags.peer.includes('/p2p/')) throw new UsageError(`--peer ${flags.peer} does not end in /p2p/<peer id>`)
  const start = performance.now()
  const conn = await node.dial(multiaddr(flags.peer), { signal: AbortSignal.timeout(flags.timeout * 1000) })
  if (!flags.quiet) {
    emit('dialed', {
      addr: flags.peer,
      peer: String(conn.remotePeer),
      ms: performance.now() - start,
      security: shortName(conn.encryption),
      muxer: shortName(conn.multiplexer)
    })
  }
  return conn
}

/** The next result of identify, as an event. */
export function identified (node) {
  return new Promise(resolve => node.addEventListener('peer:identify', (evt) => {
    const r = evt.detail
    const record = r.signedPeerRecord
    resolve({
      peer: String(r.peerId),
      keyType: r.peerId.type,
      agentVersion: r.agentVersion,
      protocolVersion: r.protocolVersion,
      protocols: r.protocols,
      listenAddrs: strings(r.listenAddrs),
      observedAddr: r.observedAddr == null ? null : String(r.observedAddr),
      signedPeerRecord: record == null ? null : { peer: String(r.peerId), seq: record.seq, addrs: strings(record.addresses) }
    })
  }, { once: true }))
}

/** Servers stay until their time is up or somebody ends them. */
export async function waitForEnd (flags) {
  const reasons = [sleep(flags.duration * 1000, 'duration')]
  for (const name of ['SIGTERM', 'SIGINT']) reasons.push(new Promise(resolve => process.once(name, () => resolve(name))))
  if (flags.stdin) {
    process.stdin.resume()
    reasons.push(new Promise(resolve => process.stdin.once('end', () => resolve('stdin'))))
  }
  return Promise.race(reasons)
}
