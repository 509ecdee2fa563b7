import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  nanos,
  ReplayPolicy,
  RetentionPolicy,
  type StreamConfig,
} from 'nats'
import { consumerNotStored, isApiError } from './api-errors.ts'
import { ensureStream, type StreamOptions } from './streams.ts'
import {
  classKey,
  classSubjects,
  type WorkClass,
  workClasses,
  workStream,
} from './work-subjects.ts'

export interface WorkLayout {
  /** Copies of the stream, 1 to 5: not more than the cluster has servers. */
  readonly replicas: number
  /** An item whose consumer is silent for this long comes back. */
  readonly ackWaitMs: number
}

/** Items in the hands of all processes together, per class; beyond it nobody gets any. */
const ackPendingMax = 50_000

const streamConfig = ({ replicas }: WorkLayout): Partial<StreamConfig> & { name: string } => ({
  name: workStream,
  description: 'Hints of Pabal: which notification may have something to do. May be lost.',
  subjects: ['pabal.work.>'],
  retention: RetentionPolicy.Workqueue,
  // One waiting item per notification, lane and priority: the second one is refused.
  max_msgs_per_subject: 1,
  discard: DiscardPolicy.New,
  discard_new_per_subject: true,
  num_replicas: replicas,
})

const consumerConfig = (one: WorkClass, { ackWaitMs }: WorkLayout): ConsumerConfig => ({
  durable_name: classKey(one),
  name: classKey(one),
  filter_subject: classSubjects(one),
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(ackWaitMs),
  // Attempts are counted in the log. With a limit the item would stay stored and invisible.
  max_deliver: -1,
  max_ack_pending: ackPendingMax,
  deliver_policy: DeliverPolicy.All,
  replay_policy: ReplayPolicy.Instant,
})

/**
 * A server (seen with 2.15) that removes the files of a deleted consumer may take those of its successor,
 * which then works, but cannot be changed. What it had handed out comes back: that is harmless.
 */
const updateConsumer = async (
  manager: JetStreamManager,
  name: string,
  config: ConsumerConfig,
): Promise<void> => {
  try {
    await manager.consumers.update(workStream, name, config)
  } catch (error) {
    if (!isApiError(error, consumerNotStored)) throw error
    await manager.consumers.delete(workStream, name)
    await manager.consumers.add(workStream, config)
  }
}

/** Makes of the stream and its consumers what is missing; `adjust` changes what differs, too. */
export const ensureWork = async (
  manager: JetStreamManager,
  version: string | undefined,
  layout: WorkLayout,
  { adjust, log }: Pick<StreamOptions, 'adjust' | 'log'>,
): Promise<{ readonly created: string; readonly changed: boolean }> => {
  const stream = await ensureStream(manager, version, streamConfig(layout), {
    ...{ adjust, log },
    // A hint that is lost with the power comes back from the log.
    persistLate: true,
  })
  const found = new Map(
    (await manager.consumers.list(workStream).next()).map((each) => [each.name, each]),
  )
  let changed = stream.changed
  const ensureConsumer = async (one: WorkClass): Promise<void> => {
    const config = consumerConfig(one, layout)
    const there = found.get(classKey(one))
    if (there === undefined) {
      changed = true
      await manager.consumers.add(workStream, config)
    } else if (
      adjust &&
      (there.config.ack_wait !== config.ack_wait ||
        there.config.max_ack_pending !== config.max_ack_pending)
    ) {
      await updateConsumer(manager, classKey(one), config)
    }
  }
  await Promise.all(workClasses.map(ensureConsumer))
  return { created: stream.created, changed }
}
