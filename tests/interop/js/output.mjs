// Events: one JSON object per line on stdout.

const started = performance.now()

/** Print one event; t is milliseconds since the start. */
export function emit (event, fields = {}) {
  const line = { t: Math.round(performance.now() - started), event, ...fields }
  process.stdout.write(JSON.stringify(line, (_, v) => typeof v === 'bigint' ? v.toString() : v) + '\n')
}

export const strings = (list) => (list ?? []).map(String)

export function messageOf (err) {
  // p-event rejects with an Error that holds nothing but the text of an Event.
  if (err?.message === '[object Event]') return 'the stream was closed'
  const causes = err?.errors == null ? '' : `: ${err.errors.map(e => e.message).join('; ')}`
  return `${err?.name ?? 'Error'}: ${err?.message ?? err}${causes}`
}
