import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { serveHttp } from './raw-http.js';

/** What goes through a {@link middlebox}. */
export interface Passing {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** A proxy before a server, which may change what comes back, until the test is over. Gives its port. */
export function middlebox(
  port: number,
  change: (answer: Passing, request: IncomingMessage) => Passing,
): Promise<number> {
  return serveHttp(async (request, response) => {
    const { method, url: path, rawHeaders: headers } = request;
    const outgoing = httpRequest({ port, method, path, headers });
    outgoing.end(await buffer(request));
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const received = {
      status: incoming.statusCode ?? 0,
      rawHeaders: incoming.rawHeaders,
      body: await buffer(incoming),
    };
    const { status, rawHeaders, body } = change(received, request);
    const kept = rawHeaders.filter(
      (_, index, all) => !/^(?:content-length|connection|keep-alive)$/i.test(all[index - (index % 2)] ?? ''),
    );
    response.writeHead(status, kept).end(body);
  });
}
