#!/usr/bin/env node
/**
 * peer.mjs is a scriptable js-libp2p node, used as an interop counterpart.
 *
 * One process is one node in one role ("mode"). It speaks the flags, JSON lines
 * and exit codes described in ../README.md, as the go and rust peers do.
 */

// js-libp2p 3 calls Promise.withResolvers(), which Node 20 lacks.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new this((a, b) => { resolve = a; reject = b })
  return { promise, resolve, reject }
}

const { exitCode, parse, usage } = await import('./options.mjs')
const { emit, messageOf } = await import('./output.mjs')
const { CLIENT_MODES, within } = await import('./client.mjs')
const { announceReady, startNode, waitForEnd } = await import('./node.mjs')
const { transport } = await import('./contract.mjs')

async function listen (flags) {
  const node = await startNode(flags, { server: true })
  announceReady(node, flags)
  emit('stopping', { reason: await waitForEnd(flags) })
}

const SERVER_MODES = { listen, 'perf-server': listen, transport }
const MODES = [...Object.keys(SERVER_MODES), ...Object.keys(CLIENT_MODES)]

async function run ({ mode, flags }) {
  if (flags.help) return console.error(usage(MODES))
  if (SERVER_MODES[mode] != null) await SERVER_MODES[mode](flags)
  else await within(flags, mode, CLIENT_MODES[mode](flags))
  if (mode !== 'transport') emit('done', { mode, ok: true })
}

process.on('unhandledRejection', (err) => console.error('unhandled:', messageOf(err)))

let code = 0
try {
  await run(parse(MODES))
} catch (err) {
  code = exitCode(err)
  console.error(messageOf(err))
  if (process.argv[2] !== 'transport') emit('error', { message: messageOf(err) })
}
process.stdout.write('', () => process.exit(code))
