import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { createDevEndpoint } from 'svidkit/dev';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'test', '.docs');

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
  }, 60_000);

  it('has a README whose service, agent and endpoint run as they stand, but for the address', async () => {
    const port = await freePort();
    await using endpoint = await createDevEndpoint({ trustDomain: 'example.org' });
    const service = await endpoint.addWorkload('spiffe://example.org/services/orders');
    const agent = await endpoint.addWorkload('spiffe://example.org/agents/planner');
    const [asAgent, asService, asEndpoint] = examples.map(({ file }) => localCopy(file, port));

    const serving = run(asService, service.address);
    try {
      await untilListening(port, serving.child);
      const answered = await run(asAgent, agent.address).done;
      expect(answered).toEqual({ code: 0, output: 'I am spiffe://example.org/agents/planner\n' });
      const own = run(asEndpoint, '');
      const [line] = await once(own.child.stdout, 'data');
      expect(line).toMatch(/^SPIFFE_ENDPOINT_SOCKET=unix:\/\/\/.+\n$/);
      own.child.kill();
      await own.done;
    } finally {
      serving.child.kill();
      await serving.done;
    }
  }, 60_000);

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

/** The example with a local address in the place of `https://orders.example.org`, and a check that the call was answered. */
function localCopy(file: string, port: number): string {
  const code = readFileSync(file, 'utf8')
    .replaceAll('https://orders.example.org', `https://127.0.0.1:${port}`)
    .replaceAll('8443', String(port));
  const copy = file.replace('.ts', '-local.ts');
  const check = "\nif (answer.status !== 200 || !token || !agent) throw new Error('not answered');\n";
  writeFileSync(copy, code.includes('const answer') ? code + check : code);
  return copy;
}

interface Run {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  readonly done: Promise<{ readonly code: unknown; readonly output: string }>;
}

function run(file: string | undefined, address: string): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', String(file)], {
    cwd: root,
    env: { ...process.env, SPIFFE_ENDPOINT_SOCKET: address },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return { child, done: once(child, 'close').then(([code]) => ({ code, output })) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const open = await new Promise<boolean>((settle) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => settle(true)).once('error', () => settle(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((next) => setTimeout(next, 50));
  }
  throw new Error('the service ended');
}
