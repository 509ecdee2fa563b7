import { DatabaseSync } from 'node:sqlite'
import { encodeRecorded } from './wire.ts'

/** What a client asks to be written, as it came over the wire. */
export interface ProposedEvent {
  readonly id: string
  readonly type: string
  readonly contentType: string
  readonly data: Uint8Array
  readonly metadata: Uint8Array
}

export type ExpectedRevision = 'any' | 'no-stream' | 'stream-exists' | bigint

export interface AppendRequest {
  readonly stream: string
  readonly expected: ExpectedRevision
  readonly events: readonly ProposedEvent[]
}

export type AppendResult =
  | { readonly is: 'written' | 'repeated'; readonly revision: number; readonly position: number }
  | { readonly is: 'conflict'; readonly current: number }
  | { readonly is: 'deleted' | 'too-large' | 'bad-id' }

/** A row of the log; `wire` is the serialised `ReadResp` that every reader is sent. */
export interface LoggedEvent {
  readonly position: number
  /** `null` for a tombstone. */
  readonly revision: number | null
  readonly stream: string
  readonly type: string
  readonly wire: Uint8Array
}

export interface EventLog {
  /** Seen by readers at once; durable when the promise of `committed` resolves. */
  append(request: AppendRequest): AppendResult
  /** All appends of one turn of the event loop are committed together. */
  committed(): Promise<void>
  /** A soft delete lets the stream begin again; a tombstone ends its name for ever. */
  remove(stream: string, how: 'soft' | 'tombstone', expected: ExpectedRevision): AppendResult
  /** Of `$all`: from a position on, inclusive; backwards it is exclusive, as the server's. */
  all(from: number, direction: 'forwards' | 'backwards', limit: number): readonly LoggedEvent[]
  /** Inclusive in both directions. `undefined`: there is no such stream. */
  stream(
    name: string,
    from: number,
    direction: 'forwards' | 'backwards',
    limit: number,
  ): readonly LoggedEvent[] | 'deleted' | undefined
  /** Calls back after each commit until the returned function is called. */
  onCommit(listener: () => void): () => void
  events(): number
  close(): void
}

/** As `MaxAppendSize` of the server: of all events of one append together. */
const appendBytesMax = 1_048_576
/** The weak check of `ANY` remembers only so many ids, and nothing over a restart. */
const recentIdsMax = 10_000
/** The server reads ids as GUIDs. */
const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const tombstoneRevision = '9223372036854775807'

interface StreamState {
  readonly sid: number
  last: number
  first: number
  deleted: boolean
}

interface Place {
  readonly revision: number
  readonly position: number
}

const schema = `
  PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS streams (sid INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL,
    last INTEGER NOT NULL, first INTEGER NOT NULL, deleted INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS events (pos INTEGER PRIMARY KEY, sid INTEGER NOT NULL, rev INTEGER,
    id TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, wire BLOB NOT NULL, UNIQUE (sid, rev)) STRICT;`

const sizeOf = ({ type, data, metadata }: ProposedEvent): number =>
  data.length + metadata.length + type.length * 2

const columns = 'pos AS position, rev AS revision, name AS stream, type, wire'

const prepareStatements = (database: DatabaseSync) => ({
  findStream: database.prepare('SELECT sid, last, first, deleted FROM streams WHERE name = ?'),
  makeStream: database.prepare(
    'INSERT INTO streams (name, last, first, deleted) VALUES (?, -1, 0, 0)',
  ),
  setStream: database.prepare('UPDATE streams SET last = ?, first = ?, deleted = ? WHERE sid = ?'),
  insert: database.prepare(
    'INSERT INTO events (pos, sid, rev, id, name, type, wire) VALUES (?, ?, ?, ?, ?, ?, ?)',
  ),
  place: database.prepare('SELECT pos, id FROM events WHERE sid = ? AND rev = ?'),
  end: database.prepare('SELECT coalesce(max(pos), 0) AS end FROM events'),
  count: database.prepare('SELECT count(*) AS events FROM events'),
  forwards: database.prepare(`SELECT ${columns} FROM events WHERE pos >= ? ORDER BY pos LIMIT ?`),
  backwards: database.prepare(
    `SELECT ${columns} FROM events WHERE pos < ? ORDER BY pos DESC LIMIT ?`,
  ),
  streamForwards: database.prepare(
    `SELECT ${columns} FROM events WHERE sid = ? AND rev >= ? AND rev >= ? ORDER BY rev LIMIT ?`,
  ),
  streamBackwards: database.prepare(
    `SELECT ${columns} FROM events WHERE sid = ? AND rev <= ? AND rev >= ?
      ORDER BY rev DESC LIMIT ?`,
  ),
})

