import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
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
      { ...options, noEmit: true, noUnusedLocals: false },
    );
    const problems = ts.getPreEmitDiagnostics(program).map((found) => {
      const at = found.file?.getLineAndCharacterOfPosition(found.start ?? 0);
      return `${found.file?.fileName}:${(at?.line ?? 0) + 1} ${ts.flattenDiagnosticMessageText(found.messageText, '\n')}`;
    });
    expect(problems).toEqual([]);
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
