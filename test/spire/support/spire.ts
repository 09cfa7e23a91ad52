import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.js';
import { writeAttestor } from './attestor.js';
import { requireSpire, type SpireBinaries } from './binaries.js';
import { type AllowedBroker, brokerSocket } from './broker-config.js';
import { folderUntilExit, ManagedProcess } from './processes.js';
import { makeSocketFolder } from './socket-folder.js';
import { SpireCommands } from './spire-commands.js';
import {
  type AgentAttestor,
  ATTESTED_AGENT_PATH,
  agentConfig,
  type SpireLayout,
  type SpirePaths,
  serverConfig,
  spirePaths,
} from './spire-config.js';
import { waitFor } from './wait-for.js';

/** The identity that all registration entries of the tests hang under. */
const AGENT_PATH = '/agent';
/** The common name of an agent that has a certificate. */
const AGENT_NAME = 'host1';
const REPORTED_LINES = 40;
/** Where an agent keeps its own identity. */
const AGENT_STATE = 'agent-data.json';

export interface SpireOptions {
  /** Default `example.org`. */
  readonly trustDomain?: string;
  /** Lifetime of X.509-SVIDs whose entry names none. Default 60. */
  readonly x509TtlSeconds?: number;
  /** Lifetime of JWT-SVIDs whose entry names none. Default 60. */
  readonly jwtTtlSeconds?: number;
  /** Lifetime of the server's own certificate and keys, which it replaces at half of it. Default a day. */
  readonly caTtlSeconds?: number;
  /** How the agent shows who it is. Default `join_token`, which it can do once. */
  readonly attestor?: AgentAttestor;
  /** The roots of the web PKI that the server believes in, as PEM. Default: those of the system. */
  readonly webRoots?: string;
  /** Who may use the Broker API. Default: the agent does not serve it. */
  readonly brokers?: readonly AllowedBroker[];
}

/** A SPIRE server and one agent of it, in a folder of their own under the system's temporary one. */
export class Spire implements AsyncDisposable {
  readonly trustDomain: string;
  /** Of the workload socket, for `SPIFFE_ENDPOINT_SOCKET`. */
  readonly address: string;
  /** Registration entries, minted credentials and bundles. */
  readonly commands: SpireCommands;
  /** Of the Broker API, where the agent serves it: its socket and its port. */
  readonly broker: { readonly address: string; readonly tcpAddress: string };
  /** Where the server serves its bundle. */
  readonly bundleEndpoint: { readonly url: string; readonly id: string };
  readonly #binaries: SpireBinaries;
  readonly #layout: SpireLayout;
  readonly #paths: SpirePaths;
  readonly #past: ManagedProcess[] = [];
  readonly #removeFolder: () => void;
  #server: ManagedProcess | undefined;
  #agent: ManagedProcess | undefined;

  private constructor(binaries: SpireBinaries, layout: SpireLayout) {
    this.#binaries = binaries;
    this.#layout = layout;
    this.#paths = spirePaths(layout.directory);
    this.#removeFolder = folderUntilExit(layout.directory);
    this.trustDomain = layout.trustDomain;
    this.address = `unix://${this.#paths.workloadSocket}`;
    this.broker = {
      address: `unix://${brokerSocket(layout.directory)}`,
      tcpAddress: `tcp://127.0.0.1:${layout.broker?.port ?? 0}`,
    };
    this.bundleEndpoint = {
      url: `https://127.0.0.1:${layout.bundleEndpointPort}/`,
      id: `spiffe://${layout.trustDomain}/spire/server`,
    };
    this.commands = new SpireCommands({
      program: binaries.server,
      socket: this.#paths.serverSocket,
      trustDomain: layout.trustDomain,
      parentPath: layout.attestor === 'x509pop' ? `${ATTESTED_AGENT_PATH}/${AGENT_NAME}` : AGENT_PATH,
    });
  }

