const channels = ['PUSH', 'SMS', 'EMAIL'].flatMap((channel) => [
  [`PABAL_${channel}_DEADLINE_MS`, '2000'],
  [`PABAL_${channel}_BACKOFF_BASE_MS`, '100'],
  [`PABAL_${channel}_BACKOFF_CAP_MS`, '1000'],
])

/** A service that is tried under faults: everything that takes time takes little of it. */
export const briskSettings: Readonly<Record<string, string>> = {
  ...Object.fromEntries(channels),
  PABAL_SMS_RECEIPT_TIMEOUT_MS: '10000',
  PABAL_EMAIL_RECEIPT_TIMEOUT_MS: '10000',
  PABAL_TWILIO_RATE_PER_SECOND: '5000',
  PABAL_SENDGRID_RATE_PER_SECOND: '5000',
  PABAL_LOG_LEVEL: 'warn',
}
