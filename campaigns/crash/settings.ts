/** The service as it is killed: everything that takes time takes little of it. */
export const settingsOf = (about: {
  readonly port: number
  readonly dataDir: string
  readonly controlUrl: string
}): Readonly<Record<string, string>> => {
  const { port, dataDir, controlUrl } = about
  const perChannel = ['PUSH', 'SMS', 'EMAIL'].flatMap((channel) => [
    [`PABAL_${channel}_DEADLINE_MS`, '2000'],
    [`PABAL_${channel}_BACKOFF_BASE_MS`, '100'],
    [`PABAL_${channel}_BACKOFF_CAP_MS`, '1000'],
  ])
  return {
    ...Object.fromEntries(perChannel),
    PABAL_SMS_RECEIPT_TIMEOUT_MS: '10000',
    PABAL_EMAIL_RECEIPT_TIMEOUT_MS: '10000',
    PABAL_TWILIO_RATE_PER_SECOND: '5000',
    PABAL_SENDGRID_RATE_PER_SECOND: '5000',
    PABAL_PORT: String(port),
    PABAL_DATA_DIR: dataDir,
    PABAL_SANDBOX_URL: controlUrl,
    PABAL_LOG_LEVEL: 'warn',
  }
}
