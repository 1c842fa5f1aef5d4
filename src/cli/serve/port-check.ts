/**
 * Makes sure that nobody listens on the port before the fronts do. Fronts share their port (SO_REUSEPORT), so a second
 * engine would listen beside the first and take a part of its requests; a plain socket refuses that.
 */
import { createServer } from 'node:net';

/** @returns null if the port is free, else what stands in the way, for a person */
export function portObstacle(host: string, port: number): Promise<string | null> {
  if (port === 0) return Promise.resolve(null);
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(explain(error, host, port)));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)));
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use; stop what listens there, or set http.port (MILLRACE_HTTP__PORT)`;
    case 'EACCES':
      return `port ${port} may not be used by this user; set http.port to one above 1023`;
    case 'EADDRNOTAVAIL':
      return `${host} is no address of this machine; set http.host to one that is`;
    default:
      return `port ${port} on ${host} cannot be listened on: ${error.message}`;
  }
}
