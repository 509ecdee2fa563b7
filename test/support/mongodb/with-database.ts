const form = /^(\w+(?:\+\w+)?:\/\/(?:([^@/?]*)@)?[^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s

/** The same server and another database. Takes several hosts too, which `URL` does not. */
export const withDatabase = (url: string, name: string): string => {
  const [, server = url, user, database = '', query = ''] = form.exec(url) ?? []
  const options = new URLSearchParams(query)
  // Users live where the given address says, not in the new database.
  if (user !== undefined && !options.has('authSource'))
    options.set('authSource', database === '' ? 'admin' : database)
  return `${server}/${name}${options.size > 0 ? `?${options}` : ''}`
}
