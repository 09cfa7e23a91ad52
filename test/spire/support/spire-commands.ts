import { execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface CommandTarget {
  /** Path of `spire-server`. */
  readonly program: string;
  /** Path of the server's own socket. */
  readonly socket: string;
  readonly trustDomain: string;
  /** Path of the agent's identity, under which entries are registered. */
  readonly parentPath: string;
}

/** What makes a workload eligible for an identity, and how long its credentials live. */
export interface Entry {
  /** Path of the SPIFFE ID, such as `/agents/planner`. */
  readonly path: string;
  /** The user that the workload runs as. */
  readonly uid: number;
  readonly x509TtlSeconds?: number;
  readonly jwtTtlSeconds?: number;
  readonly hint?: string;
  readonly dnsNames?: readonly string[];
  /** Entries are delivered in the order of their identifiers. Default: a random one. */
  readonly entryId?: string;
  /** Names of foreign trust domains whose bundles the workload gets; each must have one by then. */
  readonly federatesWith?: readonly string[];
}

/** The keys a server signs with: X.509 authorities and JWT authorities rotate on their own. */
export type AuthorityKind = 'x509' | 'jwt';

export interface MintedWit {
  readonly token: string;
  /** A JWK, as JSON text. */
  readonly privateKey: string;
}

/** Each as PEM. */
export interface MintedX509 {
  readonly certificates: string;
  readonly privateKey: string;
  readonly bundle: string;
}

export interface MintWitOptions {
  readonly ttlSeconds?: number;
  readonly keyType?: 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-4096';
  readonly signingAlgorithm?: 'ES256' | 'ES384' | 'RS256' | 'PS256';
}

/** The `spire-server` command line, one method for each command that the tests need. */
export class SpireCommands {
  readonly #target: CommandTarget;

  constructor(target: CommandTarget) {
    this.#target = target;
  }

  id(path: string): string {
    return `spiffe://${this.#target.trustDomain}${path}`;
  }

  /** Whether a program of SPIRE says that it is healthy. */
  async healthy(program: string, socket: string): Promise<boolean> {
    await run(program, ['healthcheck', '-socketPath', socket], { timeout: 10_000 });
    return true;
  }

  async joinToken(): Promise<string> {
    const answer = await this.#json([
      'token',
      'generate',
      '-spiffeID',
      this.id(this.#target.parentPath),
      '-ttl',
      '600',
    ]);
    return textAt(answer, 'value');
  }

  /** Registers a workload; gives the identifier of the entry. */
  async createEntry(entry: Entry): Promise<string> {
    const id = entry.entryId === undefined ? [] : ['-entryID', entry.entryId];
    const answer = await this.#json(['entry', 'create', ...id, ...this.#entryFlags(entry)]);
    return textAt(answer, 'results', 0, 'entry', 'id');
  }

  /** Registers many workloads with one command. */
  async createEntries(entries: readonly (Entry & { readonly entryId: string })[]): Promise<void> {
    const document = {
      entries: entries.map(({ entryId, path, uid, x509TtlSeconds, hint }) => ({
        entry_id: entryId,
        spiffe_id: this.id(path),
        parent_id: this.id(this.#target.parentPath),
        selectors: [{ type: 'unix', value: `uid:${uid}` }],
        x509_svid_ttl: x509TtlSeconds,
        hint,
      })),
    };
    await withFile('entries.json', JSON.stringify(document), (path) => this.#json(['entry', 'create', '-data', path]));
  }

  async deleteEntries(entryIds: readonly string[]): Promise<void> {
    const ids = JSON.stringify({ ids: entryIds });
    await withFile('ids.json', ids, (path) => this.#json(['entry', 'delete', '-file', path]));
  }

  /** The SPIFFE ID of the one agent that is attested. */
  async agentId(): Promise<string> {
    return this.id(textAt(await this.#json(['agent', 'list']), 'agents', 0, 'id', 'path'));
  }

  /** Has the server forget an agent, which may attest itself again if it can. */
  async evictAgent(agentId: string): Promise<void> {
    await this.#text(['agent', 'evict', '-spiffeID', agentId]);
  }

  /** Has the server want no more of an agent, whatever it shows. */
  async banAgent(agentId: string): Promise<void> {
    await this.#text(['agent', 'ban', '-spiffeID', agentId]);
  }

  /** Replaces the whole entry. */
  async updateEntry(entryId: string, entry: Entry): Promise<void> {
    await this.#json(['entry', 'update', '-entryID', entryId, ...this.#entryFlags(entry)]);
  }

  async deleteEntry(entryId: string): Promise<void> {
    await this.#json(['entry', 'delete', '-entryID', entryId]);
  }

  /** Makes the next authority, which is in the bundle from now on; gives its identifier. */
  async prepareAuthority(kind: AuthorityKind): Promise<string> {
    const answer = await this.#json(['localauthority', kind, 'prepare']);
    return textAt(answer, 'prepared_authority', 'authority_id');
  }

  /** Signs with a prepared authority from now on; gives the identifier of the one before. */
  async activateAuthority(kind: AuthorityKind, authorityId: string): Promise<string> {
    await this.#json(['localauthority', kind, 'activate', '-authorityID', authorityId]);
    return textAt(await this.#json(['localauthority', kind, 'show']), 'old', 'authority_id');
  }

  /** Has everything issued anew that an old authority signed. */
  async taintAuthority(kind: AuthorityKind, authorityId: string): Promise<void> {
    await this.#json(['localauthority', kind, 'taint', '-authorityID', authorityId]);
  }

  /** Takes a tainted authority out of the bundle. */
  async revokeAuthority(kind: AuthorityKind, authorityId: string): Promise<void> {
    await this.#json(['localauthority', kind, 'revoke', '-authorityID', authorityId]);
  }

  /** Sets the bundle of a foreign trust domain to a file with a SPIFFE bundle document. */
  async setBundle(trustDomain: string, path: string): Promise<void> {
    await this.#text(['bundle', 'set', '-format', 'spiffe', '-id', `spiffe://${trustDomain}`, '-path', path]);
  }

  /** Has the server fetch the bundle of a foreign trust domain from its endpoint; with no `endpointId`, by `https_web`. */
  async federateWith(trustDomain: string, url: string, endpointId?: string, bootstrapPath?: string): Promise<void> {
    const flags = ['-trustDomain', trustDomain, '-bundleEndpointURL', url];
    if (endpointId === undefined) flags.push('-bundleEndpointProfile', 'https_web');
    else flags.push('-bundleEndpointProfile', 'https_spiffe', '-endpointSpiffeID', endpointId);
    if (bootstrapPath !== undefined) {
      flags.push('-trustDomainBundleFormat', 'spiffe', '-trustDomainBundlePath', bootstrapPath);
    }
    await this.#json(['federation', 'create', ...flags]);
  }

  /** Has the server fetch that bundle now. */
  async refreshBundleOf(trustDomain: string): Promise<void> {
    await this.#text(['federation', 'refresh', '-id', `spiffe://${trustDomain}`]);
  }

  /** Removes the bundle of a foreign trust domain, also from the entries that federate with it. */
  async deleteBundle(trustDomain: string): Promise<void> {
    await this.#text(['bundle', 'delete', '-id', `spiffe://${trustDomain}`, '-mode', 'dissociate']);
  }

  async mintWit(path: string, options: MintWitOptions = {}): Promise<MintedWit> {
    const { ttlSeconds = 60, keyType = 'ec-p256', signingAlgorithm = 'ES256' } = options;
    const flags = ['-ttl', `${ttlSeconds}s`, '-keyType', keyType, '-signingAlgorithm', signingAlgorithm];
    const answer = await this.#json(['wit', 'mint', '-spiffeID', this.id(path), ...flags]);
    return { token: textAt(answer, 'svid', 'token'), privateKey: textAt(answer, 'private_key') };
  }

  async mintX509(path: string, ttlSeconds = 60): Promise<MintedX509> {
    const text = await this.#text(['x509', 'mint', '-spiffeID', this.id(path), '-ttl', `${ttlSeconds}s`]);
    const section = (title: string): string => {
      const found = new RegExp(`^${title}:\\n((?:-----BEGIN [^-]+-----[^-]+-----END [^-]+-----\\n)+)`, 'm').exec(
        text,
      )?.[1];
      if (found === undefined) throw new Error(`the command's answer has no section ${title}`);
      return found;
    };
    return { certificates: section('X509-SVID'), privateKey: section('Private key'), bundle: section('Root CAs') };
  }

  /** As {@link mintX509}, into the files `svid.pem`, `key.pem` and `bundle.pem` of a folder. */
  async writeX509(path: string, folder: string, ttlSeconds = 60): Promise<void> {
    await this.#text(['x509', 'mint', '-spiffeID', this.id(path), '-ttl', `${ttlSeconds}s`, '-write', folder]);
  }

  async mintJwt(path: string, audience: string, ttlSeconds = 60): Promise<string> {
    const flags = ['-spiffeID', this.id(path), '-audience', audience, '-ttl', `${ttlSeconds}s`];
    return (await this.#text(['jwt', 'mint', ...flags])).trim();
  }

  async bundlePem(): Promise<string> {
    return await this.#text(['bundle', 'show']);
  }

  /** The server's bundle as a SPIFFE bundle document: X.509 and JWT authorities. */
  async bundleDocument(): Promise<string> {
    return await this.#text(['bundle', 'show', '-format', 'spiffe']);
  }

  /** The server's WIT authorities as a JWKS; SPIRE puts them into no bundle document yet. */
  async witJwks(): Promise<string> {
    const answer = await this.#json(['bundle', 'show']);
    const authorities = at(answer, 'wit_authorities');
    if (!Array.isArray(authorities)) throw new Error('the bundle of the server names no wit_authorities');
    const keys = authorities.map((authority: unknown) => {
      const der = Buffer.from(textAt(authority, 'public_key'), 'base64');
      const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
      return { ...key.export({ format: 'jwk' }), kid: textAt(authority, 'key_id'), use: 'wit-svid' };
    });
    return JSON.stringify({ keys });
  }

  #entryFlags(entry: Entry): string[] {
    const flags = ['-parentID', this.id(this.#target.parentPath), '-spiffeID', this.id(entry.path)];
    flags.push('-selector', `unix:uid:${entry.uid}`);
    if (entry.x509TtlSeconds !== undefined) flags.push('-x509SVIDTTL', String(entry.x509TtlSeconds));
    if (entry.jwtTtlSeconds !== undefined) flags.push('-jwtSVIDTTL', String(entry.jwtTtlSeconds));
    if (entry.hint !== undefined) flags.push('-hint', entry.hint);
    for (const name of entry.dnsNames ?? []) flags.push('-dns', name);
    for (const name of entry.federatesWith ?? []) flags.push('-federatesWith', `spiffe://${name}`);
    return flags;
  }

  async #json(args: readonly string[]): Promise<unknown> {
    const answer: unknown = JSON.parse(await this.#text([...args, '-output', 'json']));
    // A command on entries succeeds even where the server refused the entry.
    const code = at(answer, 'results', 0, 'status', 'code') ?? 0;
    if (code !== 0) throw new Error(`${args.join(' ')}: ${textAt(answer, 'results', 0, 'status', 'message')}`);
    return answer;
  }

  async #text(args: readonly string[]): Promise<string> {
    const { stdout } = await run(this.#target.program, [...args, '-socketPath', this.#target.socket], {
      timeout: 60_000,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, SPIRE_SERVER_FFLAGS: 'wit-svid' },
    });
    return stdout;
  }
}

/** For commands that read a file. */
async function withFile<T>(name: string, text: string, use: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'command-'));
  try {
    const path = join(folder, name);
    writeFileSync(path, text);
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Reflect.get(current, step);
  }
  return current;
}

function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path);
  if (typeof found !== 'string') throw new Error(`the command's answer has no text at ${path.join('.')}`);
  return found;
}
