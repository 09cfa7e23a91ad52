import * as grpc from '@grpc/grpc-js';
import { createGrpcCredentials, createGrpcListener, getPeer } from 'svidkit/tls';
import { counting } from './servers.js';
import { type Caller, plainSerial, type TlsClient, type TlsServer } from './speech.js';

const bytes = (message: Buffer): Buffer => message;
const definition = {
  who: {
    ...{ path: '/svidkit.Who/AmI', requestStream: false, responseStream: false },
    ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
  },
};
const Client = grpc.makeGenericClientConstructor(definition, 'Who');

export const grpcServer: TlsServer = {
  name: 'grpc-js',
  protocols: ['gRPC'],
  alpn: ['h2'],
  async listen(options) {
    const server = new grpc.Server();
    const listening = await counting((answered) => {
      server.addService(definition, {
        who: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
          answered();
          callback(null, Buffer.from(JSON.stringify(callerOf(call))));
        },
      });
      return createGrpcListener(grpc, server, options);
    });
    return {
      ...listening,
      async [Symbol.asyncDispose]() {
        server.forceShutdown();
        await listening[Symbol.asyncDispose]();
      },
    };
  },
};

/** grpc-js shows its handlers no socket. */
function callerOf(call: grpc.ServerUnaryCall<Buffer, Buffer>): Caller {
  const { id, leaf, expiresAt } = getPeer(call);
  const port = Number(call.getPeer().split(':').at(-1));
  return { id: id.toString(), serial: plainSerial(leaf.serialNumber), expiresAt: expiresAt.getTime(), port };
}

export const grpcClient: TlsClient = {
  name: 'grpc-js',
  leavesRefused: true,
  protocols: ['gRPC'],
  open(options, { port, fresh }) {
    const credentials = createGrpcCredentials(grpc, options);
    const connect = (): grpc.Client =>
      new Client(`127.0.0.1:${port}`, credentials, fresh === true ? { 'grpc.use_local_subchannel_pool': 1 } : {});
    let client = connect();
    return {
      async ask() {
        const used = client;
        try {
          return await questionOn(used);
        } finally {
          if (fresh === true) {
            client = connect();
            used.close();
          }
        }
      },
      async [Symbol.asyncDispose]() {
        client.close();
      },
    };
  },
};

function questionOn(client: grpc.Client): Promise<Caller> {
  const { path, requestSerialize, responseDeserialize } = definition.who;
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + 10_000 };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, Buffer.alloc(0), options, (error, answer) => {
      if (error === null && answer !== undefined) resolve(JSON.parse(String(answer)));
      else reject(error ?? new Error('no answer'));
    });
  });
}
