import { workQueueContract } from '../../contracts/work-queue.ts'
import { describeOnNats } from '../../support/nats/on-nats.ts'

describeOnNats('on a real NATS server', ({ openFresh }) => {
  workQueueContract('NATS JetStream', () => openFresh({ capacity: 1_000 }), {
    capacity: 1_000,
    oncePerLane: false,
    takesInFlight: false,
    exactDepths: false,
    floodItems: 5_000,
  })
})
