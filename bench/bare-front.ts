/**
 * The bare front: uWebSockets.js on one thread that reads a body, looks at nothing and answers at once with an answer of
 * the engine's size. What the engine's front could reach if everything behind it were free.
 *
 * Run as a child: its first message is the answer, which may be too long for an argument; then it says its port. It ends
 * with its parent.
 */
import { App, type HttpResponse, us_socket_local_port } from 'uWebSockets.js';

export interface BareAnswer {
  /** Such as "201 Created". */
  readonly status: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string;
}

process.once('message', ({ status, headers, body }: BareAnswer) => {
  const app = App();
  app.post('/*', answer);
  app.get('/*', answer);
  app.listen('127.0.0.1', 0, (socket) => {
    if (socket === false) throw new Error('no port to listen on');
    process.send?.({ port: us_socket_local_port(socket as never) });
  });

  function answer(response: HttpResponse): void {
    response.onAborted(() => undefined);
    response.onData((_chunk, isLast) => {
      if (!isLast) return;
      response.cork(() => {
        response.writeStatus(status);
        for (let index = 0; index + 1 < headers.length; index += 2) {
          response.writeHeader(headers[index] ?? '', headers[index + 1] ?? '');
        }
        response.end(body);
      });
    });
  }
});
process.once('disconnect', () => process.exit());
