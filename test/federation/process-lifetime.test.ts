import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EndpointServer } from '../support/bundle-endpoint.js';
import { emptyDocument, send, web, webProfile } from '../support/federated-domain.js';
import { runProgram } from '../support/programs.js';

describe('a process with a federated source', () => {
  let server: EndpointServer;
  let hanging: EndpointServer;

  beforeAll(async () => {
    server = await EndpointServer.start(web, (_request, response) => send(response, emptyDocument(1)));
    hanging = await EndpointServer.start(web, () => {});
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await hanging[Symbol.asyncDispose]();
  });

  const run = (mode: string, url: string) =>
    runProgram(join(import.meta.dirname, 'idle-process.ts'), { parameters: [mode, url, webProfile.ca as string] }).done;

  it('ends when nothing else is to be done, unless somebody waits or keepProcessAlive says otherwise', async () => {
    const [fetched, idle, keep, lost] = await Promise.all([
      run('once', server.url()),
      run('idle', server.url()),
      run('keep', server.url()),
      run('lost', hanging.url()),
    ]);
    expect(fetched, 'one fetch').toEqual({ code: 0, output: 'spiffe://b.test\n' });
    expect(idle, 'between two fetches').toEqual({ code: 0, output: 'spiffe://b.test\n' });
    expect(keep, 'with keepProcessAlive').toEqual({ code: 0, output: 'spiffe://b.test\nstill here\n' });
    expect(lost, 'with a fetch that hangs').toEqual({ code: 0, output: '' });
  }, 60_000);
});