  /** Starts both; when that fails, ends both and says what they logged. */
  static async start(options: SpireOptions = {}): Promise<Spire> {
    const binaries = requireSpire();
    const directory = makeSocketFolder('spire-');
    const spire = new Spire(binaries, {
      directory,
      trustDomain: options.trustDomain ?? 'example.org',
      x509TtlSeconds: options.x509TtlSeconds ?? 60,
      jwtTtlSeconds: options.jwtTtlSeconds ?? 60,
      caTtlSeconds: options.caTtlSeconds ?? 86_400,
      attestor: options.attestor ?? 'join_token',
      serverPort: await freePort(),
      bundleEndpointPort: await freePort(),
      metricsPort: await freePort(),
      broker: options.brokers && { port: await freePort(), brokers: options.brokers },
    });
    try {
      spire.#writeFolder();
      if (options.webRoots !== undefined) writeFileSync(spire.#paths.webRoots, options.webRoots);
      await spire.startServer();
      await spire.startAgent();
      return spire;
    } catch (error) {
      const report = spire.report();
      await spire[Symbol.asyncDispose]();
      throw new Error(`SPIRE did not start.\n${report}`, { cause: error });
    }
  }

  async startServer(): Promise<void> {
    this.#server = await this.#run('server', this.#binaries.server, this.#paths.serverConfig, this.#paths.serverSocket);
    writeFileSync(this.#paths.bootstrap, await this.commands.bundlePem());
  }

  /**
   * Starts the agent, or starts it again with the identity that it kept on disk, where it has one.
   *
   * @param limits how many X.509-SVID streams and JWT-SVIDs a second it gives one workload; default no limit.
   */
  async startAgent(limits: { readonly callsPerSecond?: number } = {}): Promise<void> {
    writeFileSync(this.#paths.agentConfig, agentConfig({ ...this.#layout, ...limits }));
    const isKnown = this.#layout.attestor === 'x509pop' || existsSync(join(this.#paths.agentData, AGENT_STATE));
    const arguments_ = isKnown ? [] : ['-joinToken', await this.commands.joinToken()];
    this.#agent = await this.#run(
      'agent',
      this.#binaries.agent,
      this.#paths.agentConfig,
      this.#paths.workloadSocket,
      arguments_,
    );
  }

  /** Ends the agent: `SIGTERM` closes its socket properly, `SIGKILL` leaves a stale one behind. */
  async endAgent(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#agent?.end(signal);
  }

  /** Whether the agent is running; it ends by itself when the server wants no more of it. */
  get agentRunning(): boolean {
    return this.#agent?.running ?? false;
  }

  /** Takes from an agent that has ended the identity it kept on disk, so that it joins anew. */
  forgetAgent(): void {
    rmSync(join(this.#paths.agentData, AGENT_STATE));
  }

  /** The agent accepts connections and answers nobody, until {@link resumeAgent}. */
  pauseAgent(): void {
    this.#agent?.signal('SIGSTOP');
  }

  resumeAgent(): void {
    this.#agent?.signal('SIGCONT');
  }

  async endServer(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#server?.end(signal);
  }

  /** How often the agent has been asked for a method of the Workload API since its start, such as `fetch_witsvid`. */
  async callsOf(method: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.#layout.metricsPort}/metrics`);
    let calls = 0;
    for (const line of (await answer.text()).split('\n')) {
      const [, name, value = '0'] = /^(\w+)\{.*\} (\S+)$/.exec(line) ?? [];
      if (name === `spire_agent_rpc_workload_api_${method}`) calls += Number(value);
    }
    return calls;
  }

  /** The last lines that every process logged, for a failed test. */
  report(): string {
    const sections = this.#past.map((process) => {
      const state = process.running ? 'running' : 'ended';
      return [`--- spire-${process.name} (${state})`, ...process.lines.slice(-REPORTED_LINES)].join('\n');
    });
    return sections.join('\n');
  }

  /** Ends both and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.end('SIGTERM', 5_000);
    await this.#server?.end('SIGTERM', 5_000);
    this.#removeFolder();
  }

  /** Workloads of other users must be able to reach the workload socket, and nothing else. */
  #writeFolder(): void {
    chmodSync(this.#layout.directory, 0o755);
    for (const [name, mode] of [
      ['pub', 0o755],
      ['srv', 0o700],
      ['agt', 0o700],
      ['adm', 0o700],
      ['brk', 0o700],
    ] as const) {
      mkdirSync(join(this.#layout.directory, name));
      chmodSync(join(this.#layout.directory, name), mode);
    }
    writeFileSync(this.#paths.serverConfig, serverConfig(this.#layout));
    if (this.#layout.attestor === 'x509pop') writeAttestor(this.#paths, AGENT_NAME);
  }

  async #run(
    name: string,
    program: string,
    config: string,
    socket: string,
    more: readonly string[] = [],
  ): Promise<ManagedProcess> {
    const environment = existsSync(this.#paths.webRoots)
      ? { ...process.env, SSL_CERT_FILE: this.#paths.webRoots }
      : process.env;
    const started = new ManagedProcess(name, program, ['run', '-config', config, ...more], { environment });
    this.#past.push(started);
    await waitFor(`a healthy spire-${name}`, async () => {
      if (!started.running) throw new Error(`spire-${name} ended:\n${started.lines.slice(-REPORTED_LINES).join('\n')}`);
      return await this.commands.healthy(program, socket);
    });
    return started;
  }
}
