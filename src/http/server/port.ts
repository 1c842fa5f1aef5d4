/** Free ports, and ports that are taken. */
import { createServer } from 'node:net';
import { MillraceError } from '../../platform/errors.js';

export class PortInUseError extends MillraceError {
  readonly code = 'MR_PORT_IN_USE';

  constructor(host: string, port: number) {
    super(`port ${port} on ${host} is in use`);
  }
}

/**
 * Takes the port exclusively for a moment and lets it go again.
 * @param port 0: a free one is chosen
 * @returns the port
 * @throws PortInUseError
 */
export function reservePort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new PortInUseError(host, port) : error);
    });
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      const chosen = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve(chosen));
    });
  });
}
