import {
  createRegistry,
  type DescFile,
  type DescService,
  type MessageInitShape,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponseSchema,
} from './gen/grpc/reflection/v1/reflection_pb.js';
import { GrpcStatus, type ServedService, servedService } from './grpc.js';

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>;

/**
 * gRPC server reflection, version 1 (SPIFFE_Workload_Endpoint section 7): which services there are and of what messages
 * they are made, for tools such as grpcurl. Says so of the service and of itself.
 */
export function reflectionOf(service: DescService): ServedService {
  const services = [service, ServerReflection];
  const files = withDependencies(services.map(({ file }) => file));
  const registry = createRegistry(...files.values());
  return servedService(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        const messageResponse = answer(request, services, files, registry);
        yield { validHost: request.host, originalRequest: request, messageResponse };
      }
    },
  });
}

function answer(
  { messageRequest }: ServerReflectionRequest,
  services: readonly DescService[],
  files: ReadonlyMap<string, DescFile>,
  registry: Registry,
): Answer {
  switch (messageRequest.case) {
    case 'listServices': {
      const names = services.map(({ typeName }) => ({ name: typeName }));
      return { case: 'listServicesResponse', value: { service: names } };
    }
    case 'fileByFilename':
      return describe(files.get(messageRequest.value), messageRequest.value);
    case 'fileContainingSymbol':
      return describe(fileOf(messageRequest.value, registry), messageRequest.value);
    case 'allExtensionNumbersOfType': {
      const type = registry.getMessage(messageRequest.value);
      if (type === undefined) return notFound(messageRequest.value);
      return { case: 'allExtensionNumbersResponse', value: { baseTypeName: type.typeName, extensionNumber: [] } };
    }
    case 'fileContainingExtension':
      return notFound(`extension ${messageRequest.value.extensionNumber} of ${messageRequest.value.containingType}`);
    default: {
      const value = { errorCode: GrpcStatus.invalidArgument, errorMessage: 'the request asks for nothing' };
      return { case: 'errorResponse', value };
    }
  }
}

/** The file and all it imports, so that nothing has to be asked for again. */
function describe(file: DescFile | undefined, name: string): Answer {
  if (file === undefined) return notFound(name);
  const described = [...withDependencies([file]).values()].map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: described } };
}

function notFound(what: string): Answer {
  return {
    case: 'errorResponse',
    value: { errorCode: GrpcStatus.notFound, errorMessage: `${what} is not served here` },
  };
}

/** A type by its full name, or a method as `service.method`. */
function fileOf(symbol: string, registry: Registry): DescFile | undefined {
  const type = registry.getMessage(symbol) ?? registry.getEnum(symbol) ?? registry.getService(symbol);
  if (type !== undefined) return type.file;
  const dot = symbol.lastIndexOf('.');
  const service = registry.getService(symbol.slice(0, Math.max(dot, 0)));
  return service?.methods.some(({ name }) => name === symbol.slice(dot + 1)) ? service.file : undefined;
}

function withDependencies(files: readonly DescFile[], found: Map<string, DescFile> = new Map()): Map<string, DescFile> {
  for (const file of files) {
    if (found.has(file.proto.name)) continue;
    found.set(file.proto.name, file);
    withDependencies(file.dependencies, found);
  }
  return found;
}
