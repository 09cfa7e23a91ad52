import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');
const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string>;
  dependencies: Record<string, string>;
};

interface Room {
  readonly name: string;
  /** Rooms, and files of rooms (`workload-api/grpc-server.ts`) that may be imported past the room's index. */
  readonly imports: ReadonlySet<string>;
  /** Package name to the only files that may import it; none named means any file of the room. */
  readonly packages: ReadonlyMap<string, readonly string[]>;
}

function tableAfter(heading: string): string[][] {
  const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const names = (cell: string): string[] => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name ?? '');

const rows = tableAfter('Rooms');
const below = rows.map(([, room]) => names(room ?? '')[0] ?? '');
const rooms = new Map<string, Room>(
  rows.map(([, room, , imports = '', packages = '']) => {
    const name = names(room ?? '')[0] ?? '';
    const every = imports.startsWith('every room but')
      ? below.filter((other) => !names(imports).includes(other))
      : names(imports);
    const allowed = packages.split(', ').flatMap((part) => {
      const [pack, ...only] = names(part);
      return pack === undefined ? [] : ([[pack, only]] as const);
    });
    return [name, { name, imports: new Set(every), packages: new Map(allowed) }];
  }),
);

interface Import {
  readonly file: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
  /** Loaded when a call needs it, not with the module. */
  readonly dynamic: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join(src, file));

const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(file, 'utf8').replaceAll(/^\s*(?:\/?\*|\/\/).*$/gm, '');
  const statements = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^;'"]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g,
  );
  return Array.from(statements, ([, type, from, bare, dynamic]) => ({
    file,
    specifier: from ?? bare ?? dynamic ?? '',
    typeOnly: type !== undefined,
    dynamic: dynamic !== undefined,
  }));
});

function roomOf(file: string): string {
  const [first = ''] = relative(src, file).split(sep);
  return first.endsWith('.ts') ? 'index' : first;
}

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function violation({ file, specifier }: Import): string | undefined {
  const room = rooms.get(roomOf(file));
  const where = relative(root, file);
  if (room === undefined) return `${where}: room ${roomOf(file)} is not in the table`;
  if (specifier.startsWith('node:')) return undefined;
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier);
    if (!room.packages.has(name)) return `${where} imports ${specifier}`;
    const only = room.packages.get(name) ?? [];
    return only.length === 0 || only.includes(basename(file)) ? undefined : `${where} imports ${specifier}`;
  }
  const target = resolve(dirname(file), specifier).replace(/\.js$/, '.ts');
  const other = roomOf(target);
  if (other === room.name) return undefined;
  if (!room.imports.has(other)) return `${where} imports ${specifier}: ${room.name} may not import ${other}`;
  const named = relative(src, target).replaceAll(sep, '/');
  if (other === 'internal' || named === `${other}/index.ts` || room.imports.has(named)) return undefined;
  return `${where} imports ${specifier}: only ${other}/index.js may be imported from outside`;
}

/** Every package that loading a subpath pulls in, by its static imports. */
function packagesReachedFrom(entry: string): Set<string> {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { specifier, typeOnly, dynamic } of imports.filter((item) => item.file === file)) {
      if (typeOnly || dynamic || specifier.startsWith('node:')) continue;
      if (specifier.startsWith('.')) visit(resolve(dirname(file), specifier).replace(/\.js$/, '.ts'));
      else packages.add(packageOf(specifier));
    }
  };
  visit(entry);
  return packages;
}

describe('the house', () => {
  it('has a readable table and finds the imports it judges', () => {
    expect(rooms.size).toBeGreaterThan(10);
    expect(imports.length).toBeGreaterThan(100);
    expect(rooms.get('workload-api')?.packages.get('@grpc/grpc-js')).toContain('grpc-client.ts');
  });

  it('has a row for every folder of src and a folder for every row', () => {
    const folders = readdirSync(src, { withFileTypes: true }).map((entry) =>
      entry.isDirectory() ? entry.name : 'index',
    );
    expect([...rooms.keys()].sort()).toEqual([...new Set(folders)].sort());
  });

  it('has imports that go down the floors only', () => {
    expect(imports.map(violation).filter((found) => found !== undefined)).toEqual([]);
  });

  it('would notice a wrong arrow, a deep import and an undeclared package', () => {
    const plain = { typeOnly: false, dynamic: false };
    const file = join(src, 'id', 'trust-domain.ts');
    expect(violation({ ...plain, file, specifier: '../bundle/index.js' })).toMatch(/may not import bundle/);
    expect(violation({ ...plain, file, specifier: '../errors/id-error.js' })).toMatch(/only errors\/index/);
    expect(violation({ ...plain, file, specifier: 'jose' })).toMatch(/imports jose/);
    const client = join(src, 'workload-api', 'client.ts');
    expect(violation({ ...plain, file: client, specifier: '@grpc/grpc-js' })).toMatch(/imports @grpc/);
  });

  it('has a subpath for every room but internal, and the other way round', () => {
    const subpaths = Object.keys(manifest.exports).filter((path) => path !== './package.json');
    const expected = [...rooms.keys()]
      .filter((name) => name !== 'internal')
      .map((name) => (name === 'index' ? '.' : `./${name}`));
    expect(subpaths.sort()).toEqual(expected.sort());
  });

  it('has an index of explicit named re-exports in every room', () => {
    for (const name of rooms.keys()) {
      if (name === 'internal' || name === 'index') continue;
      const text = readFileSync(join(src, name, 'index.ts'), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      const rest = text.replaceAll(/export\s+(?:type\s+)?\{[^}]*\}\s*from\s*'[^']+';/g, '').trim();
      expect(rest, `${name}/index.ts`).toBe('');
    }
  });

  it('says why each runtime dependency is there', () => {
    const justified = tableAfter('Runtime dependencies').map(([name]) => names(name ?? '')[0]);
    expect(justified.sort()).toEqual(Object.keys(manifest.dependencies).sort());
  });

  it.each([
    'id',
    'errors',
    'bundle',
    'x509-svid',
    'jwt-svid',
    'wit',
    'wpt',
    'http-signature',
    'replay',
    'federation',
    'file-source',
    'tls',
    'http',
  ])('loads no package at all for svidkit/%s', (room) => {
    expect([...packagesReachedFrom(join(src, room, 'index.ts'))]).toEqual([]);
  });

  it('keeps certificate issuance out of svidkit, svidkit/workload-api and svidkit/broker-api', () => {
    for (const entry of ['index.ts', 'workload-api/index.ts', 'broker-api/index.ts']) {
      expect([...packagesReachedFrom(join(src, entry))].sort()).toEqual(['@bufbuild/protobuf', '@grpc/grpc-js']);
    }
  });

  it('keeps every file under 400 lines', () => {
    const long = files.filter(
      (file) => !file.includes(`${sep}gen${sep}`) && readFileSync(file, 'utf8').split('\n').length > 400,
    );
    expect(long.map((file) => relative(root, file))).toEqual([]);
  });
});
