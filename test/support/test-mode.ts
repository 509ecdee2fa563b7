/** In cluster mode every service of a scenario is several processes; `vitest.config.ts` runs both modes. */
export const inCluster = process.env.PABAL_TEST_MODE === 'cluster'
/** How many processes of a service send. */
export const workerCount = inCluster ? 2 : 1