/** The server's log in a file (or `:memory:`): what was committed is there after a SIGKILL. */
export const openEventLog = (path: string): EventLog => {
  const database = new DatabaseSync(path)
  database.exec(schema)
  const statements = prepareStatements(database)
  const streams = new Map<string, StreamState>()
  const recentIds = new Map<string, Place>()
  const listeners = new Set<() => void>()
  let end = Number(statements.end.get()?.end)
  let commit: Promise<void> | undefined

  const find = (name: string): StreamState | undefined => {
    const known = streams.get(name)
    if (known !== undefined) return known
    const row = statements.findStream.get(name)
    if (row === undefined) return undefined
    const state = {
      sid: Number(row.sid),
      last: Number(row.last),
      first: Number(row.first),
      deleted: row.deleted === 1,
    }
    streams.set(name, state)
    return state
  }

  const make = (name: string): StreamState => {
    const found = find(name)
    if (found !== undefined) return found
    const sid = Number(statements.makeStream.run(name).lastInsertRowid)
    const state = { sid, last: -1, first: 0, deleted: false }
    streams.set(name, state)
    return state
  }

  const flush = (): void => {
    if (!database.isTransaction) return
    database.exec('COMMIT')
    for (const listener of [...listeners]) listener()
  }

  const begin = (): void => {
    if (database.isTransaction) return
    database.exec('BEGIN IMMEDIATE')
    commit = new Promise((resolve) => {
      setImmediate(() => {
        flush()
        resolve()
      })
    })
  }

  const write = (stream: string, state: StreamState, event: ProposedEvent): Place => {
    const revision = ++state.last
    // Positions are offsets in the log's file: they grow by the size of what is written.
    end += 100 + stream.length + sizeOf(event)
    const wire = encodeRecorded(event, { stream, revision: String(revision), position: end })
    statements.insert.run(end, state.sid, revision, event.id, stream, event.type, wire)
    const place = { revision, position: end }
    recentIds.set(`${stream}/${event.id}`, place)
    if (recentIds.size > recentIdsMax) recentIds.delete(recentIds.keys().next().value as string)
    return place
  }

  const save = ({ sid, last, first, deleted }: StreamState): void => {
    statements.setStream.run(last, first, deleted ? 1 : 0, sid)
  }

  /** The result of the first call when the same ids stand at exactly the revisions asked for. */
  const strongly = (
    state: StreamState,
    from: number,
    events: readonly ProposedEvent[],
  ): Place | undefined => {
    let last: Place | undefined
    for (const [at, { id }] of events.entries()) {
      const row = statements.place.get(state.sid, from + at)
      if (row?.id !== id) return undefined
      last = { revision: from + at, position: Number(row.pos) }
    }
    return last
  }

  const weakly = (stream: string, events: readonly ProposedEvent[]): Place | undefined => {
    const places = events.map(({ id }) => recentIds.get(`${stream}/${id}`))
    return places.every((place) => place !== undefined) ? places.at(-1) : undefined
  }

  const append = ({ stream, expected, events }: AppendRequest): AppendResult => {
    if (!events.every(({ id }) => guid.test(id))) return { is: 'bad-id' }
    if (events.reduce((bytes, event) => bytes + sizeOf(event), 0) > appendBytesMax)
      return { is: 'too-large' }
    const known = find(stream)
    if (known?.deleted) return { is: 'deleted' }
    const last = known?.last ?? -1
    const gone = known !== undefined && known.first > last
    const conflict = { is: 'conflict', current: gone ? -1 : last } as const
    if (expected === 'any' || expected === 'stream-exists') {
      if (expected === 'stream-exists' && (last < 0 || gone)) return conflict
      const first = weakly(stream, events)
      if (first !== undefined) return { is: 'repeated', ...first }
    } else {
      const asked = expected === 'no-stream' ? -1 : Number(expected)
      // A softly deleted stream may begin again, with the revision after its last.
      if (asked !== last && !(expected === 'no-stream' && gone)) {
        const first = known && asked < last ? strongly(known, asked + 1, events) : undefined
        return first === undefined ? conflict : { is: 'repeated', ...first }
      }
    }
    if (events.length === 0) return { is: 'written', revision: last, position: end }
    begin()
    const state = make(stream)
    let place: Place = { revision: last, position: end }
    for (const event of events) place = write(stream, state, event)
    save(state)
    return { is: 'written', ...place }
  }

  const system = (type: string, text: string): ProposedEvent => ({
    id: crypto.randomUUID(),
    type,
    contentType: 'application/json',
    data: Buffer.from(text),
    metadata: new Uint8Array(),
  })

  const buryStream = (stream: string, state: StreamState): void => {
    const event = system('$streamDeleted', '{}')
    end += 100 + stream.length
    const wire = encodeRecorded(event, { stream, revision: tombstoneRevision, position: end })
    // Without a revision: no reader of the stream gets it, every reader of $all does.
    statements.insert.run(end, state.sid, null, event.id, stream, event.type, wire)
    state.deleted = true
  }

  return {
    append,
    committed: async () => commit,
    remove(stream, how, expected) {
      const known = find(stream)
      if (known?.deleted) return { is: 'deleted' }
      const last = known?.last ?? -1
      if (typeof expected === 'bigint' && Number(expected) !== last)
        return { is: 'conflict', current: last }
      begin()
      const state = make(stream)
      if (how === 'tombstone') buryStream(stream, state)
      else {
        state.first = last + 1
        append({
          stream: `$$${stream}`,
          expected: 'any',
          events: [system('$metadata', JSON.stringify({ $tb: tombstoneRevision }))],
        })
      }
      save(state)
      return { is: 'written', revision: last, position: end }
    },
    all(from, direction, limit) {
      flush()
      const rows = statements[direction].all(from, limit)
      return rows as unknown as readonly LoggedEvent[]
    },
    stream(name, from, direction, limit) {
      flush()
      const state = find(name)
      if (state?.deleted) return 'deleted'
      if (state === undefined || state.first > state.last) return undefined
      const statement =
        direction === 'forwards' ? statements.streamForwards : statements.streamBackwards
      return statement.all(state.sid, from, state.first, limit) as unknown as LoggedEvent[]
    },
    onCommit(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    events: () => Number(statements.count.get()?.events),
    close() {
      flush()
      listeners.clear()
      database.close()
    },
  }
}
