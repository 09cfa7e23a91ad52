// Command reflect asks an endpoint by gRPC server reflection for the description of a service, links it, and prints the
// services that there are and the methods of that one.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

type summary struct {
	Services []string `json:"services"`
	Methods  []string `json:"methods"`
}

func main() {
	socket := flag.String("socket", "", "the endpoint, as gRPC spells an address")
	service := flag.String("service", "", "the service to describe")
	flag.Parse()
	if err := run(*socket, protoreflect.FullName(*service)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(socket string, service protoreflect.FullName) error {
	conn, err := grpc.NewClient(socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "workload.spiffe.io", "true")
	stream, err := reflection.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return err
	}
	services, err := listServices(stream)
	if err != nil {
		return err
	}
	methods, err := methodsOf(stream, service)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(summary{Services: services, Methods: methods})
}

type infoStream = reflection.ServerReflection_ServerReflectionInfoClient

func listServices(stream infoStream) ([]string, error) {
	answer, err := ask(stream, &reflection.ServerReflectionRequest{
		MessageRequest: &reflection.ServerReflectionRequest_ListServices{ListServices: "*"},
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	return names, nil
}

func methodsOf(stream infoStream, service protoreflect.FullName) ([]string, error) {
	answer, err := ask(stream, &reflection.ServerReflectionRequest{
		MessageRequest: &reflection.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: string(service)},
	})
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	for _, bytes := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
		file := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(bytes, file); err != nil {
			return nil, err
		}
		set.File = append(set.File, file)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, err
	}
	found, err := files.FindDescriptorByName(service)
	if err != nil {
		return nil, err
	}
	described, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is no service", service)
	}
	var names []string
	for i := range described.Methods().Len() {
		names = append(names, string(described.Methods().Get(i).Name()))
	}
	return names, nil
}

func ask(stream infoStream, request *reflection.ServerReflectionRequest) (*reflection.ServerReflectionResponse, error) {
	if err := stream.Send(request); err != nil {
		return nil, err
	}
	answer, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	if refusal := answer.GetErrorResponse(); refusal != nil {
		return nil, fmt.Errorf("%d: %s", refusal.GetErrorCode(), refusal.GetErrorMessage())
	}
	return answer, nil
}
