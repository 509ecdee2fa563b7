import type { NatsOptions } from '#adapters/nats/connecting.ts'
import type { ClusterConfig } from '../config.ts'

/** How the queue, the feed and the doctor reach NATS: all in the same way. */
export const natsOptionsOf = (config: ClusterConfig): NatsOptions & { replicas: number } => ({
  url: config.natsUrl.reveal(),
  replicas: config.natsReplicas,
  ...(config.natsCredentialsFile !== undefined && { credentialsPath: config.natsCredentialsFile }),
  ...(config.natsCaFile !== undefined && { caPath: config.natsCaFile }),
})
