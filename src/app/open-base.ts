import { type Config, isCluster } from '../config.ts'
import type { Around, Base } from './base.ts'
import { openEmbedded } from './embedded.ts'

/**
 * Opens what the settings name: three servers, or the data directory under its lock. The servers are
 * examined first unless it is for one order only.
 */
export const openBase = async (
  config: Config,
  around: Around = {},
  purpose: 'service' | 'order' = 'service',
): Promise<Base> => {
  if (!isCluster(config)) return openEmbedded(config, around)
  const { openCluster } = await import('./cluster.ts')
  return openCluster(config, around, purpose)
}
