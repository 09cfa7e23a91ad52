import { join } from 'node:path';
import { type BrokerLayout, brokerConfig } from './broker-config.js';

/** Everything the two configuration files are made of. */
export interface SpireLayout {
  readonly directory: string;
  /** Default: the agent serves no Broker API. */
  readonly broker?: BrokerLayout | undefined;
  readonly trustDomain: string;
  readonly serverPort: number;
  /** Where the server serves its bundle, with the profile `https_spiffe`. */
  readonly bundleEndpointPort: number;
  /** Where the agent serves counters of the calls it answered. */
  readonly metricsPort: number;
  readonly x509TtlSeconds: number;
  readonly jwtTtlSeconds: number;
  /** Lifetime of the server's own certificate and keys; the next ones are prepared at half of it. */
  readonly caTtlSeconds: number;
  /** How the agent shows who it is: once with a token, or at any time with a certificate. */
  readonly attestor: AgentAttestor;
  /** How many X.509-SVID streams and JWT-SVIDs a second the agent gives one workload. Default: no limit. */
  readonly callsPerSecond?: number | undefined;
}

export type AgentAttestor = 'join_token' | 'x509pop';

export interface SpirePaths {
  readonly serverConfig: string;
  readonly agentConfig: string;
  readonly serverData: string;
  readonly agentData: string;
  readonly serverSocket: string;
  readonly workloadSocket: string;
  readonly adminSocket: string;
  readonly bootstrap: string;
  readonly webRoots: string;
  /** For the attestor `x509pop`: the CA that the server believes, and the agent's certificate and key. */
  readonly attestorCa: string;
  readonly attestorCertificate: string;
  readonly attestorKey: string;
}

/** The workload socket is alone in `pub`: the agent wants no other socket in or under that directory. */
export function spirePaths(directory: string): SpirePaths {
  return {
    serverConfig: join(directory, 'server.conf'),
    agentConfig: join(directory, 'agent.conf'),
    serverData: join(directory, 'srv'),
    agentData: join(directory, 'agt'),
    serverSocket: join(directory, 'srv', 'api.sock'),
    workloadSocket: join(directory, 'pub', 'api.sock'),
    adminSocket: join(directory, 'adm', 'api.sock'),
    bootstrap: join(directory, 'bootstrap.pem'),
    webRoots: join(directory, 'web-roots.pem'),
    attestorCa: join(directory, 'attestor-ca.pem'),
    attestorCertificate: join(directory, 'attestor-certificate.pem'),
    attestorKey: join(directory, 'agt', 'attestor-key.pem'),
  };
}

/** Short reload interval, so that a changed entry reaches a workload within seconds; WIT-SVIDs are a developer flag. */
export function serverConfig(layout: SpireLayout): string {
  const paths = spirePaths(layout.directory);
  return `server {
    bind_address = "127.0.0.1"
    bind_port = "${layout.serverPort}"
    trust_domain = "${layout.trustDomain}"
    data_dir = "${paths.serverData}"
    socket_path = "${paths.serverSocket}"
    log_level = "DEBUG"
    ca_ttl = "${layout.caTtlSeconds}s"
    agent_ttl = "4h"
    default_x509_svid_ttl = "${layout.x509TtlSeconds}s"
    default_jwt_svid_ttl = "${layout.jwtTtlSeconds}s"
    ratelimit {
        attestation = false
        signing = false
    }
    federation {
        bundle_endpoint {
            address = "127.0.0.1"
            port = ${layout.bundleEndpointPort}
            refresh_hint = "60s"
            profile "https_spiffe" {
            }
        }
    }
    experimental {
        cache_reload_interval = "1s"
        feature_flags = ["wit-svid"]
    }
}
plugins {
    DataStore "sql" {
        plugin_data {
            database_type = "sqlite3"
            connection_string = "${join(paths.serverData, 'data.sqlite3')}"
        }
    }
    KeyManager "disk" {
        plugin_data {
            keys_path = "${join(paths.serverData, 'keys.json')}"
        }
    }
    ${serverAttestor(layout)}
}
`;
}

/** Keys on disk: with them a restarted agent is the same agent, although its join token is spent. */
export function agentConfig(layout: SpireLayout): string {
  const paths = spirePaths(layout.directory);
  const { callsPerSecond } = layout;
  const limit =
    callsPerSecond === undefined
      ? ''
      : `
        ratelimit {
            fetch_x509_svid = ${callsPerSecond}
            fetch_jwt_svid = ${callsPerSecond}
        }`;
  return `agent {
    data_dir = "${paths.agentData}"
    server_address = "127.0.0.1"
    server_port = "${layout.serverPort}"
    socket_path = "${paths.workloadSocket}"
    admin_socket_path = "${paths.adminSocket}"
    trust_domain = "${layout.trustDomain}"
    trust_bundle_path = "${paths.bootstrap}"
    log_level = "DEBUG"
    experimental {
        sync_interval = "1s"${limit}${brokerConfig(layout.directory, layout.trustDomain, layout.broker)}
    }
}
plugins {
    KeyManager "disk" {
        plugin_data {
            directory = "${paths.agentData}"
        }
    }
    ${agentAttestor(layout)}
    WorkloadAttestor "unix" {
        plugin_data {
        }
    }
}
telemetry {
    Prometheus {
        host = "127.0.0.1"
        port = ${layout.metricsPort}
    }
}
`;
}

/** What an agent is called that has a certificate of this common name. */
export const ATTESTED_AGENT_PATH = '/spire/agent/x509pop/cn';

function serverAttestor({ attestor, directory }: SpireLayout): string {
  if (attestor === 'join_token') return JOIN_TOKEN;
  return `NodeAttestor "x509pop" {
        plugin_data {
            ca_bundle_path = "${spirePaths(directory).attestorCa}"
            agent_path_template = "/x509pop/cn/{{ .Subject.CommonName }}"
        }
    }`;
}

function agentAttestor({ attestor, directory }: SpireLayout): string {
  if (attestor === 'join_token') return JOIN_TOKEN;
  const { attestorKey, attestorCertificate } = spirePaths(directory);
  return `NodeAttestor "x509pop" {
        plugin_data {
            private_key_path = "${attestorKey}"
            certificate_path = "${attestorCertificate}"
        }
    }`;
}

const JOIN_TOKEN = `NodeAttestor "join_token" {
        plugin_data {
        }
    }`;
