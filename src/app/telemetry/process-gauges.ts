import { constants, monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks'
import type { GaugeSource, Meters } from '#ports/telemetry.ts'
import { instruments } from './instruments.ts'

const collections: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
}

interface Collected {
  readonly duration: number
  readonly detail: { readonly kind: number }
}

const resolutionMs = 20

/** The process itself. What has to watch begins with the first look: nobody asks, nothing runs. */
export const createProcessSource = (meters: Meters): GaugeSource & Disposable => {
  let delay: ReturnType<typeof monitorEventLoopDelay> | undefined
  let observer: PerformanceObserver | undefined
  let use = performance.eventLoopUtilization()

  const watch = () => {
    observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as readonly Collected[]) {
        const kind = collections[entry.detail.kind] ?? 'other'
        meters.record(instruments.gc, entry.duration / 1_000, kind)
      }
    })
    observer.observe({ entryTypes: ['gc'] })
    const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
    histogram.enable()
    return histogram
  }

  return {
    name: 'runtime',
    observe(observe) {
      delay ??= watch()
      observe(instruments.memory, process.memoryUsage.rss())
      const { user, system } = process.cpuUsage()
      observe(instruments.cpu, user / 1e6, 'user')
      observe(instruments.cpu, system / 1e6, 'system')
      // The timer itself takes its resolution; what is beyond it is the delay.
      const lateMs = delay.count === 0 ? 0 : delay.percentile(99) / 1e6 - resolutionMs
      observe(instruments.loopDelay, Math.max(0, lateMs) / 1_000)
      delay.reset()
      const now = performance.eventLoopUtilization()
      observe(instruments.loopUse, performance.eventLoopUtilization(now, use).utilization)
      use = now
    },
    [Symbol.dispose]() {
      delay?.disable()
      observer?.disconnect()
    },
  }
}
