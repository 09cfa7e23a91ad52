// Command wit-server serves the WIT-SVID part of the Workload API on go-spiffe's generated service, with whatever it
// is told to serve. Each line of standard input is an order; each is answered by one line when it has been carried out.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// order changes what is served; what it leaves out stays as it is.
type order struct {
	SVIDs []struct {
		SpiffeID string `json:"spiffeId"`
		Token    string `json:"token"`
		Key      string `json:"key"`
		Hint     string `json:"hint"`
	} `json:"svids"`
	// Bundles are JWKS documents by the SPIFFE ID of their trust domain.
	Bundles map[string]string `json:"bundles"`
	// Refuse is the status that every call ends with, open ones included; 0 serves again.
	Refuse *codes.Code `json:"refuse"`
}

// report says how many streams were asked for since the start.
type report struct {
	SVIDStreams   int `json:"svidStreams"`
	BundleStreams int `json:"bundleStreams"`
}

type server struct {
	workload.UnimplementedSpiffeWorkloadAPIServer

	mu      sync.Mutex
	changed chan struct{}
	svids   *workload.WITSVIDResponse
	bundles *workload.WITBundlesResponse
	refusal error
	counts  report
}

func main() {
	path := flag.String("socket", "", "path of the socket to listen on")
	flag.Parse()
	if err := run(*path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	serving := &server{changed: make(chan struct{})}
	grpcServer := grpc.NewServer()
	workload.RegisterSpiffeWorkloadAPIServer(grpcServer, serving)
	failed := make(chan error, 1)
	go func() { failed <- grpcServer.Serve(listener) }()

	output := json.NewEncoder(os.Stdout)
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	for input.Scan() {
		var next order
		if err := json.Unmarshal(input.Bytes(), &next); err != nil {
			return fmt.Errorf("read order: %w", err)
		}
		if err := output.Encode(serving.apply(next)); err != nil {
			return err
		}
	}
	grpcServer.Stop()
	if err := <-failed; err != nil {
		return err
	}
	return input.Err()
}

func (s *server) apply(next order) report {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next.SVIDs != nil {
		s.svids = &workload.WITSVIDResponse{}
		for _, svid := range next.SVIDs {
			s.svids.Svids = append(s.svids.Svids, &workload.WITSVID{
				SpiffeId: svid.SpiffeID, WitSvid: svid.Token, WitSvidKey: svid.Key, Hint: svid.Hint,
			})
		}
	}
	if next.Bundles != nil {
		s.bundles = &workload.WITBundlesResponse{Bundles: next.Bundles}
	}
	if next.Refuse != nil {
		s.refusal = status.Error(*next.Refuse, "the test wants it so")
		if *next.Refuse == codes.OK {
			s.refusal = nil
		}
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return s.counts
}

func (s *server) FetchWITSVID(_ *workload.WITSVIDRequest, stream grpc.ServerStreamingServer[workload.WITSVIDResponse]) error {
	s.count(&s.counts.SVIDStreams)
	return follow(s, stream, func() *workload.WITSVIDResponse { return s.svids })
}

func (s *server) FetchWITBundles(_ *workload.WITBundlesRequest, stream grpc.ServerStreamingServer[workload.WITBundlesResponse]) error {
	s.count(&s.counts.BundleStreams)
	return follow(s, stream, func() *workload.WITBundlesResponse { return s.bundles })
}

func (s *server) count(streams *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*streams++
}

// follow sends what there is after every order, changed or not, as SPIRE's agent does.
func follow[T any](s *server, stream grpc.ServerStreamingServer[T], current func() *T) error {
	values, _ := metadata.FromIncomingContext(stream.Context())
	if header := values.Get("workload.spiffe.io"); len(header) != 1 || header[0] != "true" {
		return status.Error(codes.InvalidArgument, "security header missing from request")
	}
	for {
		s.mu.Lock()
		message, refusal, changed := current(), s.refusal, s.changed
		s.mu.Unlock()
		if refusal != nil {
			return refusal
		}
		if message != nil {
			if err := stream.Send(message); err != nil {
				return err
			}
		}
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case <-changed:
		}
	}
}
