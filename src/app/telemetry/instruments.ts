import type { Instrument } from '#ports/telemetry.ts'

type Declared = Omit<Instrument, 'name' | 'kind' | 'attributes' | 'of'> &
  Partial<Pick<Instrument, 'attributes' | 'of'>>

const declare =
  (kind: Instrument['kind']) =>
  (name: string, { attributes = [], of = 'own', ...rest }: Declared): Instrument => ({
    ...{ name, kind, attributes, of },
    ...rest,
  })
const counter = declare('counter')
const gauge = declare('gauge')
const histogram = declare('histogram')

const quick = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const slow = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900]

/** Everything that is measured. Dashboards, alert rules and docs/telemetry.md are tested against it. */
export const instruments = {
  requests: histogram('http.server.request.duration', {
    unit: 's',
    description: 'From the headers of a request to the end of its answer.',
    attributes: ['http.request.method', 'http.route', 'http.response.status_code'],
    buckets: quick,
  }),
  accept: histogram('pabal.accept.duration', {
    unit: 's',
    description: 'From a well-formed request to its durable event, single or as a line of a batch.',
    attributes: ['pabal.result'],
    buckets: quick,
  }),
  appended: counter('pabal.log.events', {
    unit: '{event}',
    description:
      'Events that this process has appended to the log. Lost when it is killed between.',
    attributes: ['pabal.event.type'],
  }),
  append: histogram('pabal.log.append.duration', {
    unit: 's',
    description: 'One append that succeeded, without its repetitions.',
    buckets: quick,
  }),
  appendFailures: counter('pabal.log.append.failures', {
    unit: '{append}',
    description: 'Appends that the log did not take or answer; each is repeated or refused.',
  }),
  appendConflicts: counter('pabal.log.append.conflicts', {
    unit: '{append}',
    description: 'Appends that came second and were decided anew. A few are normal.',
  }),
  attempts: counter('pabal.attempts', {
    unit: '{attempt}',
    description: 'Attempts that this process made at a provider, by what its answer means.',
    attributes: ['pabal.provider', 'pabal.outcome'],
  }),
  attempt: histogram('pabal.attempt.duration', {
    unit: 's',
    description: 'One attempt, from the call of the channel to its outcome.',
    attributes: ['pabal.provider'],
    buckets: slow,
  }),
  acceptToProvider: histogram('pabal.accept_to_provider.duration', {
    unit: 's',
    description:
      'From accept (or the time asked for) until a provider took the first attempt of a delivery. Wall clocks of two processes in a cluster.',
    attributes: ['pabal.channel', 'pabal.priority'],
    buckets: slow,
  }),
  ambiguous: counter('pabal.attempts.ambiguous', {
    unit: '{attempt}',
    description:
      'Attempts recorded as ambiguous, by who said so: the answer, a receipt, or resolve when no answer came.',
    attributes: ['pabal.evidence'],
  }),
  receipts: counter('pabal.receipts', {
    unit: '{receipt}',
    description: 'What receipts recorded of attempts.',
    attributes: ['pabal.outcome'],
  }),
  notSent: counter('pabal.deliveries.suppressed', {
    unit: '{endpoint}',
    description: 'Endpoints passed over by the router, and fenced attempts given up, by reason.',
    attributes: ['pabal.reason'],
  }),
  addresses: counter('pabal.addresses.suppressed', {
    unit: '{address}',
    description: 'Addresses that are not used any more: complaint, opted-out, endpoint-invalid.',
    attributes: ['pabal.channel', 'pabal.cause'],
  }),
  devices: counter('pabal.devices.removed', {
    unit: '{device}',
    description: 'Devices removed from recipients.',
    attributes: ['pabal.reason'],
  }),
  work: histogram('pabal.work.duration', {
    unit: 's',
    description: 'One work item in its handler, from taking it to its acknowledgement.',
    attributes: ['pabal.lane'],
    buckets: slow,
  }),
  notifications: gauge('pabal.notifications', {
    unit: '{notification}',
    description:
      'Notifications by status, counted as the read model folds them; exact, kept with it.',
    attributes: ['pabal.status'],
    of: 'shared',
  }),
  accepted: gauge('pabal.notifications.accepted', {
    unit: '{notification}',
    description:
      'Notifications ever requested, counted from their first events. Always the sum of pabal.notifications; anything else is a fault.',
    of: 'shared',
  }),
  waiting: gauge('pabal.queue.waiting', {
    unit: '{item}',
    description: 'Work items that wait in a lane.',
    attributes: ['pabal.lane', 'pabal.priority'],
    of: 'shared',
  }),
  inFlight: gauge('pabal.queue.in_flight', {
    unit: '{item}',
    description: 'Work items that are being handled.',
    attributes: ['pabal.lane', 'pabal.priority'],
    of: 'shared',
  }),
  oldest: gauge('pabal.queue.oldest.age', {
    unit: 's',
    description: 'Age of the oldest work item that waits in a lane; 0 when none does.',
    attributes: ['pabal.lane', 'pabal.priority'],
    of: 'shared',
  }),
  circuit: gauge('pabal.credential.circuit', {
    unit: '{state}',
    description: 'Circuit of a credential in this process: 0 closed, 1 being probed, 2 open.',
    attributes: ['pabal.credential'],
  }),
  lagEvents: gauge('pabal.follower.lag', {
    unit: '{event}',
    description:
      'Events of the log that a follower (the relay, a read model) has not handled; 10,000 means that or more. Only where it runs; of one that keeps failing, from where it came to last.',
    attributes: ['pabal.follower'],
    of: 'shared',
  }),
  lagSeconds: gauge('pabal.follower.lag.age', {
    unit: 's',
    description: 'Age of the oldest event that a follower has not handled; 0 at the head.',
    attributes: ['pabal.follower'],
    of: 'shared',
  }),
  sourceFailures: counter('pabal.telemetry.source.failures', {
    unit: '{look}',
    description:
      'Gauges that could not be looked at, because a store did not answer; they are absent.',
    attributes: ['pabal.source'],
  }),
  memory: gauge('process.memory.usage', {
    unit: 'By',
    description: 'Resident memory of the process.',
  }),
  cpu: counter('process.cpu.time', {
    unit: 's',
    description: 'Time that the process had the CPU.',
    attributes: ['cpu.mode'],
  }),
  loopDelay: gauge('nodejs.eventloop.delay.p99', {
    unit: 's',
    description: 'How late the event loop was since the last look, 99th percentile, to 20 ms.',
  }),
  loopUse: gauge('nodejs.eventloop.utilization', {
    unit: '1',
    description: 'Share of time that the event loop was busy since the last look.',
  }),
  gc: histogram('v8js.gc.duration', {
    unit: 's',
    description: 'Garbage collections since the first look.',
    attributes: ['v8js.gc.type'],
    buckets: [0.001, 0.01, 0.1, 1],
  }),
} as const satisfies Readonly<Record<string, Instrument>>

export const allInstruments: readonly Instrument[] = Object.values(instruments)
