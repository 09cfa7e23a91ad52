import { create, createFileRegistry, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { createDevEndpoint, type DevEndpoint, type DevWorkload } from 'svidkit/dev';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '../../src/dev/gen/grpc/reflection/v1/reflection_pb.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const METHODS = [
  'FetchX509SVID',
  'FetchX509Bundles',
  'FetchJWTSVID',
  'FetchJWTBundles',
  'ValidateJWTSVID',
  'FetchWITSVID',
  'FetchWITBundles',
];
type Request = NonNullable<MessageInitShape<typeof ServerReflectionRequestSchema>['messageRequest']>;

let endpoint: DevEndpoint;
let workload: DevWorkload;

beforeAll(async () => {
  endpoint = await createDevEndpoint();
  workload = await endpoint.addWorkload(PLANNER);
});

afterAll(async () => {
  await endpoint.close();
});

/** Asks one after the other over one stream, as a tool does, and ends it. */
async function ask(header: string | undefined, ...requests: readonly Request[]): Promise<ServerReflectionResponse[]> {
  const client = new Client(workload.address, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' });
  const metadata = new Metadata();
  if (header !== undefined) metadata.set('workload.spiffe.io', header);
  const call = client.makeBidiStreamRequest(
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    (request: ServerReflectionRequest) => Buffer.from(toBinary(ServerReflectionRequestSchema, request)),
    (bytes) => fromBinary(ServerReflectionResponseSchema, bytes),
    metadata,
  );
  try {
    for (const messageRequest of requests) {
      call.write(create(ServerReflectionRequestSchema, { host: 'here', messageRequest }));
    }
    call.end();
    const answers: ServerReflectionResponse[] = [];
    for await (const answer of call) answers.push(answer);
    return answers;
  } finally {
    client.close();
  }
}

async function askOne(request: Request): Promise<ServerReflectionResponse['messageResponse']> {
  const [answer] = await ask('true', request);
  return answer?.messageResponse ?? { case: undefined };
}

async function filesFor(request: Request): Promise<FileDescriptorProto[]> {
  const answer = await askOne(request);
  if (answer.case !== 'fileDescriptorResponse') throw new Error(`the answer is a ${answer.case}`);
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

describe('reflection at the development endpoint', () => {
  it('section 7: names the services', async () => {
    const answer = await askOne({ case: 'listServices', value: '*' });
    expect(answer.case).toBe('listServicesResponse');
    const names = answer.case === 'listServicesResponse' ? answer.value.service.map(({ name }) => name) : [];
    expect(names).toEqual(['SpiffeWorkloadAPI', 'grpc.reflection.v1.ServerReflection']);
  });

  it.each(['SpiffeWorkloadAPI', 'SpiffeWorkloadAPI.FetchX509SVID', 'X509SVIDResponse', 'google.protobuf.Struct'])(
    'section 7: describes %s with all that it needs',
    async (symbol) => {
      const file = await filesFor({ case: 'fileContainingSymbol', value: symbol });
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: file.reverse() }));
      const isMethod = symbol.endsWith('.FetchX509SVID');
      expect(registry.get(isMethod ? 'SpiffeWorkloadAPI' : symbol)).toBeDefined();
    },
  );

  it('section 7: describes every call of the Workload API', async () => {
    const file = await filesFor({ case: 'fileByFilename', value: 'workloadapi.proto' });
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: file.reverse() }));
    expect(registry.getService('SpiffeWorkloadAPI')?.methods.map(({ name }) => name)).toEqual(METHODS);
    const dependency = await filesFor({ case: 'fileByFilename', value: 'google/protobuf/struct.proto' });
    expect(dependency.map(({ name }) => name)).toEqual(['google/protobuf/struct.proto']);
  });

  it('answers each request of a stream in its turn, with what was asked', async () => {
    const answers = await ask(
      'true',
      { case: 'fileContainingSymbol', value: 'no.such.Thing' },
      { case: 'fileContainingSymbol', value: 'SpiffeWorkloadAPI.NoSuchCall' },
      { case: 'fileByFilename', value: 'no-such.proto' },
      { case: 'fileContainingExtension', value: { containingType: 'X509SVID', extensionNumber: 100 } },
      { case: 'allExtensionNumbersOfType', value: 'X509SVID' },
      { case: 'allExtensionNumbersOfType', value: 'no.such.Type' },
      { case: undefined },
    );
    expect(answers.map(({ messageResponse }) => messageResponse.case)).toEqual([
      'errorResponse',
      'errorResponse',
      'errorResponse',
      'errorResponse',
      'allExtensionNumbersResponse',
      'errorResponse',
      'errorResponse',
    ]);
    const codes = answers.map(({ messageResponse: { case: kind, value } }) =>
      kind === 'errorResponse' ? value.errorCode : undefined,
    );
    expect(codes).toEqual([5, 5, 5, 5, undefined, 5, 3]);
    expect(answers.map(({ validHost }) => validHost)).toEqual(Array(7).fill('here'));
    expect(answers[2]?.originalRequest?.messageRequest).toEqual({ case: 'fileByFilename', value: 'no-such.proto' });
  });

  it.each([undefined, 'True', ''])('section 3: refuses a call whose security header is %j', async (header) => {
    await expect(ask(header, { case: 'listServices', value: '*' })).rejects.toMatchObject({ code: 3 });
  });

  it('goes on serving when a tool leaves in the middle', async () => {
    const client = new Client(workload.address, credentials.createInsecure(), {
      'grpc.default_authority': 'localhost',
    });
    const metadata = new Metadata();
    metadata.set('workload.spiffe.io', 'true');
    const pass = (bytes: Buffer): Buffer => bytes;
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    const call = client.makeBidiStreamRequest(path, pass, pass, metadata);
    const ended = new Promise((resolve) => call.on('error', resolve));
    call.write(Buffer.from(toBinary(ServerReflectionRequestSchema, create(ServerReflectionRequestSchema))));
    await new Promise((resolve) => call.once('data', resolve));
    call.cancel();
    await ended;
    client.close();
    expect((await askOne({ case: 'listServices', value: '' })).case).toBe('listServicesResponse');
  });
});
