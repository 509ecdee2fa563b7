import { defaultPolicies, type Policies } from '#domain/notification/policy.ts'
import type { Config } from '../config.ts'

/** The domain's policies as the settings have them. */
export const policiesOf = (config: Config): Policies => ({
  push: {
    ...defaultPolicies.push,
    deadlineMs: config.pushDeadlineMs,
    backoffBaseMs: config.pushBackoffBaseMs,
    backoffCapMs: config.pushBackoffCapMs,
  },
  sms: {
    ...defaultPolicies.sms,
    deadlineMs: config.smsDeadlineMs,
    backoffBaseMs: config.smsBackoffBaseMs,
    backoffCapMs: config.smsBackoffCapMs,
    receiptTimeoutMs: config.smsReceiptTimeoutMs,
  },
  email: {
    ...defaultPolicies.email,
    deadlineMs: config.emailDeadlineMs,
    backoffBaseMs: config.emailBackoffBaseMs,
    backoffCapMs: config.emailBackoffCapMs,
    receiptTimeoutMs: config.emailReceiptTimeoutMs,
  },
})
