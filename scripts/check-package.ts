/**
 * Packs the tarball, looks at what is in it, installs it in an empty folder and imports every subpath there: what ships
 * is what is tested. Then publint and attw read the same tarball.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, string> };
const ALLOWED =
  /^(dist\/.+\.(js|js\.map|d\.ts)|proto\/.+\.proto|package\.json|README\.md|CHANGELOG\.md|SECURITY\.md|LICENSE)$/;
const LIGHT = [
  './id',
  './errors',
  './bundle',
  './x509-svid',
  './jwt-svid',
  './wit',
  './wpt',
  './http-signature',
  './replay',
  './federation',
  './tls',
  './http',
];
const HEAVY = ['@grpc/grpc-js', '@peculiar/x509', '@bufbuild/protobuf', 'undici'];

const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

const folder = mkdtempSync(join(tmpdir(), 'svidkit-package-'));
try {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], root)) as [
    { filename: string; files: { path: string }[] },
  ];
  const strangers = packed.files.map((file) => file.path).filter((path) => !ALLOWED.test(path));
  if (strangers.length > 0)
    throw new Error(`the tarball holds files that do not belong there: ${strangers.join(', ')}`);
  const tarball = join(folder, packed.filename);
  console.log(`packed ${packed.files.length} files`);

  const empty = join(folder, 'consumer');
  run('mkdir', [empty], folder);
  writeFileSync(join(empty, 'package.json'), '{"private":true,"type":"module"}');
  run('npm', ['install', '--silent', '--prefer-offline', '--no-package-lock', tarball], empty);

  writeFileSync(
    join(empty, 'trace.mjs'),
    `export async function resolve(specifier, context, next) {
       const found = await next(specifier, context);
       if (found.url.startsWith('file:')) process._rawDebug('loaded ' + found.url);
       return found;
     }`,
  );
  for (const subpath of Object.keys(manifest.exports).filter((path) => path !== './package.json')) {
    const specifier = subpath.replace('.', 'svidkit');
    const script = `import { register } from 'node:module'; register('./trace.mjs', ${JSON.stringify(`file://${empty}/`)}); const found = await import(${JSON.stringify(specifier)}); if (Object.keys(found).length === 0) throw new Error('empty');`;
    const imported = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: empty,
      encoding: 'utf8',
    });
    const trace = imported.stderr;
    if (imported.status !== 0) throw new Error(`importing ${specifier} failed:\n${trace}`);
    if (!trace.includes('/node_modules/svidkit/dist/')) throw new Error(`nothing was seen of importing ${specifier}`);
    const loaded = HEAVY.filter((name) => trace.includes(`/node_modules/${name}/`));
    console.log(`${specifier} loads${loaded.length > 0 ? ` ${loaded.join(', ')}` : ' no package'}`);
    if (LIGHT.includes(subpath) && loaded.length > 0)
      throw new Error(`${specifier} must not load ${loaded.join(', ')}`);
  }

  run('npx', ['publint', 'run', '--strict', tarball], root);
  console.log('publint: nothing to say');
  run('npx', ['attw', '--profile', 'esm-only', tarball], root);
  console.log('attw: nothing to say');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
