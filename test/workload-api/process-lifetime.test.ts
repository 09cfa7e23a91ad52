import { join } from 'node:path';
import { createIssuer } from 'svidkit/issuer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { x509Message } from '../support/delivered-messages.js';
import { runProgram } from '../support/programs.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { SilentPath } from '../support/silent-path.js';

const PLANNER = 'spiffe://example.org/agents/planner';

describe('a process with an open source', () => {
  let serving: ScriptedEndpoint;
  let hanging: ScriptedEndpoint;
  let tcp: SilentPath;

  beforeAll(async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    serving = await ScriptedEndpoint.start();
    serving.x509.opening = { send: x509Message([await issuer.issueX509Svid(PLANNER)], issuer.bundle) };
    hanging = await ScriptedEndpoint.start();
    tcp = await SilentPath.to({ path: serving.path });
  });

  afterAll(async () => {
    await tcp[Symbol.asyncDispose]();
    await serving.stop();
    await hanging.stop();
  });

  const run = (mode: string, address: string) =>
    runProgram(join(import.meta.dirname, 'idle-process.ts'), {
      parameters: [mode],
      env: { SPIFFE_ENDPOINT_SOCKET: address },
    }).done;

  it('ends when nothing else is to be done, unless somebody waits or keepProcessAlive says otherwise', async () => {
    const [idle, idleTcp, keep, lost, wait, call, abandon] = await Promise.all([
      run('idle', serving.address),
      run('idle', tcp.address),
      run('keep', serving.address),
      run('lost', 'unix:///nowhere/agent.sock'),
      run('wait', hanging.address),
      run('call', hanging.address),
      run('abandon', serving.address),
    ]);
    expect(idle, 'with its stream open').toEqual({ code: 0, output: `${PLANNER}\n` });
    expect(idleTcp, 'over TCP, with keepalive').toEqual({ code: 0, output: `${PLANNER}\n` });
    expect(keep, 'with keepProcessAlive').toEqual({ code: 0, output: `${PLANNER}\nstill here\n` });
    expect(lost, 'between two attempts').toEqual({ code: 0, output: '' });
    expect(wait, 'waiting for ready()').toEqual({ code: 0, output: 'timeout\n' });
    expect(call, 'waiting for the answer to a call').toEqual({ code: 0, output: 'timeout\n' });
    expect(abandon, 'with a stream that nobody reads on, of a closed client').toEqual({
      code: 0,
      output: `${PLANNER}\n`,
    });
  }, 60_000);
});
