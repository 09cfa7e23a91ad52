import { once } from 'node:events';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { anyId, Workload } from 'svidkit';
import { createDevEndpoint } from 'svidkit/dev';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import { call } from './support/connections.js';
import { freePort } from './support/free-port.js';
import { ask } from './support/http2.js';
import { type RunningProgram, runProgram, untilListening } from './support/programs.js';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'test', '.docs');
const PLANNER = 'spiffe://example.org/agents/planner';

interface Example {
  readonly name: string;
  readonly file: string;
}

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

mkdirSync(folder, { recursive: true });
const examples: Example[] = pages.flatMap((page) =>
  Array.from(readFileSync(join(root, page), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, code = ''], index) => {
    const file = join(folder, `${page.replaceAll(/\W/g, '-')}-${index}.ts`);
    writeFileSync(file, code);
    return { name: `${page}, example ${index + 1}`, file };
  }),
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the documentation', () => {
  it('has examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(3);
  });

  it('has examples that compile as they stand', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
    const program = ts.createProgram(
      examples.map(({ file }) => file),
      { ...options, noEmit: true, noUnusedLocals: false, skipLibCheck: true },
    );
    const found = examples.flatMap(({ file }) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)));
    const problems = found.map((problem) => {
      const at = problem.file?.getLineAndCharacterOfPosition(problem.start ?? 0);
      return `${problem.file?.fileName}:${(at?.line ?? 0) + 1} ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`;
    });
    expect(problems).toEqual([]);
  }, 240_000);

  it('has a README whose service, agent and endpoint run as they stand, but for the address', async () => {
    const port = await freePort();
    await using endpoint = await createDevEndpoint({ trustDomain: 'example.org' });
    const service = await endpoint.addWorkload('spiffe://example.org/services/orders');
    const agent = await endpoint.addWorkload(PLANNER);
    const check = "\nif (answer.status !== 200 || !token || !agent) throw new Error('not answered');\n";
    const [asAgent = '', asService, asEndpoint] = examples.map(({ file }) => localCopy(file, port));
    appendFileSync(asAgent, check);

    const serving = runAt(service.address, asService);
    try {
      await untilListening(port, serving.child);
      const answered = await runAt(agent.address, asAgent).done;
      expect(answered).toEqual({ code: 0, output: `I am ${PLANNER}\n` });
      const own = runProgram(asEndpoint);
      const [line] = await once(own.child.stdout, 'data');
      expect(line).toMatch(/^SPIFFE_ENDPOINT_SOCKET=unix:\/\/\/.+\n$/);
      own.child.kill();
      await own.done;
    } finally {
      serving.child.kill();
      await serving.done;
    }
  }, 240_000);

  it('has frameworks that serve HTTPS, HTTP/2 and WebSockets as they stand, but for the address', async () => {
    await using endpoint = await createDevEndpoint({ trustDomain: 'example.org' });
    const service = await endpoint.addWorkload('spiffe://example.org/services/orders');
    const agent = await endpoint.addWorkload(PLANNER);
    const pieces = examples
      .filter(({ name }) => name.startsWith('docs/frameworks.md'))
      .map(({ file }) => ({ file, code: readFileSync(file, 'utf8') }));
    const servers = pieces.filter(({ code }) => code.includes('8443'));
    const [sessions, webSocket] = pieces.filter(({ code }) => !code.includes('8443'));
    const ports: number[] = [];
    for (const _ of servers) ports.push(await freePort());
    const [first = 0, last = 0] = [ports[0], ports.at(-1)];
    const copies = servers.map(({ file }, index) => localCopy(file, ports[index] ?? 0));

    const serving = runAt(service.address, together('all-servers.ts', copies));
    try {
      for (const port of ports) await untilListening(port, serving.child);
      await using workload = await Workload.connect({ address: agent.address });
      await using pool = workload.http2SessionPool({ authorize: anyId() });
      const httpsAgent = workload.httpsAgent({ authorize: anyId() });
      for (const [index, { code }] of servers.entries()) {
        const port = ports[index] ?? 0;
        if (port === last) continue;
        const { body } = code.includes('createHttp2Server')
          ? await ask(await pool.session(`https://127.0.0.1:${port}`), { ':path': '/orders' })
          : await call(httpsAgent, port, { path: '/orders' });
        expect(body, code).toBe(`hello, ${PLANNER}\n`);
      }
      const clients = [localCopy(sessions?.file ?? '', first), localCopy(webSocket?.file ?? '', last)];
      expect(await runAt(agent.address, together('all-clients.ts', clients)).done).toEqual({
        code: 0,
        output: [
          `spiffe://example.org/services/orders says: hello, ${PLANNER}\n\n`,
          `spiffe://example.org/services/orders is there\nand says: hello, ${PLANNER}\n\n`,
        ].join(''),
      });
    } finally {
      serving.child.kill();
      await serving.done;
    }
  }, 240_000);

  it('names only files, folders and scripts that exist', () => {
    const scripts = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts);
    for (const page of [...pages, 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'SECURITY.md', 'CHANGELOG.md']) {
      const text = readFileSync(join(root, page), 'utf8');
      for (const [, script] of text.matchAll(/npm run ([\w:-]+)/g)) expect(scripts, page).toContain(script);
      for (const [, link = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        expect(() => readFileSync(resolve(root, page, '..', link)), `${page} links ${link}`).not.toThrow();
      }
    }
  });
});

/** The example with a local address in the place of `orders.example.org`. */
function localCopy(file: string, port: number): string {
  const code = readFileSync(file, 'utf8')
    .replaceAll('//orders.example.org', `//127.0.0.1:${port}`)
    .replaceAll('8443', String(port));
  const copy = file.replace('.ts', '-local.ts');
  writeFileSync(copy, code);
  return copy;
}

/** A program that is all of these, one after the other. */
function together(name: string, files: readonly string[]): string {
  const file = join(folder, name);
  writeFileSync(file, files.map((each) => `await import('./${basename(each)}');\n`).join(''));
  return file;
}

function runAt(address: string, program: string | undefined): RunningProgram {
  return runProgram(program, { env: { SPIFFE_ENDPOINT_SOCKET: address } });
}
