import type { ServerOptions } from 'node:http'

/**
 * Node closes an idle connection after 5 s, often just when a client uses it again; providers keep theirs longer, and
 * a reset that nobody asked for would look like a lost answer.
 */
export const httpOptions: ServerOptions = { keepAliveTimeout: 65_000, requestTimeout: 300_000 }
